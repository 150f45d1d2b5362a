"""Lease a batch -> splice -> send -> record. The one loop that hands mail over.

before      one transaction marks a row `attempting`; only then is its message given to a channel
after       its outcome is queued, and written by the next transaction; one transaction carries the marks and outcomes
            of all connections that wait, so durability costs a message little
killed      rows in flight stay `attempting`; whoever leases their batch next makes them `unknown`
stopped     no new message is taken; those in flight are finished and recorded
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from digest import log
from digest.clock import Clock
from digest.db.engine import reading, writing
from digest.delivery import store
from digest.delivery.channels import Channel
from digest.delivery.retry import next_attempt_at
from digest.delivery.store import Due, Result
from digest.editions import store as editions
from digest.errors import (
    ChannelUnavailable,
    DatabaseError,
    DigestError,
    MessageInvalid,
    Refused,
    RenderFailed,
)
from digest.flows.copies import CopyMaker, Recipient
from digest.model.delivery import BatchId, ChannelHealth, Outcome, Verdict
from digest.model.edition import EditionStatus
from digest.model.envelope import Outgoing
from digest.model.newsletter import UnknownPolicy

HOLD = timedelta(seconds=60)
REST_S = 30.0
MISSES_BEFORE_REST = 5
MAX_UNRENDERABLE = 20
AHEAD = 200

Progress = Callable[[int], None]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class DispatchReport:
    """What one run of a sender did.

    waiting_until   deferred deliveries may be tried again then; None when nothing is left
    trouble         why it stopped before the end, for people; "" when it did not
    """

    edition_id: int
    accepted: int = 0
    deferred: int = 0
    rejected: int = 0
    unknown: int = 0
    is_finished: bool = False
    waiting_until: datetime | None = None
    trouble: str = ""


def plan(engine: Engine, edition_id: int, *, now: datetime, progress: Progress = lambda _: None) -> int:
    """Write a ledger row for every reader of an approved edition, in key ranges; returns how many there are.

    Killed in the middle, it goes on where it was: rows and batches that are there stay.
    """
    with writing(engine) as connection:
        editions.move(connection, edition_id, to=EditionStatus.SENDING, of=[EditionStatus.APPROVED])
        edition = editions.get_edition(connection, edition_id)
        if edition.status not in (EditionStatus.SENDING, EditionStatus.PAUSED):
            raise Refused(f"edition {edition_id} is {edition.status}; approve it first: digest edition approve")
        if editions.is_planned(connection, edition_id):
            return store.count_rows(connection, edition_id)
    after = 0
    while True:
        with writing(engine) as connection:
            planned = store.plan_next_range(connection, edition_id, edition.newsletter_id, after=after, now=now)
            if planned is None:
                total = store.count_rows(connection, edition_id)
                editions.record_plan(connection, edition_id, total, now=now)
                return total
        after, rows = planned
        progress(rows)


async def send(
    engine: Engine,
    maker: CopyMaker,
    channels: Sequence[Channel],
    *,
    clock: Clock,
    stop: asyncio.Event | None = None,
    progress: Progress = lambda _: None,
) -> DispatchReport:
    """Send what is due of a planned edition; several processes may do so at the same time."""
    sender = _Sender(engine, maker, channels, clock, stop or asyncio.Event(), progress)
    return await sender.run()


def finish(engine: Engine, edition_id: int, *, now: datetime) -> bool:
    """An edition without work left is sent; True when this call closed it."""
    with writing(engine) as connection:
        if store.has_work(connection, edition_id):
            return False
        return editions.move(connection, edition_id, to=EditionStatus.SENT, of=[EditionStatus.SENDING], finished_at=now)


@dataclass(slots=True)
class _Held:
    """A leased batch: rows that were not taken yet, and how many are out."""

    batch_id: BatchId
    rows: deque[Due]
    out: int = 0
    is_lost: bool = False


@dataclass(slots=True)
class _Queue:
    """What waits for the next transaction."""

    marks: list[tuple[Due, asyncio.Future[bool]]] = field(default_factory=list)
    results: list[tuple[_Held, Result]] = field(default_factory=list)


class _Sender:
    """The desk (delivery/channels/__init__.py) behind which the ledger is."""

    def __init__(
        self,
        engine: Engine,
        maker: CopyMaker,
        channels: Sequence[Channel],
        clock: Clock,
        stop: asyncio.Event,
        progress: Progress,
    ) -> None:
        self._engine, self._maker, self._channels, self._clock = engine, maker, channels, clock
        self._stop, self._progress = stop, progress
        self._edition_id = maker.edition.id
        self._owner = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        self._report = DispatchReport(edition_id=self._edition_id)
        self._held: list[_Held] = []
        self._out: dict[int, tuple[_Held, Due, str]] = {}
        self._queue = _Queue()
        self._flush_wanted, self._flushed = asyncio.Event(), asyncio.Event()
        self._loading = asyncio.Lock()
        self._drained = False
        self._is_closing = False
        self._unrenderable = 0
        self._failure: BaseException | None = None
        self._resting: dict[str, float] = {}
        self._misses: dict[str, int] = {}
        self._troubles: dict[str, str] = {}

    async def run(self) -> DispatchReport:
        flusher = asyncio.create_task(self._flush_forever())
        keeper = asyncio.create_task(self._keep_leases())
        lines = max(channel.connections for channel in self._channels)
        try:
            await asyncio.gather(*(self._line() for _ in range(lines)))
        finally:
            self._drained = self._is_closing = True
            self._flush_wanted.set()
            await flusher
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            if self._failure is None:
                await self._in_thread(self._release, self._held)
        if self._failure is not None:
            raise DatabaseError(f"the ledger cannot be written: {self._failure}") from self._failure
        return await self._in_thread(self._closed_report)

    # --- connections ----------------------------------------------------------------------------------------------

    async def _line(self) -> None:
        """One connection after another, on the best channel that is well, until there is nothing to send."""
        while not self._is_over():
            channel = self._healthy_channel()
            if channel is None:
                return
            desk = _Desk(self, channel.name)
            try:
                await channel.converse(desk)
            except ChannelUnavailable as cause:
                self._rest(channel.name, cause)
            if self._misses.get(channel.name, 0) >= MISSES_BEFORE_REST:
                self._rest(channel.name, ChannelUnavailable(f"channel {channel.name}: it breaks every conversation"))
            if desk.found_nothing and not await self._comes_back():
                return

    async def _comes_back(self) -> bool:
        """Rows that other connections hold may come back untried: only when none is out, nothing is left to do."""
        while self._next_held() is None and any(held.out for held in self._held):
            await self._flushed.wait()
        await self._release_done()
        return not self._is_over() and await self._load() is not None

    def _healthy_channel(self) -> Channel | None:
        return next((channel for channel in self._channels if channel.name not in self._resting), None)

    def _rest(self, name: str, cause: ChannelUnavailable) -> None:
        """For the rest of this run; the next one tries it again."""
        if name not in self._resting:
            log.warn("channel.resting", channel=name, health=getattr(cause, "health", ChannelHealth.REST))
        self._resting[name] = REST_S
        self._troubles[name] = str(cause)

    def _is_over(self) -> bool:
        return self._drained or self._stop.is_set() or self._failure is not None

    # --- the desk -------------------------------------------------------------------------------------------------

    async def take(self, channel: str) -> Outgoing | None:
        while not self._stop.is_set() and self._failure is None:
            held = self._next_held() or await self._load()
            if held is None:
                return None
            due = held.rows.popleft()
            now = self._clock.now()
            try:
                outgoing = self._maker.outgoing(due, at=now)
            except (RenderFailed, MessageInvalid) as cause:
                await self._unrenderable_copy(due, cause)
                continue
            self._unrenderable = 0
            held.out += 1
            if await self._mark(due):
                self._out[due.delivery_id] = (held, due, channel)
                return outgoing
            held.out -= 1
            if not await self._in_thread(self._may_go_on, due.delivery_id):
                self._drained = True
        return None

    async def _unrenderable_copy(self, due: Due, cause: DigestError) -> None:
        """One reader's copy that cannot be made is skipped; when none can be made, it is the template: stop."""
        self._unrenderable += 1
        if self._unrenderable > MAX_UNRENDERABLE:
            self._drained = True
            self._troubles["template"] = f"copy after copy cannot be made: {cause}"
            return
        log.warn("dispatch.unrenderable", delivery_id=due.delivery_id)
        await self._in_thread(self._skip, due.delivery_id, str(cause))

    async def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        held, due, channel = self._out.pop(outgoing.delivery_id)
        result = self._result(due, outcome, channel)
        self._count(outcome, result)
        untried = outcome.verdict is Verdict.UNTRIED
        is_broken = untried or outcome.verdict is Verdict.UNKNOWN
        self._misses[channel] = self._misses.get(channel, 0) + 1 if is_broken else 0
        self._queue.results.append((held, result))
        self._flush_wanted.set()
        if not untried:
            self._progress(1)

    def _result(self, due: Due, outcome: Outcome, channel: str) -> Result:
        now = self._clock.now()
        retry_at = None
        if outcome.verdict is Verdict.DEFERRED:
            retry_at = next_attempt_at(
                due.attempts + 1,
                first_attempt_at=self._maker.edition.approved_at or now,
                now=now,
                retry_hours=self._maker.newsletter.retry_hours,
                spread=(due.subscription_id % 97) / 97,
            )
        return Result(delivery_id=due.delivery_id, outcome=outcome, channel=channel, at=now, retry_at=retry_at)

    def _count(self, outcome: Outcome, result: Result) -> None:
        match outcome.verdict:
            case Verdict.ACCEPTED:
                self._report.accepted += 1
            case Verdict.DEFERRED if result.retry_at is not None:
                self._report.deferred += 1
            case Verdict.DEFERRED | Verdict.REJECTED:
                self._report.rejected += 1
            case Verdict.UNKNOWN:
                self._report.unknown += 1

    # --- batches --------------------------------------------------------------------------------------------------

    def _next_held(self) -> _Held | None:
        return next((held for held in self._held if held.rows and not held.is_lost), None)

    async def _load(self) -> _Held | None:
        """Lease the next batch; one connection does, the others wait for it."""
        async with self._loading:
            found = self._next_held()
            while found is None and not self._drained:
                held = await self._in_thread(self._lease)
                if held is None:
                    break
                self._held.append(held)
                if held.rows:
                    with contextlib.suppress(RenderFailed):  # the copy that cannot be made says so itself
                        self._maker.prepare([_recipient(due) for due in list(held.rows)[:AHEAD]])
                    found = held
                else:
                    await self._release_empty()
            return found

    def _lease(self) -> _Held | None:
        now = self._clock.now()
        with writing(self._engine) as connection:
            if editions.find_status(connection, self._edition_id) is not EditionStatus.SENDING:
                return None
            batch_id = store.lease(connection, self._edition_id, owner=self._owner, now=now, hold=HOLD)
            if batch_id is None:
                return None
            interrupted = store.settle_interrupted(connection, batch_id, now=now)
            if interrupted:
                log.warn("dispatch.unknown", edition_id=self._edition_id, batch_id=batch_id, deliveries=interrupted)
                if self._maker.newsletter.unknown_policy is UnknownPolicy.RESEND:
                    store.resend_unknown(connection, self._edition_id)
            return _Held(batch_id, deque(store.list_due(connection, batch_id, now=now)))

    async def _release_done(self) -> None:
        """Give back the batches of which nothing is left or out; nobody leases meanwhile."""
        async with self._loading:
            await self._release_empty()

    async def _release_empty(self) -> None:
        done = [held for held in self._held if not held.rows and not held.out]
        if done:
            self._held = [held for held in self._held if held.rows or held.out]
            await self._in_thread(self._release, done)

    def _release(self, batches: Sequence[_Held]) -> None:
        with writing(self._engine) as connection:
            for held in batches:
                store.release(connection, held.batch_id, owner=self._owner)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(HOLD.total_seconds() / 4)
            await self._in_thread(self._extend)

    def _extend(self) -> None:
        now = self._clock.now()
        with writing(self._engine) as connection:
            for held in list(self._held):
                if not store.extend(connection, held.batch_id, owner=self._owner, now=now, hold=HOLD):
                    held.is_lost = True
                    log.warn("dispatch.lease_lost", batch_id=held.batch_id)

    # --- the ledger -----------------------------------------------------------------------------------------------

    async def _mark(self, due: Due) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.marks.append((due, future))
        self._flush_wanted.set()
        return await future

    async def _flush_forever(self) -> None:
        """One transaction after another, each with all that came while the one before was being written."""
        while not self._is_closing or self._queue.marks or self._queue.results:
            await self._flush_wanted.wait()
            self._flush_wanted.clear()
            queue, self._queue = self._queue, _Queue()
            if not queue.marks and not queue.results:
                continue
            try:
                marked = await self._in_thread(self._commit, queue)
            except DBAPIError as cause:
                self._failure = cause.orig or cause
                marked = set()
            for due, future in queue.marks:
                if not future.done():
                    future.set_result(due.delivery_id in marked)
            for held, _ in queue.results:
                held.out -= 1
            self._flushed.set()
            self._flushed = asyncio.Event()
            if any(not held.rows and not held.out for held in self._held) and self._failure is None:
                await self._release_done()

    def _commit(self, queue: _Queue) -> set[int]:
        with writing(self._engine) as connection:
            store.record_results(connection, [result for _, result in queue.results])
            if not queue.marks:
                return set()
            ids = [due.delivery_id for due, _ in queue.marks]
            return store.mark_attempting(connection, ids, now=self._clock.now())

    def _may_go_on(self, delivery_id: int) -> bool:
        """Why was a mark refused? The reader left: skip and go on. The edition was paused or cancelled: stop."""
        with writing(self._engine) as connection:
            store.skip_unwanted(connection, [delivery_id])
            return editions.find_status(connection, self._edition_id) is EditionStatus.SENDING

    def _skip(self, delivery_id: int, reason: str) -> None:
        with writing(self._engine) as connection:
            store.record_unrenderable(connection, delivery_id, reason)

    def _closed_report(self) -> DispatchReport:
        report = self._report
        report.is_finished = finish(self._engine, self._edition_id, now=self._clock.now())
        with reading(self._engine) as connection:
            report.waiting_until = store.next_due_at(connection, self._edition_id)
        if self._healthy_channel() is None or "template" in self._troubles:
            report.trouble = "; ".join(self._troubles.values())
        return report

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(work, *args, **kwargs)


@dataclass(slots=True)
class _Desk:
    """What one conversation sees of the sender."""

    sender: _Sender
    channel: str
    found_nothing: bool = False

    async def take(self) -> Outgoing | None:
        outgoing = await self.sender.take(self.channel)
        self.found_nothing = outgoing is None
        return outgoing

    async def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        await self.sender.settle(outgoing, outcome)


def _recipient(due: Due) -> Recipient:
    return Recipient(subscription_id=due.subscription_id, subscriber=due.subscriber, joined_at=due.joined_at)


def unfinished(engine: Engine) -> list[int]:
    """Editions that are approved or being sent, oldest first."""
    with reading(engine) as connection:
        found = editions.list_with_status(connection, EditionStatus.APPROVED, EditionStatus.SENDING)
    return [edition.id for edition in found]
