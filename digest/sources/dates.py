"""Dates as feeds, pages and files write them, right and wrong -> aware UTC. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from babel import Locale

from digest.sources import bounds
from digest.sources.clean import unescaped
from digest.sources.dayparts import hour_of_24
from digest.sources.zones import UnknownZone, zone_of

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Outside of them a date is a mistake: 0001 is Go's "no date", 1970 is Unix's."""

_LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu", "ro", "ca", "tr"),
    *("el", "ru", "uk"),
)

_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})(?::|\s?[h時时点點시]\s?)(\d{2})(?!\d)(?:(?::|\s?[分분]\s?)(\d{2})(?!\d)(?:[.,]\d+)?)?[分分분秒초]?",
    re.I,
)
_DOTTED = re.compile(r"(?<![\d.,])([01]?\d|2[0-4])\.([0-5]\d)(?:\.([0-5]\d))?(?![\d.])")  # Finnish: klo 10.30
_HOUR = re.compile(r"(?<![\d.,:])(\d{1,2})(?=\s?[ap]\.?\s?m\b|\s?Uhr\b|\s?[時时点點시])()()", re.I)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))

_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})(?!\d)")
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

    Day and month between slashes may stand either way: only what can be read in one way is read. A zone that nobody knows
    is not guessed (`trouble_with`).
    """
    try:
        return _read(text)
    except UnknownZone:
        return None


def trouble_with(text: str) -> str:
    """Why a date cannot be read that can almost be; "" for all others."""
    try:
        _read(text)
    except UnknownZone as cause:
        return str(cause)
    return ""


def _read(text: str) -> datetime | None:
    if len(text) > bounds.DATE:
        return None
    text = " ".join(unescaped(text).split())
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_DASHES)
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
    clock = _TIME.search(rest) or _DOTTED.search(rest) or _HOUR.search(rest)
    if clock is None:
        return _instant(year, month, day, 0, 0, 0, UTC)
    behind = rest[clock.end() :]
    hour = hour_of_24(int(clock[1]), rest[: clock.start()], behind)
    zone = zone_of(_LATIN.sub("", behind))
    return _instant(year, month, day, hour, int(clock[2] or 0), min(int(clock[3] or 0), 59), zone)


_LATIN = re.compile(r"^\s*[ap]\.?\s?m\b\.?", re.I)


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
