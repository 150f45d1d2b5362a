"""What every argument of every command keeps to, and the kinds of value that several commands take.

A value is refused where it comes in, with the name of its option: what a database, a calendar or a mail cannot hold would
end a later command, and that one could not say which option it was.
"""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from digest.cli.words import name_options
from digest.errors import BadInput
from digest.model.parse import YEARS
from digest.model.setting import MAX_NUMBER

MAX_TEXT = 100_000


def bounded(command: Any) -> Any:
    """The command, with a look at every value before it is used."""
    for each in command.params:
        each.callback = each.callback or _checked
    if command.callback is not None:
        command.callback = name_options(command)
    return command


def _checked(_context: Any, _parameter: Any, value: Any) -> Any:
    for each in value if isinstance(value, list | tuple) else (value,):
        if reason := _fault(each):
            raise typer.BadParameter(reason)
    return value


def _fault(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return "" if math.isfinite(value) and abs(value) <= MAX_NUMBER else f"{value} is out of all bounds"
    if isinstance(value, str | Path):
        text = str(value)
        if not text.isprintable() and any("\ud800" <= char <= "\udfff" or char == "\0" for char in text):
            return f"{text.encode(errors='replace').decode()[:40]!r} is no text in UTF-8"
        return "" if len(text) <= MAX_TEXT else f"more than {MAX_TEXT:,} characters"
    return ""


def drop_none(**texts: str | None) -> dict[str, str]:
    """Those that were given."""
    return {name: text for name, text in texts.items() if text is not None}


def in_bounds(option: str, at: datetime) -> datetime:
    """An instant that every calendar and zone can hold."""
    if at.year not in YEARS:
        raise BadInput(f"{option}: the year {at.year} is not between {YEARS[0]} and {YEARS[-1]}")
    return at
