"""When a newsletter may be sent: hours of the day, days without mail, and the plan of a warm-up. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.model.newsletter import Pace
from digest.model.parse import span


def opens_at(pace: Pace, zone: str, now: datetime) -> datetime:
    """`now` when mail may go to someone in this zone, else the instant (aware UTC) from which it may.

    Hours that end before they begin go over midnight: "21:00-06:00". Days without mail are days of that zone.
    """
    local = now.astimezone(ZoneInfo(zone))
    for ahead in range(400):
        day = local.date() + timedelta(days=ahead)
        if day.isoformat() in pace.blackout:
            continue
        for begin, end in _spans(pace, day):
            start = datetime.combine(day, begin, ZoneInfo(zone)).astimezone(UTC)
            if now >= start and (end is None or local.time() < end or ahead):
                return now
            if start > now:
                return start
    return now


def _spans(pace: Pace, day: date) -> list[tuple[time, time | None]]:
    del day
    if not pace.hours:
        return [(time(0), None)]
    begin, end = span(pace.hours)
    if begin < end:
        return [(begin, end)]
    return [(time(0), end), (begin, None)] if end > time(0) else [(begin, None)]


def warm_up_limit(pace: Pace, now: datetime) -> int | None:
    """How many may go today by the warm-up plan; None when there is none. The first day `warm_up_first`, then growing."""
    if not pace.warm_up_first:
        return None
    since = date.fromisoformat(pace.warm_up_since) if pace.warm_up_since else now.astimezone(UTC).date()
    days = max(0, (now.astimezone(UTC).date() - since).days)
    return int(min(pace.warm_up_first * pace.warm_up_factor ** min(days, 200), 1e12))
