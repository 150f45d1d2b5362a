"""Whole numbers as strangers write them. Pure."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"[0-9]+")
_LONGEST = 40


def count_of(text: str, name: str) -> int | None:
    """None for what is no number; ValueError for one that is longer than any count, before somebody calculates with it."""
    text = text.strip()
    if _DIGITS.fullmatch(text) is None:
        return None
    if len(text) > _LONGEST:
        raise ValueError(f"{name}: a number of {len(text):,} digits")
    return int(text)
