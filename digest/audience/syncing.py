"""What a site says of a reader x what we know of them -> what to do; and when a change is too large to do unseen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from digest.audience.importing import Person, person_of
from digest.model.registration import Registration
from digest.model.subscriber import SubscriptionStatus


class Deed(StrEnum):
    JOIN = "join"  # not met before: subscribe, unless they left or are suppressed
    CHANGE = "change"  # says something else of them than last time
    MOVE = "move"  # another address: the old one leaves, the new one joins with its choices
    LEAVE = "leave"  # has said there that they want no more mail
    KEEP_OUT = "keep out"  # left here: no site brings them back (P5)
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A registration as it is stored, with the subscription behind it.

    is_own   the source made that subscription, so it may end it
    """

    id: int
    key: str
    subscription_id: int
    address_key: str
    status: SubscriptionStatus
    is_own: bool
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much may change without a person: whichever of the two is more."""

    percent: int
    few: int

    def holds(self, count: int, of: int) -> bool:
        return count > max(self.few, of * self.percent / 100)


def person_from(registration: Registration, *, now: datetime) -> Person:
    """Checked as a row of a file is, but a language or a zone that is none is dropped; ValueError says what is wrong."""
    row: dict[str, object] = {
        **{name: _plain(value) for name, value in registration.attributes.items()},
        **{name: getattr(registration, name) for name in ("address", "name", "language", "time_zone", "consent")},
    }
    person = _person(row)
    since = registration.consent_at if registration.consent_at and registration.consent_at <= now else None
    return replace(person, joined_at=since, consent_at=since, consent_origin=registration.consent_origin[:200])


def _person(row: Mapping[str, object]) -> Person:
    for without in ((), ("language",), ("time_zone",), ("language", "time_zone")):
        try:
            return person_of({name: value for name, value in row.items() if name not in without})
        except ValueError as cause:
            reason = cause
            if not str(cause).startswith(("language:", "time_zone:")):
                raise
    raise reason


def _plain(value: object) -> object:
    """What a driver gives, as a file would hold it: dates and decimals are texts there."""
    return value if value is None or isinstance(value, str | bool | int | float | list) else str(value)


def fingerprint_of(person: Person) -> str:
    """Changes when anything changes that we would store."""
    said = (person.address.key, person.name, person.language, person.time_zone, sorted(person.attributes.items()))
    return blake2b(repr(said).encode(), digest_size=12).hexdigest()


def deed(known: Known | None, person: Person, fingerprint: str, *, wants: bool) -> Deed:
    """What to do about one reader.

    A subscription that the source did not make is neither ended nor moved by it: somebody else brought that one.
    """
    if known is None:
        return Deed.JOIN if wants else Deed.NOTHING
    has_left = known.status is SubscriptionStatus.LEFT
    if not wants:
        return Deed.LEAVE if known.is_own and not has_left else Deed.NOTHING
    if has_left:
        return Deed.KEEP_OUT
    if known.address_key != person.address.key:
        return Deed.MOVE if known.is_own else Deed.NOTHING
    return Deed.NOTHING if known.fingerprint == fingerprint else Deed.CHANGE


def why_held(*, seen: int, joined: int, gone: int, audience: int, own: int, limit: Limit) -> str:
    """Why a person should look first; "" when it may be done.

    audience   active readers of the newsletter
    own        those of them that the source brought: the share of it that goes tells of a broken site, however small
               its part of the whole is
    """
    if own and not seen:
        return f"the source names nobody, and {own:,} readers came from there"
    if limit.holds(gone, own):
        return f"{gone:,} of {own:,} readers that came from there would leave, more than {limit.percent} %"
    if limit.holds(joined, audience):
        return f"{joined:,} would join {audience:,} readers, more than {limit.percent} %"
    return ""
