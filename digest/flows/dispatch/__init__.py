"""An approved edition -> a ledger row per reader -> accepted, once. Start at `plan` and `send`; sender.py is the loop.

plan       one row per active subscription, in key ranges; killed in the middle, it goes on where it was
send       leases batches, makes copies, hands them over; several processes may do so at the same time
finish     an edition without work left is sent
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from digest import log
from digest.clock import Clock
from digest.db.engine import reading, writing
from digest.delivery.channels import Channel
from digest.delivery.store import canary
from digest.delivery.store.batches import has_work, next_due_at
from digest.delivery.throttle import Limits
from digest.editions.snapshot import newsletter_from_json
from digest.editions.store import editions as edition_store
from digest.editions.store import transitions
from digest.errors import DatabaseError
from digest.flows.cancellation import cancel_rest
from digest.flows.copies import CopyMaker
from digest.flows.dispatch.commits import Patience
from digest.flows.dispatch.planning import plan
from digest.flows.dispatch.report import DispatchReport
from digest.flows.dispatch.sender import Progress, Sender, Terms
from digest.model.actor import SENDER
from digest.model.edition import EditionId, EditionStatus
from digest.model.newsletter import Pace

T = TypeVar("T")

__all__ = ["DispatchReport", "finish", "note_trouble", "plan", "send", "unfinished"]


async def send(
    engine: Engine,
    maker: CopyMaker,
    channels: Sequence[Channel],
    *,
    clock: Clock,
    stop: asyncio.Event | None = None,
    progress: Progress = lambda _: None,
    patience_s: float = 30.0,
    limits: Limits | None = None,
) -> DispatchReport:
    """Send what is due of a planned edition; several processes may do so at the same time.

    patience_s   how long a database that is away (restarted, locked, its disk full) is waited for
    limits       of channels and receiving domains
    """
    terms = Terms(stop=stop or asyncio.Event(), progress=progress, patience_s=patience_s, limits=limits or Limits())
    if trouble := await _wait_for(patience_s, lambda: look_at_canary(engine, maker.edition.id, now=clock.now())):
        return DispatchReport(edition_id=maker.edition.id, trouble=trouble)
    with _calm_collector():
        report = await Sender(engine, maker, channels, clock, terms).run()
    await _wait_for(patience_s, lambda: _cancel_late(engine, report.edition_id))
    await _wait_for(patience_s, lambda: look_at_canary(engine, report.edition_id, now=clock.now()))
    report.is_finished = await _wait_for(patience_s, lambda: finish(engine, report.edition_id, now=clock.now()))
    next_due_at = await _wait_for(patience_s, lambda: _next_due_at(engine, report.edition_id))
    if next_due_at is not None:
        report.waiting_until = max(next_due_at, report.waiting_until or next_due_at)
    await _wait_for(patience_s, lambda: note_trouble(engine, report.edition_id, report.trouble))
    return report


async def _wait_for(patience_s: float, work: Callable[[], T]) -> T:
    """Before and after a run the database may be away as well as in it."""
    try:
        return await Patience(patience_s).run(work)
    except DBAPIError as cause:
        raise DatabaseError(f"the ledger cannot be used: {cause.orig or cause}") from cause


@contextlib.contextmanager
def _calm_collector() -> Iterator[None]:
    """What an edition is compiled into stays for the whole send: looking through it for garbage, time and again, cost a
    tenth of each message."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def look_at_canary(engine: Engine, edition_id: int, *, now: datetime) -> str:
    """Move the canary on, if there is one; returns why the edition was paused, "" when it was not."""
    with writing(engine) as connection:
        found = canary.look(connection, edition_id)
        if found.state == canary.RUNNING and not found.waiting:
            pace = _pace(connection, edition_id)
            canary.hold(connection, edition_id, until=now + timedelta(minutes=pace.canary_minutes))
        if found.state != canary.HOLDING or found.until is None or now < found.until:
            return ""
        limit = _pace(connection, edition_id).canary_percent
        if found.percent <= limit:
            canary.move(connection, edition_id, to=canary.PASSED, of=canary.HOLDING)
            return ""
        why = f"{found.refused} of the first {found.tried} were refused, more than {limit:g} %; look, then resume"
        if canary.move(connection, edition_id, to=canary.FAILED, of=canary.HOLDING, hold_reason=why):
            transitions.move(connection, edition_id, "pause", actor=SENDER, now=now)
            log.warn("dispatch.canary_failed", edition_id=edition_id, refused=found.refused, tried=found.tried)
        return why


def _pace(connection: Connection, edition_id: int) -> Pace:
    """As it was when the edition was approved."""
    frozen = edition_store.get_frozen(connection, edition_id)
    return newsletter_from_json(frozen["newsletter"]).pace if frozen else Pace()


def _cancel_late(engine: Engine, edition_id: int) -> None:
    """What was in flight when the edition was cancelled, and came back deferred, will not be tried again."""
    with reading(engine) as connection:
        is_cancelled = edition_store.find_status(connection, edition_id) is EditionStatus.CANCELLED
    if is_cancelled:
        cancel_rest(engine, edition_id)


def _next_due_at(engine: Engine, edition_id: int) -> datetime | None:
    with reading(engine) as connection:
        return next_due_at(connection, edition_id)


def finish(engine: Engine, edition_id: int, *, now: datetime) -> bool:
    """An edition without work left is sent; True when this call closed it."""
    with writing(engine) as connection:
        edition_store.lock(connection, edition_id)  # whoever plans it yet has written what there is to do
        if has_work(connection, edition_id) or not edition_store.is_planned(connection, edition_id):
            return False
        return transitions.move(
            connection, edition_id, "finish", actor=SENDER, now=now, finished_at=now, hold_reason=""
        )


def wake(engine: Engine, edition_id: int, call: Callable[[Connection, EditionId], None]) -> None:
    """Tell who sends that the edition has work, in a transaction of its own: what was told before may be lost."""
    with writing(engine) as connection:
        call(connection, EditionId(edition_id))


def note_trouble(engine: Engine, edition_id: int, trouble: str) -> None:
    """Keep with an edition what holds it up, so that `digest doctor` can say it; "": nothing does any more."""
    with writing(engine) as connection:
        edition_store.note_trouble(connection, edition_id, trouble)


def unfinished(engine: Engine) -> list[int]:
    """Editions that are approved or being sent, oldest first."""
    with reading(engine) as connection:
        found = edition_store.list_with_status(connection, EditionStatus.APPROVED, EditionStatus.SENDING)
    return [edition.id for edition in found]
