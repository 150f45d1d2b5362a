"""What a run of a sender did, and what `digest edition watch` shows of it meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from digest import log
from digest.clock import Clock
from digest.db.engine import writing
from digest.delivery.store import senders
from digest.editions.store import editions as edition_store
from digest.flows.dispatch.gate import Gate
from digest.flows.dispatch.health import Health
from digest.flows.dispatch.stock import HOLD, Stock
from digest.model.delivery import Verdict
from digest.model.edition import EditionStatus

LOOK_S = 1.0
SHOWN_DOMAINS = 100
ALIVE = timedelta(seconds=10)


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


class Keeper:
    """Says how a sender does, and keeps its leases.

    on_end   called when the edition is not sent any more, or its hours are over
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        owner: str,
        report: DispatchReport,
        *,
        stock: Stock,
        gate: Gate,
        health: Health,
        on_end: Callable[[], None],
    ) -> None:
        self._engine, self._clock, self._owner, self._report = engine, clock, owner, report
        self._stock, self._gate, self._health, self._on_end = stock, gate, health, on_end
        self._domains: dict[str, Counter[str]] = {}
        self._started_at = time.monotonic()

    def count(self, domain: str, verdict: Verdict) -> None:
        if (counter := self._domains.get(domain)) is None:
            counter = self._domains[domain] = Counter()
        counter[verdict] += 1

    async def run(self) -> None:
        """Once a second: say how it goes, and see whether the edition is still sent. Every quarter of a lease: keep it."""
        extended_at = time.monotonic()
        while True:
            try:
                living, status = await asyncio.to_thread(self._report_state)
                self._gate.share_with(living)
                if status is not EditionStatus.SENDING or self._gate.opens_at() > self._clock.now():
                    self._on_end()
                if time.monotonic() - extended_at > HOLD.total_seconds() / 4:
                    await asyncio.to_thread(self._stock.extend)
                    extended_at = time.monotonic()
            except DBAPIError as cause:
                log.warn("dispatch.keeper", error=type(cause).__name__)
            await asyncio.sleep(LOOK_S)

    def _report_state(self) -> tuple[int, EditionStatus | None]:
        """Write what `digest edition watch` shows; returns how many senders there are, and the edition's status."""
        report = self._report
        largest = sorted(self._domains.items(), key=lambda each: -each[1].total())[:SHOWN_DOMAINS]
        done = report.accepted + report.deferred + report.rejected + report.unknown
        state = {
            "process": self._owner.rpartition(".")[0],
            "accepted": report.accepted,
            "deferred": report.deferred,
            "rejected": report.rejected,
            "unknown": report.unknown,
            "per_second": round(done / max(0.001, time.monotonic() - self._started_at), 1),
            "domains": {domain: dict(counter) for domain, counter in largest},
            "slowed": self._gate.slowed(),
            "channels": self._health.troubles,
        }
        now = self._clock.now()
        with writing(self._engine) as connection:
            living = senders.write_sender(connection, self._owner, report.edition_id, state, now=now, hold=ALIVE)
            return living, edition_store.find_status(connection, report.edition_id)

    def sign_off(self) -> None:
        with writing(self._engine) as connection:
            senders.remove_sender(connection, self._owner, now=self._clock.now())
