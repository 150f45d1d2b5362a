"""uvicorn with limits: nobody holds a connection, a page or a stop for longer than it takes.

uvicorn itself waits for ever for a request's headers, its body, and the reader of an answer.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest import log
from digest.errors import ConfigError

GRACE_S = 3
MAX_CONNECTIONS = 2_000
MAX_FILES = 65_536
FILES_KEPT = 128
"""Descriptors that are not for visitors: the database, mail servers, sources."""

SAID_EVERY_S = 60.0
_FOREIGN = ("uvicorn", "uvicorn.error", "uvicorn.access", "python_multipart", "python_multipart.multipart", "multipart")
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nRetry-After: 10\r\n"
    b"Connection: close\r\n\r\nbusy\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a visitor may take for the head of a request, for the rest of it, and for what is left of the answer."""

    headers_s: float = 10.0
    body_s: float = 30.0
    write_s: float = 30.0


def most_connections(files: int) -> tuple[int, int]:
    """In all, and of one address, with so many descriptors: one address never takes more than a quarter."""
    in_all = max(16, min(MAX_CONNECTIONS, files - FILES_KEPT))
    return in_all, max(8, in_all // 4)


class Visitor(H11Protocol):
    """One connection, with a clock on each thing that it may keep waiting."""

    most_in_all, most_of_one = most_connections(1_024)
    by_address: Counter[str] = Counter()
    patience = Patience()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does so for sockets that name their protocol, and ours does not; else a body waits 40 ms for the head's ACK
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting_for = ""
        self._wait: asyncio.TimerHandle | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._address = self.client[0] if self.client else ""
        self.by_address[self._address] += 1
        if len(self.connections) > self.most_in_all or self.by_address[self._address] > self.most_of_one:
            transport.write(_BUSY)
            transport.close()
            self._flush = self.loop.call_later(self.patience.write_s, transport.abort)
        else:
            self._look()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()
        self._watch_reader()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._wait, self._flush):
            if timer is not None:
                timer.cancel()
        self.by_address[self._address] -= 1
        if not self.by_address[self._address]:
            del self.by_address[self._address]
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def shutdown(self) -> None:
        super().shutdown()
        if self._waiting_for:  # for the rest of a request: what it would have been is not waited for
            self.transport.close()

    def _look(self) -> None:
        """Start the clock for what the visitor has to send next. A byte now and then does not set it back."""
        state = self.conn.their_state
        wanted = "headers" if state is h11.IDLE else "body" if state is h11.SEND_BODY else ""
        if wanted == "headers" and self.timeout_keep_alive_task is not None:
            wanted = ""  # between two requests: uvicorn's own clock runs
        if wanted == self._waiting_for:
            return
        if self._wait is not None:
            self._wait.cancel()
            self._wait = None
        self._waiting_for = wanted
        if wanted:
            self._wait = self.loop.call_later(
                self.patience.headers_s if wanted == "headers" else self.patience.body_s, self.transport.abort
            )

    def _watch_reader(self) -> None:
        if self._flush is None and self.transport.get_write_buffer_size():
            self._flush = self.loop.call_later(self.patience.write_s, self._end_slow_reader)

    def _end_slow_reader(self) -> None:
        self._flush = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()


def bind(host: str, port: int) -> socket.socket:
    """The socket that pages are served on; ConfigError names the address where it cannot be had."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    try:
        return socket.create_server(address[:2], family=family, backlog=512)
    except OSError as cause:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {cause.strerror}; does another server run there? See web.host and web.port"
        ) from cause


def raise_file_limit() -> int:
    """As many descriptors as this process may have; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MAX_FILES if soft == resource.RLIM_INFINITY else soft


class Server(uvicorn.Server):
    """Serves until it is told to stop; `on_stop` is called as soon as that is noticed, whatever visitors are doing."""

    def __init__(
        self,
        site: ASGIApp,
        *,
        files: int,
        on_stop: Callable[[], None] = lambda: None,
        patience: Patience = Visitor.patience,
    ) -> None:
        for name in _FOREIGN:  # they tell of each odd request, in words of their own (P9)
            logging.getLogger(name).disabled = True
        in_all, of_one = most_connections(files)
        limits = {"most_in_all": in_all, "most_of_one": of_one, "by_address": Counter(), "patience": patience}
        visitor = type("Visitor", (Visitor,), limits)
        super().__init__(
            uvicorn.Config(
                site,
                http=visitor,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # it would log tokens and addresses (P9)
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._on_stop = on_stop
        self._said_at = -SAID_EVERY_S

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Signals belong to whoever runs this: uvicorn would raise them once more at its end."""
        asyncio.get_running_loop().set_exception_handler(self._say)
        await self._serve(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)

    def _say(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """asyncio tells of every connection that it could not take, thousands a second: once a minute is enough."""
        if time.monotonic() - self._said_at >= SAID_EVERY_S:
            self._said_at = time.monotonic()
            log.warn("web.trouble", error=type(context.get("exception")).__name__)
