"""What comes back: a report of non-delivery or of abuse, or a reader's wish to leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FeedbackKind(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """A reader leaves one newsletter.

    method   "page" (a person pressed the button), "one-click" (RFC 8058), "admin"
    """

    subscription_id: int
    at: datetime
    method: str
