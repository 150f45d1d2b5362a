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
    DAILY = "daily"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Slot:
    """When a group of readers gets its editions, as they chose: "daily", "weekly.thu", "biweekly.mon", "monthly.mon".

    weekday   one of WEEKDAYS, "" for daily only; monthly is the first such day of the month. ValueError for others
    """

    cadence: Cadence
    weekday: str = ""

    def __post_init__(self) -> None:
        if self.cadence is Cadence.DAILY and self.weekday:
            raise ValueError(f"'{self}': daily has no weekday")
        if self.cadence is not Cadence.DAILY and self.weekday not in WEEKDAYS:
            raise ValueError(f"'{self}': the weekday is one of {', '.join(WEEKDAYS)}")

    def __str__(self) -> str:
        return f"{self.cadence}.{self.weekday}" if self.weekday else str(self.cadence)

    @classmethod
    def parse(cls, text: str) -> Slot:
        """The slot that `str` writes so; ValueError says in a sentence what is wrong."""
        cadence, dot, weekday = text.partition(".")
        if cadence not in tuple(Cadence):
            raise ValueError(f"{text!r}: the cadence is one of {', '.join(Cadence)}")
        if dot and not weekday:
            raise ValueError(f"{text!r}: nothing stands behind the dot")
        return cls(Cadence(cadence), weekday)


class UnknownPolicy(StrEnum):
    """What becomes of a delivery whose answer was lost (RFC 1047)."""

    LEAVE = "leave"  # at most once: an admin may decide otherwise
    RESEND = "resend"  # at least once, with the same Message-ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When an edition is due: on these weekdays, at this wall time, in this IANA zone.

    since_at   instants before it are not due (set when the schedule is made or changed)
    late_hours a run that comes at most this late still goes out by itself; later, it waits for an admin
    is_local   the wall time is each reader's own: the edition is due where the day begins first, and goes in waves
    """

    weekdays: tuple[str, ...] = ("mon",)
    wall_time: time = time(7, 0)
    time_zone: str = "UTC"
    since_at: datetime | None = None
    late_hours: int = 24
    is_local: bool = False


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
class Pace:
    """How fast, and when.

    limits           "20/second", "5000/hour", ...: delivery/throttle.py
    hours            "07:00-21:00": only then; "" is always
    hours_of         whose hours: "newsletter" (its schedule's zone) or "reader"
    blackout         ISO dates without mail, in that zone
    warm_up_first    so many on the day `warm_up_since`, and `warm_up_factor` times as many each day after; 0: no plan
    canary_readers   so many first, spread over the receiving domains; then all wait `canary_minutes`, and go on unless
                     more than `canary_percent` of them were refused; 0: no canary
    """

    limits: tuple[str, ...] = ()
    hours: str = ""
    hours_of: str = "newsletter"
    blackout: tuple[str, ...] = ()
    warm_up_first: int = 0
    warm_up_factor: float = 2.0
    warm_up_since: str = ""
    canary_readers: int = 0
    canary_minutes: int = 30
    canary_percent: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What readers may choose. With any of it every reader has a digest of their own; with none all get the same.

    topics, authors   may be followed and muted
    cadences          "daily", "weekly", "biweekly", "monthly", instead of the newsletter's own schedule
    hours             of the day at which such a reader's digest may arrive, in the reader's own time zone
    lengths           "summaries", "headlines", besides "full"
    minutes           reading times of one digest
    reasons           each article says why it is there, with a link that ends it
    """

    topics: bool = False
    authors: bool = False
    cadences: tuple[str, ...] = ()
    hours: tuple[int, ...] = ()
    lengths: tuple[str, ...] = ()
    minutes: tuple[int, ...] = ()
    reasons: bool = False

    @property
    def is_any(self) -> bool:
        return any((self.topics, self.authors, self.cadences, self.lengths, self.minutes, self.reasons))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Which articles go first where a digest of one's own does not hold all that match.

    recency, reads, comments   weights; each share is 0 to 1 of the edition's highest
    popular       so many of the most read are for everybody, also for those who do not follow their topics
    per_section   no section has more in one digest while others have some left; 0: no such limit
    carry         what did not fit may come in so many further editions of the reader's, then it is listed as expired
    """

    recency: float = 1.0
    reads: float = 1.0
    comments: float = 0.5
    popular: int = 0
    per_section: int = 0
    carry: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A word from the editor, at the top of an edition."""

    text: str
    author: str = ""
    role: str = ""
    avatar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sponsor:
    """A paid box, marked as such.

    label           instead of "Sponsored by"
    logo, image     a small square beside the title; a wide picture above it
    since, until    first and last day on which an edition may be due that shows it, ISO, in the newsletter's zone; "": open
    most_editions   so many show it at most; 0: no such limit
    """

    name: str
    url: str
    title: str
    text: str = ""
    logo: str = ""
    cta: str = ""
    label: str = ""
    image: str = ""
    since: str = ""
    until: str = ""
    most_editions: int = 0

    @property
    def key(self) -> str:
        """What it is known by: one sponsor may have several boxes, and one box may be booked again."""
        return f"{self.name}: {self.title} {self.since}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsletter:
    """The standing publication.

    name         how commands call it: letters, digits, hyphens
    section_url  where a section's other stories are: "https://example.org/topic/{section}"
    topics       those it covers, in the order of its sections; empty: all
    max_variants   renderings of one thing that its template may make, by asking readers; more is refused before it goes
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
    max_variants: int = 200
    schedule: Schedule = field(default_factory=Schedule)
    sponsors: tuple[Sponsor, ...] = ()
    event_days: int = 14
    max_events: int = 5
    look: Look = field(default_factory=Look)
    layout: Layout = field(default_factory=Layout)
    pace: Pace = field(default_factory=Pace)
    offer: Offer = field(default_factory=Offer)
    ranking: Ranking = field(default_factory=Ranking)
