"""Limits, shares and the slow-down by itself, on a clock that is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.throttle import Bucket, Limits, Quota, Throttle, Window
from digest.model.limit import Limit

AT = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20/second", Limit(20, "second")), (" 5000 per hour ", Limit(5000, "hour")), ("1/days", Limit(1, "day"))],
)
def test_a_limit_is_a_number_and_a_period(text: str, expected: Limit) -> None:
    assert Limit.parse(text) == expected


@pytest.mark.parametrize("text", ["", "20", "0/second", "-1/hour", "20/week", "many/second", "1.5/hour"])
def test_what_is_no_limit_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit like"):
        Limit.parse(text)


@given(
    count=st.integers(1, 500),
    per=st.sampled_from(["second", "minute"]),
    steps=st.lists(st.floats(0.001, 2.0), min_size=1, max_size=200),
)
def test_never_more_than_the_limit_and_one_second_s_worth(count: int, per: str, steps: list[float]) -> None:
    bucket = Bucket.of(Limit(count, per), senders=1, now=0.0)  # type: ignore[arg-type]
    now, spent = 0.0, 0
    for step in steps:
        now += step
        while bucket.wait(now) == 0 and spent < 100_000:
            bucket.spend()
            spent += 1
    seconds = {"second": 1, "minute": 60}[per]
    assert spent <= now * count / seconds + max(1.0, count / seconds) + 1e-6


def test_the_wait_is_over_when_it_says_so() -> None:
    bucket = Bucket.of(Limit(30, "minute"), senders=1, now=0.0)
    bucket.spend()
    wait = bucket.wait(0.0)
    assert wait == pytest.approx(2.0)
    assert bucket.wait(wait + 1e-9) == 0.0


def test_senders_share_a_rate() -> None:
    throttle = Throttle(Limits(channels={"smtp": [Limit(10, "second")]}), "harbour", now=0.0)
    throttle.share_with(5, now=0.0)
    sent = 0
    for tick in range(1_000):
        now = tick / 100
        if throttle.wait("smtp", "example.org", now=now, at=AT) == 0:
            throttle.start("smtp", "example.org", now=now)
            sent += 1
    assert 19 <= sent <= 23


def test_a_domain_of_its_own_and_all_others() -> None:
    limits = Limits(domains={"slow.example": [Limit(1, "second")], "*": [Limit(100, "second")]})
    throttle = Throttle(limits, "harbour", now=0.0)
    throttle.start("smtp", "slow.example", now=0.0)
    assert throttle.wait("smtp", "slow.example", now=0.0, at=AT) == pytest.approx(1.0)
    assert throttle.wait("smtp", "example.org", now=0.0, at=AT) == 0


def test_a_share_is_asked_for_before_it_is_used_and_ends_with_its_hour() -> None:
    throttle = Throttle(Limits(newsletter=[Limit(50, "hour")]), "harbour", now=0.0)
    [quota] = throttle.wanting("smtp", "example.org", now=0.0, at=AT)
    assert (quota.key, quota.window) == ("newsletter harbour per hour", "2026-11-23T07")
    quota.share = 2
    assert throttle.wanting("smtp", "example.org", now=0.0, at=AT) == []
    throttle.start("smtp", "example.org", now=0.0)
    throttle.start("smtp", "example.org", now=0.0)
    assert throttle.wanting("smtp", "example.org", now=0.0, at=AT) == [quota]
    quota.is_over = True
    assert throttle.wait("smtp", "example.org", now=0.0, at=AT) == pytest.approx(1_800)
    later = AT + timedelta(minutes=31)
    assert throttle.wait("smtp", "example.org", now=0.0, at=later) == 0
    assert throttle.wanting("smtp", "example.org", now=0.0, at=later)[0].window == "2026-11-23T08"


def test_what_never_left_gives_its_share_back() -> None:
    throttle = Throttle(Limits(newsletter=[Limit(50, "day")]), "harbour", now=0.0)
    [quota] = throttle.wanting("smtp", "example.org", now=0.0, at=AT)
    quota.share = 1
    throttle.start("smtp", "example.org", now=0.0)
    throttle.end("smtp", "example.org", now=0.0, is_accepted=False, is_deferred=False, was_sent=False)
    assert quota.share == 1
    assert throttle.unused() == [quota]


def test_a_refusal_for_now_halves_what_is_in_flight_and_acceptance_widens_it_again() -> None:
    window = Window()
    window.in_flight = 16
    window.deferred(0.0)
    assert window.width == 8
    window.in_flight = 8
    assert window.wait(0.0) > 0
    for _ in range(40):
        window.accepted()
    assert 10 < window.width < 16


def test_a_burst_of_refusals_halves_once() -> None:
    window = Window()
    window.in_flight = 16
    for _ in range(4):
        window.deferred(0.0)
    assert window.width == 8


def test_refused_one_by_one_it_rests_longer_each_time() -> None:
    window = Window()
    window.in_flight = 1
    rests = []
    now = 0.0
    for _ in range(5):
        window.deferred(now)
        rests.append(window.rests_until - now)
        now = max(now, window.rests_until)
    assert rests[-1] > rests[-2] > rests[-3] > 0


def test_a_domain_that_refuses_does_not_hold_up_another() -> None:
    throttle = Throttle(Limits(), "harbour", now=0.0)
    for domain in ("grey.example", "example.org"):
        throttle.start("smtp", domain, now=0.0)
    for _ in range(3):
        throttle.end("smtp", "grey.example", now=0.0, is_accepted=False, is_deferred=True, was_sent=True)
        throttle.start("smtp", "grey.example", now=0.0)
    assert throttle.wait("smtp", "grey.example", now=0.0, at=AT) > 0
    assert throttle.wait("smtp", "example.org", now=0.0, at=AT) == 0
    assert "grey.example" in throttle.slowed(now=0.0)


def test_an_hour_that_is_over_is_worth_nothing() -> None:
    quota = Quota("x", Limit(5, "hour"))
    quota.look(AT)
    quota.share = 5
    quota.look(AT + timedelta(hours=1))
    assert quota.share == 0
