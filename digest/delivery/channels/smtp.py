"""An SMTP relay. What happens on every kind of failure:

no connection, no greeting, TLS refused   ChannelUnavailable; no row was touched
login refused (535)                       ChannelUnavailable with health STOP: a person must look
MAIL, RCPT, DATA refused                  that row's outcome (answer.py); the connection goes on
RCPT refused but DATA accepted            an empty body ends the transaction, and its answer is read (RFC 2920 §3.1)
421 at any stage                          that row is deferred, the next one untried, the connection ends
broken or silent before the body          untried: the row goes back to what it was
broken or silent after the body           unknown (RFC 1047): the server may have taken it
broken at QUIT                            nothing: what was accepted is accepted
PIPELINING claimed, but out of step       the rows are untried, and this channel goes on without pipelining

aiosmtplib connects, does TLS, EHLO and login; then this file takes the transport, because the dialogue is the heart of
the program: where the server offers PIPELINING a message costs one round trip, its envelope travelling behind the
body of the message before.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections import deque
from dataclasses import dataclass, field

import aiosmtplib
from aiosmtplib.errors import SMTPAuthenticationError, SMTPException, SMTPHeloError, SMTPResponseException

from digest import log
from digest.delivery.answer import broken, judge, refused_here
from digest.delivery.channels import Desk
from digest.errors import ChannelUnavailable
from digest.model.delivery import ChannelHealth, Outcome, Stage, Verdict
from digest.model.envelope import Outgoing

MAX_REPLY = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One relay.

    security   "tls" (from the first byte, port 465: RFC 8314 §3 prefers it), "starttls" (required, never falls back),
               or "none" (loopback and trusted networks)
    timeouts   seconds; RFC 5321 §4.5.3.2 gives the defaults
    """

    name: str = "smtp"
    host: str = "localhost"
    port: int = 25
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    verify: bool = True
    local_hostname: str = ""
    connections: int = 4
    messages_per_connection: int = 500
    pipelining: bool = True
    connect_timeout_s: float = 60.0
    command_timeout_s: float = 300.0
    data_timeout_s: float = 120.0
    body_timeout_s: float = 600.0


class Unavailable(ChannelUnavailable):
    """With what it says about the channel: rest a while, or stop until a person has looked."""

    def __init__(self, message: str, health: ChannelHealth) -> None:
        super().__init__(message)
        self.health = health


@dataclass(frozen=True, slots=True)
class Reply:
    """RFC 5321 §4.2: a code and its lines, joined."""

    code: int
    text: str


class _Broken(Exception):
    """The line ended, fell silent, or said something that is no reply."""


class Conversation(asyncio.Protocol):
    """Complete replies in the order in which they came, however the bytes were split or joined."""

    _LINE = re.compile(rb"(\d{3})([ -]?)(.*)")

    def __init__(self) -> None:
        self._replies: deque[Reply] = deque()
        self._buffer = b""
        self._lines: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._lost: str | None = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r"))
        if len(self._buffer) + sum(map(len, self._lines)) > MAX_REPLY:
            self._end("a reply without end")

    def _line(self, line: bytes) -> None:
        match = self._LINE.fullmatch(line)
        if match is None:
            self._end("an answer that is no SMTP reply")
            return
        self._lines.append(match.group(3))
        if match.group(2) == b"-":
            return
        text = " ".join(part.decode("utf-8", "replace") for part in self._lines)
        self._lines = []
        self._replies.append(Reply(int(match.group(1)), text))
        self._wake()

    def eof_received(self) -> None:
        self._end("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection was lost: {exc}" if exc else "the server closed the connection")

    def _end(self, why: str) -> None:
        self._lost = self._lost or why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def reply(self, timeout_s: float) -> Reply:
        """The next reply; _Broken when there will be none."""
        deadline = time.monotonic() + timeout_s
        while not self._replies:
            if self._lost is not None:
                raise _Broken(self._lost)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait_for(self._waiter, deadline - time.monotonic())
            except TimeoutError:
                self._lost = f"no answer within {timeout_s:.0f} seconds"
        return self._replies.popleft()


@dataclass(slots=True)
class _Line:
    """An open connection and what its EHLO offered."""

    transport: asyncio.WriteTransport
    conversation: Conversation
    pipelining: bool
    size_limit: int | None
    smtputf8: bool
    has_size: bool
    messages: int = 0


class SmtpChannel:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.name = options.name
        self.connections = options.connections
        self._cannot_pipeline = not options.pipelining

    async def converse(self, desk: Desk) -> None:
        line = await self._open()
        try:
            await (self._pipelined(line, desk) if line.pipelining else self._plain(line, desk))
        finally:
            await self._quit(line)

    # --- opening and closing --------------------------------------------------------------------------------------

    async def _open(self) -> _Line:
        options = self.options
        client = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            username=options.username or None,
            password=options.password or None,
            local_hostname=options.local_hostname or None,
            timeout=options.connect_timeout_s,
            validate_certs=options.verify,
        )
        try:
            await client.connect()
            await self._greet(client)
        except SMTPAuthenticationError as cause:
            outcome = judge(Stage.AUTH, cause.code, cause.message)
            raise Unavailable(
                f"channel {self.name}: {options.host} refused the login ({cause.code})", outcome.health
            ) from cause
        except SMTPResponseException as cause:
            health = judge(Stage.CONNECT, cause.code, cause.message).health
            raise Unavailable(f"channel {self.name}: {options.host} answered {cause.code}", health) from cause
        except ssl.SSLCertVerificationError as cause:
            raise Unavailable(
                f"channel {self.name}: the certificate of {options.host} is not trusted: {cause.verify_message}",
                ChannelHealth.STOP,
            ) from cause
        except (SMTPException, OSError, ValueError) as cause:
            raise Unavailable(
                f"channel {self.name}: {options.host}:{options.port} cannot be used: {cause}", _health(cause)
            ) from cause
        transport, offered = client.transport, client.esmtp_extensions
        assert isinstance(transport, asyncio.WriteTransport)
        conversation = Conversation()
        transport.set_protocol(conversation)
        size = offered.get("size", "")
        return _Line(
            transport=transport,
            conversation=conversation,
            pipelining="pipelining" in offered and not self._cannot_pipeline,
            has_size="size" in offered,
            size_limit=int(size) if size.isdigit() and int(size) else None,  # RFC 1870 §4: 0 is no limit
            smtputf8="smtputf8" in offered,
        )

    @staticmethod
    async def _greet(client: aiosmtplib.SMTP) -> None:
        """EHLO, or HELO for a server that does not know it (RFC 5321 §3.2), unless STARTTLS or login had it said."""
        if client.is_ehlo_or_helo_needed:
            try:
                await client.ehlo()
            except SMTPHeloError:
                await client.helo()

    async def _quit(self, line: _Line) -> None:
        """Best effort: what was accepted is accepted, whatever happens now."""
        with contextlib.suppress(_Broken, OSError):
            if not line.transport.is_closing():
                line.transport.write(b"QUIT\r\n")
                await line.conversation.reply(5.0)
        line.transport.close()

    # --- one message ----------------------------------------------------------------------------------------------

    def _envelope(self, line: _Line, outgoing: Outgoing, *, pipelined: bool) -> bytes:
        """MAIL and RCPT (and DATA, which ends a group: RFC 2920 §3.1)."""
        envelope = outgoing.envelope
        parameters = f" SIZE={len(outgoing.content)}" if line.has_size else ""  # RFC 1870 §6
        parameters += " SMTPUTF8" if envelope.needs_utf8 else ""  # RFC 6531 §3.4
        text = f"MAIL FROM:<{envelope.mail_from}>{parameters}\r\n"
        if pipelined:
            text += f"RCPT TO:<{envelope.rcpt_to}>\r\nDATA\r\n"
        return text.encode()

    def _refused_here(self, line: _Line, outgoing: Outgoing) -> Outcome | None:
        """What this server cannot take is not offered to it."""
        if outgoing.envelope.needs_utf8 and not line.smtputf8:
            return refused_here("the address needs SMTPUTF8, which the server does not offer", "5.6.7")
        if line.size_limit is not None and len(outgoing.content) > line.size_limit:
            return refused_here(f"{len(outgoing.content)} bytes are over the server's limit {line.size_limit}", "5.3.4")
        return None

    async def _take(self, line: _Line, desk: Desk) -> Outgoing | None:
        """The next message that this server can take; None when it is time to end the connection."""
        while line.messages < self.options.messages_per_connection and not line.transport.is_closing():
            outgoing = await desk.take()
            if outgoing is None:
                return None
            refusal = self._refused_here(line, outgoing)
            if refusal is None:
                line.messages += 1
                return outgoing
            await desk.settle(outgoing, refusal)
        return None

    async def _plain(self, line: _Line, desk: Desk) -> None:
        """One command, one answer, for servers without PIPELINING."""
        while (outgoing := await self._take(line, desk)) is not None:
            stage = Stage.MAIL
            try:
                outcome = await self._ask(line, stage, self._envelope(line, outgoing, pipelined=False))
                if outcome is None:
                    stage = Stage.RCPT
                    outcome = await self._ask(line, stage, f"RCPT TO:<{outgoing.envelope.rcpt_to}>\r\n".encode())
                if outcome is None:
                    stage = Stage.DATA
                    outcome = await self._ask(line, stage, b"DATA\r\n")
                if outcome is None:
                    stage = Stage.BODY
                    line.transport.write(outgoing.content + b".\r\n")
                    outcome = await self._answer(line, stage)
                elif outcome.health is ChannelHealth.FINE:
                    line.transport.write(b"RSET\r\n")
                    await line.conversation.reply(self.options.command_timeout_s)
            except _Broken as cause:
                await desk.settle(outgoing, broken(stage, str(cause)))
                return
            await desk.settle(outgoing, outcome)
            if outcome.health is not ChannelHealth.FINE:
                self._raise_if_resting(outcome)
                return

    async def _ask(self, line: _Line, stage: Stage, command: bytes) -> Outcome | None:
        line.transport.write(command)
        return self._refusal(stage, await line.conversation.reply(self._timeout(stage)))

    @staticmethod
    def _refusal(stage: Stage, reply: Reply) -> Outcome | None:
        """None when the dialogue may go on: 354 after DATA, 2yz before (RFC 5321 §4.3.2)."""
        if reply.code == 354 if stage is Stage.DATA else 200 <= reply.code < 300:
            return None
        return judge(stage, reply.code, reply.text)

    async def _answer(self, line: _Line, stage: Stage) -> Outcome:
        reply = await line.conversation.reply(self._timeout(stage))
        return judge(stage, reply.code, reply.text)

    async def _pipelined(self, line: _Line, desk: Desk) -> None:
        """The envelope of the next message goes out behind the body of this one: one round trip each."""
        current = await self._take(line, desk)
        if current is not None:
            line.transport.write(self._envelope(line, current, pipelined=True))
        accepted = 0
        while current is not None:
            following: Outgoing | None = None
            stage = Stage.MAIL
            try:
                outcome, wants_body = await self._envelope_answers(line)
                goes_on = outcome is None or outcome.health is ChannelHealth.FINE
                following = await self._take(line, desk) if goes_on else None
                behind = self._envelope(line, following, pipelined=True) if following else b""
                if outcome is None:
                    stage = Stage.BODY
                    line.transport.write(current.content + b".\r\n" + behind)
                    outcome = await self._answer(line, stage)
                    accepted += outcome.verdict is Verdict.ACCEPTED
                elif wants_body:  # refused, and yet the server waits: an empty message has no recipient to reach
                    line.transport.write(b".\r\n" + behind)
                    await line.conversation.reply(self._timeout(Stage.BODY))
                elif goes_on:  # MAIL may stand without its recipient: RFC 5321 §4.1.1.5 clears it
                    line.transport.write(b"RSET\r\n")
                    await line.conversation.reply(self._timeout(Stage.MAIL))
                    line.transport.write(behind)
            except _Broken as cause:
                await desk.settle(current, broken(stage, str(cause)))
                if following is not None:
                    await desk.settle(following, broken(Stage.MAIL, str(cause)))
                if not accepted and stage is not Stage.BODY:
                    self._cannot_pipeline = True
                    log.warn("smtp.pipelining_given_up", channel=self.name)
                return
            await desk.settle(current, outcome)
            if outcome.health is not ChannelHealth.FINE:
                if following is not None:
                    await desk.settle(following, broken(Stage.MAIL, "the connection ended before its turn"))
                self._raise_if_resting(outcome)
                return
            current = following

    async def _envelope_answers(self, line: _Line) -> tuple[Outcome | None, bool]:
        """The first refusal among the answers to MAIL, RCPT and DATA, and whether the server now waits for a body."""
        refusal: Outcome | None = None
        wants_body = False
        for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA):
            reply = await line.conversation.reply(self._timeout(stage))
            if reply.code == 421:
                return refusal or judge(stage, reply.code, reply.text), False
            refusal = refusal or self._refusal(stage, reply)
            wants_body = stage is Stage.DATA and reply.code == 354
        return refusal, wants_body

    def _timeout(self, stage: Stage) -> float:
        if stage is Stage.BODY:
            return self.options.body_timeout_s
        return self.options.data_timeout_s if stage is Stage.DATA else self.options.command_timeout_s

    def _raise_if_resting(self, outcome: Outcome) -> None:
        if outcome.health in (ChannelHealth.REST, ChannelHealth.STOP):
            raise Unavailable(
                f"channel {self.name}: {self.options.host} answered {outcome.code} {outcome.enhanced} "
                f"at {outcome.stage}",
                outcome.health,
            )


def _health(cause: Exception) -> ChannelHealth:
    """A server that never offers what we insist on will not do so in a minute either."""
    text = str(cause).lower()
    return ChannelHealth.STOP if "starttls" in text and "not supported" in text else ChannelHealth.REST
