"""Which period of a slot that readers chose is due, when each of them gets it, and what counts as the same turn. Pure.

A slot is one edition for all of its readers, wherever they live; a reader has a zone and an hour of his own.

Built      once for a day, when the first of its readers comes to his hour on that day (`due_at`). Whose slot it is at
           that instant gets a copy, unless he had that turn already
Sent       to each reader when his own hour on that day comes (`wave_at`)
A turn     is a cadence and a calendar period: a day, an ISO week, a fortnight, a month. Who goes from weekly.mon to
           weekly.thu in mid-week has one edition in that week, whichever came first; another cadence has turns of its own
Wall time  of one that comes twice the first; one that does not exist comes later on the wall by what the clock was put
           forward. So it may come after a later hour of the same day: who is there then gets his copy at `due_at`

What a reader may rely on. Call P the longest step of the cadence: 1, 7, 14 or 35 days (a monthly step is 28 or 35).

Unchanged  copies of two successive periods are one step apart, give or take what the zone's clock was moved in between.
           A period gets exactly one if the choices stay from 14 hours before its first day in UTC to 12 hours after its
           last: offsets go from -12 to +14 hours
Changed    weekday, hour or zone, within one cadence: at least 0 hours, since Sunday 23:00 may be followed by Monday
           00:00. Over the date line a later turn may even come first, by less than 26 hours; who lives a day again has
           had its turn. Less than 2 P and 50 hours (weekly: 16 days and 2 hours), and what clocks were moved. Why: he
           left before his old slot was built, so within P of his last copy; the new one was built before he came, for
           others who live further east; his own hour may be 50 hours behind theirs; its next is P later. Each further
           change can cost P and 50 hours more. Where all live in one zone a change of the weekday costs less than 2 P
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from digest.model.newsletter import WEEKDAYS, Cadence, Offer, Slot
from digest.model.parse import zones

_A_MONDAY = date(2001, 1, 1)  # fortnights are counted from here: odd ISO weeks would lose their step after a week 53
_DAY = timedelta(days=1)
_LONGEST_STEP_DAYS = 35  # from the first Monday of a month to that of the next


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPeriod:
    """One turn of a slot.

    key      "2026-11-26", "2026-W48", the same for the first week of a fortnight, "2026-11"
    day      the local day of every reader of it, whatever the zone
    due_at   aware UTC: when the edition is built
    """

    slot: Slot
    key: str
    day: date
    due_at: datetime


def reader_instant(day: date, wall_time: time, zone: str) -> datetime:
    """The wall time on that local day, as aware UTC.

    A day that the zone left out at the date line has the instants of the day after it.
    """
    return datetime.combine(day, wall_time, _zone(zone)).replace(fold=0).astimezone(UTC)


def wave_at(period_day: date, hour: time, zone: str) -> datetime:
    """From when on one reader's copy of that day's edition may go, aware UTC."""
    return reader_instant(period_day, hour, zone)


def known_zone(name: str, fallback: str) -> str:
    """The name if there is such a zone, else the fallback, which is not looked at. Never raises."""
    return name if name in zones() else fallback


def slot_period_on(day: date, slot: Slot) -> str | None:
    """The key of the slot's period that falls on this local day."""
    if slot.cadence is Cadence.DAILY:
        return day.isoformat()
    if WEEKDAYS[day.weekday()] != slot.weekday:
        return None
    if slot.cadence is Cadence.MONTHLY:
        return f"{day:%Y-%m}" if day.day <= 7 else None
    if slot.cadence is Cadence.BIWEEKLY and (day - _A_MONDAY).days // 7 % 2:
        return None
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def slot_day(slot: Slot, key: str) -> date:
    """The local day of a slot's period: the other way round than `slot_period_on`."""
    if slot.cadence is Cadence.DAILY:
        return date.fromisoformat(key)
    if slot.cadence is Cadence.MONTHLY:
        first = date.fromisoformat(f"{key}-01")
        return first + _DAY * ((WEEKDAYS.index(slot.weekday) - first.weekday()) % 7)
    year, _, week = key.partition("-W")
    return date.fromisocalendar(int(year), int(week), WEEKDAYS.index(slot.weekday) + 1)


def is_offered(slot: str, offer: Offer) -> bool:
    """Is there such a slot in this newsletter (still)? Readers with another one follow the newsletter's own schedule."""
    try:
        return bool(slot) and Slot.parse(slot).cadence in offer.cadences
    except ValueError:
        return False


def latest_slot_period(
    now: datetime, slot: Slot, *, zones: Collection[str], wall_time: time, since_at: datetime | None
) -> SlotPeriod | None:
    """The last period whose instant has come; None when that was before `since_at`.

    zones       where readers of the slot live, by IANA name; at least one
    wall_time   the earliest hour that one of them has
    since_at    when the first of these readers came to the slot: what was due before was for nobody. A new hour or zone
                is no coming, else who is alone in his slot and moves to an earlier hour on the day itself gets nothing
    """
    day = now.astimezone(UTC).date() + _DAY  # no zone is a whole day ahead
    for _ in range(_LONGEST_STEP_DAYS + 4):
        period = _on(day, slot, zones, wall_time)
        if period is not None and period.due_at <= now:
            return None if since_at is not None and period.due_at < since_at else period
        day -= _DAY
    return None


def slot_periods_after(at: datetime, slot: Slot, *, zones: Collection[str], wall_time: time) -> Iterator[SlotPeriod]:
    """Every period due after `at`, in order, without end. Arguments as above."""
    day = at.astimezone(UTC).date() - _DAY  # nor a whole day behind
    while True:
        period = _on(day, slot, zones, wall_time)
        if period is not None and period.due_at > at:
            yield period
        day += _DAY


def turn(cadence: str, key: str, *, weekdays: int = 1) -> str:
    """Which turn an edition is for a reader: "weekly 2026-W48". Who had one gets no other edition of that turn.

    cadence    what str(slot) gives; "weekly" for the newsletter's own schedule
    key        the edition's period, of a slot or of the own schedule ("2026-W48.2", "extra-20261126T070000")
    weekdays   how many the own schedule has. With several each is a turn of its own; with one its week is the turn,
               also for readers who come from a slot or go to one
    """
    if cadence == Cadence.WEEKLY and weekdays == 1:
        key = key.partition(".")[0]
    return f"{cadence.partition('.')[0]} {key}"


def _on(day: date, slot: Slot, zones: Collection[str], wall_time: time) -> SlotPeriod | None:
    key = slot_period_on(day, slot)
    if key is None:
        return None
    due_at = min(reader_instant(day, wall_time, zone) for zone in zones)
    return SlotPeriod(slot=slot, key=key, day=day, due_at=due_at)


@cache
def _zone(name: str) -> ZoneInfo:
    """zoneinfo itself holds on to eight; readers live in hundreds, and each is a file to read again at every look."""
    return ZoneInfo(name)
