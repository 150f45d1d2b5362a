"""Edition: one issue of a newsletter. Copy and Pick: the edition as one reader gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from digest.model.article import Article, ArticleId
from digest.model.choices import Kind
from digest.model.event import Event
from digest.model.newsletter import NewsletterId, Note, Sponsor

EditionId = NewType("EditionId", int)


CORRECTION = "correction"
"""What stands for the cadence of an edition that corrects another."""


class EditionStatus(StrEnum):
    DRAFT = "draft"  # built, waits for an admin (review, or too late to go by itself)
    APPROVED = "approved"  # may go: the ledger has its rows, or is about to
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"  # nothing left to do
    CANCELLED = "cancelled"
    EMPTY = "empty"  # the period had too little new: no mail, and this row says so


UNFINISHED = (EditionStatus.DRAFT, EditionStatus.APPROVED, EditionStatus.SENDING, EditionStatus.PAUSED)
"""A copy may still be made."""


class Region(StrEnum):
    LEAD = "lead"
    ROWS = "rows"
    BRIEFS = "briefs"  # rows without pictures, for readers who want it short
    CARDS = "cards"
    HEADLINES = "headlines"

    __hash__ = (
        str.__hash__
    )  # Enum's own is written in Python, and a region is looked up for every article of every copy


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

    cadence         "weekly": the newsletter's own schedule; "daily", "weekly.thu", ...: readers who chose that slot
    period          unique per newsletter and cadence: "2026-W48.1" is the first weekday of that ISO week's schedule
    window_from     exclusive
    window_until    inclusive: articles published later wait for the next edition
    number          counts the editions of the newsletter's own schedule that were not empty, from 1
    revision        counts the articles that were withdrawn from it
    version         counts the acts of people on it, and its changes of state
    corrects_id     the edition that it corrects; its only article goes to those whose copy held it
    """

    id: EditionId
    newsletter_id: NewsletterId
    cadence: str
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
    events: tuple[Event, ...] = ()
    created_at: datetime | None = None
    approved_at: datetime | None = None
    planned_at: datetime | None = None
    finished_at: datetime | None = None
    candidates: tuple[Candidate, ...] = ()
    revision: int = 0
    corrects_id: int | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an article is in a copy.

    subject   the topic or author, as people read it; "" where the kind says it all
    switch    what ends it: "mute/topics/health", the end of a link to a page of the reader's; "" where nothing does
    """

    kind: Kind
    subject: str = ""
    switch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pick:
    """An article chosen for one reader, where it stands, and why. Readers share them, so they compare by identity.

    reason   None where the newsletter does not show it
    """

    candidate: Candidate
    region: Region
    reason: Reason | None = None
