"""The command itself, as cron runs it, killed again and again: `digest edition send`, from start-up to the last answer."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, update

from digest.db.engine import writing
from digest.db.tables import batch
from digest.editions.store import editions as edition_store
from digest.model.edition import EditionStatus
from tests.command import Command, write_settings
from tests.crash.mailbox import Mailbox, Moment
from tests.crash.senders import Nursery
from tests.crash.trial import Trial
from tests.site import add_articles, add_newsletter, add_readers

READERS = 150


def kill(process: subprocess.Popen[str], mailbox: Mailbox, chance: random.Random) -> None:
    """At a moment of the dialogue; or while it starts, plans and leases."""
    has_come = threading.Event()
    left = [chance.randint(1, 25)]

    def look(now: Moment) -> None:
        if now is moment and not has_come.is_set():
            left[0] -= 1
            if not left[0]:
                process.kill()
                has_come.set()

    moment = chance.choice([Moment.MAIL, Moment.HALF, Moment.BODY, Moment.ACCEPTED, Moment.ANSWERED])
    mailbox.on_moment = look
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0.2, 1.5))
        process.kill()
    process.communicate(timeout=60)
    mailbox.on_moment = lambda _: None


def test_the_command_is_killed_until_the_edition_is_sent(
    engine: Engine, tmp_path: Path, mailbox: Mailbox, nursery: Nursery
) -> None:
    chance = random.Random(f"the command, {engine.dialect.name}")
    add_readers(engine, add_newsletter(engine, template="plain"), READERS)
    add_articles(engine, 2, start=datetime.now(UTC) - timedelta(hours=2))
    write_settings(tmp_path, engine.url.render_as_string(hide_password=False), mailbox.port)
    digest = Command(tmp_path)
    digest("edition", "build", "harbour")
    digest("edition", "approve", 1)
    trial = Trial(engine, tmp_path, 1, mailbox, nursery)
    for _ in range(6):
        kill(digest.start("edition", "send", 1, "--yes"), mailbox, chance)
        with writing(engine) as connection:  # a minute goes by
            connection.execute(update(batch).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
            if edition_store.find_status(connection, 1) is EditionStatus.SENT:
                break
    if trial.status is not EditionStatus.SENT:
        digest("edition", "send", 1, "--yes")
    trial.check_never_twice()
    digest("audit", 1)
