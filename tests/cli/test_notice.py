"""Notices at a shell: tried, listed, sent by whoever runs, and named when they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.clock import SystemClock
from digest.flows import notices
from tests.cli.test_serve import Serving
from tests.command import ADD, Command, write_settings
from tests.site import ADMIN, SmtpServer


@pytest.fixture
def digest(database_url: str, engine: Engine, tmp_path: Path, smtp_server: SmtpServer) -> Command:
    write_settings(tmp_path, database_url, smtp_server.port)
    command = Command(tmp_path)
    command(*ADD)
    return command


def ask(engine: Engine, address: str) -> None:
    notices.ask_for_test(engine, address, language="", actor=ADMIN, now=SystemClock().now())


def test_a_notice_is_tried_and_listed(digest: Command, smtp_server: SmtpServer) -> None:
    assert "notice 1 to mira@example.org: accepted" in digest("notice", "test", "mira@example.org", "--language", "de")
    ((address, raw),) = smtp_server.recorder.accepted
    assert address == "mira@example.org"
    assert b"Subject: Eine Testnachricht" in raw
    (listed,) = digest.json("notice", "list")
    assert (listed["kind"], listed["address"], listed["status"]) == ("test", "mira@example.org", "accepted")
    assert "mira@example.org" in digest("notice", "list")
    assert "notice.test" in digest("log")


def test_one_that_does_not_arrive_is_exit_code_8_and_the_doctor_names_it(
    digest: Command, smtp_server: SmtpServer
) -> None:
    smtp_server.recorder.answers["mira@example.org"] = ["550 5.1.1 no such user"]
    assert "rejected, refused at rcpt 550 5.1.1" in digest("notice", "test", "mira@example.org", code=8)
    found = json.loads(digest("doctor", "--json", code=1))
    assert ["notices of the kind test", "1 did not arrive, or not yet", "digest notice list says why"] in found


def test_what_is_no_address_is_exit_code_6(digest: Command) -> None:
    assert "ADDRESS" in digest("notice", "test", "mira", code=6)
    assert "no such message" in digest("notice", "list")


def test_run_due_sends_what_waits(digest: Command, engine: Engine, smtp_server: SmtpServer) -> None:
    ask(engine, "mira@example.org")
    digest("run-due", "--no-collect")
    assert [address for address, _ in smtp_server.recorder.accepted] == ["mira@example.org"]


def test_serve_sends_what_waits_and_what_comes(
    database_url: str, engine: Engine, tmp_path: Path, smtp_server: SmtpServer
) -> None:
    serving = Serving(tmp_path, database_url, smtp_server, readers=1)
    ask(engine, "first@example.org")
    process = serving.start()
    try:
        serving.wait(lambda: serving.accepted == 1, 60)
        ask(engine, "second@example.org")
        serving.wait(lambda: serving.accepted == 2, 60)
    finally:
        process.terminate()
        assert process.wait(30) == 0
        serving.digest.close()
    assert [address for address, _ in smtp_server.recorder.accepted] == ["first@example.org", "second@example.org"]
