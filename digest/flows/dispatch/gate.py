"""What may go at this moment: limits, slow-downs, and readers whose hours have not come.

Rows that must wait are parked by their domain, so that one slow provider does not hold up the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine

from digest.clock import Clock
from digest.db.engine import writing
from digest.delivery.hours import opens_at, warm_up_limit
from digest.delivery.store import rows as delivery_store
from digest.delivery.store import senders
from digest.delivery.store.rows import Due
from digest.delivery.throttle import SHARE, Limits, Quota, Throttle
from digest.flows.dispatch.commits import Patience
from digest.flows.dispatch.stock import Held, Stock
from digest.model.delivery import About, ChannelHealth, Outcome, Stage, Verdict
from digest.model.limit import Limit
from digest.model.newsletter import Newsletter

MAX_PARKED = 5_000

Row = tuple[Held, Due]


class Gate:
    """Rows of the stock that may go, and what holds back the others.

    next_wait_s   how long until one of those that wait may go, as far as is known; infinite when none waits
    """

    def __init__(
        self,
        engine: Engine,
        newsletter: Newsletter,
        limits: Limits,
        stock: Stock,
        clock: Clock,
        *,
        patience: Patience,
    ) -> None:
        self._engine, self._stock, self._clock, self._patience = engine, stock, clock, patience
        self._newsletter = newsletter
        own = [Limit.parse(text) for text in newsletter.pace.limits]
        warm_up = warm_up_limit(newsletter.pace, clock.now())
        if warm_up is not None:
            own.append(Limit(max(1, warm_up), "day"))
        self._throttle = Throttle(
            Limits(newsletter=own, channels=limits.channels, domains=limits.domains, in_flight=limits.in_flight),
            newsletter.name,
            now=time.monotonic(),
        )
        self._parked: dict[str, deque[Row]] = {}
        self._parked_count = 0
        self._wanting: list[Quota] = []
        self._asking = asyncio.Lock()
        self.next_wait_s = float("inf")

    # --- rows -----------------------------------------------------------------------------------------------------

    def pop(self, channel: str) -> Row | None:
        """A row that may go now; it counts as started."""
        now, at = time.monotonic(), self._clock.now()
        self.next_wait_s = float("inf")
        if self._parked_count:
            for domain, rows in self._parked.items():
                if rows and self._try_start(channel, domain, now, at):
                    self._parked_count -= 1
                    return rows.popleft()
        while self._parked_count < MAX_PARKED and (row := self._stock.pop()) is not None:
            domain = row[1].subscriber.address.domain
            if not (self._parked_count and self._parked.get(domain)) and self._try_start(channel, domain, now, at):
                return row
            self._parked.setdefault(domain, deque()).append(row)
            self._parked_count += 1
        return None

    def _try_start(self, channel: str, domain: str, now: float, at: datetime) -> bool:
        wait = self._throttle.try_start(channel, domain, now=now, at=at)
        if wait is None:  # a share of a counted limit must be asked for first
            self._wanting = self._throttle.wanting(channel, domain, now=now, at=at)
            self.next_wait_s = 0.0
            return False
        if wait:
            self.next_wait_s = min(self.next_wait_s, wait)
        return not wait

    @property
    def is_holding(self) -> bool:
        return bool(self._parked_count)

    def wait_now(self, channel: str) -> float:
        """Seconds until one of those that are parked may go, or may be asked for."""
        now, at = time.monotonic(), self._clock.now()
        waits = [self._throttle.wait(channel, domain, now=now, at=at) for domain, rows in self._parked.items() if rows]
        return min(waits, default=0.0)

    def done(self, channel: str, due: Due, outcome: Outcome | None) -> None:
        """outcome: None when the row never went out (its mark was refused)."""
        now, domain = time.monotonic(), due.subscriber.address.domain
        verdict = outcome.verdict if outcome else Verdict.UNTRIED
        self._throttle.end(
            channel,
            domain,
            now=now,
            is_accepted=verdict is Verdict.ACCEPTED,
            is_deferred=verdict is Verdict.DEFERRED and outcome is not None and outcome.code // 100 == 4,
            was_sent=verdict is not Verdict.UNTRIED,
        )
        if outcome is None or outcome.code // 100 not in (4, 5):  # a line that breaks says nothing about our pace
            return
        if outcome.health is ChannelHealth.CROWDED:  # one connection less is the cure
            return
        of_us = outcome.stage is Stage.MAIL or (outcome.about is About.US and outcome.code // 100 == 4)
        if outcome.health is not ChannelHealth.FINE or (verdict is Verdict.DEFERRED and of_us):
            self._throttle.slow_channel(channel, now=now)

    # --- limits that senders share ---------------------------------------------------------------------------------

    async def ask(self) -> None:
        """Ask the database for a share of the limits by hour and day that hold back a row."""
        async with self._asking:
            wanting, self._wanting = self._wanting, []
            for quota in wanting:
                if not quota.share and not quota.is_over:
                    quota.share = await self._patience.run(self._take, quota)
                    quota.is_over = not quota.share

    def _take(self, quota: Quota) -> int:
        with writing(self._engine) as connection:
            return senders.take_allowance(
                connection, quota.key, quota.window, limit=quota.limit.count, wanted=min(SHARE, quota.limit.count)
            )

    async def return_shares(self) -> None:
        for quota in self._throttle.unused():
            await self._patience.run(self._return, quota)

    def _return(self, quota: Quota) -> None:
        with writing(self._engine) as connection:
            senders.return_allowance(connection, quota.key, quota.window, unused=quota.share)

    def share_with(self, living: int) -> None:
        self._throttle.share_with(max(1, living), now=time.monotonic())

    def slowed(self) -> dict[str, str]:
        return self._throttle.slowed(now=time.monotonic())

    # --- hours ----------------------------------------------------------------------------------------------------

    def opens_at(self) -> datetime:
        """When the newsletter's own hours begin; now, when they have begun, or when the readers' hours count."""
        now, pace = self._clock.now(), self._newsletter.pace
        if pace.hours_of == "reader":
            return now
        return opens_at(pace, self._newsletter.schedule.time_zone, now)

    def awake(self, rows: Sequence[Due]) -> list[Due]:
        """Those of a batch whose reader's hours are now; the others are put off until theirs. Called in a thread."""
        pace = self._newsletter.pace
        if pace.hours_of != "reader" or not (pace.hours or pace.blackout):
            return list(rows)
        now, zone = self._clock.now(), self._newsletter.schedule.time_zone
        opening = {each: opens_at(pace, each, now) for each in {due.subscriber.time_zone or zone for due in rows}}
        asleep: dict[datetime, list[int]] = {}
        awake = []
        for due in rows:
            at = opening[due.subscriber.time_zone or zone]
            if at <= now:
                awake.append(due)
            else:
                asleep.setdefault(at, []).append(due.delivery_id)
        if asleep:
            with writing(self._engine) as connection:
                for at, ids in asleep.items():
                    delivery_store.wait_until(connection, ids, at)
        return awake
