"""SMTP replies out of whatever the network gives: split, joined, multi-line, cut off."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from functools import lru_cache
from typing import NamedTuple

MAX_REPLY = 64 * 1024
MAX_AHEAD = 100
"""Replies that nobody waited for: a group has three, and a server that goes on talking fills the memory."""


class Reply(NamedTuple):
    """RFC 5321 §4.2: a code and its lines, joined."""

    code: int
    text: str


@lru_cache(maxsize=64)
def _whole(line: bytes) -> Reply | None:
    """The reply that this line is by itself. To MAIL, RCPT and DATA a server says the same every time."""
    if line[3:4] == b" " and line[:1] in b"2345" and line[:3].isdigit():
        return Reply(int(line[:3]), line[4:].decode("utf-8", "replace"))
    return None


class Broken(Exception):
    """The line ended, fell silent, or said something that is no reply."""


class Replies(asyncio.Protocol):
    """Complete replies in the order in which they came. What came before the line broke can still be read."""

    _LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?")  # RFC 5321 §4.2: the first digit is 2 to 5

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()  # kept: looking for it asks the system for the process each time
        self._replies: deque[Reply] = deque()
        self._buffer = b""
        self._lines: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._deadline, self._timeout_s = 0.0, 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._lost: str | None = None

    def data_received(self, data: bytes) -> None:
        if self._lost is not None:
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r"))
        if len(self._buffer) + sum(map(len, self._lines)) > MAX_REPLY:
            self._end("a reply without end")
        if len(self._replies) > MAX_AHEAD:
            self._end("answers that nobody asked for, without end")
        if self._replies:
            self._wake()

    def _line(self, line: bytes) -> None:
        """Most lines are whole replies; what is not goes the long way round."""
        if not self._lines and self._lost is None and (reply := _whole(line)) is not None:
            self._replies.append(reply)
            return
        match = self._LINE.fullmatch(line)
        if match is None:
            self._end("an answer that is no SMTP reply")
            return
        code, gap, text = match.groups()
        if gap == b"-":
            self._lines.append(text)
            return
        text = text or b""
        if self._lines:
            text = b" ".join((*self._lines, text))
            self._lines = []
        if self._lost is None:
            self._replies.append(Reply(int(code), text.decode("utf-8", "replace")))

    def eof_received(self) -> None:
        self._end("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection was lost: {exc}" if exc else "the server closed the connection")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, why: str) -> None:
        self._lost = self._lost or why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def is_ahead(self) -> bool:
        """Is there a reply that nobody waits for? Before a body goes out that means: out of step."""
        return bool(self._replies) or self._lost is not None

    def next(self) -> Reply | None:
        """The next reply, if it is there already."""
        return self._replies.popleft() if self._replies else None

    async def reply(self, timeout_s: float) -> Reply:
        """The next reply; Broken when there will be none."""
        if not self._replies:
            await self._wait(timeout_s)
        return self._replies.popleft()

    async def _wait(self, timeout_s: float) -> None:
        """One timer serves the whole conversation: it is moved only when it fires, not for every reply."""
        loop = self._loop
        self._deadline, self._timeout_s = loop.time() + timeout_s, timeout_s
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(self._deadline, self._ring)
        while not self._replies:
            if self._lost is not None:
                raise Broken(self._lost)
            self._waiter = loop.create_future()
            await self._waiter
        self._waiter = None

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._ring)
        else:
            self._end(f"no answer within {self._timeout_s:.0f} seconds")
