"""Which editions, and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest.db.engine import reading
from digest.delivery.store import readers as planned_readers
from digest.editions.due import Period
from digest.editions.periods import is_offered
from digest.editions.store.newsletters import get_newsletter
from digest.flows import publish
from digest.model.newsletter import Cadence, Newsletter


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What will be simulated.

    since, until   editions due after the one and up to the other
    moved          by so much all articles are published later than they were
    readers        how many the newsletter has; sampled: how many of them are looked at
    groups         whose editions those of a cadence are: keys of sampled readers by slot; None: all of the slot
    """

    newsletter: Newsletter
    since: datetime
    until: datetime
    moved: timedelta
    periods: tuple[Period, ...]
    readers: int
    sampled: int
    groups: Mapping[str, Mapping[str, Sequence[int] | None]]
    counts: Mapping[str, int]

    @property
    def steps(self) -> int:
        return sum(self.counts[period.cadence] for period in self.periods)


def outline(engine: Engine, name: str, *, weeks: int, sample: int, now: datetime, is_coming: bool = False) -> Outline:
    """NotFound when there is no such newsletter. sample: so many readers, evenly spread by key; 0 for all."""
    stretch = timedelta(weeks=weeks)
    since, until = (now, now + stretch) if is_coming else (now - stretch, now)
    with reading(engine) as connection:
        newsletter = get_newsletter(connection, name)
        periods = publish.list_due(connection, newsletter, after=since, until=until)
        by_slot = planned_readers.count_readers(connection, newsletter.id)
        readers = sum(by_slot.values())
        keys: Mapping[str, Sequence[int] | None] = dict.fromkeys(by_slot)
        if sample and readers > sample:
            keys = planned_readers.list_evenly(connection, newsletter.id, count=sample, of=readers)
    groups: dict[str, dict[str, Sequence[int] | None]] = {period.cadence: {} for period in periods}
    counts = dict.fromkeys(groups, 0)
    for slot, ids in keys.items():
        cadence = slot if is_offered(slot, newsletter.offer) else str(Cadence.WEEKLY)
        if cadence in groups:
            groups[cadence][slot] = ids
            counts[cadence] += by_slot[slot] if ids is None else len(ids)
    return Outline(
        newsletter=newsletter,
        since=since,
        until=until,
        moved=stretch if is_coming else timedelta(0),
        periods=tuple(periods),
        readers=readers,
        sampled=min(sample, readers) if sample else readers,
        groups=groups,
        counts=counts,
    )
