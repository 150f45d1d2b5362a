"""An SMTP server that does whatever a server must not do, by chance, and knows exactly what it has accepted.

Per answer it may refuse for now or for good, say a code that does not belong there, or more than one line; hesitate, fall
silent, stop in mid-word, close, reset; add an answer that nobody asked for; forget what was sent ahead of its answer
although it announced PIPELINING. What it writes is cut into pieces and glued together at random.

Two things it does not do, since no client could tell: claim success before it has read the message (an answer that
nobody asked for, while the body is on its way), and ask for a message (354) in place of an answer to RCPT.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

SILENCE_S = 0.4
"""Longer than the client waits."""

REFUSALS = {
    "greeting": ["421 4.3.2 not now", "554 5.7.1 go away"],
    "ehlo": ["421 4.3.2 not now", "500 what", "502 5.5.1 no", "550 5.7.1 no", "250 here"],
    "helo": ["421 4.3.2 not now", "550 5.7.1 no"],
    "mail": [
        "421 4.7.0 slower",
        "450 4.1.8 later",
        "451 4.7.1 trust",
        "552 5.3.4 big",
        "550 5.7.1 you?",
        "503 5.5.1 order",
    ],
    "rcpt": [
        "421 4.7.28 rate",
        "450 4.2.0 grey",
        "452 4.5.3 many",
        "550 5.1.1 who",
        "550 5.7.1 no",
        "552 5.2.2 full",
        "552 no",
    ],
    "data": ["421 4.3.0 bye", "451 4.3.0 later", "554 5.5.1 no valid recipients", "250 2.0.0 fine"],
    "body": ["421 4.3.0 bye", "451 4.3.0 later", "452 4.3.1 space", "554 5.7.1 spam", "552 5.3.4 big"],
    "rset": ["421 4.3.2 bye", "502 5.5.1 what"],
    "quit": ["421 4.3.2 bye", "500 what"],
}
NONSENSE = ["299 what", "334 ", "199 odd", "666 beast", "25", "", "fine", "250_fine", "\x00\xff", "-250 x"]
UNASKED = [
    "250 2.0.0 by the way",
    "550 5.0.0 by the way",
    "421 4.3.2 by the way",
    "220 by the way",
    "250-\r\n250 ",
    "what",
]


class Gone(Exception):
    """The server has had enough of this connection."""


@dataclass
class Seen:
    """What the server knows. `accepted` counts what it was about to answer with 2yz, written down before that.

    wrong      what should not have come: a body without a recipient, an empty message for a reader, no command
    """

    dialogues: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class HostileServer:
    """malice   how often an answer goes wrong, 0 to 1; drawn anew for each connection up to this"""

    def __init__(self, seed: object, *, malice: float) -> None:
        self.chance, self.malice, self.seen = random.Random(repr(seed)), malice, Seen()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # sockets are closed when their turn comes

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.dialogues += 1
        malice = self.chance.choice([0.0, self.malice / 8, self.malice / 2, self.malice])
        dialogue = _Dialogue(self.seen, random.Random(self.chance.random()), malice, reader, writer)
        task = asyncio.create_task(dialogue.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass
class _Dialogue:
    seen: Seen
    chance: random.Random
    malice: float
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    buffer: bytes = b""
    corked: bytes = b""

    async def run(self) -> None:
        try:
            with contextlib.suppress(Gone, OSError):
                await self._talk()
        finally:
            if self.chance.random() < 0.3:
                self.writer.transport.abort()
            self.writer.close()

    async def _talk(self) -> None:
        is_forgetful = self.malice and self.chance.random() < 0.15
        offers = ["here", *self.chance.sample(["PIPELINING", "SIZE 0", "8BITMIME"], self.chance.randint(0, 3))]
        await self._answer("greeting", "220 here")
        address = ""
        has_recipient = False
        while True:
            line = await self._line()
            verb = line.split(b" ")[0].strip().upper()
            if is_forgetful and verb in (b"MAIL", b"RCPT"):
                await self._forget()
            if verb == b"EHLO":
                lines = [f"250{'-' if number < len(offers) else ' '}{offer}" for number, offer in enumerate(offers, 1)]
                await self._answer("ehlo", "\r\n".join(lines))
            elif verb == b"HELO":
                await self._answer("helo", "250 here")
            elif verb == b"MAIL":
                await self._answer("mail", "250 2.1.0 fine")
                has_recipient = False
            elif verb == b"RCPT":
                address = line.split(b"<")[1].split(b">")[0].decode()
                has_recipient = (await self._answer("rcpt", "250 2.1.5 fine")) in ("250 2.1.5 fine", "299 what")
            elif verb == b"DATA":
                if (await self._answer("data", "354 go on")).startswith("354"):
                    await self._body(address if has_recipient else "", forgets=bool(is_forgetful))
            elif verb == b"RSET":
                await self._answer("rset", "250 2.0.0 fine")
            elif verb == b"QUIT":
                await self._answer("quit", "221 2.0.0 bye")
                return
            else:
                if not is_forgetful:
                    self.seen.wrong.append(f"no command: {line[:40]!r}")
                await self._answer("rset", "500 5.5.1 what")

    async def _body(self, address: str, *, forgets: bool) -> None:
        stops_at = self.chance.randint(1, 60) if self.chance.random() < self.malice / 4 else 0
        lines = 0
        while (await self._line()) != b".\r\n":
            lines += 1
            if lines == stops_at:
                raise Gone
        if lines and not address and not forgets:  # it may have forgotten the recipient, and answered for it unasked
            self.seen.wrong.append("a body without a recipient")
        if address and not lines:
            self.seen.wrong.append("an empty message for a reader")
        if forgets:
            await self._forget()
        if not address:
            await self._answer("body", "554 5.5.1 no valid recipients")
            return
        good = self.chance.choice(["250 2.0.0 taken", "250 ", "251 taken", "250-2.0.0 taken\r\n250-with\r\n250 thanks"])
        text = self._choose("body", good)
        if text == good or text == "299 what":  # any 2yz is a yes (RFC 5321 §4.2.1)
            self.seen.accepted[address] += 1
        await self._say("body", text)

    # --- input --------------------------------------------------------------------------------------------------------

    async def _line(self) -> bytes:
        while b"\n" not in self.buffer:
            await self._flush()
            got = await self.reader.read(65536)
            if not got:
                raise Gone
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    async def _forget(self) -> None:
        """What was sent ahead is gone: PIPELINING is announced by many who cannot do it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.005):
                await self.reader.read(65536)
        self.buffer = b""

    # --- output -------------------------------------------------------------------------------------------------------

    async def _answer(self, stage: str, good: str) -> str:
        text = self._choose(stage, good)
        await self._say(stage, text)
        return text

    def _choose(self, stage: str, good: str) -> str:
        if self.chance.random() >= self.malice:
            return good
        pool = self.chance.choice([REFUSALS[stage], REFUSALS[stage], NONSENSE])
        return self.chance.choice(pool)

    async def _say(self, stage: str, text: str) -> None:
        chance, answer = self.chance, text.encode("latin-1") + b"\r\n"
        if chance.random() < self.malice / 2:
            trick = chance.choice(["silence", "hesitate", "half", "close", "unasked", "unasked"])
            if trick == "silence":
                await self._flush()
                await asyncio.sleep(SILENCE_S)
            elif trick == "hesitate":
                await asyncio.sleep(chance.uniform(0.0, 0.02))
            elif trick == "half":
                self.corked += answer[: chance.randint(0, len(answer) - 1)]
                await self._flush()
                raise Gone
            elif trick == "close":
                await self._flush()
                raise Gone
            elif stage not in ("data", "ehlo", "greeting", "helo"):
                unasked = chance.choice(UNASKED).encode() + b"\r\n"
                is_before = stage != "body" and chance.random() < 0.5
                answer = unasked + answer if is_before else answer + unasked
        self.corked += answer
        if chance.random() < 0.5:
            await self._flush()
        if text.startswith("421"):
            await self._flush()
            raise Gone

    async def _flush(self) -> None:
        """In pieces as the network may make them."""
        rest, self.corked = self.corked, b""
        while rest:
            size = self.chance.choice([1, 2, 3, 7, 1000, 1000, 1000])
            self.writer.write(rest[:size])
            rest = rest[size:]
            await (asyncio.sleep(0.001) if size < 4 and self.chance.random() < 0.2 else asyncio.sleep(0))
        await self.writer.drain()
