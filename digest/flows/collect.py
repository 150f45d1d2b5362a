"""Sources due -> articles. One bad source never stops the rest: its error is kept with its time, and the others go on.

Several sources are read at once, each in a thread, because most of the time is waiting; what they give is written by one
at a time, a page in a transaction. A page is read while the one before it is stored, so two are in memory at most.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from digest import audit, log
from digest.audit import Noun, Target
from digest.db.engine import reading, writing
from digest.errors import BadInput, DatabaseError, DigestError, SourceBusy, SourceError, SourceGone, SourceMalformed
from digest.model.actor import Actor
from digest.model.source import Collected, Source
from digest.sources import flood
from digest.sources.checked import storable
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of, read
from digest.sources.resting import rests_until
from digest.sources.store import sources as source_store
from digest.sources.store.articles import Stored, put_articles

AT_ONCE = 8

_NOT_OURS = (OperationalError, InterfaceError, InternalError, DatabaseError)
"""The database is lost, locked or full: no source's fault, and nothing more can be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What one source gave. `error` is for people; "" when all went well.

    read   items that were looked at; each is new, changed, as before, held or refused: ValueError where one is none of them
    """

    source: str
    read: int = 0
    stored: Stored = field(default_factory=Stored)
    refused: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    error: str = ""
    is_resting: bool = False
    moved_to: str = ""

    def __post_init__(self) -> None:
        if self.read != self.stored.count + len(self.refused):
            raise ValueError(f"of {self.read} items {self.stored.count} were stored and {len(self.refused)} refused")


def collect_sources(
    engine: Engine,
    fetcher: Fetcher,
    *,
    now: datetime,
    names: Sequence[str] = (),
    at_once: int = AT_ONCE,
    progress: Callable[[str, int], None] = lambda _name, _count: None,
    actor: Actor | None = None,
) -> list[CollectReport]:
    """Read every source, or those named; a source that is named is read even if it rests.

    actor   who asked for it; None: the scheduler, of which the sources themselves tell
    """
    with reading(engine) as connection:
        sources = [source_store.get_source(connection, name) for name in names] or [
            each for each in source_store.list_sources(connection) if each.is_enabled
        ]
    collector = _Collector(engine, fetcher, now, progress)
    with ThreadPoolExecutor(at_once, thread_name_prefix="collect") as pool:
        try:
            reports = list(pool.map(lambda source: collector.collect(source, is_named=bool(names)), sources))
        except BaseException:  # the database is lost, or somebody pressed Ctrl-C: what has not begun need not begin
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if actor is not None:
        told: dict[str, Any] = {
            "sources": [each.source for each in reports],
            "new": sum(each.stored.new for each in reports),
        }
        with writing(engine) as connection:
            audit.record(connection, "source.collect", actor, Target(noun=Noun.SOURCE), now=now, **told)
    return reports


@dataclass(frozen=True, slots=True)
class _Collector:
    engine: Engine
    fetcher: Fetcher
    now: datetime
    progress: Callable[[str, int], None]
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Whose turn it is to write."""

    def collect(self, source: Source, *, is_named: bool) -> CollectReport:
        """Whatever a source does, and be it to find a fault in us, ends no other's reading; a lost database does."""
        try:
            return self._collect(source, is_named=is_named)
        except _NOT_OURS:
            raise
        except Exception as cause:
            log.warn("collect.stumbled", source_id=source.id, error=type(cause).__name__)
            error = SourceMalformed(storable(f"digest stumbled over it: {type(cause).__name__}: {cause}"))
            self._record_failure(source, error)
            return CollectReport(source=source.name, error=str(error))

    def _collect(self, source: Source, *, is_named: bool) -> CollectReport:
        rest = rests_until(source)
        if rest is not None and rest > self.now and not is_named:
            return CollectReport(source=source.name, error=source.last_error, is_resting=True)
        stored = Stored()
        read_so_far = 0
        refused: list[str] = []
        cut: list[str] = []
        published: list[datetime] = []
        moved_to = ""
        recent = self.now - flood.FIRST_LOOK
        may_pass = flood.allowed(source.usual, source.last_success_at, self.now)
        try:
            options = options_of(source.kind, source.options, name=source.name)
            for page in _ahead(read(source.kind, options, source.cursor, now=self.now, fetcher=self.fetcher)):
                left = None if may_pass is None else max(0, may_pass - stored.new)
                part, bad = self._put(source, page, left)
                stored += part + Stored(unchanged=page.repeated)
                read_so_far += page.read or 0
                refused += [*page.refused, *bad]
                cut += page.cut
                if may_pass is None:
                    published += [each.published_at for each in page.articles if each.published_at > recent]
                moved_to = page.moved_to
                self.progress(source.name, len(page.articles))
        except (SourceError, BadInput) as cause:
            self._record_failure(source, cause)
            return CollectReport(
                source=source.name,
                read=read_so_far,
                stored=stored,
                refused=tuple(refused),
                cut=tuple(cut),
                error=str(cause),
            )
        usual = (
            flood.at_first(published, self.now)
            if may_pass is None
            else flood.after(source.usual, stored.new, source.last_success_at, self.now)
        )
        with self.turn, writing(self.engine) as connection:
            source_store.record_success(connection, source.id, now=self.now, usual=usual, moved_to=moved_to)
        log.event("collect.done", source_id=source.id, new=stored.new, changed=stored.changed, held=stored.held)
        return CollectReport(
            source=source.name,
            read=read_so_far,
            stored=stored,
            refused=tuple(refused),
            cut=tuple(cut),
            moved_to=moved_to,
        )

    def _put(self, source: Source, page: Collected, may_pass: int | None) -> tuple[Stored, list[str]]:
        """Store a page and the cursor behind it. What the database will not take of it is refused, one by one."""
        try:
            return self._put_all(source, page, may_pass), []
        except _NOT_OURS:
            raise
        except Exception as cause:
            log.warn("collect.refused", source_id=source.id, error=type(cause).__name__)
        stored, refused = Stored(), list[str]()
        for each in page.articles:
            left = None if may_pass is None else max(0, may_pass - stored.new)
            try:
                stored += self._put_all(
                    source, Collected(articles=(each,), is_pages=page.is_pages), left, moves_on=False
                )
            except _NOT_OURS:
                raise
            except Exception as cause:
                reason = str(getattr(cause, "orig", None) or cause).partition("\n")[0]
                refused.append(storable(f"{each.title[:60]}: it cannot be stored: {type(cause).__name__}: {reason}"))
        self._put_all(source, Collected(cursor=page.cursor), None)
        return stored, refused

    def _put_all(self, source: Source, page: Collected, may_pass: int | None, *, moves_on: bool = True) -> Stored:
        """In one transaction: the cursor never passes what was stored."""
        with self.turn, writing(self.engine) as connection:
            stored = put_articles(
                connection,
                page.articles,
                source_id=source.id,
                now=self.now,
                may_pass=may_pass,
                is_whole=page.is_whole,
                is_pages=page.is_pages,
            )
            if moves_on:
                source_store.record_progress(connection, source.id, page.cursor)
        return stored

    def _record_failure(self, source: Source, cause: DigestError) -> None:
        wait = timedelta(seconds=cause.wait_s) if isinstance(cause, SourceBusy) else None
        with self.turn, writing(self.engine) as connection:
            source_store.record_failure(
                connection,
                source.id,
                str(cause),
                now=self.now,
                due_at=self.now + wait if wait else None,
                is_gone=isinstance(cause, SourceGone),
            )
        log.warn("collect.failed", source_id=source.id, errors_in_row=source.errors_in_row + 1)


def _ahead(pages: Iterator[Collected]) -> Iterator[Collected]:
    """The same; each page is read while the one before it is stored."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as reader:
        coming = reader.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = reader.submit(next, pages, None)
            yield page
