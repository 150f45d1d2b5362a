"""What a person gives, as text: read and checked once, whichever door it came through. BadInput names the field."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest.errors import BadInput
from digest.model import parse
from digest.model.address import EmailAddress
from digest.model.parse import YEARS


def line(field: str, text: str, *, needed: bool = False, most: int = parse.MAX_LINE) -> str:
    """One line for readers, without what cannot be seen. BadInput where nothing is left of one that is needed."""
    try:
        found = parse.line(text, most=most)
    except ValueError as cause:
        raise BadInput(str(cause), field=field) from cause
    if needed and not found:
        raise BadInput("empty, or nothing that can be seen", field=field)
    return found


def link(field: str, text: str, *, needed: bool = False) -> str:
    """A web address as a mail can hold it; "" where there may be none. BadInput for `javascript:` and the rest."""
    try:
        found = parse.link(text)
    except ValueError as cause:
        raise BadInput(str(cause), field=field) from cause
    if needed and not found:
        raise BadInput("empty: write https://example.org", field=field)
    return found


def address(field: str, text: str) -> EmailAddress:
    try:
        return EmailAddress.parse(text)
    except ValueError as cause:
        raise BadInput(f"{text!r}: {cause}", field=field) from cause


def instant(field: str, text: str, *, zone: tzinfo = UTC) -> datetime:
    """An ISO date or instant, aware; without a zone of its own in that one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as cause:
        raise BadInput(
            f"{text!r} is no ISO date or instant: write 2026-12-01 or 2026-12-01T06:00+01:00", field=field
        ) from cause
    _check_year(field, at.year)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def is_day(text: str) -> bool:
    """Is it a day alone, without a time?"""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def day(field: str, text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as cause:
        raise BadInput(f"{text!r} is no day: write 2026-12-01", field=field) from cause
    _check_year(field, found.year)
    return found


def zone(field: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:  # OSError: a folder of zones, "America"
        raise BadInput(f"there is no time zone {name!r}; write Europe/Berlin", field=field) from cause


def _check_year(field: str, year: int) -> None:
    if year not in YEARS:
        raise BadInput(f"the year {year} is not between {YEARS[0]} and {YEARS[-1]}", field=field)
