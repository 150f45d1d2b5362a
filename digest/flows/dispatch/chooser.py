"""One edition from which every reader chooses: who gets what, and when. The rules of plan, without a database.

`planning.py` asks it for the rows of the ledger, `explain.py` why they are what they are, and `simulate.py` what they
would be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import count

from digest.delivery.store.readers import PAUSED, Planned
from digest.editions.candidates import DAYS, cadence_of, last_call
from digest.editions.due import day_of
from digest.editions.masks import NOTHING_YET, Past, past_of
from digest.editions.periods import known_zone, wave_at
from digest.editions.picks import unpack
from digest.editions.select import Selector, Wish
from digest.model.choices import choices_from_json, offered
from digest.model.edition import Edition
from digest.model.newsletter import Cadence, Newsletter

MAX_KEPT = 4_000


@dataclass(slots=True)
class _Earlier:
    """An edition that shares articles with this one.

    bits   this edition's candidate, by that edition's position
    held   all of them
    """

    bits: dict[int, int]
    held: int


class Chooser:
    """One edition, looked at once for all of its readers.

    newsletter   as it was when the edition was approved
    shared       other editions with articles of this one: [(position there, position here), ...] by edition
    """

    def __init__(
        self, edition: Edition, newsletter: Newsletter, shared: Mapping[int, Iterable[tuple[int, int]]]
    ) -> None:
        self.edition, self.newsletter = edition, newsletter
        cadence = cadence_of(edition.cadence)
        self.selector = Selector(
            edition.candidates,
            newsletter,
            since=edition.window_from,
            until=edition.window_until,
            last_call=last_call(newsletter, cadence, due_at=edition.due_at),
        )
        self.earlier: dict[int, _Earlier] = {}
        self.look_at(shared)
        self._day = day_of(edition.cadence, edition.period, newsletter.schedule)
        is_own = edition.cadence == Cadence.WEEKLY
        self.is_local = self._day is not None and (not is_own or newsletter.schedule.is_local)
        self.has_hours = self.is_local or (self._day is not None and bool(newsletter.offer.hours))
        self.looks_back = timedelta(days=DAYS[cadence])  # a first digest holds one period's news
        oldest = self.selector.oldest
        self._all_new_until = oldest + self.looks_back if oldest else None
        self._wishes: dict[str, Wish] = {}
        self._masks: dict[tuple[int, str], int] = {}
        self._pasts: dict[tuple[tuple[int, int], ...], Past] = {}
        self._waves: dict[tuple[int | None, str], datetime] = {}

    def look_at(self, shared: Mapping[int, Iterable[tuple[int, int]]]) -> None:
        """The other editions, as they are now."""
        for edition_id, pairs in shared.items():
            bits = {there: self.selector.mask([here]) for there, here in pairs}
            self.earlier[edition_id] = _Earlier(bits=bits, held=_union(bits.values()))

    def choose(self, reader: Planned, past: Past) -> str:
        """What the ledger keeps of this reader's copy; "": there is nothing in it for them."""
        return self.selector.choose(self.wish(reader.preferences), past, self.new_to(reader))

    def wish(self, preferences: str) -> Wish:
        """From the JSON text of a subscription's preferences."""
        if (found := self._wishes.get(preferences)) is None:
            self.look_into([preferences])
            found = self._wishes[preferences]
        return found

    def look_into(self, preferences: Iterable[str]) -> None:
        """Those of many readers at once: their texts are read in one go."""
        wanted = set(preferences)
        new = list(wanted.difference(self._wishes))
        if len(self._wishes) + len(new) > MAX_KEPT:
            self._wishes.clear()
            new = list(wanted)
        for text, values in zip(new, json.loads(f"[{','.join(new)}]"), strict=True):
            choices = offered(choices_from_json(values), self.newsletter.offer)
            self._wishes[text] = self.selector.wish(choices)

    def new_to(self, reader: Planned) -> int:
        if self._all_new_until is None or reader.joined_at <= self._all_new_until:
            return self.selector.everything
        return self.selector.published_after(reader.joined_at - self.looks_back)

    def arrives_at(self, reader: Planned) -> datetime:
        """When this reader's copy may go: at the newsletter's time or, where the reader's hours count, the next time that
        it is that hour where the reader lives."""
        chosen = reader.hour if reader.hour in self.newsletter.offer.hours else None
        if self._day is None or not (self.is_local or chosen is not None):
            return self.edition.due_at
        key = (chosen, reader.time_zone)
        if (at := self._waves.get(key)) is None:
            schedule = self.newsletter.schedule
            hour = schedule.wall_time if chosen is None else time(chosen)
            zone = known_zone(reader.time_zone, schedule.time_zone)
            at = wave_at(self._day, hour, zone)
            if not self.is_local:  # built at one instant for all: where that hour is over, the next day has it
                days = count(0 if at >= self.edition.due_at else 1)
                at = next(
                    wave
                    for day in days
                    if (wave := wave_at(self._day + timedelta(days=day), hour, zone)) >= self.edition.due_at
                )
            at = self._waves[key] = max(at, self.edition.due_at)
        return at

    @staticmethod
    def why_none(reader: Planned, at: datetime) -> str:
        """Why there is no copy for this reader, whatever there is to read; "": there may be one. at: when it arrives."""
        return reader.skipped or (PAUSED if reader.paused_until is not None and reader.paused_until > at else "")

    def step(self, edition_id: int, picks: str | None) -> tuple[int, int]:
        """(candidates that were in that edition, those of them that the reader's copy held)."""
        earlier = self.earlier[edition_id]
        if picks is None:
            return earlier.held, earlier.held
        key = (edition_id, picks)
        if (mask := self._masks.get(key)) is None:
            if len(self._masks) > MAX_KEPT:
                self._masks.clear()
            mask = self._masks[key] = _union(
                earlier.bits.get(position, 0) for position in unpack(json.loads(picks)).positions
            )
        return earlier.held, mask

    def past_of(self, steps: Sequence[tuple[int, int]] | None) -> Past:
        """From what `step` says of each earlier edition."""
        if not steps:
            return NOTHING_YET
        key = tuple(steps)
        if (found := self._pasts.get(key)) is None:
            if len(self._pasts) > MAX_KEPT:
                self._pasts.clear()
            found = self._pasts[key] = past_of(steps, self.newsletter.ranking.carry)
        return found


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
