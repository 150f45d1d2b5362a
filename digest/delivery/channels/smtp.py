"""An SMTP relay. What happens on every kind of failure:

no connection, no greeting, TLS refused   ChannelUnavailable; no row was touched
EHLO refused for now (4yz)                the same; a server that does not know it (5yz) is asked by HELO
login refused (535), certificate not right ChannelUnavailable with health STOP: a person must look
MAIL, RCPT, DATA refused                  that row's outcome (answer.py), also when the line breaks then; else it goes on
RCPT refused but DATA accepted            an empty body ends the transaction, and its answer is read (RFC 2920 §3.1)
MAIL refused but RCPT and DATA accepted   the connection is dropped: an empty message would reach the reader
421 at any stage                          that row is deferred, the next one untried, the connection ends
broken or silent before the body          untried: the row goes back to what it was; its stage is MAIL, RCPT or DATA
broken before its turn came               untried, at stage CONNECT: its envelope was sent ahead, and it is not to blame
broken or silent after the body           unknown (RFC 1047): the server may have taken it
broken at QUIT                            nothing: what was accepted is accepted
an answer that nobody asked for           out of step: as a broken line
not to be sent after all                  the connection is dropped before the body: a server keeps no half message
PIPELINING claimed, but out of step       the rows are untried, and this channel goes on without pipelining

aiosmtplib connects, does TLS, EHLO and login; then this file takes the transport, because the dialogue is the heart of
the program. What is said and what an answer means stands in smtp_dialogue.py, replies in smtp_replies.py; here are the
connection, its time limits, and what was learned about the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, cast

import aiosmtplib
from aiosmtplib.errors import SMTPAuthenticationError, SMTPException, SMTPHeloError, SMTPResponseException
from aiosmtplib.response import SMTPResponse

from digest import log
from digest.delivery.answer import judge
from digest.delivery.channels import Desk
from digest.delivery.channels.smtp_dialogue import Dialogue, Offered, State
from digest.delivery.channels.smtp_options import Options
from digest.delivery.channels.smtp_replies import Broken, Replies
from digest.errors import ChannelUnavailable
from digest.model.delivery import ChannelHealth, Outcome, Stage
from digest.model.envelope import Outgoing

__all__ = ["Options", "SmtpChannel", "Unavailable", "make_channel"]

PROVING_TIMEOUT_S = 30.0
"""For the first answers to a pipelined group: a server that throws away what it did not wait for must not cost minutes."""


def make_channel(options: Options) -> SmtpChannel:
    return SmtpChannel(options)


class Unavailable(ChannelUnavailable):
    """With what it says about the channel: rest a while, or stop until a person has looked."""

    def __init__(self, message: str, health: ChannelHealth) -> None:
        super().__init__(message)
        self.health = health


class _Client(aiosmtplib.SMTP):
    """aiosmtplib says HELO after any refusal of EHLO, inside `connect` as well; one for now is no reason to."""

    async def ehlo(self, **options: Any) -> SMTPResponse:
        try:
            return await super().ehlo(**options)
        except SMTPHeloError as cause:
            if 400 <= cause.code < 500:  # RFC 5321 §3.2: HELO is for a server that does not know EHLO
                raise SMTPResponseException(cause.code, cause.message) from cause
            raise


@dataclass(slots=True)
class _Line:
    """An open connection and what is spoken on it."""

    transport: asyncio.Transport
    replies: Replies
    offered: Offered
    dialogue: Dialogue
    opened_at: float = field(default_factory=time.monotonic)
    messages: int = 0
    is_over: bool = False


class SmtpChannel:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.name = options.name
        self.connections = options.connections
        self._headers = "".join(f"{name}: {text}\r\n" for name, text in options.headers.items()).encode()
        self._cannot_pipeline = not options.pipelining
        self._pipelining_works = self._is_behind = False
        self._pipelining_failures = 0

    async def converse(self, desk: Desk) -> None:
        line = await self._open()
        try:
            await self._converse(line, desk)
        finally:
            await self._quit(line)

    # --- opening and closing --------------------------------------------------------------------------------------

    async def _open(self) -> _Line:
        options = self.options
        client = _Client(
            hostname=options.host,
            port=options.port,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            username=options.username or None,
            password=(options.password or None) if options.auth == "password" else None,
            oauth_token_generator=self._token if options.auth == "xoauth2" else None,
            local_hostname=options.local_hostname or None,
            timeout=options.connect_timeout_s,
            validate_certs=options.verify,
        )
        try:
            try:
                await client.connect()
                await self._greet(client)
            except BaseException:
                client.close()
                raise
        except SMTPAuthenticationError as cause:
            outcome = judge(Stage.AUTH, cause.code, cause.message)
            raise Unavailable(
                f"channel {self.name}: {options.host} refused the login ({cause.code})", outcome.health
            ) from cause
        except SMTPResponseException as cause:
            stage = Stage.EHLO if isinstance(cause, SMTPHeloError) else Stage.CONNECT
            health = judge(stage, cause.code, cause.message).health
            raise Unavailable(f"channel {self.name}: {options.host} answered {cause.code}", health) from cause
        except (SMTPException, OSError, ValueError) as cause:
            if (untrusted := _untrusted(cause)) is not None:
                raise Unavailable(
                    f"channel {self.name}: the certificate of {options.host} is not trusted: {untrusted.verify_message}",
                    ChannelHealth.STOP,
                ) from cause
            raise Unavailable(
                f"channel {self.name}: {options.host}:{options.port} cannot be used: {cause}{_hint(options, cause)}",
                _health(cause),
            ) from cause
        offered = client.esmtp_extensions
        transport = cast(asyncio.Transport, client.transport)  # uvloop's is one in all but its ancestors
        replies = Replies()
        transport.set_protocol(replies)
        size = offered.get("size", "")
        use = Offered(
            pipelining="pipelining" in offered and not self._cannot_pipeline,
            has_size="size" in offered,
            size_limit=int(size) if size.isdigit() and int(size) else None,  # RFC 1870 §4: 0 is no limit
            smtputf8="smtputf8" in offered,
            has_8bitmime="8bitmime" in offered,
        )
        dialogue = Dialogue(offered=use, headers=self._headers)
        return _Line(transport=transport, replies=replies, offered=use, dialogue=dialogue)

    async def _token(self) -> str:
        if self.options.password_file is None:
            return self.options.password
        return (await asyncio.to_thread(self.options.password_file.read_text, "utf-8")).strip()

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
        with contextlib.suppress(Broken, OSError):
            if not line.transport.is_closing():
                line.transport.write(b"QUIT\r\n")
                await line.replies.reply(5.0)
        line.transport.close()

    # --- messages -------------------------------------------------------------------------------------------------

    async def _converse(self, line: _Line, desk: Desk) -> None:
        dialogue = line.dialogue
        while (outgoing := await self._take(line, desk)) is not None:
            if not line.offered.pipelining and not await desk.may_send(outgoing):
                continue
            line.transport.write(dialogue.begin(outgoing))
            while (current := dialogue.current) is not None:
                outcome = await self._outcome(line, desk)
                if outcome is None:
                    return
                desk.settle(current, outcome)
                if outcome.health is not ChannelHealth.FINE or line.is_over:
                    for following, untried in dialogue.break_off("the connection ended before its turn"):
                        desk.settle(following, untried)
                    self._raise_if_resting(outcome)
                    return

    async def _outcome(self, line: _Line, desk: Desk) -> Outcome | None:
        """What became of the message that is spoken of; None: it is settled, and the connection has ended."""
        dialogue, replies, current = line.dialogue, line.replies, line.dialogue.current
        assert current is not None
        try:
            while dialogue.is_in_envelope:
                reply = replies.next() or await replies.reply(self._timeout_in_envelope(line))
                if command := dialogue.hear(reply):
                    line.transport.write(command)
            if dialogue.has_ended:
                line.is_over = True
                if dialogue.state is State.DROP:
                    line.transport.abort()
                return dialogue.give_up()
            self._pipelining_works = self._pipelining_works or self._is_behind
            if dialogue.state is State.BODY:
                if line.offered.pipelining and not await desk.may_send(current):
                    line.transport.abort()
                    return None
                if replies.is_ahead:  # it was for something else
                    raise Broken("the server closed the connection, or its answers are out of step")
            following = self._offer(line, desk) if dialogue.may_be_followed else None
            line.transport.write(dialogue.proceed(following))
            outcome = dialogue.end(await replies.reply(self._timeout(dialogue.stage)))
            self._is_behind = self._is_behind or following is not None
            return outcome
        except Broken as cause:
            line.transport.abort()
            if line.offered.pipelining and not dialogue.is_sent:
                self._pipelining_failed()
            for outgoing, broken_off in dialogue.break_off(str(cause)):
                desk.settle(outgoing, broken_off)
            return None

    def _offer(self, line: _Line, desk: Desk) -> Outgoing | None:
        """A message that this server can take and that is ready now."""
        while not self._is_worn(line) and (outgoing := desk.offer()) is not None:
            if self._fits(line, outgoing, desk):
                return outgoing
        return None

    async def _take(self, line: _Line, desk: Desk) -> Outgoing | None:
        """The same, but wait for it; None when it is time to end the connection."""
        while not self._is_worn(line) and (outgoing := await desk.take()) is not None:
            if self._fits(line, outgoing, desk):
                return outgoing
        return None

    @staticmethod
    def _fits(line: _Line, outgoing: Outgoing, desk: Desk) -> bool:
        """What this server cannot take is not offered to it."""
        if (refusal := line.dialogue.refused_here(outgoing)) is not None:
            desk.settle(outgoing, refusal)
            return False
        line.messages += 1
        return True

    def _is_worn(self, line: _Line) -> bool:
        options = self.options
        return (
            line.messages >= options.messages_per_connection
            or time.monotonic() - line.opened_at > options.seconds_per_connection
            or line.transport.is_closing()
        )

    def _pipelining_failed(self) -> None:
        """Twice in a row, before it ever worked: the server claims what it cannot do, or is gone; remember."""
        if self._pipelining_works:
            return
        self._pipelining_failures += 1
        if self._pipelining_failures == 2:
            self._cannot_pipeline = True
            log.warn("smtp.pipelining_given_up", channel=self.name)

    def _timeout(self, stage: Stage) -> float:
        if stage is Stage.BODY:
            return self.options.body_timeout_s
        return self.options.data_timeout_s if stage is Stage.DATA else self.options.command_timeout_s

    def _timeout_in_envelope(self, line: _Line) -> float:
        timeout_s = self._timeout(line.dialogue.stage)
        is_proved = self._pipelining_works or not line.offered.pipelining
        return timeout_s if is_proved else min(timeout_s, PROVING_TIMEOUT_S)

    def _raise_if_resting(self, outcome: Outcome) -> None:
        if outcome.health in (ChannelHealth.REST, ChannelHealth.STOP, ChannelHealth.CROWDED):
            answer = f"{outcome.code} {outcome.enhanced}".strip()
            why = f": {outcome.why}" if outcome.why else ""
            raise Unavailable(
                f"channel {self.name}: {self.options.host} answered {answer} at {outcome.stage}{why}", outcome.health
            )


def _untrusted(cause: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """After STARTTLS it comes as it is; with TLS from the first byte it is the cause of a failed connection."""
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause


def _hint(options: Options, cause: Exception) -> str:
    """The way out, where a port and `security` do not fit: RFC 8314 §3.3 has TLS from the first byte on 465 alone."""
    if options.security == "tls" and "wrong version number" in str(cause).lower():
        return '; it does not speak TLS from the first byte: security = "starttls"'
    if options.security != "tls" and options.port == 465:
        return '; port 465 speaks TLS from the first byte: security = "tls"'
    return ""


def _health(cause: Exception) -> ChannelHealth:
    """A server that never offers what we insist on will not do so in a minute either."""
    text = str(cause).lower()
    return ChannelHealth.STOP if "starttls" in text and "not supported" in text else ChannelHealth.REST
