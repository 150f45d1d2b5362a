"""One edition that is sent while the plug is pulled again and again, and what must be true of it afterwards."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, select, text

from digest.db.engine import reading
from digest.db.tables import delivery, subscriber, subscription
from digest.delivery.store import counts
from digest.editions.store import editions as edition_store
from digest.model.delivery import DeliveryStatus
from digest.model.edition import EditionStatus
from tests.crash.mailbox import Mailbox, Moment
from tests.crash.senders import Nursery, SenderProcess
from tests.site import NOW

PATIENCE_S = 20
LEASE_OVER = timedelta(seconds=61)
FINAL = {DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED, DeliveryStatus.SKIPPED, DeliveryStatus.UNKNOWN}


@dataclass
class Trial:
    """at      what a sender's clock says when it starts; moved on by hand, so that leases of the dead run out at once
    kills   how many senders died by the plug
    """

    engine: Engine
    folder: Path
    edition_id: int
    mailbox: Mailbox
    nursery: Nursery
    batch_size: int = 40
    connections: int = 2
    at: datetime = NOW
    kills: int = 0
    senders: list[SenderProcess] = field(default_factory=list)

    # --- senders ------------------------------------------------------------------------------------------------------

    @property
    def living(self) -> list[SenderProcess]:
        return [sender for sender in self.senders if sender.is_alive]

    def start(self, **options: object) -> SenderProcess:
        job: dict[str, object] = {
            "database_url": self.engine.url.render_as_string(hide_password=False),
            "folder": str(self.folder),
            "edition_id": self.edition_id,
            "at": self.at.isoformat(),
            "port": self.mailbox.port,
            "batch_size": self.batch_size,
            "connections": self.connections,
        }
        self.senders.append(self.nursery.start(**(job | options)))
        return self.senders[-1]

    def kill_at(
        self, sender: SenderProcess, moment: Moment, number: int = 1, *, later_s: float = 0.0, by: int = signal.SIGKILL
    ) -> bool:
        """Kill at the `number`th such moment from now on, or a while later; False when it had ended by itself before.

        At once means in the server's own thread: the server goes on only when the signal is out.
        """
        has_come = threading.Event()
        left = [number]

        def look(now: Moment) -> None:
            if now is moment and not has_come.is_set():
                left[0] -= 1
                if not left[0]:
                    if not later_s:
                        sender.signal(by)
                    has_come.set()

        self.mailbox.on_moment = look
        until = time.monotonic() + PATIENCE_S
        while not has_come.wait(0.002) and sender.is_alive:
            assert time.monotonic() < until, f"neither {moment} nor an end\n{sender.log.read_text()}"
        self.mailbox.on_moment = lambda _: None
        if later_s:
            time.sleep(later_s)
            sender.signal(by)
        return self._is_killed(sender, by)

    def kill_after(self, sender: SenderProcess, seconds: float, *, by: int = signal.SIGKILL) -> bool:
        time.sleep(seconds)
        sender.signal(by)
        return self._is_killed(sender, by)

    def _is_killed(self, sender: SenderProcess, by: int) -> bool:
        if by != signal.SIGKILL:
            return True
        is_killed = sender.wait() == -by
        self.kills += is_killed
        if not self.living:
            self._wait_for_the_database()
        return is_killed

    def _wait_for_the_database(self) -> None:
        """PostgreSQL's side of a dead sender still does what it was told last, a commit perhaps."""
        if self.engine.dialect.name == "postgresql":
            others = text("SELECT pid, state, query FROM pg_stat_activity WHERE datname = current_database()")
            until = time.monotonic() + PATIENCE_S
            with self.engine.connect() as connection:
                while len(found := connection.execute(others).all()) > 1:
                    assert time.monotonic() < until, found
                    connection.rollback()
                    time.sleep(0.002)

    def freeze(self, sender: SenderProcess) -> None:
        """As a machine that sleeps: with no transaction open, since nobody could get past its locks."""
        sender.signal(signal.SIGSTOP)
        until = time.monotonic() + PATIENCE_S
        while self._is_locked():
            assert time.monotonic() < until, "always in a transaction"
            sender.signal(signal.SIGCONT)
            time.sleep(0.003)
            sender.signal(signal.SIGSTOP)

    def _is_locked(self) -> bool:
        time.sleep(0.01)  # until it has stopped, and what it sent before is done
        if self.engine.dialect.name == "sqlite":
            with contextlib.closing(sqlite3.connect(str(self.engine.url.database), timeout=0.05)) as connection:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return True
                return False
        busy = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        with self.engine.connect() as connection:
            return bool(connection.execute(busy).scalar_one())

    def let_leases_end(self) -> None:
        self.at += LEASE_OVER

    def finish(self) -> None:
        """Without further trouble, to the end of the edition."""
        for _ in range(5):
            for sender in self.senders:
                sender.wait()
            if self.status is EditionStatus.SENT:
                return
            self.let_leases_end()
            sender = self.start()
            assert sender.wait() == 0, sender.log.read_text()
        raise AssertionError(f"the edition does not end: {self.ledger_counts}\n{self.senders[-1].log.read_text()}")

    # --- the ledger ---------------------------------------------------------------------------------------------------

    @property
    def status(self) -> EditionStatus | None:
        with reading(self.engine) as connection:
            return edition_store.find_status(connection, self.edition_id)

    @property
    def ledger(self) -> dict[str, DeliveryStatus]:
        """Address -> what the ledger says."""
        query = (
            select(subscriber.c.address, delivery.c.status)
            .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
            .join(delivery, delivery.c.subscription_id == subscription.c.id)
            .where(delivery.c.edition_id == self.edition_id)
        )
        with reading(self.engine) as connection:
            return {address: DeliveryStatus(status) for address, status in connection.execute(query)}

    def list_with(self, status: DeliveryStatus) -> set[str]:
        return {address for address, found in self.ledger.items() if found is status}

    @property
    def ledger_counts(self) -> Counter[DeliveryStatus]:
        return Counter(self.ledger.values())

    # --- what must be true --------------------------------------------------------------------------------------------

    def check_balance(self) -> None:
        """P2, at any moment between two runs."""
        with reading(self.engine) as connection:
            recounted = counts.recount(connection, self.edition_id)
            assert +counts.count(connection, self.edition_id) == +recounted
            assert counts.balance(connection, self.edition_id, recounted).is_balanced
            assert counts.count_double(connection, self.edition_id) == 0

    def check_never_twice(self) -> None:
        """P1 and P2 at the end of an edition whose newsletter leaves what is unknown alone."""
        ledger, copies = self.ledger, self.mailbox.copies
        self.check_balance()
        assert set(ledger.values()) <= FINAL, self.ledger_counts
        assert {address: len(found) for address, found in copies.items() if len(found) > 1} == {}
        accepted = self.list_with(DeliveryStatus.ACCEPTED)
        assert accepted - copies.keys() == set(), "accepted, says the ledger, and the server never had them"
        others = {ledger[address] for address in copies.keys() - accepted}
        assert others <= {DeliveryStatus.UNKNOWN}, "the server has them, and the ledger says it has not"

    def check_each_at_least_once(self) -> None:
        """The same for a newsletter that sends again what is unknown."""
        ledger, copies = self.ledger, self.mailbox.copies
        self.check_balance()
        assert set(ledger.values()) == {DeliveryStatus.ACCEPTED}, self.ledger_counts
        assert copies.keys() == ledger.keys()
        for found in copies.values():
            assert len({each.message_id for each in found}) == 1, "a second copy must be known as the same message"


def moments(chance: random.Random) -> Iterator[Moment]:
    """Every moment once in any order, and again."""
    while True:
        yield from chance.sample(list(Moment), len(Moment))
