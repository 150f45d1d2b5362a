"""Dates as feeds, pages and files write them, right and wrong -> aware UTC. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale

from digest.sources import bounds
from digest.sources.clean import unescaped

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Outside of them a date is a mistake: 0001 is Go's "no date", 1970 is Unix's."""

_LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu", "ro", "ca", "tr"),
    *("el", "ru", "uk"),
)

_ZONES = {
    "z ut utc gmt wet": 0,
    "west bst cet mez": 1,
    "cest mesz eet": 2,
    "eest msk": 3,
    "ist": 5.5,
    "sgt hkt awst": 8,
    "jst kst": 9,
    "aest": 10,
    "aedt": 11,
    "nzst": 12,
    "nzdt": 13,
    "brt adt": -3,
    "ast edt": -4,
    "est cdt": -5,
    "cst mdt": -6,
    "mst pdt": -7,
    "pst akdt": -8,
    "akst": -9,
    "hst": -10,
}
_HOURS = {name: hours for names, hours in _ZONES.items() for name in names.split()}
"""Zones by their names; RFC 5322 §4.3 knows the American ones."""

_TIME = re.compile(r"(?<![\d:])(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\b)?", re.I)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?(?!\d)(?!-)", re.I)
_ZONE = re.compile(r"[A-Za-z]+(?:/[A-Za-z_+-]+\d{0,2})+|[A-Za-z]{1,4}\b")

_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)")
_DOTS = re.compile(r"(?<!\d)(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})(?!\d)")
_SLASHES = re.compile(r"(?<!\d)(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)")
_DAY_NAME = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s-]*(?:de |of )?([^\W\d_]+)\.?,?[\s-]+(?:de |del )?(\d{4}|\d{2})(?!\d)",
    re.I,
)
_NAME_DAY = re.compile(
    r"(?<![^\W\d_])([^\W\d_]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(?:\d{1,2}:\d{2}\S*\s+(?:\w+\s+)?)?(\d{4})(?!\d)"
)


def read_date(text: str) -> datetime | None:
    """The instant that a text names; UTC where it names no zone. None where it names none, or where it may be two.

    Day and month between slashes may stand either way: only what can be read in one way is read.
    """
    if len(text) > bounds.DATE:
        return None
    text = " ".join(unescaped(text).split())
    if re.fullmatch(r"[0-9]{10}(?:\.[0-9]+)?|[0-9]{13}", text):  # seconds or milliseconds since 1970
        return _sane(datetime.fromtimestamp(int(text[:10]), UTC))
    packed = re.fullmatch(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?(Z?)", text)
    if packed:
        year, month, day, hour, minute, second = (int(part or 0) for part in packed.groups()[:6])
        return _instant(year, month, day, hour, minute, second, UTC)
    found = _day(text)
    if found is None:
        return None
    (year, month, day), rest = found
    clock = _TIME.search(rest)
    if clock is None:
        return _instant(year, month, day, 0, 0, 0, UTC)
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if clock[4]:
        hour = hour % 12 + (12 if clock[4][0] in "pP" else 0)
    return _instant(year, month, day, hour, minute, min(second, 59), _zone(rest[clock.end() :]))


def read_day_of_url(url: str) -> datetime | None:
    """The day in a path such as /2026/11/16/the-ferry, at midnight UTC."""
    found = re.search(r"/((?:19|20)\d\d)[/-](\d{1,2})[/-](\d{1,2})(?=[/-])", url[:2_000])
    return _instant(int(found[1]), int(found[2]), int(found[3]), 0, 0, 0, UTC) if found else None


def _day(text: str) -> tuple[tuple[int, int, int], str] | None:
    """Year, month and day, and the text without them."""
    if found := _YEAR_FIRST.search(text):
        day = int(found[1]), int(found[2]), int(found[3])
    elif found := _DOTS.search(text):
        day = _year(found[3]), int(found[2]), int(found[1])
    elif found := _SLASHES.search(text):
        first, second = int(found[1]), int(found[2])
        if max(first, second) <= 12 and first != second:
            return None
        month_of, day_of = (first, second) if second > 12 else (second, first)
        day = int(found[3]), month_of, day_of
    elif (found := _DAY_NAME.search(text)) and (month := _months().get(found[2].casefold())):
        day = _year(found[3]), month, int(found[1])
    elif (found := _NAME_DAY.search(text)) and (month := _months().get(found[1].casefold())):
        # "Mon Nov 16 08:00:00 CET 2026" has its clock in between
        return (int(found[3]), month, int(found[2])), text[found.end(2) : found.end()] + text[found.end() :]
    else:
        return None
    return day, text[: found.start()] + " " + text[found.end() :].lstrip("T")


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (2000 if int(text) < 70 else 1900)


def _zone(rest: str) -> tzinfo:
    if offset := _OFFSET.match(rest.strip()):
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-away if offset[1] == "-" else away) if away < timedelta(days=1) else UTC
    for name in _ZONE.findall(rest):
        if "/" in name:
            if name in _zone_names():
                return ZoneInfo(name)
            continue
        if name.lower() in _HOURS:
            return timezone(timedelta(hours=_HOURS[name.lower()]))
    return UTC


def _instant(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: tzinfo) -> datetime | None:
    try:
        if hour == 24:  # ISO 8601: the end of a day
            return _sane(datetime.combine(date(year, month, day), time(0, minute), zone) + timedelta(days=1))
        return _sane(datetime(year, month, day, hour, minute, second, tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def _sane(at: datetime) -> datetime | None:
    return at.astimezone(UTC) if FIRST_YEAR <= at.year <= LAST_YEAR else None


@lru_cache(maxsize=1)
def _zone_names() -> set[str]:
    """By their files: a name that leads to a folder, America/Argentina, is none, and ZoneInfo fails over it in a way of
    its own."""
    return available_timezones()


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    """The names of months, long and short; a name that is another month in another language counts for the first."""
    names: dict[str, int] = {"sept": 9, "juni": 6, "juli": 7}
    for language in _LANGUAGES:
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    names.setdefault(name.casefold().rstrip("."), number)
    return names
