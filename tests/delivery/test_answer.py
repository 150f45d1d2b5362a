"""What an answer means: every stage with every kind of code, as the table in answer.py says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.answer import broken, judge, refused_here
from digest.model.delivery import About, ChannelHealth, Outcome, Stage, Verdict

ACCEPTED, DEFERRED, REJECTED = Verdict.ACCEPTED, Verdict.DEFERRED, Verdict.REJECTED
UNKNOWN, UNTRIED = Verdict.UNKNOWN, Verdict.UNTRIED
FINE, RECONNECT, REST, STOP = ChannelHealth.FINE, ChannelHealth.RECONNECT, ChannelHealth.REST, ChannelHealth.STOP

ANSWERS = [
    # the channel's trouble: no row is touched
    (Stage.CONNECT, 421, "4.3.2 not now", UNTRIED, REST),
    (Stage.CONNECT, 450, "", UNTRIED, REST),
    (Stage.CONNECT, 554, "5.7.1 go away", UNTRIED, REST),
    (Stage.EHLO, 421, "", UNTRIED, REST),
    (Stage.EHLO, 450, "", UNTRIED, REST),
    (Stage.EHLO, 502, "", UNTRIED, STOP),
    (Stage.EHLO, 550, "", UNTRIED, STOP),
    (Stage.AUTH, 421, "", UNTRIED, REST),
    (Stage.AUTH, 454, "4.7.0 later", UNTRIED, REST),
    (Stage.AUTH, 535, "5.7.8 wrong password", UNTRIED, STOP),
    (Stage.AUTH, 530, "", UNTRIED, STOP),
    # MAIL: it is the sender that is refused, not the reader, unless it is about this one message
    (Stage.MAIL, 421, "", DEFERRED, RECONNECT),
    (Stage.MAIL, 450, "", DEFERRED, FINE),
    (Stage.MAIL, 451, "4.3.0 later", DEFERRED, FINE),
    (Stage.MAIL, 452, "4.3.1 no room", DEFERRED, FINE),
    (Stage.MAIL, 450, "4.7.1 too fast", DEFERRED, REST),
    (Stage.MAIL, 550, "", UNTRIED, STOP),
    (Stage.MAIL, 553, "5.1.8 bad sender", UNTRIED, STOP),
    (Stage.MAIL, 550, "5.7.1 you may not send", UNTRIED, STOP),
    (Stage.MAIL, 501, "", UNTRIED, STOP),
    (Stage.MAIL, 552, "", REJECTED, FINE),
    (Stage.MAIL, 552, "5.3.4 too big", REJECTED, FINE),
    (Stage.MAIL, 554, "5.3.4 too big", REJECTED, FINE),
    (Stage.MAIL, 553, "5.6.7 no SMTPUTF8", REJECTED, FINE),
    # RCPT: this reader
    (Stage.RCPT, 421, "4.7.0 closing", DEFERRED, RECONNECT),
    (Stage.RCPT, 450, "4.2.1 busy", DEFERRED, FINE),
    (Stage.RCPT, 451, "4.7.1 greylisted", DEFERRED, FINE),
    (Stage.RCPT, 452, "too many recipients", DEFERRED, FINE),
    (Stage.RCPT, 452, "4.2.2 full", DEFERRED, FINE),
    (Stage.RCPT, 552, "too many recipients", DEFERRED, FINE),
    (Stage.RCPT, 552, "5.5.3 too many recipients", DEFERRED, FINE),
    (Stage.RCPT, 552, "5.2.2 full", REJECTED, FINE),
    (Stage.RCPT, 550, "5.1.1 no such user", REJECTED, FINE),
    (Stage.RCPT, 550, "5.1.10 null MX", REJECTED, FINE),
    (Stage.RCPT, 550, "5.2.1 disabled", REJECTED, FINE),
    (Stage.RCPT, 550, "5.7.1 policy", REJECTED, FINE),
    (Stage.RCPT, 553, "", REJECTED, FINE),
    (Stage.RCPT, 599, "", REJECTED, FINE),
    # DATA
    (Stage.DATA, 421, "", DEFERRED, RECONNECT),
    (Stage.DATA, 451, "", DEFERRED, FINE),
    (Stage.DATA, 451, "4.7.1 later", DEFERRED, FINE),
    (Stage.DATA, 554, "", REJECTED, FINE),
    (Stage.DATA, 250, "out of step", UNTRIED, RECONNECT),
    # after the final dot
    (Stage.BODY, 250, "2.0.0 queued", ACCEPTED, FINE),
    (Stage.BODY, 250, "", ACCEPTED, FINE),
    (Stage.BODY, 299, "", ACCEPTED, FINE),
    (Stage.BODY, 421, "4.7.28 rate", DEFERRED, RECONNECT),
    (Stage.BODY, 451, "", DEFERRED, FINE),
    (Stage.BODY, 452, "4.3.1 no room", DEFERRED, FINE),
    (Stage.BODY, 550, "5.7.26 unauthenticated", DEFERRED, FINE),
    (Stage.BODY, 554, "5.6.0 bad content", REJECTED, FINE),
    (Stage.BODY, 552, "5.3.4 too big", REJECTED, FINE),
    (Stage.BODY, 354, "out of step", UNKNOWN, RECONNECT),
]


@pytest.mark.parametrize(
    ("stage", "code", "text", "verdict", "health"), ANSWERS, ids=lambda value: str(value).replace(" ", "_")
)
def test_an_answer_means(stage: Stage, code: int, text: str, verdict: Verdict, health: ChannelHealth) -> None:
    outcome = judge(stage, code, text)
    assert (outcome.verdict, outcome.health) == (verdict, health)
    assert (outcome.stage, outcome.code, outcome.text) == (stage, code, text)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in (Stage.QUIT, Stage.LOCAL)])
def test_a_line_that_breaks_is_in_doubt_only_after_the_body(stage: Stage) -> None:
    outcome = broken(stage, "the server closed the connection")
    assert outcome.verdict is (UNKNOWN if stage is Stage.BODY else UNTRIED)
    assert outcome.health is RECONNECT


def test_what_is_refused_here_was_never_sent() -> None:
    assert refused_here("too big", "5.3.4") == Outcome(
        verdict=REJECTED,
        stage=Stage.LOCAL,
        enhanced="5.3.4",
        text="too big",
        about=About.UNCLEAR,
        why="the message is too big",
    )


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        ("5.1.1 no such user", "5.1.1"),
        ("  5.1.1 no such user", "5.1.1"),
        ("5.1.1", "5.1.1"),
        ("4.7.999 x", "4.7.999"),
        ("5.1.1234 x", ""),
        ("3.1.1 x", ""),
        ("no 5.1.1 here", ""),
        ("5.1.1no", ""),
        ("", ""),
    ],
)
def test_the_enhanced_code_is_the_first_thing_in_the_text(text: str, enhanced: str) -> None:
    assert judge(Stage.RCPT, 550, text).enhanced == enhanced


CODES = st.integers(400, 599)
TEXTS = st.text(max_size=30) | st.from_regex(r"[245]\.[0-7]\.\d{1,2} x", fullmatch=True)


@given(st.sampled_from([Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY]), st.integers(400, 499), TEXTS)
def test_a_4yz_never_rejects_a_reader(stage: Stage, code: int, text: str) -> None:
    assert judge(stage, code, text).verdict is DEFERRED


@given(st.sampled_from([Stage.CONNECT, Stage.EHLO, Stage.AUTH]), CODES, TEXTS)
def test_trouble_before_the_first_message_touches_no_reader(stage: Stage, code: int, text: str) -> None:
    outcome = judge(stage, code, text)
    assert outcome.verdict is UNTRIED
    assert outcome.health in (REST, STOP)


@given(st.sampled_from(list(Stage)), st.integers(0, 999), st.text(max_size=2_000))
def test_only_a_2yz_after_the_body_is_an_acceptance(stage: Stage, code: int, text: str) -> None:
    outcome = judge(stage, code, text)
    assert (outcome.verdict is ACCEPTED) == (stage is Stage.BODY and 200 <= code < 300)
    assert len(outcome.text) <= 500
