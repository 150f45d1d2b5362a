"""Which period of a newsletter's own schedule is due at an instant, and what a late run does. Pure.

Readers who choose their own days have the periods of periods.py. APScheduler's own dates lose whole weeks at DST, so
these are ours: walk local days, combine with the wall time, go to UTC. Of a wall time that comes twice the first one
counts; one that does not exist is read as if the clock had not been put forward, so it comes an hour later on the wall
(RFC 5545 §3.3.5 does the same).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.editions.periods import reader_instant, slot_day
from digest.model.newsletter import WEEKDAYS, Cadence, Schedule, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One turn of a schedule.

    key      "2026-W48.1": ISO year and week, and which of the schedule's weekdays, from 1. A schedule that moves from
             Monday to Wednesday in mid-week meets the same key again, and so makes no second edition (P7)
    due_at   aware UTC
    cadence  "weekly" for the newsletter's own schedule, else the slot that readers chose: "daily", "weekly.thu"
    """

    key: str
    due_at: datetime
    cadence: str = Cadence.WEEKLY


def instant(day: date, schedule: Schedule) -> datetime:
    """The wall time on that local day, in UTC."""
    return reader_instant(day, schedule.wall_time, schedule.time_zone)


def periods_after(at: datetime, schedule: Schedule, *, zones: Collection[str] = ()) -> Iterator[Period]:
    """Every period due after `at`, in order, without end; nothing for a schedule without weekdays.

    zones   as below; the schedule's own among them
    """
    if not schedule.weekdays:
        return
    day = at.astimezone(ZoneInfo(schedule.time_zone)).date() - timedelta(days=1)
    while True:
        period = _on(day, schedule, zones)
        if period is not None and period.due_at > at:
            yield period
        day += timedelta(days=1)


def latest_due(now: datetime, schedule: Schedule, *, zones: Collection[str] = ()) -> Period | None:
    """The last period whose instant has come; None when there was none since the schedule was made.

    zones   of the readers, where each gets it at the wall time of their own: it is due when the first of them wakes
    """
    if not schedule.weekdays:
        return None
    day = now.astimezone(ZoneInfo(schedule.time_zone)).date() + timedelta(days=2)
    for _ in range(11):  # a weekly schedule has one in any eight days, and zones are up to a day ahead or behind
        period = _on(day, schedule, zones)
        if period is not None and period.due_at <= now:
            if schedule.since_at is not None and period.due_at < schedule.since_at:
                return None
            return period
        day -= timedelta(days=1)
    return None


def is_too_late(period: Period, now: datetime, schedule: Schedule) -> bool:
    """A run that comes later than the newsletter allows waits for an admin: nobody wants Monday's mail on Friday."""
    return now - period.due_at > timedelta(hours=schedule.late_hours)


def day_of(cadence: str, key: str, schedule: Schedule) -> date | None:
    """The local day of an edition's period; None for one that an admin built outside of any schedule."""
    if cadence != Cadence.WEEKLY:
        return slot_day(Slot.parse(cadence), key)
    week, _, turn = key.partition(".")
    if not re.fullmatch(r"\d{4}-W\d{2}\.\d", key) or int(turn) > len(schedule.weekdays):
        return None
    weekday = sorted(schedule.weekdays, key=WEEKDAYS.index)[int(turn) - 1]
    return slot_day(Slot(Cadence.WEEKLY, weekday), week)


def _on(day: date, schedule: Schedule, zones: Collection[str] = ()) -> Period | None:
    name = WEEKDAYS[day.weekday()]
    if name not in schedule.weekdays:
        return None
    ordered = sorted(schedule.weekdays, key=WEEKDAYS.index)
    year, week, _ = day.isocalendar()
    due_at = min((reader_instant(day, schedule.wall_time, zone) for zone in zones), default=instant(day, schedule))
    return Period(key=f"{year}-W{week:02d}.{ordered.index(name) + 1}", due_at=due_at)
