"""Newsletter: the standing publication, with its schedule, its look and its rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import NewType

from digest.model.address import EmailAddress

NewsletterId = NewType("NewsletterId", int)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # names, never numbers: cron and Python disagree


class Cadence(StrEnum):
    WEEKLY = "weekly"


class UnknownPolicy(StrEnum):
    """What becomes of a delivery whose answer was lost (RFC 1047)."""

    LEAVE = "leave"  # at most once: an admin may decide otherwise
    RESEND = "resend"  # at least once, with the same Message-ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When an edition is due: on these weekdays, at this wall time, in this IANA zone.

    since_at   instants before it are not due (set when the schedule is made or changed)
    late_hours a run that comes at most this late still goes out by itself; later, it waits for an admin
    """

    weekdays: tuple[str, ...] = ("mon",)
    wall_time: time = time(7, 0)
    time_zone: str = "UTC"
    since_at: datetime | None = None
    late_hours: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Colours and mark. Tints are the backgrounds of the editor's note and of the sponsor, light and dark."""

    mark: str = ""
    accent: str = "#0b5c8a"
    accent_ink: str = "#ffffff"
    accent_dark: str = "#74c0ee"
    accent_dark_ink: str = "#08202f"
    note_tint: str = "#f4f7f9"
    note_tint_dark: str = "#1b232b"
    sponsor_tint: str = "#f1f6f3"
    sponsor_tint_dark: str = "#18241f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which picks stand where. Regions are lead, rows, cards and headlines.

    lead             the first pick with a picture stands large at the top
    cards_topic      picks of this section stand side by side as cards ("" for none)
    headlines_after  from this many full articles on, the rest are titles only (0: never by count)
    """

    lead: bool = True
    cards_topic: str = ""
    headlines_after: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A word from the editor, at the top of an edition."""

    text: str
    author: str = ""
    role: str = ""
    avatar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sponsor:
    """A paid box, marked as such; it stands in every edition while the newsletter has it."""

    name: str
    url: str
    title: str
    text: str = ""
    logo: str = ""
    cta: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsletter:
    """The standing publication.

    name         how commands call it: letters, digits, hyphens
    section_url  where a section's other stories are: "https://example.org/topic/{section}"
    topics       those it covers, in the order of its sections; empty: all
    window_days  how far back the first edition looks, and how much back-dating later ones forgive
    """

    id: NewsletterId
    name: str
    title: str
    sender: EmailAddress
    sender_name: str = ""
    reply_to: EmailAddress | None = None
    tagline: str = ""
    url: str = ""
    subscribe_url: str = ""
    section_url: str = ""
    postal_address: str = ""
    language: str = "en"
    languages: tuple[str, ...] = ()
    template: str = "weekly"
    topics: tuple[str, ...] = ()
    min_items: int = 1
    max_items: int = 40
    window_days: int = 7
    needs_review: bool = False
    is_enabled: bool = True
    unknown_policy: UnknownPolicy = UnknownPolicy.LEAVE
    retry_hours: int = 48
    schedule: Schedule = field(default_factory=Schedule)
    sponsor: Sponsor | None = None
    look: Look = field(default_factory=Look)
    layout: Layout = field(default_factory=Layout)
