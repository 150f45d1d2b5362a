"""Files -> articles, subscribers: table.py reads the rows; a bad one is refused with its number, the rest goes on."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from digest import audit, log
from digest.audience import columns
from digest.audience.elsewhere import NO_ANSWERS, Answers, Standings
from digest.audience.importing import Person, person_of_file
from digest.audience.store import intake
from digest.audience.store.endings import end_imported
from digest.audit import Noun, Target
from digest.db.engine import rehearsing, writing
from digest.errors import BadInput
from digest.flows.table import MAX_LISTED, Progress, Report, Row, Shape, encoding_of, is_json, rows_of
from digest.model.actor import SCHEDULER, Actor
from digest.model.address import EmailAddress
from digest.model.article import Article
from digest.sources import importing as articles
from digest.sources.language import with_languages
from digest.sources.store.articles import put_articles

BATCH = 2_000

T = TypeVar("T")

READERS = Shape(columns_of=columns.columns_of, is_row=lambda row: "@" in row.get("address", "").strip().strip("@"))
ARTICLES = Shape(
    columns_of=lambda header, _first: articles.columns_of(header),
    is_row=lambda row: row.get("url", "").strip().startswith(("http://", "https://")),
)


@dataclass(slots=True, kw_only=True)
class ImportReport(Report):
    """What became of a file.

    kept_out   left here, suppressed, or left elsewhere as the file says: `ended` of them were readers here until now

    notes      (line, reason), the first thousand: good rows that were yet not taken: twice in the file, left, suppressed
    duplicates rows whose key came earlier in the file: the first one counts
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    kept_out: int = 0
    ended: int = 0
    duplicates: int = 0
    notes: list[tuple[int, str]] = field(default_factory=list)

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
    answers: Answers = NO_ANSWERS,
    dry_run: bool = False,
    progress: Progress = lambda _bytes: None,
    actor: Actor = SCHEDULER,
) -> ImportReport:
    """Subscribe the people of a file; killed in the middle, it can be run again from the start.

    answers   what a person said of columns that tell who wants no mail any more
    raises    BadInput, with nothing written, where that cannot be told without them
    """
    report = ImportReport()
    target = Target(noun=Noun.SUBSCRIBER, newsletter_id=newsletter_id)
    act = audit.Ongoing("subscriber.import", actor, target, now=now, file=file.name)
    standings = Standings(answers)
    encoding = encoding_of(file, encoding)
    gone = _look_around(file, standings, encoding)

    def put(connection: Connection, part: Sequence[Person]) -> None:
        staying = [person for person in part if not person.why_left and person.address.key not in gone]
        added = intake.put_people(connection, staying, newsletter_id=newsletter_id, origin=file.name, now=now)
        report.new += added.new
        report.changed += added.changed
        report.unchanged += added.unchanged
        report.kept_out += added.kept_out + len(part) - len(staying)
        for line in added.left:
            report.note(line, "left: kept out")
        for line in added.suppressed:
            report.note(line, "suppressed: kept out")
        leaving = [person for person in part if person.why_left or person.address.key in gone]
        ended = end_imported(connection, leaving, newsletter_id=newsletter_id, origin=file.name, now=now)
        report.ended += len(ended)
        act.record(connection, new=report.new, changed=report.changed, kept_out=report.kept_out, ended=report.ended)
        for person in leaving:
            why = person.why_left or "another line says that they left"
            report.note(person.line, f"{why}: {'has left' if person.line in ended else 'kept out'}")

    def parse(row: Mapping[str, object], line: int) -> Person:
        person = person_of_file(row, line)
        why = standings.why_not(row)
        return replace(person, why_left=why) if why else person

    rows = rows_of(file, READERS, encoding=encoding, refuse=report.refuse_unread, progress=progress)
    good = _parsed(rows, parse, lambda person: person.address.key, report)
    _write(engine, good, put, dry_run=dry_run)
    log.event("import.subscribers", new=report.new, refused=report.refused_count, kept_out=report.kept_out)
    return report


def _look_around(file: Path, standings: Standings, encoding: str) -> set[str]:
    """Read the whole file before anything is done, where it says of people whether they want mail.

    returns   the keys of those who have left by any of their lines: two exports in one file may disagree
    """
    gone: set[str] = set()
    is_first = not is_json(file, encoding)
    for line, row in rows_of(file, READERS, encoding=encoding, refuse=lambda _line, _reason: None):
        if is_first and not standings.must_look(tuple(row)):
            break
        is_first = False
        standings.look(row, line)
        if standings.why_not(row):
            with contextlib.suppress(ValueError):
                gone.add(EmailAddress.parse(str(row.get("address") or "")).key)
    if question := standings.question():
        text, answers = question
        raise BadInput(f"{file}: {text}", next=answers)
    if unknown := standings.unknown_columns():
        raise BadInput(f"{file}: has no column {unknown[0]!r}")
    return gone


def import_articles(
    engine: Engine,
    file: Path,
    *,
    now: datetime,
    encoding: str = "",
    dry_run: bool = False,
    progress: Progress = lambda _bytes: None,
    actor: Actor = SCHEDULER,
) -> ImportReport:
    """Store the articles of a file; those that are there already are brought up to date."""
    report = ImportReport()
    act = audit.Ongoing("article.import", actor, Target(noun=Noun.ARTICLE), now=now, file=file.name)

    def put(connection: Connection, part: Sequence[Article]) -> None:
        stored = put_articles(connection, with_languages(part), source_id=None, now=now)
        report.new += stored.new
        report.changed += stored.changed
        report.unchanged += stored.unchanged
        act.record(connection, new=report.new, changed=report.changed)

    found = encoding_of(file, encoding)
    rows = rows_of(file, ARTICLES, encoding=found, refuse=report.refuse_unread, progress=progress)
    good = _parsed(rows, lambda row, _line: articles.article_of(row), lambda article: article.key, report)
    _write(engine, good, put, dry_run=dry_run)
    log.event("import.articles", new=report.new, changed=report.changed, refused=report.refused_count)
    return report


def _parsed(
    rows: Iterator[Row],
    parse: Callable[[Mapping[str, Any], int], T],
    key: Callable[[T], str],
    report: ImportReport,
) -> Iterator[T]:
    """Good rows, each key once; what is wrong goes into the report."""
    seen: set[int] = set()  # hashes, not texts: 70 MB for a million
    for line, row in rows:
        report.lines += 1
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
        with (rehearsing if dry_run else writing)(engine) as connection:
            put(connection, part)
