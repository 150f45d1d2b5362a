"""What waits is handed over: on a connection of its own, whatever editions are going out (docs/DECISIONS.md "notices").

before     a row is claimed, and marked `attempting` before its body is written
after      its outcome is written at once
killed     what was claimed is free again after HOLD; what was `attempting` becomes unknown, and is not sent again
refused    for what we are: the next channel is asked; where there is none, later. No address is given up for it (P12)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from digest import log
from digest.clock import Clock
from digest.db.engine import reading, writing
from digest.delivery.channels import Channel
from digest.delivery.retry import next_attempt_at
from digest.delivery.store import notices, senders
from digest.delivery.store.notices import NoticeResult
from digest.delivery.throttle import Limits, Throttle
from digest.errors import ChannelUnavailable, said
from digest.flows.dispatch.commits import is_away
from digest.flows.notices.maker import NoticeMaker
from digest.model.delivery import About, ChannelHealth, Outcome, Stage, Verdict
from digest.model.envelope import Outgoing
from digest.model.notice import Notice, NoticeId

HOLD = timedelta(seconds=60)
"""How long a claim lasts; a sender that lives extends it long before."""

RETRY_HOURS = 24
"""After a day nobody waits for it any more."""

AT_ONCE = 20
BREAKS_BEFORE_DEFERRED = 3
PATIENCE_S = 30.0
REST_S = {ChannelHealth.CROWDED: 1.0, ChannelHealth.REST: 15.0, ChannelHealth.STOP: 60.0}

T = TypeVar("T")


@dataclass(slots=True)
class NoticeReport:
    """What one look at what waits came to. trouble: of the channels that could not be used; "" where there was none"""

    accepted: int = 0
    others: int = 0
    trouble: str = ""


class NoticeSender:
    """Of one process; not for two threads at once. It keeps which channels rest from one run to the next."""

    def __init__(
        self,
        engine: Engine,
        maker: NoticeMaker,
        channels: Sequence[Channel],
        clock: Clock,
        limits: Limits,
        *,
        owner: str = "",
    ) -> None:
        self._engine, self._maker, self._channels, self._clock = engine, maker, channels, clock
        self._owner = owner or f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        self._throttle = Throttle(limits, "", now=time.monotonic())
        self._rests_until: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self._breaks: Counter[NoticeId] = Counter()

    def has_due(self) -> bool:
        with reading(self._engine) as connection:
            return notices.has_due(connection, now=self._clock.now())

    def send_due(self, stop: threading.Event) -> NoticeReport:
        """Hand over what is due, until nothing is left that could go now. `stop`: finish what is out, take nothing new."""
        report = NoticeReport()
        while not stop.is_set() and (channel := self._healthy()) is not None and self.has_due():
            desk = _Desk(sender=self, channel=channel.name, stop=stop, report=report)
            asyncio.run(self._converse(channel, desk))
            if not desk.has_taken and self.is_well(channel.name):  # what is due waits, or another sender was quicker
                break
        report.trouble = "; ".join(self._troubles.values())
        return report

    def prune(self) -> None:
        with writing(self._engine) as connection:
            notices.prune(connection, now=self._clock.now())

    async def _converse(self, channel: Channel, desk: _Desk) -> None:
        keeping = asyncio.create_task(self._keep(desk))
        try:
            await channel.converse(desk)
            self._troubles.pop(channel.name, None)
        except ChannelUnavailable as cause:
            self._rest(channel.name, getattr(cause, "health", ChannelHealth.REST), str(cause))
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            desk.give_back()

    async def _keep(self, desk: _Desk) -> None:
        while True:
            await asyncio.sleep(HOLD.total_seconds() / 4)
            with contextlib.suppress(DBAPIError):
                self.write(lambda c: notices.extend(c, desk.held, owner=self._owner, now=self._clock.now(), hold=HOLD))

    # --- channels -------------------------------------------------------------------------------------------------

    def _healthy(self, *, other_than: str = "") -> Channel | None:
        wanted = (each for each in self._channels if each.name != other_than)
        return next((each for each in wanted if self.is_well(each.name)), None)

    def is_well(self, name: str) -> bool:
        return self._rests_until.get(name, 0.0) <= time.monotonic()

    def _rest(self, name: str, health: ChannelHealth, trouble: str) -> None:
        self._rests_until[name] = time.monotonic() + REST_S.get(health, REST_S[ChannelHealth.REST])
        if health is not ChannelHealth.CROWDED:
            self._troubles[name] = trouble
            log.warn("channel.resting", channel=name, health=health)

    def try_start(self, channel: str, domain: str) -> float:
        """0, and it counts as started; else the seconds until it may be asked again."""
        now, at = time.monotonic(), self._clock.now()
        wait = self._throttle.try_start(channel, domain, now=now, at=at)
        if wait is None:
            for quota in self._throttle.wanting(channel, domain, now=now, at=at):
                key, window, limit = quota.key, quota.window, quota.limit.count
                quota.share = self.write(lambda c: senders.take_allowance(c, key, window, limit=limit, wanted=1))  # noqa: B023
                quota.is_over = not quota.share
            wait = self._throttle.try_start(channel, domain, now=now, at=at)
        return 1.0 if wait is None else wait

    # --- rows -----------------------------------------------------------------------------------------------------

    def write(self, work: Callable[[Connection], T]) -> T:
        """In a transaction of its own, again and again while the database is away; DBAPIError when patience is over."""
        until, gap = time.monotonic() + PATIENCE_S, 0.05
        while True:
            try:
                with writing(self._engine) as connection:
                    return work(connection)
            except DBAPIError as cause:
                if not is_away(cause) or time.monotonic() + gap > until:
                    raise
                time.sleep(gap)
                gap = min(2 * gap, 1.0)

    def claim(self) -> list[Notice]:
        now = self._clock.now()
        return self.write(lambda c: notices.claim(c, owner=self._owner, now=now, hold=HOLD, limit=AT_ONCE))

    def give_back(self, ids: Sequence[NoticeId]) -> None:
        self.write(lambda c: notices.give_back(c, ids, owner=self._owner))

    def put_off(self, notice: Notice, seconds: float) -> None:
        until = self._clock.now() + timedelta(seconds=max(seconds, 0.2))
        self.write(lambda c: notices.put_off(c, notice.id, owner=self._owner, until=until))

    def make(self, notice: Notice) -> Outgoing:
        return self._maker.outgoing(notice, at=self._clock.now())

    def mark(self, notice: Notice) -> bool:
        """A mark whose commit failed may stand in the ledger: it is taken back, and the message does not go out."""
        now = self._clock.now()
        try:
            with writing(self._engine) as connection:
                return notices.mark_attempting(connection, notice.id, owner=self._owner, now=now)
        except DBAPIError as cause:
            if not is_away(cause):
                raise
            self.record(notice, "", Outcome(verdict=Verdict.UNTRIED, stage=Stage.LOCAL))
            return False

    def end(self, channel: str, notice: Notice, outcome: Outcome | None) -> None:
        """For the limits."""
        verdict = outcome.verdict if outcome else Verdict.UNTRIED
        self._throttle.end(
            channel,
            notice.address.domain,
            now=time.monotonic(),
            is_accepted=verdict is Verdict.ACCEPTED,
            is_deferred=verdict is Verdict.DEFERRED and outcome is not None and outcome.code // 100 == 4,
            was_sent=verdict is not Verdict.UNTRIED,
        )

    def record(self, notice: Notice, channel: str, outcome: Outcome, reason: str = "") -> Verdict:
        """What became of it, as it is kept: what a server says of us is no fault of the address."""
        now = self._clock.now()
        outcome = self._bounded(notice, outcome)
        if outcome.about is not About.READER and outcome.verdict in (Verdict.REJECTED, Verdict.DEFERRED):
            self._rest(channel, ChannelHealth.REST, f"channel {channel} refuses us: {outcome.why or outcome.code}")
            verdict = Verdict.UNTRIED if self._healthy(other_than=channel) else Verdict.DEFERRED
            outcome = replace(outcome, verdict=verdict)
        result = NoticeResult(
            notice_id=notice.id,
            attempts=notice.attempts,
            outcome=outcome,
            channel=channel,
            at=now,
            due_at=self._due_at(notice, outcome, now),
            reason=reason or _reason(outcome),
        )
        self.write(lambda c: notices.record_result(c, result, owner=self._owner))
        return outcome.verdict

    def _bounded(self, notice: Notice, outcome: Outcome) -> Outcome:
        """A line that breaks at one address time after time is that address's: deferred, so that it ends."""
        if outcome.verdict is not Verdict.UNTRIED or outcome.stage not in (Stage.MAIL, Stage.RCPT, Stage.DATA):
            self._breaks.pop(notice.id, None)
            return outcome
        self._breaks[notice.id] += 1
        if self._breaks[notice.id] < BREAKS_BEFORE_DEFERRED:
            return outcome
        del self._breaks[notice.id]
        return replace(outcome, verdict=Verdict.DEFERRED)

    def _due_at(self, notice: Notice, outcome: Outcome, now: datetime) -> datetime | None:
        if outcome.verdict is Verdict.UNTRIED:
            return now + timedelta(seconds=self._breaks[notice.id])
        if outcome.verdict is not Verdict.DEFERRED:
            return None
        return next_attempt_at(
            notice.attempts + 1,
            first_attempt_at=notice.first_attempt_at or now,
            now=now,
            retry_hours=RETRY_HOURS,
            spread=(notice.id % 97) / 97,
        )


def _reason(outcome: Outcome) -> str:
    if outcome.verdict in (Verdict.ACCEPTED, Verdict.UNTRIED):
        return ""
    if outcome.verdict is Verdict.UNKNOWN:
        return "the line broke before the answer came"
    return f"{'refused' if outcome.code else 'broken off'} at {outcome.stage}"


@dataclass(slots=True, kw_only=True)
class _Desk:
    """What one conversation sees of the sender. It has one message at a time: notices are few."""

    sender: NoticeSender
    channel: str
    stop: threading.Event
    report: NoticeReport
    has_taken: bool = False
    current: Notice | None = None
    waiting: deque[Notice] = field(default_factory=deque)

    @property
    def held(self) -> list[NoticeId]:
        return [each.id for each in (*self.waiting, *([self.current] if self.current else []))]

    def offer(self) -> Outgoing | None:
        return None

    async def take(self) -> Outgoing | None:
        while not self.stop.is_set() and self.sender.is_well(self.channel):
            if not self.waiting:
                self.waiting.extend(self.sender.claim())
            if not self.waiting:
                return None
            notice = self.waiting.popleft()
            if wait := self.sender.try_start(self.channel, notice.address.domain):
                self.sender.put_off(notice, wait)
                continue
            self.has_taken = True
            self.current = notice
            try:
                return self.sender.make(notice)
            except Exception as cause:  # whatever one does, the next is made
                log.warn("notice.unrenderable", notice_id=notice.id, error=type(cause).__name__)
                outcome = Outcome(verdict=Verdict.DEFERRED, stage=Stage.LOCAL)
                self._settle(notice, outcome, f"cannot be made: {said(cause)}")
        return None

    async def may_send(self, outgoing: Outgoing) -> bool:
        notice = self.current
        assert notice is not None
        if self.sender.mark(notice):
            return True
        self.sender.end(self.channel, notice, None)
        self.current = None
        return False

    def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        notice = self.current
        assert notice is not None
        self._settle(notice, outcome)

    def _settle(self, notice: Notice, outcome: Outcome, reason: str = "") -> None:
        self.current = None
        self.sender.end(self.channel, notice, outcome)
        verdict = self.sender.record(notice, self.channel, outcome, reason)
        log.event("notice.tried", notice_id=notice.id, kind=notice.kind, verdict=verdict, code=outcome.code)
        if verdict is Verdict.ACCEPTED:
            self.report.accepted += 1
        else:
            self.report.others += 1

    def give_back(self) -> None:
        if held := self.held:
            self.sender.give_back(held)
