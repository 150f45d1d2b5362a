"""Which period of a schedule is due at an instant, and what a late run does. Pure.

APScheduler's own dates lose whole weeks at DST, so these are ours: walk local days, combine with the wall time, go to
UTC. Of a wall time that comes twice the first one counts; one that does not exist is read as if the clock had not
been put forward, so it comes an hour later on the wall (RFC 5545 §3.3.5 does the same).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.model.newsletter import WEEKDAYS, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One turn of a schedule.

    key      "2026-W48.1": ISO year and week, and which of the schedule's weekdays, from 1. A schedule that moves from
             Monday to Wednesday in mid-week meets the same key again, and so makes no second edition (P7)
    due_at   aware UTC
    """

    key: str
    due_at: datetime


def instant(day: date, schedule: Schedule) -> datetime:
    """The wall time on that local day, in UTC."""
    local = datetime.combine(day, schedule.wall_time, ZoneInfo(schedule.time_zone))
    return local.replace(fold=0).astimezone(UTC)


def periods_after(at: datetime, schedule: Schedule) -> Iterator[Period]:
    """Every period due after `at`, in order, without end; nothing for a schedule without weekdays."""
    if not schedule.weekdays:
        return
    day = at.astimezone(ZoneInfo(schedule.time_zone)).date() - timedelta(days=1)
    while True:
        period = _on(day, schedule)
        if period is not None and period.due_at > at:
            yield period
        day += timedelta(days=1)


def latest_due(now: datetime, schedule: Schedule) -> Period | None:
    """The last period whose instant has come; None when there was none since the schedule was made."""
    if not schedule.weekdays:
        return None
    day = now.astimezone(ZoneInfo(schedule.time_zone)).date() + timedelta(days=1)
    for _ in range(9):  # a weekly schedule has one in any eight days
        period = _on(day, schedule)
        if period is not None and period.due_at <= now:
            if schedule.since_at is not None and period.due_at < schedule.since_at:
                return None
            return period
        day -= timedelta(days=1)
    return None


def is_too_late(period: Period, now: datetime, schedule: Schedule) -> bool:
    """A run that comes later than the newsletter allows waits for an admin: nobody wants Monday's mail on Friday."""
    return now - period.due_at > timedelta(hours=schedule.late_hours)


def _on(day: date, schedule: Schedule) -> Period | None:
    name = WEEKDAYS[day.weekday()]
    if name not in schedule.weekdays:
        return None
    ordered = sorted(schedule.weekdays, key=WEEKDAYS.index)
    year, week, _ = day.isocalendar()
    return Period(key=f"{year}-W{week:02d}.{ordered.index(name) + 1}", due_at=instant(day, schedule))
