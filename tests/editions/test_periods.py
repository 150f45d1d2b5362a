"""Periods that readers choose: every zone, every change of its clocks, and readers who change their minds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.editions import due
from digest.editions.periods import (
    SlotPeriod,
    known_zone,
    latest_slot_period,
    reader_instant,
    slot_period_on,
    slot_periods_after,
    turn,
    wave_at,
)
from digest.model.newsletter import WEEKDAYS, Cadence, Schedule, Slot

ALL_ZONES = sorted(available_timezones())
SLOTS = [Slot(Cadence.DAILY)] + [Slot(cadence, day) for cadence in Cadence if cadence != "daily" for day in WEEKDAYS]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def latest(now: str, slot: str, *zones: str, at: str = "07:00", since: str = "") -> SlotPeriod | None:
    since_at = utc(since) if since else None
    return latest_slot_period(
        utc(now), Slot.parse(slot), zones=zones, wall_time=time.fromisoformat(at), since_at=since_at
    )


# --- slots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_a_slot_is_written_and_read(slot: Slot) -> None:
    assert Slot.parse(str(slot)) == slot


def test_slots_are_written_so() -> None:
    assert len({str(slot) for slot in SLOTS}) == 22
    assert {"daily", "weekly.thu", "biweekly.mon", "monthly.sun"} <= {str(slot) for slot in SLOTS}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weekly.thursday", "'weekly.thursday': the weekday is one of mon, tue, wed, thu, fri, sat, sun"),
        ("weekly", "'weekly': the weekday is one of mon, tue, wed, thu, fri, sat, sun"),
        ("weekly.", "'weekly.': nothing stands behind the dot"),
        ("weekly.thu.fri", "'weekly.thu.fri': the weekday is one of mon, tue, wed, thu, fri, sat, sun"),
        ("Weekly.thu", "'Weekly.thu': the cadence is one of daily, weekly, biweekly, monthly"),
        ("daily.mon", "'daily.mon': daily has no weekday"),
        ("daily.", "'daily.': nothing stands behind the dot"),
        ("", "'': the cadence is one of daily, weekly, biweekly, monthly"),
    ],
)
def test_what_is_no_slot_is_said_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        Slot.parse(text)
    assert str(caught.value) == said


# --- one period ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "slot", "zones", "key", "due_at"),
    [
        ("2026-11-26 06:00", "daily", ["Europe/Berlin"], "2026-11-26", "2026-11-26 06:00"),
        ("2026-11-26 05:59", "daily", ["Europe/Berlin"], "2026-11-25", "2026-11-25 06:00"),
        ("2026-11-25 22:00", "daily", ["Europe/Berlin", "Asia/Tokyo"], "2026-11-26", "2026-11-25 22:00"),
        ("2026-11-25 17:00", "daily", ["Etc/GMT+12", "Pacific/Kiritimati"], "2026-11-26", "2026-11-25 17:00"),
        ("2026-11-26 18:59", "daily", ["Etc/GMT+12"], "2026-11-25", "2026-11-25 19:00"),
        ("2028-02-29 08:00", "daily", ["UTC"], "2028-02-29", "2028-02-29 07:00"),
        ("2026-03-29 12:00", "weekly.sun", ["Europe/Berlin"], "2026-W13", "2026-03-29 05:00"),
        ("2026-12-02 12:00", "weekly.thu", ["UTC"], "2026-W48", "2026-11-26 07:00"),
        ("2027-01-01 12:00", "weekly.fri", ["UTC"], "2026-W53", "2027-01-01 07:00"),
        ("2033-01-02 12:00", "weekly.sun", ["UTC"], "2032-W53", "2033-01-02 07:00"),
        ("2027-01-04 12:00", "weekly.mon", ["UTC"], "2027-W01", "2027-01-04 07:00"),
        ("2026-11-30 12:00", "monthly.mon", ["UTC"], "2026-11", "2026-11-02 07:00"),
        ("2026-12-07 06:59", "monthly.mon", ["UTC"], "2026-11", "2026-11-02 07:00"),
        ("2027-01-01 12:00", "monthly.fri", ["UTC"], "2027-01", "2027-01-01 07:00"),
    ],
)
def test_the_latest_period_is(now: str, slot: str, zones: list[str], key: str, due_at: str) -> None:
    found = latest(now, slot, *zones)
    assert found is not None
    assert (str(found.slot), found.key, found.due_at) == (slot, key, utc(due_at))


def test_what_was_due_before_the_slot_had_readers_is_not_due() -> None:
    assert latest("2026-11-29 12:00", "weekly.thu", "UTC", since="2026-11-26 07:01") is None
    assert latest("2026-12-20 12:00", "monthly.mon", "UTC", since="2026-12-08 00:00") is None
    assert latest("2026-11-29 12:00", "weekly.thu", "UTC", since="2026-11-26 07:00") is not None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe", "Antarctica/Troll"])
def test_the_rules_for_gap_and_overlap_are_those_of_the_own_schedule(zone: str) -> None:
    for day in (date(2026, 1, 1) + DAY * number for number in range(365)):
        for hour in range(24):
            own = Schedule(wall_time=time(hour), time_zone=zone)
            assert reader_instant(day, time(hour), zone) == wave_at(day, time(hour), zone) == due.instant(day, own)


@pytest.mark.parametrize(
    ("day", "at", "zone", "instant"),
    [
        ("2026-03-29", "02:30", "Europe/Berlin", "2026-03-29 01:30"),  # skipped: 03:30 summer time
        ("2026-10-25", "02:30", "Europe/Berlin", "2026-10-25 00:30"),  # twice: the first
        ("2026-04-24", "00:00", "Africa/Cairo", "2026-04-23 22:00"),  # a midnight that is skipped
        ("2028-02-29", "07:00", "Pacific/Kiritimati", "2028-02-28 17:00"),
        ("2011-12-30", "07:00", "Pacific/Apia", "2011-12-30 17:00"),  # a day that is skipped: as the next one
        ("2011-12-31", "07:00", "Pacific/Apia", "2011-12-30 17:00"),
        ("1993-08-21", "07:00", "Pacific/Kwajalein", "1993-08-21 19:00"),
        ("1993-08-22", "07:00", "Pacific/Kwajalein", "1993-08-21 19:00"),
    ],
)
def test_a_wall_time_on_a_day_is_one_instant(day: str, at: str, zone: str, instant: str) -> None:
    assert reader_instant(date.fromisoformat(day), time.fromisoformat(at), zone) == utc(instant)


def test_an_hour_that_says_it_is_the_second_of_two_is_the_first() -> None:
    assert reader_instant(date(2026, 10, 25), time(2, 30, fold=1), "Europe/Berlin") == utc("2026-10-25 00:30")


@settings(max_examples=500)
@given(zone=st.sampled_from(ALL_ZONES), day=st.dates(date(2000, 1, 1), date(2100, 12, 31)), at=st.times())
def test_every_zone_day_and_time_has_an_instant_within_the_widest_day(zone: str, day: date, at: time) -> None:
    start = datetime.combine(day, time(0), UTC)
    assert start - 14 * HOUR <= reader_instant(day, at, zone) < start + DAY + 12 * HOUR


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "", " ", ".", "..", "a" * 500, "a\0b", "Europe",
                                  "Europe/Berlinn", "europe/berlin", "US/Pacific-New", "zone.tab", "localtime",
                                  "Factory", "\ud800", "Europe/Berlin\n"])  # fmt: skip
def test_a_zone_that_is_none_gives_the_fallback(name: str) -> None:
    assert known_zone(name, "Europe/Paris") == "Europe/Paris"


@settings(max_examples=100)
@given(name=st.text())
def test_no_name_of_a_zone_makes_trouble(name: str) -> None:
    ZoneInfo(known_zone(name, "UTC"))


def test_every_zone_is_known() -> None:
    assert {known_zone(name, "?") for name in ALL_ZONES} == {*ALL_ZONES, "?"} - {"localtime", "Factory"}
    assert known_zone("localtime", "UTC") == "UTC"  # another one on another machine


# --- calendars -------------------------------------------------------------------------------------------------------


def days(first: int, last: int) -> list[date]:
    return [date(first, 1, 1) + DAY * number for number in range((date(last + 1, 1, 1) - date(first, 1, 1)).days)]


def found_days(slot: Slot, among: list[date]) -> dict[date, str]:
    return {day: key for day in among if (key := slot_period_on(day, slot)) is not None}


@pytest.mark.parametrize("weekday", WEEKDAYS)
def test_weeks_and_fortnights_keep_their_step_through_years_of_53_weeks(weekday: str) -> None:
    weekly = found_days(Slot(Cadence.WEEKLY, weekday), days(2020, 2040))
    biweekly = found_days(Slot(Cadence.BIWEEKLY, weekday), days(2020, 2040))
    assert {later - earlier for earlier, later in pairwise(weekly)} == {7 * DAY}
    assert {later - earlier for earlier, later in pairwise(biweekly)} == {14 * DAY}
    assert len(set(weekly.values())) == len(weekly)
    assert {"2020-W53", "2026-W53", "2032-W53", "2037-W53"} <= set(weekly.values())
    assert biweekly.items() <= weekly.items()
    inner = list(biweekly.values())[1:-1]
    assert set(inner) <= set(found_days(Slot(Cadence.BIWEEKLY, "mon"), days(2019, 2041)).values())


@pytest.mark.parametrize("weekday", WEEKDAYS)
def test_a_month_has_its_first_such_day(weekday: str) -> None:
    found = found_days(Slot(Cadence.MONTHLY, weekday), days(2024, 2035))
    assert list(found.values()) == [f"{year}-{month:02d}" for year in range(2024, 2036) for month in range(1, 13)]
    for day, key in found.items():
        first = date.fromisoformat(f"{key}-01")
        assert day == next(d for n in range(7) if WEEKDAYS[(d := first + DAY * n).weekday()] == weekday)
    assert {later - earlier for earlier, later in pairwise(found)} == {28 * DAY, 35 * DAY}


def test_every_day_has_its_own_daily_period() -> None:
    found = found_days(Slot(Cadence.DAILY), days(2024, 2035))
    assert list(found.values()) == [day.isoformat() for day in days(2024, 2035)]


@settings(max_examples=150)
@given(
    slot=st.sampled_from(SLOTS),
    zones=st.sets(st.sampled_from(ALL_ZONES), min_size=1, max_size=4),
    at=st.times().map(lambda at: at.replace(microsecond=0)),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_latest_period_is_the_last_that_has_come(slot: Slot, zones: set[str], at: time, now: datetime) -> None:
    after = slot_periods_after(now - 40 * DAY, slot, zones=zones, wall_time=at)
    *_, last = takewhile(lambda period: period.due_at <= now, after)
    assert latest_slot_period(now, slot, zones=zones, wall_time=at, since_at=None) == last
    following = list(islice(slot_periods_after(last.due_at, slot, zones=zones, wall_time=at), 3))
    assert latest_slot_period(following[0].due_at, slot, zones=zones, wall_time=at, since_at=None) == following[0]
    assert last.due_at < following[0].due_at < following[1].due_at < following[2].due_at
    for period in (last, *following):
        waves = [wave_at(period.day, at, zone) for zone in zones]
        assert period.due_at == min(waves)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (("weekly.mon", "2026-W48"), ("weekly.thu", "2026-W48"), True),
        (("weekly.mon", "2026-W48"), ("weekly.mon", "2026-W49"), False),
        (("weekly.mon", "2026-W48"), ("biweekly.mon", "2026-W48"), False),
        (("biweekly.mon", "2026-W48"), ("biweekly.sun", "2026-W48"), True),
        (("monthly.mon", "2026-11"), ("monthly.fri", "2026-11"), True),
        (("daily", "2026-11-26"), ("daily", "2026-11-27"), False),
        (("weekly", "2026-W48.1"), ("weekly.thu", "2026-W48"), True),
        (("weekly", "2026-W48.2"), ("weekly.thu", "2026-W48"), True),  # it had more weekdays when that was built
        (("weekly", "2026-W48.2"), ("biweekly.thu", "2026-W48"), False),
        (("weekly", "extra-20261126T070000"), ("weekly.thu", "2026-W48"), False),
    ],
)
def test_the_same_turn_is(one: tuple[str, str], other: tuple[str, str], is_same: bool) -> None:
    assert (turn(*one) == turn(*other)) is is_same


def test_an_own_schedule_of_several_days_has_a_turn_on_each() -> None:
    assert turn("weekly", "2026-W48.1", weekdays=2) != turn("weekly", "2026-W48.2", weekdays=2)
    assert turn("weekly", "2026-W48.2", weekdays=2) == "weekly 2026-W48.2"
    assert turn("weekly.thu", "2026-W48", weekdays=2) == "weekly 2026-W48"


# --- every zone, every change of its clocks --------------------------------------------------------------------------


def transitions(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants from which on another offset holds, to the second; steps of a day miss none that lasts as long."""
    before, before_offset = start, start.astimezone(zone).utcoffset()
    while before < end:
        after = before + DAY
        offset = after.astimezone(zone).utcoffset()
        if offset != before_offset:
            low, high = before, after
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before_offset else (low, middle)
            yield high
        before, before_offset = after, offset


@cache
def around(change: datetime, old: timedelta, new: timedelta) -> list[tuple[datetime, datetime]]:
    """Wall times at every hour from two days before a change to three after it, and the instants that they have to be.

    Worked out from the two offsets alone; as much as half of all zones share the answer.
    """
    first = (change + new).date() - 2 * DAY
    found = []
    for hour in range(24):
        instants = []
        for wall in (datetime.combine(first + DAY * number, time(hour), UTC) for number in range(5)):
            is_old, is_new = wall - old < change, wall - new >= change
            instants.append(wall - new if is_new and not is_old else wall - old)
            found.append((wall.replace(tzinfo=None), instants[-1]))
        for earlier, later in pairwise(instants):
            assert earlier < later
            assert DAY - abs(new - old) <= later - earlier <= DAY + abs(new - old)
    return found


def test_around_every_change_of_every_clock_each_hour_of_each_day_is_one_instant() -> None:
    """And so those of consecutive days increase, and are a day apart but for what the clock was moved: see `around`."""
    seen = 0
    for name in ALL_ZONES:
        zone = ZoneInfo(name)
        for change in transitions(zone, utc("2024-01-01"), utc("2036-01-01")):
            seen += 1
            old, new = ((change - HOUR / 60).astimezone(zone).utcoffset(), change.astimezone(zone).utcoffset())
            assert old is not None
            assert new is not None
            for wall, instant in around(change, old, new):
                assert reader_instant(wall.date(), wall.time(), name) == instant, (name, wall)
    assert seen > 3_000


# --- readers who change their minds ----------------------------------------------------------------------------------
#
# Editions are built as a flow does: ask what is latest, build what is not there, give a copy to whose slot it is.

OWN = Schedule(weekdays=("wed",), wall_time=time(7), time_zone="Europe/Berlin")
STEP = {Cadence.DAILY: DAY, Cadence.WEEKLY: 7 * DAY, Cadence.BIWEEKLY: 14 * DAY, Cadence.MONTHLY: 35 * DAY}


@dataclass(frozen=True)
class Choice:
    """slot   None: the newsletter's own schedule"""

    slot: Slot | None
    hour: time
    zone: str
    since_at: datetime

    @property
    def cadence(self) -> Cadence:
        return self.slot.cadence if self.slot else Cadence.WEEKLY


@dataclass(frozen=True)
class Copy:
    """calendar   cadence and first day of the period, worked out here from the day, not from the key"""

    calendar: tuple[Cadence, date]
    day: date
    built_at: datetime
    at: datetime


Words = tuple[str, str, str, str]


def choice(slot: str, hour: str, zone: str, since: str) -> Choice:
    return Choice(Slot.parse(slot), time.fromisoformat(hour), zone, utc(since))


def calendar(cadence: Cadence, day: date) -> tuple[date, date]:
    """First day of the period, and of the next one."""
    if cadence is Cadence.DAILY:
        return day, day + DAY
    if cadence is Cadence.MONTHLY:
        first = day.replace(day=1)
        return first, (first + 31 * DAY).replace(day=1)
    weeks = 1 if cadence is Cadence.WEEKLY else 2
    first = day - DAY * ((day.toordinal() - date(2024, 1, 15).toordinal()) % (7 * weeks))
    return first, first + 7 * DAY * weeks


def copies_of(choices: list[Choice], others: list[Choice], end: datetime) -> list[Copy]:
    """What a reader gets who chooses so, in order of sending, while the others keep what they have."""
    now, built, had, copies = choices[0].since_at, set(), set(), list[Copy]()
    while now < end:
        past = [each for each in reversed(choices) if each.since_at <= now]
        mine = past[0]
        before = zip(past, [*past[1:], None], strict=True)
        joined_at = next(one.since_at for one, other in before if other is None or other.slot != mine.slot)
        wakes = [each.since_at for each in choices if each.since_at > now]
        for slot in {each.slot for each in (*others, mine)}:
            readers = [each for each in (*others, mine) if each.slot == slot]
            since_at = min(joined_at if each is mine else each.since_at for each in readers)
            if slot is None:
                own = due.latest_due(now, OWN)
                assert own is not None
                wakes.append(next(due.periods_after(now, OWN)).due_at)
                is_due, key, wave, label = own.due_at >= since_at, own.key, own.due_at, "weekly"
                day = wave.astimezone(ZoneInfo(OWN.time_zone)).date()
            else:
                zones, wall_time = {each.zone for each in readers}, min(each.hour for each in readers)
                period = latest_slot_period(now, slot, zones=zones, wall_time=wall_time, since_at=since_at)
                wakes.append(next(slot_periods_after(now, slot, zones=zones, wall_time=wall_time)).due_at)
                is_due, key, day = (True, period.key, period.day) if period else (False, "", now.date())
                wave, label = wave_at(day, mine.hour, mine.zone), str(slot)
            if not is_due or (label, key) in built:
                continue
            built.add((label, key))
            if mine.slot == slot and turn(label, key) not in had:
                had.add(turn(label, key))
                first, _ = calendar(mine.cadence, day)
                copies.append(Copy((mine.cadence, first), day, now, max(now, wave)))
        now = min(wakes)
    return sorted(copies, key=lambda copy: copy.at)


def check(choices: list[Choice], others: list[Choice], days_long: int) -> None:
    start = choices[0].since_at
    end = start + DAY * days_long
    copies = copies_of(choices, others, end)
    counted = Counter(copy.calendar for copy in copies)
    assert set(counted.values()) <= {1}

    for mine, until in zip(choices, [*(each.since_at for each in choices[1:]), end], strict=True):
        day = mine.since_at.date()
        while day < until.date():
            first, following = calendar(mine.cadence, day)
            begins = datetime.combine(first, time(0), UTC) - 14 * HOUR
            ends = datetime.combine(following, time(0), UTC) + 12 * HOUR
            if mine.since_at <= begins and ends <= until:
                assert counted[mine.cadence, first] == 1, (mine, first)
            day = following

    for one, other in pairwise(copies):
        held = [each for each in choices if each.since_at <= other.at]
        changes = [each for each in held if each.since_at >= min(one.built_at, other.built_at)]
        if {each.cadence for each in held[-len(changes) - 1 :]} != {one.calendar[0]}:
            continue
        gap, longest = other.at - one.at, STEP[one.calendar[0]]
        moved = 3 * HOUR  # no clock is put forward or back by more
        if changes:
            is_one_zone = len({each.zone if each.slot else OWN.time_zone for each in (*choices, *others)}) == 1
            behind = timedelta(0) if is_one_zone and len(changes) == 1 else 50 * HOUR
            assert timedelta(0) <= gap < longest * (len(changes) + 1) + behind * len(changes) + moved
        else:
            _, following = calendar(one.calendar[0], one.day)
            while following < other.calendar[1]:  # a step of two: who moved west had the period between before
                assert counted[one.calendar[0], following] == 1
                _, following = calendar(one.calendar[0], following)
            zone = ZoneInfo(held[-1].zone if held[-1].slot else OWN.time_zone)
            instants = (one.at - moved, one.at, other.at, other.at + moved)
            offsets = {offset for at in instants if (offset := at.astimezone(zone).utcoffset()) is not None}
            assert abs(gap - (other.day - one.day)) <= max(offsets) - min(offsets), (held[-1], one, other)


FAR = ["Pacific/Kiritimati", "Etc/GMT+12", "Pacific/Niue", "Pacific/Apia", "Pacific/Auckland", "Europe/Berlin",
       "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll", "America/Nuuk"]  # fmt: skip
HOURS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
ONE_CADENCE: list[list[Slot | None]] = [[slot for slot in SLOTS if slot.cadence is cadence] for cadence in Cadence]


@st.composite
def walks(draw: st.DrawFn) -> tuple[list[Choice], list[Choice]]:
    start = draw(st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
    start = start.replace(microsecond=0)
    sets: list[list[Slot | None]] = [[None, *SLOTS], [None, *ONE_CADENCE[1]], *ONE_CADENCE]
    slots = draw(st.sampled_from(sets))
    zones = st.sampled_from(draw(st.sampled_from([FAR, ALL_ZONES, FAR[:2], [OWN.time_zone]])))

    def chosen(since_at: datetime) -> Choice:
        return Choice(draw(st.sampled_from(slots)), draw(HOURS), draw(zones), since_at)

    minutes = sorted(draw(st.sets(st.integers(1, 60 * 24 * 80), max_size=6)))
    choices = [chosen(start), *(chosen(start + timedelta(minutes=each)) for each in minutes)]
    others = [chosen(start - 50 * DAY) for _ in range(draw(st.integers(0, 5)))]
    return choices, others


@settings(max_examples=200)
@given(walk=walks())
def test_whatever_a_reader_chooses_each_period_comes_once_and_in_time(walk: tuple[list[Choice], list[Choice]]) -> None:
    check(*walk, days_long=130)


def test_a_reader_who_goes_back_and_forth_has_one_edition_a_week() -> None:
    choices = [
        choice("weekly.mon", "07:00", "UTC", "2026-11-01"),
        choice("weekly.thu", "07:00", "UTC", "2026-11-24"),
        choice("weekly.mon", "07:00", "UTC", "2026-12-02"),
        choice("daily", "07:00", "UTC", "2026-12-10"),
        choice("weekly.sun", "07:00", "UTC", "2026-12-12"),
    ]
    found = copies_of(choices, [], utc("2026-12-15"))
    assert [f"{copy.at:%m-%d}" for copy in found] == [
        *("11-02", "11-09", "11-16", "11-23"),
        *("12-07",),  # not on 26 November, the week had its edition; not on 3 December, he had left by then
        *("12-10", "12-11"),  # daily begins at once
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "others", "hours"),
    [
        # Sunday night, and Monday as it begins
        (("weekly.sun", "23:00", "UTC", "2026-11-01"), ("weekly.mon", "00:00", "UTC", "2026-11-29 23:30"), (), 1),
        # from the last place on earth where it is Sunday to the first where it is Monday: the later turn comes first
        (
            ("weekly.sun", "23:00", "Etc/GMT+12", "2026-11-01"),
            ("weekly.mon", "00:00", "Pacific/Kiritimati", "2026-11-29 09:00"),
            [("weekly.sun", "00:00", "UTC", "2026-10-01")],
            25,
        ),
        # in one zone: the new slot was built already, the old one not yet
        (("weekly.tue", "00:00", "UTC", "2026-11-01"), ("weekly.mon", "23:00", "UTC", "2026-11-30 12:00"),
         [("weekly.mon", "00:00", "UTC", "2026-10-01")], 14 * 24 - 1),
        # the same over the date line: 16 days, 1 hour and 29 minutes
        (("weekly.mon", "10:01", "UTC", "2026-11-01"), ("weekly.tue", "23:30", "Etc/GMT+12", "2026-11-30 10:00:30"),
         [("weekly.tue", "00:00", "Pacific/Kiritimati", "2026-10-01")], 16 * 24 + 1),
    ],
)  # fmt: skip
def test_the_shortest_and_the_longest_wait_around_a_change(
    old: Words, new: Words, others: list[Words], hours: int
) -> None:
    choices, background = [choice(*old), choice(*new)], [choice(*each) for each in others]
    check(choices, background, 80)
    found = copies_of(choices, background, utc("2027-01-15"))
    changed = choices[1].since_at
    gaps = [b.at - a.at for a, b in pairwise(found) if a.at - 8 * DAY < changed < b.at + 8 * DAY]
    assert hours in {int(gap / HOUR) for gap in gaps}, gaps
