"""Time zones as dates name them -> tzinfo. Pure.

Names of several zones (IST, BST, CST) mean the most usual one; names that nobody knows are an error, and never UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import get_timezone_name


class UnknownZone(ValueError):
    """A date names a zone, and which one cannot be told."""


_ZONES = {
    "z ut utc gmt wet": 0,
    "west bst cet mez met": 1,
    "cest mesz mest eet": 2,
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
    # IANA's names until 2017, when it gave up those that were its own; feeds write them still
    # (https://data.iana.org/time-zones/tzdb/NEWS, releases 2016g to 2017a)
    "azost egst": 0,
    "azot cvt egt": -1,
    "fnt brst uyst": -2,
    "art clst gft pmst rott srt uyt wgt": -3,
    "bot clt gyt vet": -4,
    "cot ect pet": -5,
    "galt": -6,
    "trt": 3,
    "irst": 3.5,
    "gst aze azt get mut ret sct samt": 4,
    "irdt aft": 4.5,
    "mvt tjt tmt uzt yekt": 5,
    "npt": 5.75,
    "bdt btt kgt omst": 6,
    "mmt": 6.5,
    "ict hovt krat novt": 7,
    "bnt irkt myt pht ulat": 8,
    "tlt yakt": 9,
    "chut pgt vlat": 10,
    "magt nct sbt vut": 11,
    "fjt gilt mht pett tvt wakt": 12,
    "phot tot": 13,
}
_HOURS = {name: hours for names, hours in _ZONES.items() for name in names.split()}
"""Zones by their names; RFC 5322 §4.3 knows the American ones."""

_BY_SEASON = {
    "PT": "America/Los_Angeles",
    "MT": "America/Denver",
    "CT": "America/Chicago",
    "ET": "America/New_York",
    "AT": "America/Halifax",
}
"""Names for both halves of the year."""

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?(?!\d)(?!-)", re.I)
_LONG = re.compile(r"(?:[A-Z][A-Za-z&.-]*+ ){1,4}Time\b")
_WORD = re.compile(r"[A-Za-z]+(?:/[A-Za-z_+-]+\d{0,2})+|(?<![A-Za-z])[A-Za-z]{1,5}(?![A-Za-z])")
_NO_ZONES = {"AM", "PM", "A", "P", "M", "H", "HR", "HRS", "UHR", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}


def zone_of(behind: str) -> tzinfo:
    """What the text behind a clock says; UTC where it names none. UnknownZone."""
    behind = behind.lstrip(" ,;([")
    if offset := _OFFSET.match(behind):
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-away if offset[1] == "-" else away) if away < timedelta(days=1) else UTC
    if long := _LONG.match(behind):
        return _named(long[0])
    for number, found in enumerate(_WORD.finditer(behind)):
        name = found[0]
        if "/" in name or _is_known(name):
            return _named(name)
        if number == 0 and len(name) > 1 and name.isupper() and name not in _NO_ZONES:
            return _named(name)
    return UTC


def _is_known(name: str) -> bool:
    return name.lower() in _HOURS or name in _BY_SEASON


def _named(name: str) -> tzinfo:
    if (hours := _HOURS.get(name.lower())) is not None:
        return timezone(timedelta(hours=hours))
    if (place := _BY_SEASON.get(name)) or name in _places():
        return ZoneInfo(place or name)
    found = (_long_names() if name.endswith("Time") else _short_names()).get(name)
    if found is None:
        raise UnknownZone(f"nobody knows the time zone {name[:40]!r}")
    return found


@lru_cache(maxsize=1)
def _places() -> set[str]:
    """By their files: a name that leads to a folder, America/Argentina, is none, and ZoneInfo fails over it in a way of
    its own."""
    return available_timezones()


_SEASONS = (datetime(2025, 1, 1), datetime(2025, 7, 1))  # noqa: DTZ001


@lru_cache(maxsize=1)
def _short_names() -> dict[str, tzinfo]:
    """IANA's own, SAST and PKT, where all zones that have it agree."""
    found: dict[str, set[timedelta]] = {}
    for zone in map(ZoneInfo, _places()):
        for at in _SEASONS:
            name, away = zone.tzname(at), zone.utcoffset(at)
            if name and away is not None and name.isalpha():
                found.setdefault(name.upper(), set()).add(away)
    return {name: timezone(next(iter(offsets))) for name, offsets in found.items() if len(offsets) == 1}


@lru_cache(maxsize=1)
def _long_names() -> dict[str, tzinfo]:
    """CLDR's in English: "Central European Summer Time", "Pacific Time"."""
    found: dict[str, tzinfo] = {"Coordinated Universal Time": UTC}
    for zone in map(ZoneInfo, sorted(_places())):
        found.setdefault(get_timezone_name(zone, width="long", locale="en"), zone)
        for at in _SEASONS:
            variant: Literal["daylight", "standard"] = "daylight" if zone.dst(at) else "standard"
            away = zone.utcoffset(at)
            name = get_timezone_name(zone, width="long", locale="en", zone_variant=variant)
            if away is not None:
                found.setdefault(name, timezone(away))
    return found
