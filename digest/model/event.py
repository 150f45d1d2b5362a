"""Event: something to go to, of which an edition tells before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """starts_at, ends_at   aware UTC; shown in the event's own zone, which is where it takes place
    is_all_day   only its day is shown
    """

    title: str
    starts_at: datetime
    time_zone: str
    id: int | None = None
    ends_at: datetime | None = None
    is_all_day: bool = False
    place: str = ""
    url: str = ""
    text: str = ""
