"""P9: a whole run with marked people and titles, and none of the marks in what the program logs."""

from __future__ import annotations

import datetime as dt
import json
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from digest import log
from digest.db.engine import writing
from digest.flows.importing import import_articles, import_subscribers
from digest.model.newsletter import WEEKDAYS, Schedule
from digest.model.subscriber import SubscriptionStatus
from digest.sources.store.sources import add_source
from tests.command import Command
from tests.mails import unfolded
from tests.site import SmtpServer, add_newsletter

MARK = "zxqv"


def wait_for(what: Callable[[], bool], *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def web_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def digest(database_url: str, engine: Engine, tmp_path: Path, smtp_server: SmtpServer, web_port: int) -> Command:
    """A newsletter that is due, with six marked readers, of whom the server refuses two, and a source that fails."""
    (tmp_path / "digest.toml").write_text(
        f'[database]\nurl = "{database_url}"\n[log]\nlevel = "debug"\n[scheduler]\ntick_s = 1\n'
        f'[web]\npublic_url = "http://127.0.0.1:{web_port}"\nport = {web_port}\n'
        f'[[channels]]\nhost = "127.0.0.1"\nport = {smtp_server.port}\nsecurity = "none"\n'
    )
    now = datetime.now(UTC)
    every_day = Schedule(weekdays=WEEKDAYS, wall_time=dt.time(0, 0), time_zone="UTC")
    newsletter = add_newsletter(engine, template="plain", schedule=every_day)
    (tmp_path / "readers.csv").write_text(
        "email,name\n" + "".join(f"{MARK}{number}@example.org,{MARK} Reader {number}\n" for number in range(1, 7))
    )
    import_subscribers(engine, tmp_path / "readers.csv", newsletter_id=newsletter.id, now=now)
    story = {
        "url": f"https://harbourpost.example/{MARK}",
        "title": f"{MARK} is the subject",
        "published_at": (now.replace(hour=0, minute=0) - timedelta(hours=3)).isoformat(),
        "summary": f"{MARK} is in the body",
    }
    (tmp_path / "articles.jsonl").write_text(json.dumps(story))
    import_articles(engine, tmp_path / "articles.jsonl", now=now)
    (tmp_path / "feed.xml").write_text(f"<html>{MARK}")
    with writing(engine) as connection:
        add_source(connection, "blog", "feed", {"file": str(tmp_path / "feed.xml")}, now=now)
    smtp_server.recorder.answers = {
        f"{MARK}2@example.org": [f"550 5.1.1 <{MARK}2@example.org>: no such user {MARK}"],
        f"{MARK}3@example.org": [f"451 4.7.1 <{MARK}3@example.org>: greylisted {MARK}"] * 99,
    }
    return Command(tmp_path)


def test_serve_logs_nobody(digest: Command, smtp_server: SmtpServer, web_port: int) -> None:
    process = digest.start("serve")
    wait_for(lambda: len(smtp_server.recorder.accepted) == 4)
    [link] = [
        unfolded(content)["List-Unsubscribe"][0].split(">")[0].lstrip("<")
        for address, content in smtp_server.recorder.accepted
        if address == f"{MARK}1@example.org"
    ]
    token = link.rsplit("/", 1)[1]
    with httpx2.Client(headers={"User-Agent": MARK, "Referer": f"https://{MARK}.example/"}) as client:
        assert client.get(link).status_code == 200
        assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert client.get(f"{link}{MARK}").status_code == 404
        assert client.get(f"http://127.0.0.1:{web_port}/e/{MARK}?q={MARK}").status_code == 404
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    assert "membership.left" in said
    assert "publish.built" in said
    assert "collect.failed" in said
    assert MARK not in said
    assert token not in said
    assert "@" not in said


def test_run_due_says_nobody(digest: Command, smtp_server: SmtpServer) -> None:
    said = digest("run-due")
    assert "4 accepted, 1 deferred, 1 rejected" in said
    assert len(smtp_server.recorder.accepted) == 4
    assert MARK not in said


# --- the last guard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("items", 7, 7),
        ("code", None, None),
        ("is_new", True, True),
        ("rate", 0.5, 0.5),
        ("status", SubscriptionStatus.ACTIVE, "active"),
        ("error", "RenderFailed", "RenderFailed"),
        ("method", "one-click", "one-click"),
        ("channel", "relay-1", "relay-1"),
        ("channel", "mira.keller", "<str>"),
        ("method", "Mira", "<str>"),
        ("subject", "accepted", "<str>"),
        ("token", "tOkEn_123-x", "<str>"),
        ("name", "Mira", "<str>"),
        ("reader", "mira.keller", "<str>"),
        ("origin", "cli:mira", "<str>"),
        ("error", "mira@example.org", "<str>"),
        ("error", "Mira Kessler", "<str>"),
        ("why", "https://digest.example.org/u/x", "<str>"),
        ("kind", "a\nb", "<str>"),
        ("kind", "x" * 65, "<str>"),
        ("kind", "", "<str>"),
        ("to", ["mira@example.org"], "<list>"),
        ("reader", {"name": "Mira"}, "<dict>"),
        ("error", ValueError("mira@example.org"), "<ValueError>"),
        ("name", b"mira", "<bytes>"),
    ],
)
def test_a_log_value_is_let_through_by_its_field_and_type(field: str, value: object, shown: object) -> None:
    log.configure(names=["relay-1"])
    assert log.safe(field, value) == shown


@given(st.sampled_from(["name", "token", "subject", "to", "address", "id"]), st.text(min_size=1))
def test_no_text_passes_the_guard_under_another_name(field: str, text: str) -> None:
    assert log.safe(field, text) == "<str>"
