"""What is due, done once: read the sources and their readers, build the editions whose period has come.

The scheduler does it with every tick, `run-due` once, and who builds an edition by hand gathers first. What goes out then
is flows/dispatch.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from digest import log, outbox
from digest.db.engine import writing
from digest.errors import DatabaseError, said
from digest.flows import publish
from digest.flows.collect import CollectReport, collect_sources
from digest.flows.publish import BuildReport, Press
from digest.flows.syncing import SyncReport, sync_due
from digest.sources.fetch import Fetcher


@dataclass(slots=True, kw_only=True)
class GatherReport:
    """What came of looking at the sources and at their readers.

    accidents   what nobody foresaw, in one line each: whatever it was, an edition is built from what there is
    """

    collected: Sequence[CollectReport] = ()
    synced: Sequence[SyncReport] = ()
    accidents: list[str] = field(default_factory=list)

    @property
    def about_readers(self) -> list[str]:
        """A line for each look at a site's readers that failed or is held."""
        return [
            f"readers of {each.newsletter} from {each.source}: {each.error or each.held}"
            for each in self.synced
            if each.error or each.held
        ]

    @property
    def about_sources(self) -> list[str]:
        return [f"source {each.source}: {each.error}" for each in self.collected if each.error]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReport:
    gathered: GatherReport
    built: Sequence[BuildReport]


def gather(engine: Engine, fetcher: Fetcher, *, now: datetime, at_once: int) -> GatherReport:
    """Read every source that is on, and bring up to date the readers that come from one."""
    found = GatherReport()

    def read_sources() -> None:
        found.collected = collect_sources(engine, fetcher, now=now, at_once=at_once)

    def read_readers() -> None:
        found.synced = sync_due(engine, now=now)

    _try(found, "collect", read_sources)
    _try(found, "readers", read_readers)
    return found


def build_due(
    engine: Engine,
    fetcher: Fetcher,
    press: Press,
    *,
    now: datetime,
    at_once: int,
    names: Sequence[str] = (),
    gathers: bool = True,
) -> DueReport:
    """Gather if that is wanted, then build the edition of each newsletter whose period has come, or of those named."""
    gathered = gather(engine, fetcher, now=now, at_once=at_once) if gathers else GatherReport()
    built = publish.build_due(engine, press, now=now, names=names)
    forget_events(engine, now=now)
    return DueReport(gathered=gathered, built=built)


def forget_events(engine: Engine, *, now: datetime) -> None:
    """Events that are older than they are kept for, some at a time: others may write in between."""
    while True:
        with writing(engine) as connection:
            if outbox.prune(connection, now=now) < outbox.PRUNED_AT_ONCE:
                return


def _try(found: GatherReport, what: str, act: Callable[[], None]) -> None:
    try:
        act()
    except (DBAPIError, DatabaseError):
        raise
    except Exception as cause:
        log.warn("due.stumbled", kind=what, error=type(cause).__name__)
        found.accidents.append(f"{what}: {said(cause)}")
