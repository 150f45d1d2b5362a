"""What is wrong with the settings: one line each, with the file or the variable, and the key."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from digest.config.settings import CHANNEL_FAULTS, Settings

_SERVICE_LINK = re.compile(
    r"DIGEST_(?:[A-Z0-9]+_)*?(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes puts into the environment of every pod beside a service that is called digest, or digest-web."""


def environment_lines() -> Iterator[str]:
    """What pydantic-settings would pass over (an unknown table), or stop at without naming it (a value not JSON)."""
    for name in os.environ:
        if not name.startswith("DIGEST_") or name in ("DIGEST_CONFIG", "DIGEST_TEST_DATABASE_URL"):
            continue
        if _SERVICE_LINK.fullmatch(name) and (name != "DIGEST_PORT" or "://" in os.environ[name]):
            continue
        table, *keys = name.removeprefix("DIGEST_").lower().split("__")
        if table not in Settings.model_fields:
            near = difflib.get_close_matches(table, Settings.model_fields, n=1)
            meant = "__".join(["DIGEST_" + near[0], *keys]).upper() if near else ""
            yield f"environment {name}: unknown key" + (f"; did you mean {meant}?" if near else "")
        elif is_list_of_tables(table) and keys:
            yield f"environment {name}: all {table} come as one JSON list in DIGEST_{table.upper()}"
        elif (not keys or _is_list(table, keys)) and not _is_json(os.environ[name]):
            yield f"environment {name}: must be JSON, as tables and lists are"


def is_list_of_tables(table: str) -> bool:
    return get_origin(Settings.model_fields[table].annotation) is list


def model_of(table: str) -> type[BaseModel] | None:
    """What declares the keys of a table, or of each in a list of them; None where adapters do."""
    annotation: Any = Settings.model_fields[table].annotation
    of = get_args(annotation)[0] if is_list_of_tables(table) else annotation
    return of if isinstance(of, type) and issubclass(of, BaseModel) else None


def _is_list(table: str, keys: list[str]) -> bool:
    fields: Any = getattr(Settings.model_fields[table].annotation, "model_fields", {})
    return keys[0] in fields and isinstance(fields[keys[0]].default, list)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def lines_of(error: ValidationError, path: Path | None, values: Mapping[str, Any]) -> Iterator[str]:
    """path, values   the settings file and what stands in it"""
    for found in error.errors():
        where = [str(part) for part in found["loc"]]
        if found["type"] == CHANNEL_FAULTS:
            for index, field, text in found["ctx"]["faults"]:
                inner = [*where, str(index), *([field] if field else [])]
                yield f"{_origin(inner, path, values)}: {_key(inner)}: {text}"
            continue
        text = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            near = difflib.get_close_matches(where[-1], _siblings(where), n=1)
            text = "unknown key" + (f"; did you mean {near[0]}?" if near else "")
        yield f"{_origin(where, path, values)}: {_key(where)}: {text}"


def _key(where: list[str]) -> str:
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in where).lstrip(".")


def _origin(where: list[str], path: Path | None, values: Mapping[str, Any]) -> str:
    names = ["DIGEST_" + "__".join(where[:count]).upper() for count in range(len(where), 0, -1)]
    for name in names:  # the value itself, or a table given as JSON in which it stands
        if name in os.environ:
            return f"environment {name}"
    return str(path) if path is not None and where[0] in values else f"environment {names[0]}"


def _siblings(where: list[str]) -> list[str]:
    model = Settings if len(where) == 1 else model_of(where[0])
    return list(model.model_fields) if model else []
