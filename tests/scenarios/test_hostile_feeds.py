"""`digest serve` while what strangers wrote is read: the readers' pages answer all the while, and the edition goes out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine

from digest.db.engine import reading, writing
from digest.model.newsletter import WEEKDAYS, Schedule
from digest.sources.store.sources import add_source, list_sources
from tests.command import Command, write_settings
from tests.scenarios.test_two_servers import free_port
from tests.site import NOW, SmtpServer, add_articles, add_newsletter, add_readers
from tests.sources.hostile import rss

SLOW_S = float(os.environ.get("DIGEST_SLOW_ANSWER_S", "2"))
"""A tenth of a second on a machine that has nothing else to do; tests are run beside many others."""


@pytest.fixture
def pages(engine: Engine, smtp_server: SmtpServer, tmp_path: Path) -> Iterator[str]:
    """The address of a server that has an edition due, and four sources to read before."""
    every_day = Schedule(weekdays=WEEKDAYS, wall_time=wall_time(0, 0), time_zone="UTC")
    add_readers(engine, add_newsletter(engine, template="plain", schedule=every_day), 20)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    add_articles(engine, 2, start=midnight - timedelta(hours=1))
    feeds = {
        "a": rss(date="a" * 40_000),
        "b": rss(title="<ul>" * 100_000, text="<![CDATA[" * 50_000),
        "c": rss(before="\n" * 100_000, more="<media:content " * 50_000),
        "d": rss(text="<b>" * 40_000),
    }
    with writing(engine) as connection:
        for name, body in feeds.items():
            (tmp_path / name).write_bytes(body)
            add_source(connection, name, "feed", {"file": str(tmp_path / name)}, now=NOW)
    port = free_port()
    write_settings(tmp_path, engine.url.render_as_string(hide_password=False), smtp_server.port, web_port=port)
    digest = Command(tmp_path)
    digest.start("serve")
    yield f"http://127.0.0.1:{port}"
    digest.close()


def test_pages_answer_while_hostile_feeds_are_read(pages: str, engine: Engine, smtp_server: SmtpServer) -> None:
    waits: list[float] = []
    deadline = time.monotonic() + 100
    with httpx2.Client(base_url=pages, timeout=20) as client:
        while len(smtp_server.recorder.accepted) < 20:
            assert time.monotonic() < deadline, "the edition does not go out"
            started = time.monotonic()
            try:
                assert client.get("/u/x").status_code == 404
            except httpx2.ConnectError:  # it has not begun yet
                time.sleep(0.05)
                continue
            waits.append(time.monotonic() - started)
            time.sleep(0.01)
    waits.sort()
    print(f"{len(waits)} answers, half within {waits[len(waits) // 2]:.3f}, 99 % {waits[len(waits) * 99 // 100]:.3f} s")  # noqa: T201
    assert waits[len(waits) * 99 // 100] < SLOW_S
    with reading(engine) as connection:
        assert all(each.last_success_at or each.last_error for each in list_sources(connection))
