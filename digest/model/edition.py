"""Edition: one issue of a newsletter. Copy and Pick: the edition as one reader gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from digest.model.article import Article, ArticleId
from digest.model.newsletter import Cadence, NewsletterId, Note, Sponsor

EditionId = NewType("EditionId", int)


class EditionStatus(StrEnum):
    DRAFT = "draft"  # built, waits for an admin (review, or too late to go by itself)
    APPROVED = "approved"  # may go: the ledger has its rows, or is about to
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"  # nothing left to do
    CANCELLED = "cancelled"
    EMPTY = "empty"  # the period had too little new: no mail, and this row says so


class Region(StrEnum):
    LEAD = "lead"
    ROWS = "rows"
    CARDS = "cards"
    HEADLINES = "headlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An article that this edition may show.

    position   from 0, in the order of the edition
    section    the heading it stands under
    reason     why it is here, for people
    """

    article: Article
    position: int
    section: str = ""
    reason: str = ""

    @property
    def article_id(self) -> ArticleId:
        return self.article.stored_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One issue.

    period          unique per newsletter and cadence: "2026-W48.1" is the first weekday of that ISO week's schedule
    window_from     exclusive
    window_until    inclusive: articles published later wait for the next edition
    number          counts the editions that were not empty, from 1
    """

    id: EditionId
    newsletter_id: NewsletterId
    cadence: Cadence
    period: str
    due_at: datetime
    window_from: datetime
    window_until: datetime
    status: EditionStatus
    number: int | None = None
    subject: str = ""
    preheader: str = ""
    hold_reason: str = ""
    note: Note | None = None
    sponsor: Sponsor | None = None
    created_at: datetime | None = None
    approved_at: datetime | None = None
    finished_at: datetime | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """An article chosen for one reader, where it stands, and why."""

    candidate: Candidate
    region: Region
    reason: str = ""
