"""When a deferred delivery is tried again, and when it is given up: the schedule is a list of times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.retry import next_attempt_at

START = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def minutes_between_tries(retry_hours: int, spread: float = 0.0) -> list[float]:
    """The gaps from one try to the next until it is given up."""
    gaps, now, attempts = [], START, 1
    while at := next_attempt_at(attempts, first_attempt_at=START, now=now, retry_hours=retry_hours, spread=spread):
        gaps.append((at - now).total_seconds() / 60)
        now, attempts = at, attempts + 1
    return gaps


@pytest.mark.parametrize(
    ("retry_hours", "gaps"),
    [
        (0, []),
        (1, [5, 30]),
        (4, [5, 30, 60, 120]),
        (12, [5, 30, 60, 120, 240, 240]),
        (48, [5, 30, 60, 120, *[240] * 11]),
    ],
)
def test_the_gaps_until_it_is_given_up(retry_hours: int, gaps: list[int]) -> None:
    assert minutes_between_tries(retry_hours) == gaps


def test_the_last_moment_still_counts() -> None:
    at_the_end = START + timedelta(hours=1) - timedelta(minutes=5)
    assert next_attempt_at(1, first_attempt_at=START, now=at_the_end, retry_hours=1) == START + timedelta(hours=1)
    late = at_the_end + timedelta(seconds=1)
    assert next_attempt_at(1, first_attempt_at=START, now=late, retry_hours=1) is None


def test_the_spread_adds_up_to_a_tenth() -> None:
    assert minutes_between_tries(1, spread=1.0) == [5.5, 33]


@given(st.integers(1, 10_000), st.integers(0, 200), st.floats(0, 1), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_the_next_try_is_later_and_never_beyond_the_end(
    attempts: int, retry_hours: int, spread: float, since: timedelta
) -> None:
    now = START + since
    at = next_attempt_at(attempts, first_attempt_at=START, now=now, retry_hours=retry_hours, spread=spread)
    assert at is None or now + timedelta(minutes=5) <= at <= START + timedelta(hours=retry_hours)
