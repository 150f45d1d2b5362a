"""Subscriber, Subscription, Consent, Suppression; and Reader, the one whom a template addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from digest.model.address import EmailAddress
from digest.model.choices import Choices

SubscriberId = NewType("SubscriberId", int)
SubscriptionId = NewType("SubscriptionId", int)


class SubscriptionStatus(StrEnum):
    PENDING = "pending"  # asked, not confirmed: gets nothing but the confirmation
    ACTIVE = "active"
    LEFT = "left"  # comes back only by a new confirmation of their own (P5)


class SuppressionReason(StrEnum):
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINT = "complaint"
    BOUNCE = "bounce"
    ERASED = "erased"
    ADMIN = "admin"


@dataclass(slots=True, kw_only=True)
class Subscriber:
    """A person with one address. Not frozen: see Reader.

    link_version   links that say another one are over (audience/links.py)
    """

    id: SubscriberId
    address: EmailAddress
    name: str = ""
    language: str = ""
    time_zone: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    link_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscriber's tie to one newsletter.

    slot, hour   "weekly.thu" and 18: when the reader wants it; "" and None as the newsletter does it
    """

    id: SubscriptionId
    subscriber_id: SubscriberId
    newsletter_id: int
    status: SubscriptionStatus
    joined_at: datetime
    left_at: datetime | None = None
    paused_until: datetime | None = None
    slot: str = ""
    slot_since: datetime | None = None
    hour: int | None = None
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberLine:
    """A subscriber in a list, once for each of their newsletters."""

    subscriber: Subscriber
    newsletter: str
    status: SubscriptionStatus
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Has:
    """Which regions of this copy hold picks; a template asks before it prints a heading."""

    lead: bool = False
    rows: bool = False
    briefs: bool = False
    cards: bool = False
    headlines: bool = False


@dataclass(slots=True, kw_only=True)
class Recipient:
    """Whom a copy is for.

    picks   this reader's articles, as the ledger has them (editions/picks.py); None: what everybody gets
    """

    subscription_id: int
    subscriber: Subscriber
    joined_at: datetime | None = None
    picks: Sequence[int] | None = None


@dataclass(slots=True, kw_only=True)
class Reader:
    """What a template may know of the one who reads. Texts are single lines (`clean_line`).

    Not frozen, and neither is what else is made once for each message: it takes three times as long.

    attributes   free columns of the import (plan, city, ...): `reader.plan` finds them, empty where there is none
    preferences_url   the page of this reader's choices, without a slash at the end; "" where there is none
    subject, preheader   of this copy, where readers have digests of their own: what its first articles say
    length       full, summaries or headlines
    missed       "What you missed", for one who had no copy for a while; "" else
    make_picks   makes `picks`, for the few templates that ask
    """

    address: str
    name: str = ""
    first_name: str = ""
    language: str = ""
    time_zone: str = ""
    joined_on: str = ""
    unsubscribe_url: str = ""
    preferences_url: str = ""
    subject: str = ""
    preheader: str = ""
    length: str = ""
    missed: str = ""
    has: Has = Has()
    make_picks: Callable[[], tuple[object, ...]] = field(default=tuple, repr=False, compare=False)
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def picks(self) -> tuple[object, ...]:
        """The articles of this copy in order, as the template's `article` values."""
        return self.make_picks()
