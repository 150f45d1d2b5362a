"""Sources due -> articles. One bad source never stops the rest: its error is kept with its time, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest import log
from digest.db.engine import reading, writing
from digest.errors import BadInput, SourceError
from digest.model.source import Source
from digest.sources import store
from digest.sources.fetch import Fetcher
from digest.sources.kinds import KINDS, options_of
from digest.sources.store import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What one source gave. `error` is for people; "" when all went well."""

    source: str
    stored: Stored = field(default_factory=Stored)
    refused: tuple[str, ...] = ()
    error: str = ""
    is_resting: bool = False


def rests_until(source: Source) -> datetime | None:
    """After three errors in a row a source is asked less and less often: 10 minutes, 20, 40 ... up to a day."""
    if source.errors_in_row < 3 or source.last_error_at is None:
        return None
    doublings: int = min(source.errors_in_row - 3, 10)
    gap = min(timedelta(minutes=10) * (1 << doublings), timedelta(days=1))
    return source.last_error_at + gap


def collect_sources(
    engine: Engine,
    fetcher: Fetcher,
    *,
    now: datetime,
    names: Sequence[str] = (),
    progress: Callable[[str, int], None] = lambda _name, _count: None,
) -> list[CollectReport]:
    """Read every source, or those named; a source that is named is read even if it rests."""
    with reading(engine) as connection:
        sources = [store.get_source(connection, name) for name in names] or store.list_sources(connection)
    reports = []
    for source in sources:
        if not source.is_enabled and not names:
            continue
        rest = rests_until(source)
        if rest is not None and rest > now and not names:
            reports.append(CollectReport(source=source.name, error=source.last_error, is_resting=True))
            continue
        reports.append(_collect(engine, fetcher, source, now=now, progress=progress))
    return reports


def _collect(
    engine: Engine, fetcher: Fetcher, source: Source, *, now: datetime, progress: Callable[[str, int], None]
) -> CollectReport:
    stored = Stored()
    refused: list[str] = []
    try:
        options = options_of(source.kind, source.options, name=source.name)
        for page in KINDS[source.kind].pages(options, source.cursor, now=now, fetcher=fetcher):
            with writing(engine) as connection:
                stored += store.put_articles(connection, page.articles, source_id=source.id, now=now)
                store.record_success(connection, source.id, page.cursor, now=now)
            refused += page.refused
            progress(source.name, len(page.articles))
    except (SourceError, BadInput) as cause:
        with writing(engine) as connection:
            store.record_failure(connection, source.id, str(cause), now=now)
        log.warn("collect.failed", source_id=source.id, errors_in_row=source.errors_in_row + 1)
        return CollectReport(source=source.name, stored=stored, refused=tuple(refused), error=str(cause))
    log.event("collect.done", source_id=source.id, new=stored.new, changed=stored.changed, refused=len(refused))
    return CollectReport(source=source.name, stored=stored, refused=tuple(refused))
