"""Dates of a schedule: one period a week in every zone there is, whatever its clocks do."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.editions.due import Period, is_too_late, latest_due, periods_after
from digest.model.newsletter import WEEKDAYS, Schedule

ZONES = st.sampled_from(sorted(available_timezones()))
TIMES = st.times().map(lambda at: at.replace(microsecond=0))
INSTANTS = st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
RECENT = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


many = settings(max_examples=300)


def schedule(days: str = "mon", at: str = "07:00", zone: str = "Europe/Berlin", **values: object) -> Schedule:
    return Schedule(
        weekdays=tuple(days.split(",")),
        wall_time=time.fromisoformat(at),
        time_zone=zone,
        **values,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("what", "of", "now", "key", "due_at"),
    [
        ("winter", schedule(), "2026-01-12 12:00", "2026-W03.1", "2026-01-12 06:00"),
        ("summer", schedule(), "2026-07-13 12:00", "2026-W29.1", "2026-07-13 05:00"),
        ("a moment before", schedule(), "2026-07-13 04:59:59", "2026-W28.1", "2026-07-06 05:00"),
        ("at the moment", schedule(), "2026-07-13 05:00", "2026-W29.1", "2026-07-13 05:00"),
        ("six days later", schedule(), "2026-07-20 04:59", "2026-W29.1", "2026-07-13 05:00"),
        ("midnight before DST", schedule(at="00:00"), "2026-03-23 00:00", "2026-W13.1", "2026-03-22 23:00"),
        ("midnight after DST", schedule(at="00:00"), "2026-03-30 00:00", "2026-W14.1", "2026-03-29 22:00"),
        ("an hour before that midnight", schedule(at="00:00"), "2026-03-29 21:59", "2026-W13.1", "2026-03-22 23:00"),
        ("a time that is skipped", schedule("sun", "02:30"), "2026-03-30 00:00", "2026-W13.1", "2026-03-29 01:30"),
        ("a time that comes twice", schedule("sun", "02:30"), "2026-10-26 00:00", "2026-W43.1", "2026-10-25 00:30"),
        (
            "midnight that is skipped",
            schedule("fri", "00:00", "Africa/Cairo"),
            "2026-04-24 12:00",
            "2026-W17.1",
            "2026-04-23 22:00",
        ),
        (
            "a day that was skipped",
            schedule("fri", "07:00", "Pacific/Apia"),
            "2012-01-01 00:00",
            "2011-W52.1",
            "2011-12-30 17:00",
        ),
        ("half an hour of DST", schedule(zone="Australia/Lord_Howe"), "2026-10-05 12:00", "2026-W41.1", "2026-10-04 20:00"),
        ("the first week of a year", schedule(), "2027-01-04 12:00", "2027-W01.1", "2027-01-04 06:00"),
        ("a week that belongs to the old year", schedule("fri"), "2027-01-01 12:00", "2026-W53.1", "2027-01-01 06:00"),
        ("the second of two days", schedule("mon,thu"), "2026-07-16 12:00", "2026-W29.2", "2026-07-16 05:00"),
        ("days in another order", schedule("thu,mon"), "2026-07-16 12:00", "2026-W29.2", "2026-07-16 05:00"),
        ("14 hours ahead", schedule(zone="Pacific/Kiritimati"), "2026-07-12 17:00", "2026-W29.1", "2026-07-12 17:00"),
        ("11 hours behind", schedule(zone="Pacific/Niue"), "2026-07-13 18:00", "2026-W29.1", "2026-07-13 18:00"),
    ],
)  # fmt: skip
def test_the_latest_period_is(what: str, of: Schedule, now: str, key: str, due_at: str) -> None:
    assert latest_due(utc(now), of) == Period(key=key, due_at=utc(due_at)), what


def test_a_schedule_without_weekdays_is_never_due() -> None:
    never = Schedule(weekdays=())
    assert latest_due(utc("2026-07-13 05:00"), never) is None
    assert list(periods_after(utc("2026-07-13 05:00"), never)) == []


def test_what_was_due_before_the_schedule_was_made_is_not_due() -> None:
    made = schedule(since_at=utc("2026-07-13 05:01"))
    assert latest_due(utc("2026-07-19 23:00"), made) is None
    assert latest_due(utc("2026-07-20 05:00"), made) == Period(key="2026-W30.1", due_at=utc("2026-07-20 05:00"))


def test_a_schedule_that_moves_within_the_week_meets_the_same_period() -> None:
    before = latest_due(utc("2026-07-13 12:00"), schedule("mon"))
    after = latest_due(utc("2026-07-15 12:00"), schedule("wed"))
    assert before is not None
    assert after is not None
    assert before.key == after.key


@pytest.mark.parametrize(
    ("late", "hours", "waits"),
    [
        (timedelta(0), 24, False),
        (timedelta(hours=24), 24, False),
        (timedelta(hours=24, seconds=1), 24, True),
        (timedelta(seconds=1), 0, True),
        (timedelta(0), 0, False),
        (timedelta(days=6), 24 * 7, False),
    ],
)
def test_a_run_later_than_the_newsletter_allows_waits(late: timedelta, hours: int, waits: bool) -> None:
    period = Period(key="2026-W29.1", due_at=utc("2026-07-13 05:00"))
    assert is_too_late(period, period.due_at + late, schedule(late_hours=hours)) is waits


# --- every zone -------------------------------------------------------------------------------------------------------


def weeks(of: Schedule, start: datetime, count: int = 60) -> list[Period]:
    return list(islice(periods_after(start, of), count))


@many
@given(zone=ZONES, at=TIMES, day=st.sampled_from(WEEKDAYS), start=INSTANTS)
def test_every_week_has_exactly_one_period(zone: str, at: time, day: str, start: datetime) -> None:
    found = weeks(Schedule(weekdays=(day,), wall_time=at, time_zone=zone), start)
    assert len({period.key for period in found}) == len(found)
    mondays = [date.fromisocalendar(int(p.key[:4]), int(p.key[6:8]), 1) for p in found]
    assert {later - earlier for earlier, later in pairwise(mondays)} == {timedelta(days=7)}


@many
@given(zone=ZONES, at=TIMES, day=st.sampled_from(WEEKDAYS), start=INSTANTS)
def test_two_periods_are_a_week_apart_but_for_what_the_clocks_and_calendars_did(
    zone: str, at: time, day: str, start: datetime
) -> None:
    found = weeks(Schedule(weekdays=(day,), wall_time=at, time_zone=zone), start)
    for earlier, later in pairwise(found):
        assert timedelta(days=6) <= later.due_at - earlier.due_at <= timedelta(days=8)


@many
@given(zone=ZONES, at=TIMES, days=st.sets(st.sampled_from(WEEKDAYS), min_size=1), start=RECENT)
def test_a_full_week_has_one_period_for_each_of_its_days(zone: str, at: time, days: set[str], start: datetime) -> None:
    found = weeks(Schedule(weekdays=tuple(days), wall_time=at, time_zone=zone), start, 20 * len(days))
    whole = Counter(period.key.split(".")[0] for period in found[len(days) : -len(days)])
    inner = list(whole.values())[1:-1]
    assert set(inner) == {len(days)}
    assert all(earlier.due_at < later.due_at for earlier, later in pairwise(found))


@many
@given(zone=ZONES, at=TIMES, days=st.sets(st.sampled_from(WEEKDAYS), min_size=1), now=RECENT)
def test_the_latest_period_is_the_last_one_that_has_come(zone: str, at: time, days: set[str], now: datetime) -> None:
    of = Schedule(weekdays=tuple(days), wall_time=at, time_zone=zone)
    *_, last = takewhile(lambda period: period.due_at <= now, periods_after(now - timedelta(days=9), of))
    assert latest_due(now, of) == last


@many
@given(zone=ZONES, at=TIMES, day=st.sampled_from(WEEKDAYS), start=RECENT)
def test_asking_again_and_again_meets_every_period_once(zone: str, at: time, day: str, start: datetime) -> None:
    of = Schedule(weekdays=(day,), wall_time=at, time_zone=zone)
    instants = [start + timedelta(hours=hours) for hours in range(0, 24 * 7 * 5, 5)]
    met = list(dict.fromkeys(latest_due(now, of) for now in instants))
    between = takewhile(lambda period: period.due_at <= instants[-1], periods_after(start, of))
    assert met == [latest_due(start, of), *between]
