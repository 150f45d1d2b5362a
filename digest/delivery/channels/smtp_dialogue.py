"""One connection's conversation behind EHLO and login, without the connection: replies in, bytes and outcomes out. Pure.

    state    what is awaited                2yz or 354 leads to      a refusal leads to          421 leads to
    IDLE     a message (begin)              MAIL
    MAIL     the answer to MAIL             RCPT                     RCPT; one by one CLEAR      OVER
    RCPT     the answer to RCPT             DATA                     DATA; one by one CLEAR      OVER
    DATA     the answer to DATA             BODY                     CLEAR                       OVER
             the same, refused before       EMPTY; DROP with a recipient   CLEAR                 OVER
    BODY     leave to send it (proceed),    settled: accepted        settled                     settled
    EMPTY    then the answer to it          settled: as refused      settled: as refused         settled: as refused
    CLEAR                                   settled: as refused      broken off
    OVER     nothing: the connection ends   settled: as refused
    DROP     nothing: it ends without QUIT  settled: as refused

Where the server offers PIPELINING (RFC 2920 §3.1) a group is MAIL, RCPT and DATA at once, and the group of the next message
travels behind the body of this one: one round trip a message. Else each command waits for its answer.

Three rules keep a message from a reader who shall not have it, or from having it twice. A body is written in BODY alone:
after 354 with nothing refused. EMPTY ends a transaction that has no recipient (RFC 2920 §3.1); one that has a recipient is
broken off, because the empty message would reach the reader. What breaks before BODY was not sent; what breaks behind the
final dot is unknown (RFC 1047).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from digest.delivery.answer import broken, judge, refused_here
from digest.delivery.channels.smtp_replies import Broken, Reply
from digest.model.delivery import ChannelHealth, Outcome, Stage
from digest.model.envelope import Outgoing

BAD_SEQUENCE = 503
"""An answer to the order of commands, of a server that answers them in another one: no reader's fault."""


class State(Enum):
    IDLE = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    BODY = auto()
    EMPTY = auto()
    CLEAR = auto()
    OVER = auto()
    DROP = auto()


_STAGES = {State.MAIL: Stage.MAIL, State.RCPT: Stage.RCPT, State.DATA: Stage.DATA}
"""Of the answers to an envelope."""

_NEXT = {State.MAIL: State.RCPT, State.RCPT: State.DATA, State.DATA: State.BODY}
"""What follows an answer by which the dialogue goes on (RFC 5321 §4.3.2)."""

_WAITS_FOR = {State.BODY: Stage.BODY, State.EMPTY: Stage.BODY, State.CLEAR: Stage.MAIL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What the server's EHLO offered, as far as it shapes the dialogue.

    size_limit   octets; None where it names none (RFC 1870 §4)
    """

    pipelining: bool = False
    size_limit: int | None = None
    smtputf8: bool = False
    has_size: bool = False
    has_8bitmime: bool = False


@dataclass(slots=True, kw_only=True)
class Dialogue:
    """The messages of one connection, one after the other.

    headers     lines that go before each message's own, ready for the wire
    current     the message that is spoken of; None in IDLE
    following   the one whose envelope is out behind it
    """

    offered: Offered
    headers: bytes = b""
    state: State = State.IDLE
    current: Outgoing | None = None
    following: Outgoing | None = None
    _refusal: Outcome | None = field(default=None, repr=False)
    _has_recipient: bool = field(default=False, repr=False)
    _is_out: bool = field(default=False, repr=False)

    def begin(self, outgoing: Outgoing) -> bytes:
        """The first bytes of a message; for IDLE."""
        self._take_up(outgoing)
        return self._envelope(outgoing)

    def refused_here(self, outgoing: Outgoing) -> Outcome | None:
        """What this server said it cannot take; None for what may be offered to it."""
        limit = self.offered.size_limit
        if limit is not None and outgoing.size > limit:
            return refused_here(f"{outgoing.size} bytes are over the server's limit {limit}", "5.3.4")
        if not self.offered.smtputf8 and outgoing.envelope.needs_utf8:
            return refused_here("the address needs SMTPUTF8, which the server does not offer", "5.6.7")
        return None

    @property
    def is_in_envelope(self) -> bool:
        """Are answers to MAIL, RCPT or DATA awaited?"""
        return self.state in _STAGES

    @property
    def is_sent(self) -> bool:
        """Is the body out? From then on the server may have it."""
        return self.state is State.BODY and self._is_out

    @property
    def stage(self) -> Stage:
        """Of the answer that is awaited."""
        if self.state is State.BODY and not self.is_sent:
            return Stage.DATA
        return _STAGES.get(self.state) or _WAITS_FOR.get(self.state, Stage.CONNECT)

    def hear(self, reply: Reply) -> bytes:
        """An answer to the envelope; returns the next command where they go one by one, else nothing."""
        state, stage, is_last = self.state, _STAGES[self.state], self.state is State.DATA
        if reply.code == 421:
            self._refusal = self._refusal or judge(stage, reply.code, reply.text)
            self.state = State.OVER
            return b""
        goes_on = reply.code == 354 if is_last else 200 <= reply.code < 300
        if not goes_on:
            self._refusal = self._refusal or judge(stage, reply.code, reply.text)
        elif state is State.RCPT:
            self._has_recipient = True
        if self._refusal is None:
            self.state = _NEXT[state]
            return b"" if self.offered.pipelining else self._command(self.state)
        if not self.offered.pipelining or (is_last and not goes_on):
            self.state = State.CLEAR if self._refusal.health is ChannelHealth.FINE else State.OVER
        elif is_last:
            self.state = State.DROP if self._has_recipient else State.EMPTY
        else:
            self.state = _NEXT[state]
        return b""

    @property
    def may_be_followed(self) -> bool:
        """May the envelope of another message go out behind what `proceed` writes?"""
        return self.offered.pipelining and (self._refusal is None or self._refusal.health is ChannelHealth.FINE)

    @property
    def has_ended(self) -> bool:
        """Does the connection end with this message?"""
        return self.state in (State.OVER, State.DROP)

    def proceed(self, following: Outgoing | None = None) -> bytes:
        """What ends the transaction, and the envelope of the message that comes after it; for BODY, EMPTY and CLEAR."""
        assert self.current is not None
        self.following, self._is_out = following, True
        behind = self._envelope(following) if following is not None else b""
        if self.state is State.BODY:  # RFC 5321 §4.1.1.4: the final dot
            return b"".join((self.headers, *self.current.parts, b".\r\n", behind))
        return (b".\r\n" if self.state is State.EMPTY else b"RSET\r\n") + behind  # RFC 5321 §4.1.1.5

    def end(self, reply: Reply) -> Outcome:
        """The answer to what `proceed` wrote, and with it what became of the message; the next one is current.

        Broken: a server that refuses RSET still has the old transaction, and would refuse the next MAIL as a second one.
        """
        if self.state is State.CLEAR and not 200 <= reply.code < 300:
            raise Broken("the server does not clear its transaction")
        outcome = self._refusal or judge(Stage.BODY, reply.code, reply.text)
        self._take_up(self.following)
        return outcome

    def give_up(self) -> Outcome:
        """In OVER and DROP: what became of the message."""
        assert self._refusal is not None
        outcome = self._refusal
        self._take_up(None)
        return outcome

    def break_off(self, why: str) -> list[tuple[Outgoing, Outcome]]:
        """The line broke, fell silent or cannot be followed: what became of the messages that were begun."""
        found: list[tuple[Outgoing, Outcome]] = []
        if self.current is not None:
            is_disorder = self.is_in_envelope and self._refusal is not None and self._refusal.code == BAD_SEQUENCE
            outcome = None if is_disorder else self._refusal
            found.append((self.current, outcome or broken(self.stage, why)))
        if self.following is not None:
            found.append((self.following, broken(Stage.CONNECT, why)))
        self._take_up(None)
        return found

    def _take_up(self, outgoing: Outgoing | None) -> None:
        self.current, self.following = outgoing, None
        self.state = State.MAIL if outgoing is not None else State.IDLE
        self._refusal, self._has_recipient, self._is_out = None, False, False

    def _envelope(self, outgoing: Outgoing) -> bytes:
        """MAIL, and in a group RCPT and DATA, which ends it (RFC 2920 §3.1)."""
        envelope = outgoing.envelope
        size = outgoing.size + len(self.headers)
        parameters = f" SIZE={size}" if self.offered.has_size else ""  # RFC 1870 §6
        if envelope.needs_utf8:
            parameters += " SMTPUTF8" + " BODY=8BITMIME" * self.offered.has_8bitmime  # RFC 6531 §3.4, RFC 6152 §3
        text = f"MAIL FROM:<{envelope.mail_from}>{parameters}\r\n"
        if self.offered.pipelining:
            text += f"RCPT TO:<{envelope.rcpt_to}>\r\nDATA\r\n"
        return text.encode()

    def _command(self, state: State) -> bytes:
        if state is State.RCPT:
            assert self.current is not None
            return f"RCPT TO:<{self.current.envelope.rcpt_to}>\r\n".encode()
        return b"DATA\r\n" if state is State.DATA else b""
