"""Two `digest serve` on one database: one edition, every reader once, whichever of them is quicker, or dies."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from digest.db.engine import reading
from digest.db.tables import edition
from digest.delivery.store import counts
from digest.model.delivery import Balance
from digest.model.newsletter import WEEKDAYS, Schedule
from tests.command import Command, write_settings
from tests.site import SmtpServer, add_articles, add_newsletter, add_readers

READERS = 300


def wait_for(what: Callable[[], bool], *, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def serve(engine: Engine, database_url: str, smtp_server: SmtpServer, tmp_path: Path) -> Iterator[Start]:
    """Starts a `digest serve` of its own settings; a newsletter of 300 readers is due."""
    every_day = Schedule(weekdays=WEEKDAYS, wall_time=wall_time(0, 0), time_zone="UTC")
    add_readers(engine, add_newsletter(engine, template="plain", schedule=every_day), READERS)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    add_articles(engine, 2, start=midnight - timedelta(hours=1))
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        folder = tmp_path / f"server{len(started)}"
        folder.mkdir()
        write_settings(folder, database_url, smtp_server.port, web_port=free_port())
        started.append(Command(folder).start("serve"))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def find_balance(engine: Engine) -> Balance | None:
    with reading(engine) as connection:
        ids = list(connection.execute(select(edition.c.id)).scalars())
        assert len(ids) <= 1
        return counts.balance(connection, ids[0]) if ids else None


def is_done(engine: Engine) -> bool:
    found = find_balance(engine)
    return found is not None and found.planned == READERS and found.still_to_do == 0


def test_two_servers_make_one_edition_and_send_it_once(serve: Start, engine: Engine, smtp_server: SmtpServer) -> None:
    processes = [serve(), serve()]
    wait_for(lambda: is_done(engine))
    for process in processes:
        process.send_signal(signal.SIGTERM)
    outputs = [process.communicate(timeout=30)[0] for process in processes]
    assert [output for output in outputs if "Traceback" in output or "failed" in output] == []
    assert find_balance(engine) == Balance(planned=READERS, accepted=READERS)
    recipients = [address for address, _ in smtp_server.recorder.accepted]
    assert len(recipients) == len(set(recipients)) == READERS
    assert (
        len({content.split(b"Message-ID: ")[1].split(b"\r\n")[0] for _, content in smtp_server.recorder.accepted})
        == READERS
    )


def test_a_server_that_is_stopped_leaves_the_rest_to_the_other(
    serve: Start, engine: Engine, smtp_server: SmtpServer
) -> None:
    first = serve()
    wait_for(lambda: len(smtp_server.recorder.accepted) > 20)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert first.returncode == 0
    serve()
    wait_for(lambda: is_done(engine))
    assert find_balance(engine) == Balance(planned=READERS, accepted=READERS)
    assert len(smtp_server.recorder.accepted) == READERS
