"""What a person typed -> a value. Each takes one text; ValueError says in a sentence what is wrong."""

from __future__ import annotations

import difflib
import re
from datetime import date, datetime, time
from functools import cache
from zoneinfo import available_timezones

from digest.model.address import clean_line
from digest.model.limit import Limit
from digest.web_address import web_address

MAX_LINE = 1_000
YEARS = range(1971, 2200)
"""What every calendar and every zone can hold."""


def line(text: str, *, most: int = MAX_LINE) -> str:
    """One line for readers, without what cannot be seen; "" where nothing is left."""
    found = clean_line(text)
    if len(found) > most:
        raise ValueError(f"{len(found):,} characters; {most:,} are the most")
    return found


def link(text: str) -> str:
    """A web address as a mail can hold it; "" for none. `javascript:` and the rest are refused."""
    if not (text := text.strip()):
        return ""
    try:
        return web_address(text)
    except ValueError as cause:
        raise ValueError(f"{text[:80]!r} is no web address: {cause}") from cause


def colour(text: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError(f"{text!r} is no colour like #0b5c8a")
    return text


def language(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", text.strip()):  # RFC 5646 §2.1
        raise ValueError(f"{text!r} is no language like en, de or pt-BR")
    return text.strip()


@cache
def zones() -> frozenset[str]:
    """Names that mean the same on every machine, and somewhere. A million readers are looked up in them."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def zone(text: str) -> str:
    """An IANA time zone: Europe/Berlin."""
    if text not in zones():
        near = difflib.get_close_matches(text, zones(), n=1)
        raise ValueError(f"{text!r} is no IANA zone" + (f"; did you mean {near[0]}?" if near else ""))
    return text


def wall_time(text: str) -> time:
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007
    except ValueError as cause:
        raise ValueError(f"{text!r} is no wall time like 07:00") from cause


def span(text: str) -> tuple[time, time]:
    """From when to when: "07:00-21:00"; what ends before it begins goes over midnight."""
    begin, dash, end = text.replace(" ", "").partition("-")
    try:
        found = time.fromisoformat(begin.zfill(5)), time.fromisoformat("00:00" if end == "24:00" else end.zfill(5))
    except ValueError as cause:
        raise ValueError(f"{text!r} are no hours like 07:00-21:00") from cause
    if not dash or found[0] == found[1]:
        raise ValueError(f"{text!r} are no hours like 07:00-21:00")
    return found


def hours(text: str) -> str:
    """The same as one text; "" for always."""
    if not text.strip():
        return ""
    begin, end = span(text)
    return f"{begin:%H:%M}-{end:%H:%M}"


def limit(text: str) -> str:
    """So many messages in a time: "5000 per hour" is 5000/hour."""
    return str(Limit.parse(text))


def weekday(text: str) -> str:
    return text.lower()[:3]


def day(text: str) -> str:
    """A date, as ISO 8601 writes it."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as cause:
        raise ValueError(f"{text!r} is no date like 2027-01-15") from cause
    if found.year not in YEARS:
        raise ValueError(f"the year {found.year} is not between {YEARS[0]} and {YEARS[-1]}")
    return found.isoformat()
