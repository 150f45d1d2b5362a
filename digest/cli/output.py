"""How commands talk: tables for people, JSON for programs, progress on standard error, questions before deeds."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

import typer

_UNSEEN = re.compile(  # Cc but tab and line feed, embeddings and isolates of bidi, halves of characters
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with \\x1b and the like in the place of what moves a cursor, sets a title or turns a line round."""
    return _UNSEEN.sub(
        lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", text
    )


class Guarded:
    """A stream that shows what is written to it: a mail server's reply, a file's name or a reader's must not drive the
    terminal. `raw` is the stream itself, for what is made of pieces that are visible already."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        self.raw.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def guard_streams() -> None:
    """From now on everything that is printed, also by libraries and in tracebacks."""
    sys.stdout, sys.stderr = Guarded(sys.stdout), Guarded(sys.stderr)


def raw_of(stream: Any) -> Any:
    return stream.raw if isinstance(stream, Guarded) else stream


def show_json(value: object) -> None:
    text = json.dumps(_plain(value), ensure_ascii=False, indent=2)
    print(_UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """A table on standard output; `empty` where there is nothing, saying what to do."""
    if not rows:
        print(empty)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(shown(cell))) for cell in row))
    console = Console(file=raw_of(sys.stdout))
    if not console.is_terminal:
        console.width = 1_000  # a file or another program: never fold
    console.print(table)


def show_fields(fields: Mapping[str, object]) -> None:
    """Names and values, one a line."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        print(f"{name:<{width}}  {shown(value)}".rstrip())


def shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless --yes; without a terminal and without --yes nothing is done."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to ask; say --yes to go ahead")
    typer.confirm(question, abort=True)


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Any]:
    """A bar on standard error while something long runs; yields advance(count)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=raw_of(sys.stderr)),
        disable=not sys.stderr.isatty(),
    ) as bars:
        task = bars.add_task(visible(label), total=total)
        yield lambda count=1: bars.advance(task, count)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
