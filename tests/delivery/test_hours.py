"""When mail may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.hours import opens_at, warm_up_limit
from digest.model.newsletter import Pace
from digest.model.parse import span

DAY = Pace(hours="07:00-21:00")


@pytest.mark.parametrize(
    ("what", "pace", "zone", "now", "expected"),
    [
        ("always", Pace(), "UTC", "2026-11-23T03:00", "2026-11-23T03:00"),
        ("within", DAY, "UTC", "2026-11-23T07:00", "2026-11-23T07:00"),
        ("too early", DAY, "UTC", "2026-11-23T06:59", "2026-11-23T07:00"),
        ("too late", DAY, "UTC", "2026-11-23T21:00", "2026-11-24T07:00"),
        ("in the reader's zone", DAY, "Asia/Tokyo", "2026-11-23T13:00", "2026-11-23T22:00"),
        ("over midnight, before it", Pace(hours="21:00-06:00"), "UTC", "2026-11-23T22:00", "2026-11-23T22:00"),
        ("over midnight, after it", Pace(hours="21:00-06:00"), "UTC", "2026-11-23T05:00", "2026-11-23T05:00"),
        ("over midnight, by day", Pace(hours="21:00-06:00"), "UTC", "2026-11-23T12:00", "2026-11-23T21:00"),
        ("until midnight", Pace(hours="18:00-24:00"), "UTC", "2026-11-23T23:30", "2026-11-23T23:30"),
        (
            "a day without mail",
            Pace(hours="07:00-21:00", blackout=("2026-11-23",)),
            "UTC",
            "2026-11-23T09:00",
            "2026-11-24T07:00",
        ),
        ("two of them", Pace(blackout=("2026-12-25", "2026-12-26")), "UTC", "2026-12-25T09:00", "2026-12-27T00:00"),
        ("a day in that zone", Pace(blackout=("2026-12-25",)), "Asia/Tokyo", "2026-12-25T15:00", "2026-12-25T15:00"),
    ],
)
def test_the_hours_of_a_newsletter(what: str, pace: Pace, zone: str, now: str, expected: str) -> None:
    found = opens_at(pace, zone, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC), what


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31)),  # noqa: DTZ001
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo"]),
)
def test_what_opens_is_open_and_nothing_waits_longer_than_a_day(naive: datetime, zone: str) -> None:
    now = naive.replace(tzinfo=UTC)
    found = opens_at(DAY, zone, now)
    assert now <= found <= now + timedelta(days=1)
    assert opens_at(DAY, zone, found) == found
    assert 7 <= found.astimezone(ZoneInfo(zone)).hour < 21


@pytest.mark.parametrize("text", ["", "7", "07:00", "07:00-07:00", "25:00-26:00", "seven-nine"])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="are no hours"):
        span(text)


@pytest.mark.parametrize(("days", "expected"), [(0, 200), (1, 400), (2, 800), (10, 204_800)])
def test_a_warm_up_grows_day_by_day(days: int, expected: int) -> None:
    pace = Pace(warm_up_first=200, warm_up_factor=2.0, warm_up_since="2026-11-23")
    assert warm_up_limit(pace, datetime(2026, 11, 23, 7, tzinfo=UTC) + timedelta(days=days)) == expected


def test_without_a_plan_there_is_no_limit() -> None:
    assert warm_up_limit(Pace(), datetime(2026, 11, 23, tzinfo=UTC)) is None
