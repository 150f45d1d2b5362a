"""Rows of a file -> people to subscribe, or why not. Pure; flows/importing.py reads the file and writes the rows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError

from digest.audience.columns import FIELDS, completed, instant_of
from digest.model.address import EmailAddress, clean_line

MAX_ATTRIBUTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One good row.

    line         of the file, where it comes from one
    attributes   every column that is none of FIELDS
    consent      what they agreed to, or where that is kept, as the file says
    why_left     "status: unsubscribed": wants no mail any more, as far as the file says
    consent_at, consent_origin   when and where they did, as far as a site's own database says
    """

    address: EmailAddress
    name: str = ""
    language: str = ""
    time_zone: str = ""
    joined_at: datetime | None = None
    consent: str = ""
    consent_at: datetime | None = None
    consent_origin: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    line: int = 0
    why_left: str = ""


def person_of(row: Mapping[str, object], line: int = 0) -> Person:
    """The person of one row, by field names; ValueError says which column is wrong, and why."""
    texts = {key: _text(key, value) for key, value in row.items() if value not in (None, "")}
    if not texts.get("address"):
        raise ValueError("address: empty")
    try:
        address = EmailAddress.parse(str(row["address"]))  # as it came: what clean_line drops is a reason to refuse
    except ValueError as cause:
        raise ValueError(f"address: {cause}") from cause
    return Person(
        address=address,
        name=texts.get("name", "")[:200],
        language=_language(texts.get("language", "")),
        time_zone=_time_zone(texts.get("time_zone", "")),
        joined_at=_instant(texts.get("joined_at", "")),
        consent=texts.get("consent", "")[:500],
        attributes={key: value[:MAX_ATTRIBUTE] for key, value in texts.items() if key and key not in FIELDS and value},
        line=line,
    )


def person_of_file(row: Mapping[str, object], line: int = 0) -> Person:
    """The person of a row that another system wrote: what it spread over columns of its own is put together."""
    whole = completed(row)
    if whole is row:
        return person_of(row, line)
    consent_at, origin = whole.get("consent_at"), str(whole.get("consent_origin") or "")
    rest = {name: value for name, value in whole.items() if name not in ("consent_at", "consent_origin")}
    person = person_of(rest, line)
    if not isinstance(consent_at, datetime):
        return person
    return replace(person, consent_at=consent_at, consent_origin=origin)


def _text(column: str, value: object) -> str:
    """A cell, or a JSON value as a person would have written it into a cell."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError(f"{column}: contains a NUL byte")
        return clean_line(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return ", ".join(_text(column, each) for each in value if each is not None)
    raise ValueError(f"{column}: holds an object, not a text")


@lru_cache(maxsize=1024)
def _language(text: str) -> str:
    if not text:
        return ""
    try:
        Locale.parse(text.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as cause:
        raise ValueError(f"language: {text!r} is no language tag (en, de, pt-BR)") from cause
    return text.replace("_", "-")


@lru_cache(maxsize=1024)
def _time_zone(text: str) -> str:
    """Seen: "America/New_york", which can mean one zone only."""
    zone = _zones().get(text.lower(), "")
    if text and not zone:
        near = difflib.get_close_matches(text, _zones().values(), n=1)
        raise ValueError(f"time_zone: {text!r} is no IANA zone" + (f"; did you mean {near[0]}?" if near else ""))
    return zone


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {zone.lower(): zone for zone in available_timezones()}


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    if (at := instant_of(text)) is None:
        raise ValueError(f"joined_at: {text!r} is no ISO date")
    return at
