"""An approved edition -> a ledger row per reader, in key ranges; killed in the middle, it goes on where it was.

Readers who all get the same are written by the database itself. Where each has a digest of one's own, a page of them is
read with what they chose and what they had, and each row bears its picks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from digest.db.engine import writing
from digest.delivery.store import canary, counts
from digest.delivery.store import plan as plan_rows
from digest.delivery.store import readers as planned_readers
from digest.delivery.store.plan import Row
from digest.delivery.store.readers import Planned
from digest.editions.masks import Past, past_of
from digest.editions.periods import is_offered, turn
from digest.editions.picks import as_return, unpack
from digest.editions.snapshot import newsletter_from_json
from digest.editions.store import contents, transitions
from digest.editions.store import editions as edition_store
from digest.editions.store.newsletters import get_newsletter_by_id
from digest.errors import Next, Refused, Step
from digest.flows.dispatch.chooser import Chooser
from digest.model.actor import SENDER
from digest.model.edition import Edition, EditionId, EditionStatus
from digest.model.newsletter import Cadence, Newsletter

WAVES_PAGE = 10 * plan_rows.BATCH_SIZE
"""Readers of one page where they get it at hours of their own: so that a batch is more than a handful."""

OUTAGE = 1.6
"""So many steps of its cadence after the edition before, an edition says what was missed; a month has up to 31 days, and a
weekday may be changed."""

NEIGHBOURS = timedelta(days=40)
"""Editions of one turn are due within this of each other: a month, and some days."""


def plan(
    engine: Engine,
    edition_id: int,
    *,
    now: datetime,
    progress: Callable[[int], None] = lambda _: None,
    batch_size: int = plan_rows.BATCH_SIZE,
    on_batch: Callable[[Connection, EditionId], None] | None = None,
) -> int:
    """Write a ledger row for every reader of an approved edition; returns how many there are.

    on_batch   called in the transaction of each batch, after its rows were written: what it writes is there exactly if they
               are. If it raises, they are not, and planning ends there; another call goes on

    Rows and batches that are there already stay as they are.
    """
    with writing(engine) as connection:
        transitions.move(connection, edition_id, "plan", actor=SENDER, now=now)
        edition = edition_store.get_edition(connection, edition_id)
        if edition.status not in (EditionStatus.SENDING, EditionStatus.PAUSED):
            raise Refused(
                f"edition {edition_id} is {edition.status}",
                next=Next(Step.APPROVE_EDITION, {"edition": edition_id})
                if edition.status is EditionStatus.DRAFT
                else None,
            )
        if edition_store.is_planned(connection, edition_id):
            return counts.count_rows(connection, edition_id)
        newsletter = frozen_newsletter(connection, edition)
        slots = _slots(connection, edition, newsletter)
        own: OwnPlanner | Correction | None = None
        if edition.corrects_id is not None:
            own = Correction(connection, edition)
        elif newsletter.offer.is_any:
            own = OwnPlanner(connection, edition, newsletter)
    for slot in slots:
        after = 0
        while True:
            with writing(engine) as connection:
                if not edition_store.may_be_planned(
                    connection, edition_id
                ):  # another process did, while this one slept
                    return counts.count_rows(connection, edition_id)
                if own is None:
                    planned = plan_rows.plan_next_range(
                        connection, edition_id, newsletter.id, slot=slot, after=after, now=now, size=batch_size
                    )
                else:
                    planned = own.plan_next_range(connection, slot=slot, after=after, now=now, size=batch_size)
                if planned is not None and on_batch is not None:
                    on_batch(connection, edition.id)
            if planned is None:
                break
            after, rows = planned
            progress(rows)
    with writing(engine) as connection:
        edition_store.lock(connection, edition_id)
        total = counts.count_rows(connection, edition_id)
        if edition_store.record_plan(connection, edition_id, total, now=now) and newsletter.pace.canary_readers:
            canary.set_apart(connection, edition_id, newsletter.pace.canary_readers, now=now)
        return total


def count_edition_audience(
    connection: Connection, edition: Edition, newsletter: Newsletter, *, now: datetime
) -> dict[str, int]:
    """Who would get a row now, and who would be left out and why; "" are those who may get it."""
    if edition.corrects_id is not None:
        return Correction(connection, edition).count(connection)
    return counts.count_audience(connection, newsletter.id, _slots(connection, edition, newsletter), now=now)


def frozen_newsletter(connection: Connection, edition: Edition) -> Newsletter:
    """As it was when the edition was approved; before, as it is."""
    frozen = edition_store.get_frozen(connection, edition.id)
    if frozen is None:
        return get_newsletter_by_id(connection, edition.newsletter_id)
    return newsletter_from_json(frozen["newsletter"])


def _slots(connection: Connection, edition: Edition, newsletter: Newsletter) -> list[str]:
    """Whose edition this is: the readers of one slot; or those without one, or with one that is not offered any more."""
    if edition.corrects_id is not None:
        return [""]
    if edition.cadence != Cadence.WEEKLY:
        return [edition.cadence]
    others = (
        slot for slot in plan_rows.list_slots(connection, newsletter.id) if not is_offered(slot, newsletter.offer)
    )
    return list(dict.fromkeys(("", *others)))


class Correction:
    """An edition for those whose copy of another held the article that it corrects, whatever slot they are in."""

    def __init__(self, connection: Connection, edition: Edition) -> None:
        if edition.corrects_id is None:
            raise ValueError(f"edition {edition.id} corrects none")
        self._edition_id, self._of = edition.id, edition.corrects_id
        corrected = edition_store.get_edition(connection, self._of)
        article_id = edition.candidates[0].article_id
        self._position = next(each.position for each in corrected.candidates if each.article_id == article_id)
        self._withdrawn = contents.list_withdrawn(connection, self._of).get(self._position)

    def plan_next_range(
        self, connection: Connection, *, slot: str, after: int, now: datetime, size: int
    ) -> tuple[int, int] | None:
        del slot
        page = planned_readers.read_copies(connection, self._of, after=after, size=size)
        if not page:
            return None
        rows = [Row(each.subscription_id, "", each.skipped, now) for each in page if self._held(each)]
        return page[-1].subscription_id, plan_rows.write_rows(connection, self._edition_id, rows, now=now)

    def count(self, connection: Connection) -> dict[str, int]:
        """Readers whose copy held it, by why they get no correction; "": they do."""
        found, after = Counter[str](), 0
        while page := planned_readers.read_copies(connection, self._of, after=after, size=WAVES_PAGE):
            found.update(each.skipped for each in page if self._held(each))
            after = page[-1].subscription_id
        return dict(found)

    def _held(self, copy: planned_readers.Copy) -> bool:
        if self._withdrawn is not None and copy.revision >= self._withdrawn:
            return False
        return copy.picks is None or self._position in unpack(copy.picks).positions


class OwnPlanner(Chooser):
    """One edition, ready to be chosen from for page after page of readers of the database."""

    def __init__(self, connection: Connection, edition: Edition, newsletter: Newsletter) -> None:
        super().__init__(edition, newsletter, {})
        self._same_turn: dict[int, str] = {}
        self._newest: int | None = None
        self._previous: tuple[int, datetime] | None = None
        self._look_around(connection)

    def _look_around(self, connection: Connection) -> None:
        """An edition that was made since we looked last may have planned our readers before us (P3)."""
        newest = edition_store.find_newest_id(connection, self.newsletter.id)
        if newest != self._newest:
            self._newest = newest
            self.look_at(contents.list_shared(connection, self.edition.id))
            self._same_turn = self._rivals(connection)
            self._previous = edition_store.find_previous(connection, self.edition)

    def _rivals(self, connection: Connection) -> dict[int, str]:
        """Other editions of the same turn: who had one of them gets no second (P7)."""
        of, weekdays = self.edition, len(self.newsletter.schedule.weekdays)
        mine = turn(of.cadence, of.period, weekdays=weekdays)
        return {
            each.id: mine
            for each in edition_store.list_neighbours(connection, of, within=NEIGHBOURS)
            if turn(each.cadence, each.period, weekdays=weekdays) == mine
        }

    @property
    def related(self) -> list[int]:
        """Editions of which a reader's rows say what there is left for them."""
        return sorted({*self.earlier, *self._same_turn})

    def plan_next_range(
        self, connection: Connection, *, slot: str, after: int, now: datetime, size: int
    ) -> tuple[int, int] | None:
        """Write the next page's rows; (last subscription id, rows), or None when all of the slot are planned."""
        plan_rows.lock_newsletter(connection, self.newsletter.id)
        self._look_around(connection)
        page = planned_readers.read_page(
            connection,
            self.newsletter.id,
            slot=slot,
            since=self.edition.due_at,
            after=after,
            size=max(size, WAVES_PAGE) if self.has_hours else size,
        )
        if not page:
            return None
        rows = self.rows(connection, page, slot)
        return page[-1].subscription_id, plan_rows.write_rows(connection, self.edition.id, rows, now=now)

    def rows(self, connection: Connection, page: Sequence[Planned], slot: str) -> list[Row]:
        """What plan writes for these readers, who are in key order."""
        first, last = page[0].subscription_id, page[-1].subscription_id
        pasts: dict[int, list[tuple[int, int]]] = {}
        served: dict[int, int] = {}
        for reader, edition_id, picks in planned_readers.read_past(
            connection, self.related, slot, first, last, self.newsletter.id
        ):
            if edition_id in self._same_turn:
                served[reader] = edition_id
            if edition_id in self.earlier:
                pasts.setdefault(reader, []).append(self.step(edition_id, picks))
        returning = self._returning(connection, page)
        self.look_into(reader.preferences for reader in page)
        return [
            self._row(reader, pasts.get(reader.subscription_id), served, reader.subscription_id in returning)
            for reader in page
        ]

    def _returning(self, connection: Connection, page: Sequence[Planned]) -> set[int]:
        """Who had no copy of the edition before because they had paused; or of any, because none was made for a while."""
        if self._previous is None:
            return set()
        previous, due_at = self._previous
        if self.edition.due_at - due_at > OUTAGE * self.looks_back:
            waited = self.edition.due_at - self.looks_back
            return {reader.subscription_id for reader in page if reader.joined_at <= waited}
        return planned_readers.read_paused(connection, previous, page[0].subscription_id, page[-1].subscription_id)

    def past(self, connection: Connection, subscription_id: int, *, before_id: int | None) -> tuple[Past, int | None]:
        """What one reader had when plan looked, and the edition of the same turn that they had, if any."""
        steps: list[tuple[int, int]] = []
        served = None
        for edition_id, picks in planned_readers.read_past_of(
            connection, self.related, subscription_id, before_id=before_id
        ):
            if edition_id in self._same_turn:
                served = edition_id
            if edition_id in self.earlier:
                steps.append(self.step(edition_id, picks))
        return past_of(steps, self.newsletter.ranking.carry), served

    def _row(
        self, reader: Planned, steps: list[tuple[int, int]] | None, served: dict[int, int], is_return: bool
    ) -> Row:
        at = self.arrives_at(reader)
        if why := self.why_none(reader, at):
            return Row(reader.subscription_id, "", why, at)
        if (other := served.get(reader.subscription_id)) is not None:
            return Row(reader.subscription_id, "", f"has edition {other} of the same period", at)
        made = self.choose(reader, self.past_of(steps))
        if not made:
            return Row(reader.subscription_id, "", plan_rows.NOTHING_NEW, at)
        return Row(reader.subscription_id, as_return(made) if is_return else made, "", at)
