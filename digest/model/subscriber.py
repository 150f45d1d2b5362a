"""Subscriber, Subscription, Consent, Suppression; and Reader, the one whom a template addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from digest.model.address import EmailAddress

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person with one address."""

    id: SubscriberId
    address: EmailAddress
    name: str = ""
    language: str = ""
    time_zone: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscriber's tie to one newsletter."""

    id: SubscriptionId
    subscriber_id: SubscriberId
    newsletter_id: int
    status: SubscriptionStatus
    joined_at: datetime
    left_at: datetime | None = None
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Has:
    """Which regions of this copy hold picks; a template asks before it prints a heading."""

    lead: bool = False
    rows: bool = False
    cards: bool = False
    headlines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What a template may know of the one who reads. Texts are single lines (`clean_line`).

    attributes   free columns of the import (plan, city, ...): `reader.plan` finds them, empty where there is none
    picks        the articles of this copy in order, as the template's `article` values
    """

    address: str
    name: str = ""
    first_name: str = ""
    language: str = ""
    time_zone: str = ""
    joined_on: str = ""
    unsubscribe_url: str = ""
    preferences_url: str = ""
    has: Has = Has()
    picks: tuple[object, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
