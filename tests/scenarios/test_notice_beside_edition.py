"""A notice does not wait for the edition that goes out at full rate, to the same server: two seconds at most."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.app import App
from digest.flows import dispatch, notices
from digest.model.notice import NoticeStatus
from digest.workers import local
from digest.workers.notices import NoticeThread
from tests.flows.test_dispatch import build
from tests.site import ADMIN, NOW

READERS, BEFORE = 20_000, 2_000
ADDRESS = "mira@example.com"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def sink(app: App, tmp_path: Path) -> Iterator[Path]:
    """The file in which the server of the app's channel keeps, in their order, the recipients of what it accepted."""
    file = tmp_path / "accepted"
    line = [sys.executable, "-m", "tests.scenarios.quick_sink", str(file)]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        app.settings.channels[0] = replace(app.settings.channels[0], port=port)  # type: ignore[call-arg]
        yield file
        process.terminate()


@pytest.mark.slow
def test_a_notice_overtakes_an_edition(app: App, engine: Engine, sink: Path) -> None:
    """By what the server took and in which order: fewer messages of the edition than it takes in two seconds; where other
    programs keep the machine busy, fewer than a tenth of the edition."""
    edition_id = build(engine, app.press, readers=READERS)
    dispatch.plan(engine, edition_id, now=NOW)
    sending = threading.Thread(target=local.send, args=(app, edition_id), kwargs={"stop": threading.Event()})
    with NoticeThread(app):
        began = time.monotonic()
        sending.start()
        while count(sink) < BEFORE:
            time.sleep(0.01)
        asked_at = count(sink)
        notice_id = notices.ask_for_test(engine, ADDRESS, language="en", actor=ADMIN, now=NOW)
        sending.join()
        seconds = time.monotonic() - began
    order = sink.read_text().split()
    came_at, in_two_seconds = order.index(ADDRESS), 2 * READERS / seconds
    assert notices.get_notice(engine, notice_id).status is NoticeStatus.ACCEPTED
    assert len(order) == len(set(order)) == READERS + 1
    assert came_at < READERS, "the edition was over before it"
    assert came_at - asked_at < max(in_two_seconds, READERS / 10)


def count(file: Path) -> int:
    return file.read_bytes().count(b"\n")
