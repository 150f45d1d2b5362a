"""Files -> articles, subscribers. JSON Lines or CSV, streamed; a bad line is refused with its number, the rest goes on.

What is wrong with the file as a whole (not there, its columns, its encoding) is BadInput before anything is written.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from digest import log
from digest.audience import importing as people
from digest.audience import intake
from digest.audience.importing import Person
from digest.db.engine import writing
from digest.errors import BadInput
from digest.model.article import Article
from digest.sources import importing as articles
from digest.sources.articles import put_articles
from digest.sources.language import with_languages

BATCH = 2_000
MAX_LISTED = 1_000

T = TypeVar("T")

Progress = Callable[[int], None]


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What became of a file.

    refused    (line, reason), the first thousand of `refused_count`
    notes      the same for rows that are good and were yet not taken: twice in the file, left, suppressed
    duplicates rows whose key came earlier in the file: the first one counts
    """

    lines: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    kept_out: int = 0
    duplicates: int = 0
    refused_count: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.refused_count += 1
        if len(self.refused) < MAX_LISTED:
            self.refused.append((line, reason))

    def note(self, line: int, reason: str) -> None:
        if len(self.notes) < MAX_LISTED:
            self.notes.append((line, reason))


def import_subscribers(
    engine: Engine,
    file: Path,
    *,
    newsletter_id: int,
    now: datetime,
    encoding: str = "",
    dry_run: bool = False,
    progress: Progress = lambda _bytes: None,
) -> ImportReport:
    """Subscribe the people of a file; killed in the middle, it can be run again from the start."""
    report = ImportReport()

    def put(connection: Connection, part: Sequence[Person]) -> None:
        added = intake.put_people(connection, part, newsletter_id=newsletter_id, origin=file.name, now=now)
        report.new += added.new
        report.changed += added.changed
        report.unchanged += added.unchanged
        report.kept_out += added.kept_out
        for line in added.left:
            report.note(line, "left: kept out")
        for line in added.suppressed:
            report.note(line, "suppressed: kept out")

    rows = _rows(file, people.columns_of, encoding, report, progress)
    good = _parsed(rows, people.person_of, lambda person: person.address.key, report)
    _write(engine, good, put, dry_run=dry_run)
    log.event("import.subscribers", new=report.new, refused=report.refused_count, kept_out=report.kept_out)
    return report


def import_articles(
    engine: Engine,
    file: Path,
    *,
    now: datetime,
    encoding: str = "",
    dry_run: bool = False,
    progress: Progress = lambda _bytes: None,
) -> ImportReport:
    """Store the articles of a file; those that are there already are brought up to date."""
    report = ImportReport()

    def put(connection: Connection, part: Sequence[Article]) -> None:
        stored = put_articles(connection, with_languages(part), source_id=None, now=now)
        report.new += stored.new
        report.changed += stored.changed
        report.unchanged += stored.unchanged

    rows = _rows(file, articles.columns_of, encoding, report, progress)
    good = _parsed(rows, lambda row, _line: articles.article_of(row), lambda article: article.key, report)
    _write(engine, good, put, dry_run=dry_run)
    log.event("import.articles", new=report.new, changed=report.changed, refused=report.refused_count)
    return report


def _parsed(
    rows: Iterator[tuple[int, Mapping[str, Any]]],
    parse: Callable[[Mapping[str, Any], int], T],
    key: Callable[[T], str],
    report: ImportReport,
) -> Iterator[T]:
    """Good rows, each key once; what is wrong goes into the report."""
    seen: set[int] = set()  # hashes, not texts: 70 MB for a million
    for line, row in rows:
        try:
            value = parse(row, line)
        except ValueError as cause:
            report.refuse(line, str(cause))
            continue
        mark = hash(key(value))
        if mark in seen:
            report.duplicates += 1
            report.note(line, "stands further up already")
            continue
        seen.add(mark)
        yield value


def _write(
    engine: Engine, values: Iterator[T], put: Callable[[Connection, Sequence[T]], None], *, dry_run: bool
) -> None:
    """One transaction for each batch; a dry run does all the work and takes it back."""
    while part := list(itertools.islice(values, BATCH)):
        if not dry_run:
            with writing(engine) as connection:
                put(connection, part)
            continue
        with engine.connect() as connection, connection.begin() as transaction:
            put(connection, part)
            transaction.rollback()


# --- reading ---------------------------------------------------------------------------------------------------------


def _rows(
    file: Path,
    columns_of: Callable[[Sequence[str]], list[str]],
    encoding: str,
    report: ImportReport,
    progress: Progress,
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line number, row by field names) of a CSV or JSON Lines file, whichever it is."""
    found = _encoding(file, encoding)
    with file.open("rb") as raw, io.TextIOWrapper(raw, encoding=found, newline="") as lines:
        first = lines.readline()
        if not first.strip():
            raise BadInput(f"{file}: {'its first line is empty' if first else 'is empty'}")
        is_json = first.lstrip().startswith("{")
        rest = itertools.chain([first], lines)
        done = 0
        for line, row in _json_rows(rest, columns_of, report) if is_json else _csv_rows(rest, columns_of, report):
            report.lines += 1
            if (here := raw.tell()) != done:
                progress(here - done)
                done = here
            yield line, row


_BOMS = (  # RFC 3629 §6 and its like; the longer first, for UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _encoding(file: Path, given: str) -> str:
    """What the whole file decodes with: as given, by its byte order mark, else UTF-8.

    It is read once for this: nobody wants to learn about line 900,000 after the rest has been written.
    """
    try:
        with file.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            found = given or next((name for mark, name in _BOMS if start.startswith(mark)), "utf-8")
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
            f"{file}: line {line} is not {found} (byte 0x{cause.object[cause.start]:02x}); "
            "say which encoding it is: --encoding windows-1252"
        ) from cause


def _json_rows(
    lines: Iterator[str], columns_of: Callable[[Sequence[str]], list[str]], report: ImportReport
) -> Iterator[tuple[int, Mapping[str, Any]]]:
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
                known = {names: columns_of(names)}  # as a rule all rows have the same
            yield number, dict(zip(known[names], row.values(), strict=True))
        except (ValueError, BadInput) as cause:
            report.lines += 1
            report.refuse(number, f"not JSON: {cause}" if isinstance(cause, json.JSONDecodeError) else str(cause))


def _csv_rows(
    lines: Iterator[str], columns_of: Callable[[Sequence[str]], list[str]], report: ImportReport
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    header = next(lines).rstrip("\r\n")
    delimiter = max(",;\t", key=header.count)
    columns = columns_of(next(csv.reader([header], delimiter=delimiter)))
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as cause:
            report.lines += 1
            report.refuse(reader.line_num + 1, f"{cause}; is a quotation mark left open?")
            continue
        if cells is None:
            return
        if not any(cells):
            continue
        if len(cells) > len(columns):
            report.lines += 1
            report.refuse(reader.line_num + 1, f"{len(cells)} cells, but the file has {len(columns)} columns")
            continue
        yield reader.line_num + 1, dict(zip(columns, cells, strict=False))
