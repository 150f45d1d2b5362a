"""Rows of a file -> people to subscribe, or why not. Pure; flows/importing.py reads the file and writes the rows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError

from digest.errors import BadInput
from digest.model.address import EmailAddress, clean_line

FIELDS = ("address", "name", "language", "time_zone", "joined_at", "consent")
ALIASES = {"email": "address", "e-mail": "address", "e_mail": "address", "mail": "address", "timezone": "time_zone"}
MAX_ATTRIBUTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One good row.

    line         of the file, where it comes from one
    attributes   every column that is none of FIELDS
    consent      what they agreed to, or where that is kept, as the file says
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


def columns_of(header: Sequence[str]) -> list[str]:
    """Field or attribute name for each column.

    raises   BadInput when there is no address among them, two mean the same, or one is so near to a field that it must
             be a slip: a column "languge" would silently become an attribute
    """
    names = [clean_line(name).lower().replace(" ", "_") for name in header]
    known = [ALIASES.get(name, name) for name in names]
    if "address" not in known:
        near = next((name for name in known if difflib.get_close_matches(name, ["address", *ALIASES], n=1)), None)
        hint = f"{near!r}: did you mean address?" if near else f"it has: {', '.join(names)[:200]}"
        raise BadInput(f"the file has no column 'address'; {hint}")
    for name in known:
        slips = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.8) if name not in FIELDS else []
        if slips:
            raise BadInput(f"column {name!r}: did you mean {slips[0]}? Rename it in the first line of the file")
    twice = next((name for name in known if name and known.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"the file has two columns for {twice!r}")
    return known


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
    if text and text not in _zones():
        near = difflib.get_close_matches(text, _zones(), n=1)
        raise ValueError(f"time_zone: {text!r} is no IANA zone" + (f"; did you mean {near[0]}?" if near else ""))
    return text


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as cause:
        raise ValueError(f"joined_at: {text!r} is no ISO date") from cause
