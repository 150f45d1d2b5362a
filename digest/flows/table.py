"""A file of rows, CSV or JSON Lines, whichever it is: streamed, a line that cannot be read is refused and the rest goes on.

What is wrong with the file as a whole (not there, its columns, its encoding) is BadInput before the first row is given.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digest.errors import BadInput, Next, Step

Row = tuple[int, Mapping[str, Any]]
ColumnsOf = Callable[[Sequence[str], Sequence[object]], list[str]]
Refuse = Callable[[int, str], None]
Progress = Callable[[int], None]

MAX_HEADER_LINES = 50
MAX_RECORD_LINES = 500
"""Of one row: a note may be long; a quotation mark that is left open has no end."""


MAX_LISTED = 1_000


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of the rows of a file: what each kind of import says more stands in its own.

    refused   (line, reason), the first thousand of `refused_count`
    """

    lines: int = 0
    refused_count: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.refused_count += 1
        if len(self.refused) < MAX_LISTED:
            self.refused.append((line, reason))

    def refuse_unread(self, line: int, reason: str) -> None:
        self.lines += 1
        self.refuse(line, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a reader of rows has to know of the kind of file.

    columns_of   field names of a header (with the first row's cells); BadInput when it is none
    is_row       do these cells, by field name, look like a row of their own? It tells a line that an open quotation mark
                 swallowed from a line of a long note
    is_list      the field of a file that may be a bare list of addresses, without a header; "" where it must have one
    """

    columns_of: ColumnsOf
    is_row: Callable[[Mapping[str, str]], bool]
    is_list: str = ""


def rows_of(
    file: Path, shape: Shape, *, encoding: str, refuse: Refuse, progress: Progress = lambda _bytes: None
) -> Iterator[Row]:
    """(line number, row by field names). A row over several lines has the number of its first.

    encoding   as encoding_of has found it
    refuse     is told (line, reason) of each that cannot be read
    """
    with file.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as lines:
        first = lines.readline()
        if not first.strip():
            raise BadInput(f"{file}: {'its first line is empty' if first else 'is empty'}")
        rest = itertools.chain([first], lines)
        done = 0
        read = _json_rows if first.lstrip().startswith("{") else _csv_rows
        for row in read(rest, shape, refuse):
            if (here := raw.tell()) != done:
                progress(here - done)
                done = here
            yield row


def is_json(file: Path, encoding: str) -> bool:
    """Rows of JSON may each have columns of their own."""
    with file.open(encoding=encoding) as lines:
        return lines.readline(200).lstrip().startswith("{")


# --- encoding --------------------------------------------------------------------------------------------------------

_BOMS = (  # RFC 3629 §6 and its like; the longer first, for UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "a workbook (.xlsx, .ods) or a zip archive: save the sheet as CSV UTF-8, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "a workbook (.xls): save the sheet as CSV UTF-8"),
    (b"\x1f\x8b", "compressed: unpack it"),
    (b"%PDF", "a PDF: export the list as CSV"),
    (b"SQLite format 3", "a database: export the list as CSV, or read it with a source of kind sql"),
)


def encoding_of(file: Path, given: str) -> str:
    """What the whole file decodes with: as given, by its byte order mark, else UTF-8.

    It is read once for this: nobody wants to learn about line 900,000 after the rest has been written.
    """
    try:
        with file.open("rb") as raw:
            start = raw.read(1024)
            raw.seek(0)
            found = given or _guessed(file, start)
            decoder, line = codecs.getincrementaldecoder(found)(), 1
            while chunk := raw.read(1 << 18):
                line += decoder.decode(chunk).count("\n")
            decoder.decode(b"", final=True)
            return found
    except OSError as cause:
        raise BadInput(f"{file}: cannot be read: {cause.strerror}") from cause
    except LookupError as cause:
        raise BadInput(f"there is no encoding {given!r}; try windows-1252 or utf-16-le") from cause
    except UnicodeDecodeError as cause:
        line += bytes(cause.object[: cause.start]).count(b"\n")
        raise BadInput(
            f"{file}: line {line} is not {found} (byte 0x{cause.object[cause.start]:02x})",
            next=Next(Step.SAY_ENCODING, {"encoding": "windows-1252"}),
        ) from cause


def _guessed(file: Path, start: bytes) -> str:
    kind = next((words for mark, words in _NO_TEXT if start.startswith(mark)), None)
    if kind is not None:
        raise BadInput(f"{file}: is no text file but {kind}, and import that")
    marked = next((name for mark, name in _BOMS if start.startswith(mark)), None)
    if marked is None and (wide := _wide(start)):
        raise BadInput(
            f"{file}: looks like {wide} without a mark at its start",
            next=Next(Step.SAY_ENCODING, {"encoding": wide}),
        )
    return marked or "utf-8"


def _wide(start: bytes) -> str:
    """UTF-16 by its zero bytes: in Latin script every second byte is one."""
    even, odd = start[0:-1:2].count(0), start[1::2].count(0)
    if max(even, odd) < 4 or max(even, odd) * 4 < len(start):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


# --- JSON Lines ------------------------------------------------------------------------------------------------------


def _json_rows(lines: Iterator[str], shape: Shape, refuse: Refuse) -> Iterator[Row]:
    known: dict[tuple[str, ...], list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("not an object")
            names = tuple(row)
            if names not in known:
                known = {names: shape.columns_of(names, tuple(row.values()))}  # as a rule all rows have the same
            yield number, dict(zip(known[names], row.values(), strict=True))
        except (ValueError, BadInput, RecursionError) as cause:
            refuse(number, f"not JSON: {cause}" if isinstance(cause, json.JSONDecodeError) else str(cause))


# --- CSV -------------------------------------------------------------------------------------------------------------

_SEPARATOR = re.compile(r"""["']?sep=(.)["']?\s*""", re.IGNORECASE)
_OPEN = "a quotation mark is left open"


def _csv_rows(lines: Iterator[str], shape: Shape, refuse: Refuse) -> Iterator[Row]:
    source = _Lines(lines)
    delimiter, header = _header(source)
    columns = _columns(source, delimiter, header, shape)
    for start, cells in _Records(source, delimiter, columns, shape, refuse).rows():
        if len(cells) > len(columns):
            refuse(start, f"{len(cells)} cells, but the file has {len(columns)} columns")
        elif any(cells):
            yield start, dict(zip(columns, cells, strict=False))


class _Lines:
    """The lines of a file, which can be put back. `number`: of the next one."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._back: deque[str] = deque()
        self.number = 1

    def take(self) -> str | None:
        line = self._back.popleft() if self._back else next(self._lines, None)
        if line is not None:
            self.number += 1
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


def _header(source: _Lines) -> tuple[str, list[str]]:
    """What is between cells, and the lines of the header: a name in quotation marks may have a line break.

    A first line "sep=;" is for a spreadsheet program, and tells the same to us.
    """
    first = source.take() or ""
    said = _SEPARATOR.fullmatch(first.lstrip("\ufeff").strip("\r\n"))
    lines = [source.take() or "" if said else first]
    while "".join(lines).count('"') % 2 and len(lines) < MAX_HEADER_LINES and (more := source.take()):
        lines.append(more)
    bare = re.sub(r'"[^"]*"', "", "".join(lines))
    return said[1] if said else max(",;\t|", key=bare.count), lines


def _columns(source: _Lines, delimiter: str, header: list[str], shape: Shape) -> list[str]:
    """Field names, by the header and a glance at the first row."""
    cells = _loosely("".join(header).lstrip("\ufeff"), delimiter)
    if shape.is_list and (at := next((at for at, cell in enumerate(cells) if "@" in cell), None)) is not None:
        source.put_back(header)  # no header at all
        return [shape.is_list if each == at else f"column_{each}" for each in range(len(cells))]
    first = source.take()
    if first is not None:
        source.put_back([first])
    return shape.columns_of(cells, _loosely(first or "", delimiter))


def _loosely(text: str, delimiter: str) -> list[str]:
    """The cells of a line as far as they can be told; one that is left open ends with the line."""
    try:
        return next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error:
        return []


class _Records:
    """(first line, cells) of each row; csv.reader asks this for its lines, so that it sees where one swallows others."""

    def __init__(self, source: _Lines, delimiter: str, columns: Sequence[str], shape: Shape, refuse: Refuse) -> None:
        self._source, self._delimiter, self._columns = source, delimiter, columns
        self._shape, self._refuse = shape, refuse
        self._taken: list[str] = []
        self._is_doubtful = False

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(self, delimiter=self._delimiter, strict=True)
        while True:
            start = self._source.number
            self._taken, self._is_doubtful = [], False
            try:
                cells = next(reader, None)
            except csv.Error as cause:
                cells = self._repaired(start, str(cause))
            if self._is_doubtful:
                self._refuse_all(start)
            elif cells is not None:
                yield start, cells
            elif not self._taken:
                return

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line of the row that is being read; StopIteration ends it, whatever its quotation marks say."""
        line = None if self._is_doubtful else self._source.take()
        if line is None:
            raise StopIteration
        if self._taken:
            looks_like_one = self._is_row(line)
            self._is_doubtful = looks_like_one and self._closes(line)
            if len(self._taken) >= MAX_RECORD_LINES or (looks_like_one and not self._is_doubtful):
                self._source.put_back([line])
                raise StopIteration
        self._taken.append(line)
        return line

    def _is_row(self, line: str) -> bool:
        cells = _loosely(line.rstrip("\r\n"), self._delimiter)
        return len(cells) == len(self._columns) and self._shape.is_row(dict(zip(self._columns, cells, strict=True)))

    def _closes(self, line: str) -> bool:
        """Is its first quotation mark one that ends a cell which began further up?"""
        at = line.find('"')
        return line.count('"') % 2 == 1 and at > 0 and line[at - 1] != self._delimiter

    def _repaired(self, start: int, reason: str) -> list[str] | None:
        """The cells of a line that only a strict eye refuses; else it is refused, and what it swallowed is read anew."""
        first = self._taken[0]
        cells = _loosely(first.rstrip("\r\n") + "\n", self._delimiter) if len(self._taken) == 1 else []
        if cells and not cells[-1].endswith("\n"):
            return cells  # seen: "Bob" Alder
        if self._is_doubtful:
            return None
        self._refuse(start, reason if "field limit" in reason else _OPEN)
        self._source.put_back(self._taken[1:])
        return None

    def _refuse_all(self, start: int) -> None:
        """Either a cell of several lines, or rows behind an open quotation mark: nobody is guessed to be a reader."""
        end = self._source.number - 1
        for line in range(start, end + 1):
            self._refuse(
                line, f"{_OPEN} in line {start}, or one cell goes on to line {end}, which looks like a row of its own"
            )
