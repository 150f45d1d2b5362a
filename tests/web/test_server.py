"""Visitors who keep the server waiting: they lose their place, and nobody else waits for them."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest import config
from digest.app import make_app
from digest.clock import FixedClock
from digest.db import migrate
from digest.errors import ConfigError
from digest.web.server import Patience, Server, bind, most_connections, raise_file_limit
from digest.web.site import make_site
from tests.site import NOW

PAGE = b"x" * 5_000_000


async def site(scope: object, receive: object, send: object) -> None:
    """Reads the request to its end, then sends more than any buffer between takes."""
    assert isinstance(scope, dict)
    while (await receive()).get("more_body"):  # type: ignore[operator]
        pass
    body = PAGE if scope["path"] == "/large" else b"here"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": body})  # type: ignore[operator]


class Running:
    def __init__(self, files: int, patience: Patience = Patience()) -> None:
        self._socket = bind("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self.server = Server(site, files=files, patience=patience)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    def close(self) -> float:
        began = time.monotonic()
        self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()
        return time.monotonic() - began

    def visit(self, sent: bytes, *, of: str = "127.0.0.1") -> socket.socket:
        visitor = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(of, 0))
        visitor.sendall(sent)
        return visitor

    def answer(self, of: str) -> bytes:
        """The first line of it."""
        sent = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with contextlib.closing(self.visit(sent, of=of)) as visitor:
            return visitor.recv(4_096).partition(b"\r\n")[0]

    @property
    def visitors(self) -> int:
        return len(self.server.server_state.connections)

    def wait_for(self, is_so: Callable[[int], bool]) -> None:
        """Until so many are connected."""
        until = time.monotonic() + 60
        while not is_so(self.visitors):
            assert time.monotonic() < until, self.visitors
            time.sleep(0.02)


@pytest.fixture
def running() -> Iterator[Running]:
    """With short times: what they are is a number, that they end is what is tested."""
    running = Running(files=4_096, patience=Patience(headers_s=1.5, body_s=1.5, write_s=1.5))
    yield running
    running.close()


def ends_after(visitor: socket.socket) -> float:
    """Seconds until the server ends the connection; a visitor waits for a minute, and fails then."""
    began = time.monotonic()
    with contextlib.closing(visitor), contextlib.suppress(ConnectionError):
        while visitor.recv(65_536):
            pass
    return time.monotonic() - began


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
    ],
)
def test_who_does_not_finish_a_request_loses_the_connection(sent: bytes, running: Running) -> None:
    assert ends_after(running.visit(sent)) > 1


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"])
def test_a_byte_now_and_then_sets_no_clock_back(begun: bytes, running: Running) -> None:
    """It goes on until the connection is ended; were each byte a new beginning, that would be never."""
    with contextlib.closing(running.visit(begun)) as visitor, pytest.raises(ConnectionError):  # noqa: PT012
        for _ in range(600):
            visitor.sendall(b"a")
            time.sleep(0.1)


def test_who_does_not_read_the_answer_loses_the_connection(running: Running) -> None:
    visitor = running.visit(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    running.wait_for(lambda visitors: visitors == 1)
    running.wait_for(lambda visitors: visitors == 0)
    got = 0
    with contextlib.closing(visitor), contextlib.suppress(ConnectionError):
        while chunk := visitor.recv(65_536):
            got += len(chunk)
    assert got < len(PAGE)


def test_who_reads_it_gets_all_of_it(running: Running) -> None:
    visitor = running.visit(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    with contextlib.closing(visitor):
        got = sum(len(chunk) for chunk in iter(lambda: visitor.recv(65_536), b""))
    assert got > len(PAGE)


def test_an_answer_is_not_held_back_until_its_head_is_acknowledged(running: Running) -> None:
    with contextlib.closing(running.visit(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) as visitor:
        assert visitor.recv(4_096).startswith(b"HTTP/1.1 200")
        (connection,) = running.server.server_state.connections
        there = connection.transport.get_extra_info("socket")  # type: ignore[union-attr]
        assert there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_two_thousand_idle_visitors_keep_nobody_waiting() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    running = Running(files=4_096, patience=Patience(headers_s=300, body_s=300, write_s=300))
    most = most_connections(4_096)[1]
    try:
        with contextlib.ExitStack() as crowd:
            for number in range(2_000):
                crowd.enter_context(contextlib.closing(running.visit((b"", b"GET / HT", b"POST / ")[number % 3])))
            running.wait_for(lambda visitors: visitors == most)
            assert running.answer("127.0.0.2") == b"HTTP/1.1 200 OK"
            assert most <= running.visitors <= most + 1, "the crowd is still there"
            late = running.visit(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert late.recv(4_096).startswith(b"HTTP/1.1 503")
            late.close()
        running.wait_for(lambda visitors: visitors == 0)
        assert running.answer("127.0.0.1") == b"HTTP/1.1 200 OK"
    finally:
        running.close()


def test_a_stop_waits_for_nobody_who_is_slow(running: Running) -> None:
    waiting = [
        running.visit(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello"),
        running.visit(b"GET / HT"),
        running.visit(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"),
    ]
    time.sleep(0.3)
    assert running.close() < 6
    for visitor in waiting:
        visitor.close()


def test_a_port_that_is_taken_is_named() -> None:
    with contextlib.closing(bind("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            bind("127.0.0.1", port)


def test_a_small_limit_of_files_leaves_some_for_the_database() -> None:
    assert most_connections(256) == (128, 32)
    assert most_connections(65_536) == (2_000, 500)
    assert raise_file_limit() >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1


def test_what_is_odd_is_told_by_nobody_else(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Libraries have lines of their own for each odd request, with what it says; thousands of them fill a disk."""
    odd = (
        b"GET /u/SECRET HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nSECRET",
    )
    for sent in odd * 5:
        with contextlib.closing(running.visit(sent)) as visitor, contextlib.suppress(ConnectionError):
            visitor.recv(4_096)
    assert not [(record.name, record.getMessage()) for record in caplog.records]


def test_connections_that_cannot_be_taken_are_told_of_once_a_minute(
    running: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(1_000):
        running.server._say(None, {"exception": OSError(24, "Too many open files")})  # type: ignore[arg-type]
    out, err = capfd.readouterr()
    assert len([line for line in (out + err).splitlines() if "web.trouble" in line]) == 1


def test_health_fails_while_the_database_is_away_or_nothing_ticks(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    settings = config.Settings.model_construct(
        database=config.Database(url=f"sqlite:///{folder / 'digest.sqlite'}"),
        web=config.Web(public_url="http://digest.example.org"),
        mail=config.Mail(unsubscribe_mailbox="leave@harbourpost.example"),
    )
    app = make_app(settings, FixedClock(NOW))
    migrate.upgrade(app.unchecked_engine)
    ticking = [True]
    client = TestClient(make_site(app, is_ticking=lambda: ticking[0]), base_url="http://digest.example.org")
    assert (client.get("/health").status_code, client.get("/health").json()) == (200, {"status": "ok", "failing": []})
    ticking[0] = False
    assert (client.get("/health").status_code, client.get("/health").json()["failing"]) == (503, ["ticker"])
    app.engine.dispose()
    folder.rename(tmp_path / "elsewhere")
    assert client.get("/health").json() == {"status": "failing", "failing": ["database", "ticker"]}
    assert client.head("/health").status_code == 503
