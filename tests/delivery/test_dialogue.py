"""The dialogue without a connection: whatever a server answers, in whatever order, and wherever the line breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.delivery.channels.smtp_dialogue import Dialogue, Offered, State
from digest.delivery.channels.smtp_replies import Broken, Reply
from digest.model.delivery import ChannelHealth, DeliveryId, Outcome, Stage, Verdict
from digest.model.envelope import Envelope, Outgoing

CODES = (250, 250, 250, 354, 354, 421, 450, 451, 452, 503, 550, 552, 554, 220, 334, 599)
BREAK = 0


def make_outgoing(number: int, *, address: str = "", size: int = 3) -> Outgoing:
    envelope = Envelope(mail_from="news@example.org", rcpt_to=address or f"reader{number}@example.org")
    body = (b"Subject: Hello\r\n\r\n", b"message %d\r\n" % number, b"x\r\n" * size)
    return Outgoing(delivery_id=DeliveryId(number), envelope=envelope, parts=body)


@dataclass
class Server:
    """Understands what is written as RFC 5321 §4.1.1 has it, and answers as it is told, right or wrong.

    taken   bodies that were ended by a dot while there was a recipient, by recipient
    """

    codes: Iterator[int]
    has_sender: bool = False
    recipient: str = ""
    is_in_data: bool = False
    body: list[bytes] = field(default_factory=list)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    odd: list[bytes] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def read(self, written: bytes) -> None:
        for line in written.split(b"\r\n")[:-1]:
            if self.is_in_data and line != b".":
                self.body.append(line)
                continue
            code = next(self.codes)
            self.answers.append(code)
            self._understand(line, code)

    def _understand(self, line: bytes, code: int) -> None:
        verb = line[:4].upper()
        if self.is_in_data:
            if self.recipient:  # whatever it answers, it may have kept it
                self.taken.append((self.recipient, b"\r\n".join(self.body)))
            self.is_in_data, self.has_sender, self.recipient, self.body = False, False, "", []
        elif verb == b"MAIL":
            self.has_sender = 200 <= code < 300
        elif verb == b"RCPT":
            self.recipient = line[9:-1].decode() if 200 <= code < 300 else self.recipient
        elif verb == b"DATA":
            self.is_in_data = code == 354
        elif verb == b"RSET":
            if 200 <= code < 300:
                self.has_sender, self.recipient = False, ""
        else:
            self.odd.append(line)


def converse(dialogue: Dialogue, server: Server, messages: list[Outgoing]) -> list[tuple[Outgoing, Outcome]]:
    """As the channel does; the line breaks where the server's next answer is BREAK."""
    found: list[tuple[Outgoing, Outcome]] = []
    left = list(messages)

    def answer() -> Reply:
        if not server.answers or (code := server.answers.pop(0)) == BREAK:
            raise Broken("the line is gone")
        return Reply(code, "")

    while left:
        server.read(dialogue.begin(left.pop(0)))
        while (current := dialogue.current) is not None:
            try:
                while dialogue.is_in_envelope:
                    server.read(dialogue.hear(answer()))
                is_over = dialogue.has_ended
                if is_over:
                    outcome = dialogue.give_up()
                else:
                    if dialogue.state is State.BODY and server.answers:
                        raise Broken("out of step")
                    following = left.pop(0) if left and dialogue.may_be_followed else None
                    server.read(dialogue.proceed(following))
                    outcome = dialogue.end(answer())
            except Broken as cause:
                return found + dialogue.break_off(str(cause))
            found.append((current, outcome))
            if is_over or outcome.health is not ChannelHealth.FINE:
                return found + dialogue.break_off("the connection ended")
    return found


def settled_once(found: list[tuple[Outgoing, Outcome]], server: Server) -> None:
    """What must be true after any conversation."""
    numbers = [outgoing.delivery_id for outgoing, _ in found]
    assert len(numbers) == len(set(numbers))
    assert not server.odd, "a message was read as commands"
    taken = dict(server.taken)
    assert len(taken) == len(server.taken), "one address twice"
    for address, body in server.taken:
        outgoing = next(each for each, _ in found if each.envelope.rcpt_to == address)
        assert body == outgoing.content[:-2], "another body than that reader's"
    for outgoing, outcome in found:
        is_taken = outgoing.envelope.rcpt_to in taken
        if outcome.verdict is Verdict.ACCEPTED:
            assert is_taken
        if is_taken:
            assert outcome.stage is Stage.BODY, "it went out, and its outcome says that it did not"


@given(
    st.lists(st.sampled_from((*CODES, BREAK)), min_size=1, max_size=24),
    st.integers(min_value=1, max_value=5),
    st.booleans(),
)
@settings(max_examples=600, deadline=None)
def test_whatever_is_answered_no_reader_has_a_mail_twice_or_one_that_was_none(
    codes: list[int], count: int, pipelining: bool
) -> None:
    server = Server(iter(codes + [250, 250, 354, 250] * 10))
    dialogue = Dialogue(offered=Offered(pipelining=pipelining))
    messages = [make_outgoing(number) for number in range(count)]
    found = converse(dialogue, server, messages)
    settled_once(found, server)
    assert [each for each, _ in found] == messages[: len(found)], "in their order"
    assert dialogue.state is State.IDLE
    assert dialogue.current is dialogue.following is None


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "one by one"])
def test_a_server_that_takes_everything_has_everything(pipelining: bool) -> None:
    server = Server(iter(_all_taken(10)))
    messages = [make_outgoing(number) for number in range(10)]
    found = converse(Dialogue(offered=Offered(pipelining=pipelining)), server, messages)
    assert [outcome.verdict for _, outcome in found] == [Verdict.ACCEPTED] * 10
    assert [body for _, body in server.taken] == [each.content[:-2] for each in messages]


def _all_taken(count: int) -> list[int]:
    return [250, 250, 354, 250] * count


@pytest.mark.parametrize(
    ("codes", "verdict", "stage", "written"),
    [
        ((250, 550, 554), Verdict.REJECTED, Stage.RCPT, b"RSET\r\n"),
        ((250, 550, 354), Verdict.REJECTED, Stage.RCPT, b".\r\n"),
        ((250, 450, 503), Verdict.DEFERRED, Stage.RCPT, b"RSET\r\n"),
        ((552, 250, 503), Verdict.REJECTED, Stage.MAIL, b"RSET\r\n"),
    ],
)
def test_what_is_refused_is_cleared_before_the_next(
    codes: tuple[int, ...], verdict: Verdict, stage: Stage, written: bytes
) -> None:
    dialogue = Dialogue(offered=Offered(pipelining=True))
    dialogue.begin(make_outgoing(1))
    for code in codes:
        assert dialogue.hear(Reply(code, "")) == b""
    following = make_outgoing(2)
    assert dialogue.may_be_followed
    out = dialogue.proceed(following)
    assert out.startswith(written + b"MAIL FROM:<news@example.org>\r\nRCPT TO:<reader2@example.org>\r\nDATA\r\n")
    outcome = dialogue.end(Reply(250, ""))
    assert (outcome.verdict, outcome.stage) == (verdict, stage)
    assert (dialogue.current, dialogue.state) == (following, State.MAIL)


def test_a_recipient_behind_a_refused_sender_gets_no_empty_message() -> None:
    dialogue = Dialogue(offered=Offered(pipelining=True))
    dialogue.begin(make_outgoing(1))
    for code in (550, 250, 354):
        dialogue.hear(Reply(code, ""))
    assert dialogue.state is State.DROP
    assert dialogue.give_up().stage is Stage.MAIL


def test_a_line_that_breaks_before_the_body_sent_nothing_and_behind_it_nobody_knows() -> None:
    dialogue = Dialogue(offered=Offered(pipelining=True))
    dialogue.begin(make_outgoing(1))
    for code in (250, 250, 354):
        dialogue.hear(Reply(code, ""))
    before = Dialogue(offered=dialogue.offered)
    before.begin(make_outgoing(1))
    for code in (250, 250, 354):
        before.hear(Reply(code, ""))
    assert [outcome.verdict for _, outcome in before.break_off("gone")] == [Verdict.UNTRIED]
    dialogue.proceed(make_outgoing(2))
    assert [outcome.verdict for _, outcome in dialogue.break_off("gone")] == [Verdict.UNKNOWN, Verdict.UNTRIED]


def test_a_refused_reset_ends_the_connection_and_keeps_the_refusal() -> None:
    dialogue = Dialogue(offered=Offered())
    dialogue.begin(make_outgoing(1))
    assert dialogue.hear(Reply(250, "")) == b"RCPT TO:<reader1@example.org>\r\n"
    dialogue.hear(Reply(550, "5.1.1 no such user"))
    assert dialogue.proceed() == b"RSET\r\n"
    with pytest.raises(Broken):
        dialogue.end(Reply(503, ""))
    [(_, outcome)] = dialogue.break_off("gone")
    assert (outcome.verdict, outcome.enhanced) == (Verdict.REJECTED, "5.1.1")


@pytest.mark.parametrize(
    ("offered", "outgoing", "begins"),
    [
        (Offered(has_size=True), make_outgoing(1), b"MAIL FROM:<news@example.org> SIZE=46\r\n"),
        (
            Offered(smtputf8=True, has_8bitmime=True),
            make_outgoing(1, address="j\u00f6rg@example.org"),
            b"MAIL FROM:<news@example.org> SMTPUTF8 BODY=8BITMIME\r\n",
        ),
    ],
)
def test_the_envelope_says_what_the_server_understands(offered: Offered, outgoing: Outgoing, begins: bytes) -> None:
    assert Dialogue(offered=offered, headers=b"X-A: b\r\n").begin(outgoing) == begins


@pytest.mark.parametrize(
    ("offered", "outgoing", "enhanced"),
    [
        (Offered(size_limit=40), make_outgoing(1, size=100), "5.3.4"),
        (Offered(), make_outgoing(1, address="j\u00f6rg@example.org"), "5.6.7"),
    ],
)
def test_what_a_server_cannot_take_is_not_offered_to_it(offered: Offered, outgoing: Outgoing, enhanced: str) -> None:
    refusal = Dialogue(offered=offered).refused_here(outgoing)
    assert refusal is not None
    assert (refusal.stage, refusal.enhanced) == (Stage.LOCAL, enhanced)
    assert Dialogue(offered=offered).refused_here(make_outgoing(2, size=1)) is None
