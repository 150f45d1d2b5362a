"""Notice: one message that is no edition, such as a request to confirm. A ledger row of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from digest.model.address import EmailAddress
from digest.model.newsletter import NewsletterId

NoticeId = NewType("NoticeId", int)


class NoticeKind(StrEnum):
    """What it is about. Its words stand in render/notice.py, where its button leads in flows/notices.py."""

    TEST = "test"  # an admin looks whether notices arrive
    CONFIRM = "confirm"  # somebody asked for a newsletter with this address


class NoticeStatus(StrEnum):
    """planned -> attempting -> accepted | deferred (and tried again) | rejected | unknown; or skipped."""

    PLANNED = "planned"
    ATTEMPTING = "attempting"  # the message may have been sent; after a crash this becomes unknown
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the ledger has of one. No text of a person is in it: whatever it says is made of these when it is sent.

    newsletter_id   that it is about, or None
    subject_id      whose number its link holds (audience/links.py), or None
    link_version    of that subject, when the notice was asked for
    attempts        finished tries
    reason          why it stands as it does
    """

    id: NoticeId
    kind: NoticeKind
    address: EmailAddress
    language: str
    newsletter_id: NewsletterId | None
    subject_id: int | None
    link_version: int
    status: NoticeStatus
    reason: str
    created_at: datetime
    attempts: int
    first_attempt_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    channel: str
    code: int | None
    enhanced: str
