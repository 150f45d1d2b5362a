"""Newsletter: the standing publication, with its schedule, its look and its rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, NewType

from digest.model import parse
from digest.model.address import EmailAddress
from digest.model.setting import Setting

NewsletterId = NewType("NewsletterId", int)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # names, never numbers: cron and Python disagree


YEAR = 366  # days


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
    """When an edition is due.

    since_at   instants before it are not due (set when the schedule is made or changed)
    is_local   the edition is due where the day begins first, and goes in waves
    """

    weekdays: Annotated[
        tuple[str, ...],
        Setting(help='"mon" or "mon,thu"', choices=WEEKDAYS, read=parse.weekday, is_needed=True, is_sorted=True),
    ] = ("mon",)
    wall_time: Annotated[
        time, Setting(help='wall time: "07:00"', option="at", read=parse.wall_time, is_needed=True)
    ] = time(7, 0)
    time_zone: Annotated[str, Setting(help="IANA time zone: Europe/Berlin", read=parse.zone, is_needed=True)] = "UTC"
    since_at: datetime | None = None
    late_hours: Annotated[
        int,
        Setting(
            help="a run that is later waits for you", label="late runs go within", unit="hours", least=0, most=24 * YEAR
        ),
    ] = 24
    is_local: Annotated[
        bool,
        Setting(help="the wall time is each reader's own", option="local-time/newsletter-time", label="local time"),
    ] = False


_COLOUR = {"read": parse.colour, "is_needed": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Colours and mark. Tints are the backgrounds of the editor's note and of the sponsor, light and dark."""

    mark: Annotated[str, Setting(help="URL of a square logo, 80 x 80", read=parse.link)] = ""
    accent: Annotated[str, Setting(help="colour of links and buttons: #0b5c8a", **_COLOUR)] = "#0b5c8a"
    accent_ink: Annotated[str, Setting(help="text on a button", **_COLOUR)] = "#ffffff"
    accent_dark: Annotated[str, Setting(help="colour of links and buttons in dark mode", **_COLOUR)] = "#74c0ee"
    accent_dark_ink: Annotated[str, Setting(help="text on a button in dark mode", **_COLOUR)] = "#08202f"
    note_tint: Annotated[str, Setting(help="behind the editor's note", **_COLOUR)] = "#f4f7f9"
    note_tint_dark: Annotated[str, Setting(help="behind the editor's note in dark mode", **_COLOUR)] = "#1b232b"
    sponsor_tint: Annotated[str, Setting(help="behind the sponsor", **_COLOUR)] = "#f1f6f3"
    sponsor_tint_dark: Annotated[str, Setting(help="behind the sponsor in dark mode", **_COLOUR)] = "#18241f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which picks stand where. Regions are lead, rows, cards and headlines."""

    lead: Annotated[bool, Setting(help="the newest with a picture stands large at the top")] = True
    cards_topic: Annotated[
        str, Setting(help='this section stands as cards, side by side; "" for none', read=parse.line)
    ] = ""
    headlines_after: Annotated[
        int, Setting(help="from here on titles only; 0: never", unit="full articles", least=0)
    ] = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast, and when.

    blackout         in the zone whose hours count
    warm_up_first    so many on the day `warm_up_since`, and `warm_up_factor` times as many each day after
    canary_readers   spread over the receiving domains; then all wait `canary_minutes`, and go on unless more than
                     `canary_percent` of them were refused
    """

    limits: Annotated[
        tuple[str, ...], Setting(help='how fast at most: "20/second,5000/hour"; "" for none', read=parse.limit)
    ] = ()
    hours: Annotated[str, Setting(help='mail goes only then: "07:00-21:00"; "" for always', read=parse.hours)] = ""
    hours_of: Annotated[
        str, Setting(help="whose hours: newsletter | reader", choices=("newsletter", "reader"), is_needed=True)
    ] = "newsletter"
    blackout: Annotated[
        tuple[str, ...], Setting(help='days without mail: "2026-12-25,2027-01-01"; "" for none', read=parse.day)
    ] = ()
    warm_up_first: Annotated[int, Setting(help="mails on the first day; 0: no plan", unit="mails", least=0)] = 0
    warm_up_factor: Annotated[float, Setting(help="so many times as many each day", least=1, most=1_000)] = 2.0
    warm_up_since: Annotated[str, Setting(help="the first day; today if not given", read=parse.day)] = ""
    canary_readers: Annotated[int, Setting(help="so many first, then wait; 0: none", unit="readers", least=0)] = 0
    canary_minutes: Annotated[
        int,
        Setting(help="how long to wait after them", label="canary wait", unit="minutes", least=1, most=60 * 24 * YEAR),
    ] = 30
    canary_percent: Annotated[
        float, Setting(help="more refused: all stops", label="canary stops above", unit="%", least=0, most=100)
    ] = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What readers may choose. With any of it every reader has a digest of their own; with none all get the same.

    cadences          instead of the newsletter's own schedule
    hours             of the day at which such a reader's digest may arrive, in the reader's own time zone
    lengths           besides "full"
    """

    topics: Annotated[bool, Setting(help="follow and mute topics")] = False
    authors: Annotated[bool, Setting(help="follow and mute authors")] = False
    cadences: Annotated[
        tuple[str, ...],
        Setting(help='"daily,weekly,biweekly,monthly"; "" for none', choices=tuple(map(str, Cadence))),
    ] = ()
    hours: Annotated[
        tuple[int, ...],
        Setting(help='hours of the reader\'s own day: "7,12,18"; "" for none', least=0, most=23, is_sorted=True),
    ] = ()
    lengths: Annotated[
        tuple[str, ...], Setting(help='"summaries,headlines"; "" for none', choices=("summaries", "headlines"))
    ] = ()
    minutes: Annotated[
        tuple[int, ...],
        Setting(
            help='reading times of one digest: "5,10,20"; "" for none',
            unit="minutes",
            least=1,
            most=600,
            is_sorted=True,
        ),
    ] = ()
    reasons: Annotated[bool, Setting(help="articles say why they are there, with a link that ends it")] = False

    @property
    def is_any(self) -> bool:
        return any((self.topics, self.authors, self.cadences, self.lengths, self.minutes, self.reasons))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Which articles go first where a digest of one's own does not hold all that match.

    recency, reads, comments   each share is 0 to 1 of the edition's highest
    popular       also for those who do not follow their topics
    carry         after so many it is listed as expired
    """

    recency: Annotated[float, Setting(help="weight of new articles", least=0, most=1_000)] = 1.0
    reads: Annotated[float, Setting(help="weight of much-read articles", least=0, most=1_000)] = 1.0
    comments: Annotated[float, Setting(help="weight of much-discussed articles", least=0, most=1_000)] = 0.5
    popular: Annotated[int, Setting(help="so many of the most read are for everybody", unit="articles", least=0)] = 0
    per_section: Annotated[
        int, Setting(help="of one section, while others have some; 0: any", unit="articles", least=0)
    ] = 0
    carry: Annotated[int, Setting(help="further editions for what did not fit", unit="editions", least=0, most=20)] = 2


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
    """The standing publication. What has a Setting is set by people, and all that is made from it: model/setting.py.

    name         how commands call it: letters, digits, hyphens
    topics       in the order of its sections
    max_variants   renderings of one thing that its template may make, by asking readers; more is refused before it goes
    window_days  also how much back-dating later editions forgive
    """

    id: NewsletterId
    name: str
    title: Annotated[str, Setting(help="what readers see", read=parse.line, is_needed=True)]
    sender: Annotated[
        EmailAddress, Setting(help="From address: news@example.org", read=EmailAddress.parse, is_needed=True)
    ]
    sender_name: Annotated[str, Setting(help="the name beside the From address; else the title", read=parse.line)] = ""
    reply_to: Annotated[
        EmailAddress | None, Setting(help='where answers go; "" for the From address', read=EmailAddress.parse)
    ] = None
    tagline: Annotated[str, Setting(help="a line below the title", read=parse.line)] = ""
    url: Annotated[str, Setting(help="the publication's site", read=parse.link)] = ""
    subscribe_url: Annotated[str, Setting(help="for those to whom a mail was forwarded", read=parse.link)] = ""
    section_url: Annotated[
        str, Setting(help="where a section's other stories are: https://example.org/topic/{section}", read=parse.link)
    ] = ""
    postal_address: Annotated[
        str, Setting(help="the law asks for one in every message", read=parse.line, is_needed=True)
    ] = ""
    language: Annotated[
        str, Setting(help="of the mail's own words: en, de, pt-BR", read=parse.language, is_needed=True)
    ] = "en"
    languages: Annotated[
        tuple[str, ...], Setting(help='only articles in these: "en,fr"; "" for all', read=parse.language)
    ] = ()
    template: Annotated[str, Setting(help="weekly, plain, or one of your own", read=parse.line, is_needed=True)] = (
        "weekly"
    )
    topics: Annotated[
        tuple[str, ...], Setting(help='those it covers, in order: "City,Culture"; "" for all', read=parse.line)
    ] = ()
    min_items: Annotated[int, Setting(help="with fewer there is no edition", unit="articles", least=1, most=100)] = 1
    max_items: Annotated[
        int, Setting(help="more would be clipped by mail programs", unit="articles", least=1, most=100)
    ] = 40
    window_days: Annotated[
        int, Setting(help="how far back the first edition looks", label="window", unit="days", least=1, most=10 * YEAR)
    ] = 7
    needs_review: Annotated[
        bool, Setting(help="editions wait for approval", label="review", option="review/no-review")
    ] = False
    is_enabled: Annotated[bool, Setting(help="whether the schedule runs", option="on/off", label="on")] = True
    unknown_policy: Annotated[
        UnknownPolicy, Setting(help="when an answer was lost: leave | resend", is_needed=True)
    ] = UnknownPolicy.LEAVE
    retry_hours: Annotated[
        int,
        Setting(
            help="how long a refused delivery is tried again",
            label="tried again for",
            unit="hours",
            least=1,
            most=24 * YEAR,
        ),
    ] = 48
    max_variants: Annotated[int, Setting(help="renderings that asking readers may make", least=1)] = 200
    schedule: Schedule = field(default_factory=Schedule)
    sponsors: tuple[Sponsor, ...] = ()
    event_days: Annotated[
        int,
        Setting(
            help="events of so many days stand in an edition",
            label="events of the next",
            unit="days",
            least=1,
            most=YEAR,
        ),
    ] = 14
    max_events: Annotated[int, Setting(help="so many events at most; 0: none", unit="events", least=0, most=100)] = 5
    look: Look = field(default_factory=Look)
    layout: Layout = field(default_factory=Layout)
    pace: Pace = field(default_factory=Pace)
    offer: Offer = field(default_factory=Offer)
    ranking: Ranking = field(default_factory=Ranking)
