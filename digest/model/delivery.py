"""Delivery: one edition to one subscription, a ledger row. Attempt: one try at it. Outcome: what became of the try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

DeliveryId = NewType("DeliveryId", int)
BatchId = NewType("BatchId", int)


class DeliveryStatus(StrEnum):
    """planned -> attempting -> accepted | deferred (and tried again) | rejected | unknown; or skipped, cancelled."""

    PLANNED = "planned"
    ATTEMPTING = "attempting"  # DATA may have been sent; after a crash this becomes unknown
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


OPEN = (DeliveryStatus.PLANNED, DeliveryStatus.DEFERRED)
"""What may still be attempted."""


class Stage(StrEnum):
    """Where in the dialogue an answer came, or failed to come (RFC 5321 §4.3.2)."""

    CONNECT = "connect"
    EHLO = "ehlo"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # after the final dot
    QUIT = "quit"
    LOCAL = "local"  # never left this machine


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    UNTRIED = "untried"  # the channel's trouble, not this recipient's: the row goes back to what it was


class About(StrEnum):
    """Whom a refusal means. Only what means the reader may cost that reader the edition (promise P12)."""

    READER = "reader"  # the mailbox, its domain, its owner
    US = "us"  # sender, login, host, rate, account: the same words would go to every reader
    UNCLEAR = "unclear"  # the policy of one mailbox, or of us, or what the message says: others' answers tell


class ChannelHealth(StrEnum):
    """What an answer says about the channel itself."""

    FINE = "fine"
    RECONNECT = "reconnect"  # this connection is over
    CROWDED = "crowded"  # this connection is one too many
    REST = "rest"  # use another channel for a while
    STOP = "stop"  # a person must look: login refused, sender refused


@dataclass(slots=True, kw_only=True)
class Outcome:
    """One try, judged.

    code       the reply code, 0 when there was none
    enhanced   "5.1.1" (RFC 3463), or ""
    text       the server's words; they quote addresses, so they go into the ledger and nowhere else
    about      whom a refusal means
    why        what is refused, in our words: "the sender is refused"; "" where we cannot tell
    """

    verdict: Verdict
    stage: Stage
    code: int = 0
    enhanced: str = ""
    text: str = ""
    health: ChannelHealth = ChannelHealth.FINE
    about: About = About.READER
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One finished try, as the ledger keeps it."""

    at: datetime
    verdict: Verdict
    channel: str = ""
    stage: Stage = Stage.BODY
    code: int = 0
    enhanced: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Promise P2, from the rows: planned = accepted + rejected + skipped + unknown + cancelled + still to do."""

    planned: int
    accepted: int = 0
    rejected: int = 0
    skipped: int = 0
    unknown: int = 0
    cancelled: int = 0
    deferred: int = 0
    waiting: int = 0
    attempting: int = 0

    @property
    def still_to_do(self) -> int:
        return self.deferred + self.waiting + self.attempting

    @property
    def is_balanced(self) -> bool:
        parts = self.accepted + self.rejected + self.skipped + self.unknown + self.cancelled + self.still_to_do
        return parts == self.planned
