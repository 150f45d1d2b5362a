"""An SMTP server that knows exactly what it has accepted, and says at which moment of a dialogue it is."""

from __future__ import annotations

import asyncio
import contextlib
import email
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Moment(StrEnum):
    GREETING = "greeting"
    MAIL = "mail"
    DATA = "data"
    HALF = "half"  # a part of the body is here
    BODY = "body"  # all of it is here, and it is not yet accepted
    ACCEPTED = "accepted"  # it is accepted, and the 250 is not yet written
    ANSWERED = "answered"


@dataclass(frozen=True)
class Accepted:
    address: str
    message_id: str
    content: bytes


class Mailbox:
    """Accepts everything, and writes it down before the 250 goes out: what a sender may believe is here.

    on_moment   called in the server's thread at every moment of every dialogue
    pace_s      how long each message is thought about, so that an edition lasts long enough to be interrupted
    """

    def __init__(self, *, pace_s: float = 0.0) -> None:
        self.accepted: list[Accepted] = []
        self.on_moment: Callable[[Moment], None] = lambda _: None
        self.pace_s = pace_s
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[Any]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self) -> None:
        """Listens, after `kill` on the port that it had."""
        self._call(self._start)

    def kill(self) -> None:
        """Every connection is torn and nobody listens any more. What was accepted stays."""
        self._call(self._kill)

    @property
    def copies(self) -> dict[str, list[Accepted]]:
        found: dict[str, list[Accepted]] = defaultdict(list)
        for each in list(self.accepted):
            found[each.address].append(each)
        return found

    def _call(self, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _kill(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer, task in list(self._open.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._dialogue(reader, writer)
        finally:
            del self._open[writer]
            writer.close()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.on_moment(Moment.GREETING)
        writer.write(b"220 mailbox\r\n")
        address = ""
        while True:
            command = await reader.readuntil(b"\r\n")
            verb = command[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-mailbox\r\n250-PIPELINING\r\n250 SIZE 0\r\n")
            elif verb == b"MAIL":
                self.on_moment(Moment.MAIL)
                writer.write(b"250 2.1.0 fine\r\n")
            elif verb == b"RCPT":
                address = command.split(b"<")[1].split(b">")[0].decode()
                writer.write(b"250 2.1.5 fine\r\n")
            elif verb == b"DATA":
                self.on_moment(Moment.DATA)
                writer.write(b"354 go on\r\n")
                await self._message(reader, address)
                writer.write(b"250 2.0.0 kept\r\n")
                self.on_moment(Moment.ANSWERED)
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 fine\r\n")

    async def _message(self, reader: asyncio.StreamReader, address: str) -> None:
        lines: list[bytes] = []
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line)
            if len(lines) == 10:
                self.on_moment(Moment.HALF)
        self.on_moment(Moment.BODY)
        await asyncio.sleep(self.pace_s)
        content = b"".join(lines)
        message_id = email.message_from_bytes(content)["Message-ID"]
        self.accepted.append(Accepted(address, str(message_id), content))
        self.on_moment(Moment.ACCEPTED)
