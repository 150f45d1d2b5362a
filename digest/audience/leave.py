"""What an unsubscribe changes, whoever asks for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from digest.model.feedback import Unsubscribe
from digest.model.subscriber import Subscription, SubscriptionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """is_new   False when they had left before: then nothing is written a second time"""

    is_new: bool
    consent_method: str


def leaving(subscription: Subscription, request: Unsubscribe) -> Leaving:
    """Leaving twice is leaving once; whoever is pending leaves too, and so is never confirmed by an old link."""
    return Leaving(is_new=subscription.status is not SubscriptionStatus.LEFT, consent_method=request.method)
