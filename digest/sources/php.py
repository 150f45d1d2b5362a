"""What PHP's serialize() writes, as WordPress keeps settings in: numbers, texts and arrays -> values of ours. Pure.

An array is a dict, also where it is a list: its keys are numbers then. Objects and references are refused.

source   php.net/manual/en/function.serialize.php
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 20
_PLAIN = re.compile(rb"N;|([bi]):(-?\d{1,19});|d:([^;]{1,40});")
_TEXT = re.compile(rb's:(\d{1,9}):"')
_ARRAY = re.compile(rb"a:(\d{1,9}):\{")


def read_php(text: str) -> Any:
    """ValueError where it is none, or breaks off."""
    value, _ = _read(text.encode("utf-8", "replace"), 0, 0)
    return value


def array_of(text: str) -> Mapping[Any, Any]:
    """Empty where it is no array."""
    try:
        value = read_php(text.strip()) if text.lstrip().startswith("a:") else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if found := _PLAIN.match(data, at):
        if found[1]:
            return (bool(int(found[2])) if found[1] == b"b" else int(found[2])), found.end()
        return (float(found[3]) if found[3] else None), found.end()
    if found := _TEXT.match(data, at):
        end = found.end() + int(found[1])
        if data[end : end + 2] != b'";':
            raise ValueError("a text of another length than it says")
        return data[found.end() : end].decode("utf-8", "replace"), end + 2
    found = _ARRAY.match(data, at)
    if found is None or depth >= MAX_DEPTH:
        raise ValueError(f"no value at {at}")
    values: dict[Any, Any] = {}
    at = found.end()
    for _ in range(int(found[1])):
        key, at = _read(data, at, depth + 1)
        if not isinstance(key, int | str):
            raise ValueError(f"no key at {at}")
        values[key], at = _read(data, at, depth + 1)
    if data[at : at + 1] != b"}":
        raise ValueError(f"an array that does not end at {at}")
    return values, at + 1
