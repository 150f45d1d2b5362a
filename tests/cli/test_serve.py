"""`digest serve` and `edition send` as processes: started, told to stop, with clocks and visitors as they are."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


class Serving:
    """A `digest serve` on a port of its own, with a newsletter whose edition can be approved."""

    def __init__(self, folder: Path, database_url: str, smtp_server: SmtpServer, readers: int) -> None:
        self.smtp = smtp_server
        write_settings(folder, database_url, smtp_server.port)
        self.port = free_port()
        self.digest = Command(folder, DIGEST_WEB__PORT=str(self.port), DIGEST_SCHEDULER__TICK_S="1")
        self.digest("db", "upgrade")
        self.digest(*ADD)
        self.digest("subscriber", "import", write_readers(folder, readers), "--newsletter", "harbour")
        at = (datetime.now(UTC) - timedelta(hours=20)).isoformat()
        self.digest("article", "import", write_articles(folder, at, at))
        self.digest("edition", "build", "harbour")

    def start(self, *, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        self.digest.env |= env or {}
        process = self.digest.start("serve")
        self.wait(self.is_up, 60)
        return process

    def is_up(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).status == 200)
        return False

    @property
    def accepted(self) -> int:
        return len(self.smtp.recorder.accepted)

    @staticmethod
    def wait(what: object, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not what():  # type: ignore[operator]
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.05)


@pytest.fixture
def serving(database_url: str, tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Serving]:
    serving = Serving(tmp_path, database_url, smtp_server, readers=2_000)
    yield serving
    serving.digest.close()


def ends(process: subprocess.Popen[str], *, within: float) -> int:
    began = time.monotonic()
    code = process.wait(timeout=60)
    assert time.monotonic() - began < within
    return code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_in_mid_send_leaves_nothing_unknown_whatever_visitors_do(number: int, serving: Serving) -> None:
    process = serving.start()
    with contextlib.closing(socket.create_connection(("127.0.0.1", serving.port))) as visitor:
        visitor.sendall(b"POST /u/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhello")
        serving.digest("edition", "approve", 1)
        serving.wait(lambda: serving.accepted > 20, 120)
        process.send_signal(number)
        assert ends(process, within=29) == 0  # the visitor's own clock would end it after 30
    assert serving.accepted < 2_000
    counts = serving.digest.json("audit", 1)["balance"]
    assert (counts["unknown"], counts["attempting"], counts["accepted"]) == (0, 0, serving.accepted)


@pytest.mark.parametrize("command", [("serve",), ("edition", "send", "1", "--yes"), ("run-due",)])
def test_an_impatient_hand_leaves_nothing_unknown(command: tuple[str, ...], serving: Serving) -> None:
    if command[0] != "edition":
        serving.digest("edition", "approve", 1)
    process = serving.digest.start(*command)
    serving.wait(lambda: serving.accepted > 20, 120)
    for _ in range(4):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    process.send_signal(signal.SIGHUP)
    assert ends(process, within=20) in (0, 8)
    counts = serving.digest.json("audit", 1)["balance"]
    assert (counts["unknown"], counts["attempting"], counts["accepted"]) == (0, 0, serving.accepted)


def test_who_is_told_to_outlive_the_terminal_does(serving: Serving) -> None:
    process = subprocess.Popen(
        [shutil.which("nohup") or "nohup", sys.executable, "-m", "digest", "serve"],
        cwd=serving.digest.folder,
        env=serving.digest.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    serving.wait(serving.is_up, 120)
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert serving.is_up()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_a_port_that_is_taken_is_said_before_anything_is_begun(serving: Serving) -> None:
    serving.digest("edition", "approve", 1)
    with contextlib.closing(socket.create_server(("127.0.0.1", serving.port))):
        said = serving.digest("serve", code=2)
    assert f"cannot listen on 127.0.0.1:{serving.port}" in said
    assert "serving" not in said
    assert "approved" in serving.digest("edition", "list")


LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@pytest.mark.skipif(not LIBRARY.exists(), reason="needs libfaketime (Debian: faketime)")
@pytest.mark.parametrize("jump", ["-1h", "+262d"])
def test_a_clock_that_jumps_neither_stops_nor_floods_it(jump: str, serving: Serving) -> None:
    """Back by an hour, or forward by months: the next look is a second later, as ever."""
    clock = serving.digest.folder / "clock"
    clock.write_text("+0\n")
    faked = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    process = serving.start(env=faked)
    for name in faked:
        del serving.digest.env[name]
    time.sleep(2)
    clock.write_text(f"{jump}\n")
    time.sleep(2)
    serving.digest("edition", "approve", 1)
    serving.wait(lambda: serving.accepted > 0, 120)
    clock.write_text("+0\n")
    process.send_signal(signal.SIGTERM)
    assert ends(process, within=20) == 0
