"""One sender: connections that take copies from the stock, and a ledger that hears of each before and after.

before      a row is marked `attempting` and that is committed; only then is its message's body written
after       its outcome is queued, and written by the next transaction (commits.py)
killed      rows in flight stay `attempting`; whoever leases their batch next makes them `unknown`
stopped     no new body is written; those that are out are finished and recorded
refused     for what we are, or for what the message says: no reader's fault, and given back (undecided.py)
slow start  two connections until the first answer to a message: a server that breaks must not cost a hundred readers
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from digest import log
from digest.clock import Clock
from digest.db.engine import reading, writing
from digest.delivery.channels import Channel
from digest.delivery.retry import next_attempt_at
from digest.delivery.store.results import Result
from digest.delivery.store.rows import Due
from digest.delivery.throttle import Limits
from digest.editions.store import contents, transitions
from digest.editions.store import editions as edition_store
from digest.errors import ChannelUnavailable, DatabaseError, NothingLeft
from digest.flows.copies import CopyMaker
from digest.flows.dispatch.commits import GroupCommit, Patience
from digest.flows.dispatch.gate import Gate
from digest.flows.dispatch.guard import is_suspect
from digest.flows.dispatch.health import Breaks, Health
from digest.flows.dispatch.report import LOOK_S, DispatchReport, Keeper
from digest.flows.dispatch.stock import Held, Stock
from digest.flows.dispatch.undecided import Out, Undecided
from digest.model.actor import SENDER
from digest.model.delivery import ChannelHealth, Outcome, Verdict
from digest.model.envelope import Outgoing
from digest.model.newsletter import UnknownPolicy

AHEAD = 300
FIRST_LINES = 2
IDLE_S = 5.0
LONGEST_WAIT_S = 120.0

Progress = Callable[[int], None]


@dataclass(slots=True, kw_only=True)
class Terms:
    """How a run goes about it.

    stop        set from outside: finish what is out, take nothing new
    limits      of channels and receiving domains; the newsletter's own come with it
    patience_s  how long a database that is away is waited for
    """

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress = lambda _: None
    patience_s: float = 30.0
    limits: Limits = field(default_factory=Limits)


class Sender:
    def __init__(
        self, engine: Engine, maker: CopyMaker, channels: Sequence[Channel], clock: Clock, terms: Terms
    ) -> None:
        self._engine, self._maker, self._channels, self._clock = engine, maker, channels, clock
        self._terms = terms
        self._edition_id = maker.edition.id
        self._resends = maker.newsletter.unknown_policy is UnknownPolicy.RESEND
        self._owner = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        self.report = DispatchReport(edition_id=self._edition_id)
        self._patience = patience = Patience(terms.patience_s)
        self._ledger = GroupCommit(
            engine,
            self._edition_id,
            clock,
            self._owner,
            patience=patience,
            on_recorded=self._recorded,
            on_decided=self._decided,
            on_failed=self._end,
        )
        self._stock = Stock(
            engine,
            self._edition_id,
            clock,
            self._owner,
            patience=patience,
            prepare=self._prepare,
            choose=lambda rows: self._gate.awake(rows),
            resends=self._resends,
        )
        self._gate = Gate(engine, maker.newsletter, terms.limits, self._stock, clock, patience=patience)
        self._waits_until: datetime | None = None
        self._out: dict[int, Out] = {}
        self._recording: dict[int, Held] = {}
        self._health, self._breaks = Health(channels), Breaks()
        self._keeper = Keeper(
            engine,
            clock,
            self._owner,
            self.report,
            stock=self._stock,
            gate=self._gate,
            health=self._health,
            on_end=self._end,
        )
        self._undecided = Undecided(
            engine,
            self._edition_id,
            self._ledger,
            self._stock,
            patience=patience,
            on_refused=self._refused,
            on_decided=self._add_up,
            on_template=self._stop_for_the_template,
        )
        self._template_trouble = self._pausing = ""
        self._is_drained = self._is_prepared = self._is_through = False
        self._proven = asyncio.Event()
        self._talking = 0
        self._room: dict[str, int] = {}  # so many connections at once each server takes, where it said so
        self._moved = asyncio.Event()

    async def run(self) -> DispatchReport:
        """Until nothing is left that could be sent now. DatabaseError when the ledger could not be kept."""
        if (opening := self._gate.opens_at()) > self._clock.now():
            self.report.waiting_until = opening
            return self.report
        ledger = asyncio.create_task(self._ledger.run())
        keeper = asyncio.create_task(self._keeper.run())
        watcher = asyncio.create_task(self._watch_stop())
        lines = max(channel.connections for channel in self._channels)
        try:
            ended = await asyncio.gather(*(self._line(number) for number in range(lines)), return_exceptions=True)
        finally:
            self._end()
            self._ledger.close()
            await ledger
            for task in (keeper, watcher):
                task.cancel()
            await asyncio.gather(keeper, watcher, return_exceptions=True)
            if self._failure is None:
                await self._gate.return_shares()
                await self._stock.release_all()
                with contextlib.suppress(DBAPIError):  # whoever does not say good-bye is forgotten after a while
                    await asyncio.to_thread(self._keeper.sign_off)
                if self._undecided.refusals and self._health.healthy_channel() is None:
                    troubles = "; ".join(self._health.troubles.values())
                    self._pausing = f"{troubles}; mend that, then resume it"
                    await self._patience.run(self._pause)
        if self._failure is not None:
            known = f"; {self._ledger.told} known answers stand in the log: delivery.not_recorded" * bool(
                self._ledger.told
            )
            raise DatabaseError(f"the ledger cannot be written: {self._failure}{known}") from self._failure
        for accident in filter(None, ended):
            raise accident
        self._say_trouble()
        self.report.waiting_until = self._waits_until
        return self.report

    @property
    def _failure(self) -> BaseException | None:
        return self._ledger.failure or self._stock.failure

    def _is_over(self) -> bool:
        return self._is_drained or self._failure is not None

    def _end(self) -> None:
        """Nothing more is taken; whoever waits looks up."""
        self._is_drained = True
        self._proven.set()
        self._moved.set()
        self._stock.is_closed = True
        self._stock.quiet.set()

    async def _watch_stop(self) -> None:
        await self._terms.stop.wait()
        self._end()

    # --- connections ----------------------------------------------------------------------------------------------

    async def _line(self, number: int) -> None:
        """One connection after another, on the best channel that is well, until there is nothing to send.

        An accident in one ends the run, but not before the others have heard what became of their messages.
        """
        if number >= FIRST_LINES:
            await self._proven.wait()
        try:
            while not self._is_over() and (channel := self._health.healthy_channel()) is not None:
                if number < channel.connections and self._talking < self._room.get(channel.name, channel.connections):
                    if not await self._conversation(channel):
                        return
                elif self._talking:  # another channel takes more connections, or this one more than its server does
                    self._moved.clear()
                    await self._moved.wait()
                else:
                    return
        except BaseException:
            self._end()
            raise
        finally:  # for those who wait: nothing better will come
            self._proven.set()
            self._moved.set()

    async def _conversation(self, channel: Channel) -> bool:
        """One connection's life. False: there is nothing left that this run could send."""
        self._talking += 1
        desk = _Desk(self, channel.name)
        try:
            await channel.converse(desk)
        except ChannelUnavailable as cause:
            health = getattr(cause, "health", ChannelHealth.REST)
            is_one_too_many = health is ChannelHealth.CROWDED or not (desk.has_taken or health is ChannelHealth.STOP)
            if is_one_too_many and self._talking > 1:
                self._room[channel.name] = self._talking - 1
            else:
                self._rest(channel.name, str(cause), health)
        finally:
            self._talking -= 1
            self._moved.set()
        if self._health.breaks_every_conversation(channel.name):
            self._rest(channel.name, f"channel {channel.name}: it breaks every conversation", ChannelHealth.REST)
        if desk.found_nothing and self._gate.is_holding:
            await self._sit_out(channel.name)
            return True
        return not desk.found_nothing or await self._comes_back()

    async def _sit_out(self, channel: str) -> None:
        """Without a connection, until something that is parked may go; a long wait is for the next run."""
        while not self._is_over() and self._health.is_well(channel) and (wait := self._gate.wait_now(channel)) > IDLE_S:
            if wait > LONGEST_WAIT_S and not self._out:
                self._waits_until = self._clock.now() + timedelta(seconds=wait)
                self._end()
                return
            await asyncio.sleep(min(wait, LOOK_S))

    async def _comes_back(self) -> bool:
        """Rows that other connections hold may come back untried: only when none is out, nothing is left to do."""
        while not self._stock.has_ready and self._stock.out and not self._is_over():
            if self._stock.out == self._undecided.count:
                await self._undecided.decide_all()
            self._stock.quiet.clear()
            if self._stock.out:
                await self._stock.quiet.wait()
        if self._is_over():
            return False
        self._is_through = not await self._stock.look_again()
        return not self._is_through

    def _refused(self, name: str, why: str) -> None:
        self._rest(name, f"channel {name} refuses us, not the readers: {why}", ChannelHealth.STOP)

    def _stop_for_the_template(self, why: str) -> None:
        self._template_trouble = why
        self._end()

    def _rest(self, name: str, trouble: str, health: ChannelHealth) -> None:
        self._health.rest(name, trouble, health)
        self._moved.set()

    # --- the desk -------------------------------------------------------------------------------------------------

    def offer(self, channel: str) -> Outgoing | None:
        while not self._is_over() and self._health.is_well(channel) and (found := self._gate.pop(channel)) is not None:
            held, due = found
            at = self._clock.now()
            try:
                outgoing = self._maker.outgoing(due, at=at)
            except NothingLeft as cause:
                self._gate.done(channel, due, None)
                self._back(held)
                self._ledger.skip(due.delivery_id, str(cause))
                continue
            except Exception as cause:  # whatever one reader's copy does, the next one's is made
                self._gate.done(channel, due, None)
                self._undecided.unmade(held, due, cause)
                continue
            self._undecided.made()
            mark = self._ledger.mark(due, made_at=at, revision=self._maker.revision)
            self._out[due.delivery_id] = Out(held, due, channel, mark)
            return outgoing
        return None

    async def take(self, channel: str) -> Outgoing | None:
        while True:
            outgoing = self.offer(channel)
            if outgoing is not None or self._is_over() or not self._health.is_well(channel):
                return outgoing
            if self._gate.is_holding:
                await self._gate.ask()
                if (wait := self._gate.next_wait_s) > IDLE_S:
                    return None
                await asyncio.sleep(min(wait, LOOK_S))
            elif not await self._stock.more():
                return None

    async def may_send(self, outgoing: Outgoing) -> bool:
        out = self._out[outgoing.delivery_id]
        if await out.mark.wait():
            return True
        del self._out[outgoing.delivery_id]
        self._ledger.forget()
        self._gate.done(out.channel, out.due, None)
        self._back(out.held)
        if not self._ledger.goes or self._failure is not None:
            self._end()
        elif self._ledger.revision is not None and self._ledger.revision != self._maker.revision:
            self._maker.withdraw(*await self._patience.run(self._articles_now))
        else:
            await self._stock.look_at_leases()
        return False

    def _articles_now(self) -> tuple[int, dict[int, int]]:
        """One was withdrawn: the copies that were made before, and did not go yet, are made again without it."""
        with reading(self._engine) as connection:
            _, revision = edition_store.find_state(connection, self._edition_id)
            return revision, contents.list_withdrawn(connection, self._edition_id)

    def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        out = self._out.pop(outgoing.delivery_id)
        self._gate.done(out.channel, out.due, outcome)
        outcome = self._breaks.bounded(out.due, outcome, now=self._clock.now())
        result = self._result(out, outcome)
        is_answered = self._health.count(out.channel, outcome)
        if is_answered:
            self._proven.set()
        if outcome.verdict is Verdict.ACCEPTED:
            self._undecided.accepted(out.channel)
        elif is_suspect(outcome, is_last=result.retry_at is None):
            self._undecided.suspect(out, outcome, result)
            return
        is_over = outcome.verdict is Verdict.DEFERRED and result.retry_at is None
        self._add_up(out, Verdict.REJECTED if is_over else outcome.verdict)
        self._recording[out.due.delivery_id] = out.held
        self._ledger.record(result)

    def _recorded(self, ids: Iterable[int]) -> None:
        for id_ in ids:
            if (held := self._recording.pop(id_, None)) is not None:
                self._back(held)

    def _decided(self, ids: Iterable[int]) -> None:
        for held in self._undecided.recorded(ids):
            self._back(held)

    def _back(self, held: Held) -> None:
        self._stock.back(held)
        if self._undecided.count:  # if all that is out waits for a decision now, nobody else will tell
            self._stock.quiet.set()

    def _add_up(self, out: Out, verdict: Verdict) -> None:
        report = self.report
        if verdict is Verdict.UNTRIED:
            return
        if verdict is Verdict.ACCEPTED:
            report.accepted += 1
        elif verdict is Verdict.UNKNOWN:
            report.unknown += 1
        elif verdict is Verdict.DEFERRED:
            report.deferred += 1
        else:
            report.rejected += 1
        self._keeper.count(out.due.subscriber.address.domain, verdict)
        self._terms.progress(1)

    def _result(self, out: Out, outcome: Outcome) -> Result:
        now, due = self._clock.now(), out.due
        retry_at = None
        if outcome.verdict is Verdict.DEFERRED or (outcome.verdict is Verdict.UNKNOWN and self._resends):
            retry_at = next_attempt_at(
                due.attempts + 1,
                first_attempt_at=due.first_attempt_at or now,
                now=now,
                retry_hours=self._maker.newsletter.retry_hours,
                spread=(due.subscription_id % 97) / 97,
            )
        return Result(
            delivery_id=due.delivery_id,
            attempts=due.attempts,
            outcome=outcome,
            channel=out.channel,
            at=now,
            retry_at=retry_at,
        )

    def _prepare(self, rows: Sequence[Due]) -> None:
        """Render ahead what the first readers need, many blocks in one run of the inliner; what nobody of them needed
        is rendered when it is. A copy that cannot be made says so when it is taken."""
        if self._is_prepared:
            return
        self._is_prepared = True
        try:
            self._maker.prepare(rows[:AHEAD])
        except Exception as cause:
            log.warn("dispatch.prepare_failed", edition_id=self._edition_id, error=type(cause).__name__)

    # --- at the end -----------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        with writing(self._engine) as connection:
            now, why = self._clock.now(), self._pausing
            transitions.move(connection, self._edition_id, "pause", actor=SENDER, now=now, hold_reason=why)
        log.warn("dispatch.refused", edition_id=self._edition_id)

    def _say_trouble(self) -> None:
        """What kept it from the end. A channel that rests is none where nothing was left to send."""
        if self._template_trouble or self._pausing:
            self.report.trouble = self._template_trouble or self._pausing
        elif not self._is_through and self._health.healthy_channel() is None:
            self.report.trouble = "; ".join(self._health.troubles.values())


@dataclass(slots=True)
class _Desk:
    """What one conversation sees of the sender."""

    sender: Sender
    channel: str
    has_taken: bool = False
    found_nothing: bool = False

    def offer(self) -> Outgoing | None:
        return self.sender.offer(self.channel)

    async def take(self) -> Outgoing | None:
        self.has_taken = True
        outgoing = await self.sender.take(self.channel)
        self.found_nothing = outgoing is None
        return outgoing

    async def may_send(self, outgoing: Outgoing) -> bool:
        return await self.sender.may_send(outgoing)

    def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        self.sender.settle(outgoing, outcome)
