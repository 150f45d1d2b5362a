"""The first line of a file of readers -> which column holds what, by the names that other systems give them. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from digest.errors import BadInput
from digest.model.address import clean_line
from digest.model.standing import folded

FIELDS = ("address", "name", "language", "time_zone", "joined_at", "consent")

_ADDRESS = {
    *("email", "e mail", "mail", "email address", "e mail address", "mail address", "emailaddress", "emailadresse"),
    *("email adresse", "e mail adresse", "mailadresse", "adresse email", "adresse e mail", "adresse mail", "courriel"),
    *("correo", "correo electronico", "direccion de correo"),
}
_PERSONS_ADDRESS = re.compile(
    r"(subscriber|member|user|contact|customer|reader|primary|your|main) (e ?)?mail( address)?"
)
_ALIASES = {
    **dict.fromkeys(("timezone", "tz"), "time_zone"),
    **dict.fromkeys(("lang", "locale", "preferred language"), "language"),
    **dict.fromkeys(("full name", "fullname", "display name"), "name"),
}
_FIRST_NAME = ("first name", "firstname", "fname", "given name", "forename", "vorname", "prenom", "nombre")
_LAST_NAME = (
    *("last name", "lastname", "lname", "surname", "family name", "nachname", "familienname", "nom"),
    *("apellido", "apellidos"),
)
_AGREED = (  # when they asked or confirmed: the day they joined, and of the proof
    *(
        "consent at",
        "consented at",
        "consent date",
        "confirm time",
        "confirmed at",
        "confirmation date",
        "optin time",
        "opt in time",
        "opted in at",
        "opt in date",
    ),
    *("subscribed at", "subscribed on", "date subscribed", "subscribe date", "subscription date", "subscribed date"),
    *("last subscribed at", "signup date", "sign up date", "signed up at", "signed up on", "signed up", "signup time"),
)
_MADE = (  # when the other system first had them: the day they joined, if nothing better is known
    *("joined", "joined on", "join date", "member since", "date added", "added at", "added on", "added", "created at"),
    *("created on", "created", "creation date", "date created", "registered at", "registration date", "registered"),
)
_AGREED_FROM = ("confirm ip", "confirmed ip", "confirmation ip", "optin ip", "opt in ip", "signup ip", "subscribed ip")
_KNOWN = {*_ALIASES, *_FIRST_NAME, *_LAST_NAME, *_AGREED, *_MADE, *_AGREED_FROM}


def columns_of(header: Sequence[str], first: Sequence[object] = ()) -> list[str]:
    """Field or attribute name for each column.

    first    the first row: where a column "address" stands beside one for e-mail, it tells a postal address from another
    raises   BadInput when there is no address among them, two mean the same, or one is so near to a field that it must
             be a slip: a column "languge" would silently become an attribute
    """
    names = [re.sub(r"\s+", "_", clean_line(name).lower()) for name in header]
    known = [_field(name, names) for name in names]
    _find_address(known, first)
    for name, original in zip(known, names, strict=True):
        slips = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.8) if _may_be_slip(name) else []
        if slips:
            raise BadInput(f"column {original!r}: did you mean {slips[0]}? Rename it in the first line of the file")
    twice = next((name for name in known if name and known.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"the file has two columns for {twice!r}")
    return known


def _field(name: str, names: Sequence[str]) -> str:
    """An alias counts only where the file has no column of the field's own name."""
    field = _ALIASES.get(folded(name), name)
    return field if field == name or field not in names else name


def _may_be_slip(name: str) -> bool:
    return name not in FIELDS and folded(name) not in _KNOWN


def _find_address(known: list[str], first: Sequence[object]) -> None:
    """Call the one column of e-mail addresses "address"; a postal "address" beside it keeps a name of its own."""
    found = [at for at, name in enumerate(known) if folded(name) in _ADDRESS]
    if not found and "address" not in known:
        found = [at for at, name in enumerate(known) if _PERSONS_ADDRESS.fullmatch(folded(name))]
    if found and "address" in known:
        postal = known.index("address")
        if "@" not in (str(first[postal]) if postal < len(first) else ""):
            known[postal] = "postal_address"
    for at in found:
        known[at] = "address"
    if "address" not in known:
        near = next(
            (n for n in known if difflib.get_close_matches(n, ["address", "email", "e-mail", "mail"], n=1)), None
        )
        hint = f"{near!r}: did you mean address?" if near else f"it has: {', '.join(known)[:200]}"
        raise BadInput(f"the file has no column 'address'; its first line names the columns; {hint}")


@dataclass(frozen=True, slots=True)
class _Spread:
    """Which columns of a file hold parts of a field, the better ones first."""

    first_name: tuple[str, ...]
    last_name: tuple[str, ...]
    agreed: tuple[str, ...]
    made: tuple[str, ...]
    agreed_from: tuple[str, ...]


@lru_cache(maxsize=64)
def _spread_of(columns: tuple[str, ...]) -> _Spread | None:
    by_name = {folded(name): name for name in columns}

    def those(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(by_name[name] for name in names if name in by_name)

    kinds = [those(names) for names in (_FIRST_NAME, _LAST_NAME, _AGREED, _MADE, _AGREED_FROM)]
    return _Spread(*kinds) if any(kinds) else None


def completed(row: Mapping[str, object]) -> Mapping[str, object]:
    """A row of a file with the fields that other systems spread over columns of their own.

    name            of first and last name
    joined_at       when they agreed, else when they were first there
    consent_at      when they agreed; consent_origin: from which network address

    A date that cannot be read stays an attribute; one that was used does not become one.
    """
    spread = _spread_of(tuple(row))
    if spread is None:
        return row
    out = dict(row)
    first, last = _first_text(out, spread.first_name), _first_text(out, spread.last_name)
    if not out.get("name") and (first or last):
        out["name"] = f"{first} {last}".strip()
    if first:
        out["first_name"] = first
    agreed_at, made_at = _first_instant(out, spread.agreed), _first_instant(out, spread.made)
    if agreed_at:
        out["consent_at"] = agreed_at
    if not out.get("joined_at") and (joined_at := agreed_at or made_at):
        out["joined_at"] = joined_at.isoformat()
    if origin := _first_text(out, spread.agreed_from):
        out["consent_origin"] = f"IP {origin}"
    return {name: value for name, value in out.items() if name not in spread.agreed_from}


def _first_text(row: Mapping[str, object], columns: Sequence[str]) -> str:
    return next((text for name in columns if (text := str(row.get(name) or "").strip())), "")


def _first_instant(row: dict[str, object], columns: Sequence[str]) -> datetime | None:
    """The first that can be read; all that can be are taken out of the row."""
    found = None
    for name in columns:
        at = instant_of(str(row.get(name) or ""))
        if at is not None:
            del row[name]
            found = found or at
    return found


def instant_of(text: str) -> datetime | None:
    """An ISO date or time, UTC where it names no zone; None for anything else. Seen: "2026-01-02 10:00:00 UTC"."""
    text = re.sub(r" ?(UTC|GMT|\+0000)( UTC)?$", "+00:00", text.strip())
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC) if at.year > 1 else None
    except (ValueError, OverflowError):
        return None
