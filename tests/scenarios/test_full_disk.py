"""A disk that is full: one clear line, exit code 3, and with space again everybody has one and the audit balances."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from digest.db import migrate
from digest.db.engine import make_engine, writing
from digest.db.tables import batch
from tests.command import Command, write_settings
from tests.site import SmtpServer, add_articles, add_newsletter, add_readers

READERS = 1_500

LIMITED = (  # a file may not grow beyond so many bytes: SQLite is told EFBIG as a full disk tells it ENOSPC
    "import resource, runpy, sys; limit = int(sys.argv.pop(1)); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)); runpy.run_module('digest', run_name='__main__')"
)


@pytest.fixture
def digest(tmp_path: Path, smtp_server: SmtpServer) -> Command:
    """An edition for 1,500 readers, approved by nobody yet, in an SQLite file."""
    url = f"sqlite:///{tmp_path / 'small.sqlite'}"
    engine = make_engine(url)
    migrate.upgrade(engine)
    add_readers(engine, add_newsletter(engine, template="plain"), READERS)
    add_articles(engine, 2, start=datetime.now(UTC) - timedelta(hours=2))
    engine.dispose()
    write_settings(tmp_path, url, smtp_server.port)
    digest = Command(tmp_path)
    digest("edition", "build", "harbour")
    return digest


def on_a_full_disk(digest: Command, limit: int, *arguments: object) -> str:
    """What a command says whose files may grow to `limit` bytes; it ends with exit code 3."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *map(str, arguments)],
        cwd=digest.folder,
        env=digest.env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr


def let_leases_run_out(digest: Command) -> None:
    """As if a minute had gone by: the sender that could not write could not give its batches back either."""
    engine = make_engine(f"sqlite:///{digest.folder / 'small.sqlite'}")
    with writing(engine) as connection:
        connection.execute(
            update(batch)
            .where(batch.c.lease_until.is_not(None))
            .values(lease_until=datetime.now(UTC) - timedelta(seconds=1))
        )
    engine.dispose()


def assert_everybody_has_one(digest: Command, smtp_server: SmtpServer) -> None:
    recipients = [address for address, _ in smtp_server.recorder.accepted]
    assert len(recipients) == len(set(recipients))
    counts = digest.json("audit", 1)
    assert counts["balanced"]
    found = counts["balance"]
    assert (found["planned"], found["accepted"] + found["unknown"]) == (READERS, READERS)
    assert len(recipients) >= found["accepted"]


def test_before_the_first_message_it_stops_at_once(digest: Command, smtp_server: SmtpServer) -> None:
    said = on_a_full_disk(digest, 60_000, "edition", "send", 1, "--yes")
    assert [line for line in said.splitlines() if line.startswith("digest: ")] == said.splitlines()
    assert "disk" in said
    assert smtp_server.recorder.accepted == []
    assert "all done" in digest("edition", "send", 1, "--yes")
    assert_everybody_has_one(digest, smtp_server)


@pytest.mark.slow
def test_in_the_middle_of_sending_it_waits_a_minute_and_stops(digest: Command, smtp_server: SmtpServer) -> None:
    limit = (digest.folder / "small.sqlite").stat().st_size + 400_000
    said = on_a_full_disk(digest, limit, "edition", "send", 1, "--yes")
    assert "digest: the ledger cannot be written: " in said
    assert 0 < len(smtp_server.recorder.accepted) < READERS
    let_leases_run_out(digest)
    assert "all done" in digest("edition", "send", 1, "--yes")
    assert_everybody_has_one(digest, smtp_server)
