"""Editions with everything and with nothing, as mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from digest.audience.links import Links
from digest.audience.tokens import Keyring
from digest.editions.candidates import compose, preheader_of, subject_of
from digest.flows.copies import CopyMaker
from digest.flows.publish import Press, freeze
from digest.message.sign import Signer
from digest.model.address import EmailAddress
from digest.model.article import Article, ArticleId, Comment, Image
from digest.model.edition import Edition, EditionId, EditionStatus
from digest.model.event import Event
from digest.model.newsletter import Cadence, Layout, Look, Newsletter, NewsletterId, Note, Sponsor
from digest.model.subscriber import Recipient, Subscriber, SubscriberId
from digest.render.files import BUILT_IN
from tests.mails import parse_without_defects

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
SITE = "https://harbourpost.example"
TOPICS = ("City", "Culture", "Long weekend", "In brief")

BARE = Newsletter(
    id=NewsletterId(1),
    name="harbour",
    title="The Harbour Post",
    sender=EmailAddress("news", "harbourpost.example"),
    languages=("de", "fr", "es", "he"),
    max_items=500,
    max_events=0,
)
FULL = replace(
    BARE,
    tagline="The week in the city, every Monday at 7",
    url=f"{SITE}/",
    subscribe_url=f"{SITE}/subscribe",
    section_url=f"{SITE}/topic/{{section}}",
    postal_address="12 Quay Street, Port Alder PA3 4QN",
    topics=TOPICS,
    look=Look(mark=f"{SITE}/img/mark.png"),
    layout=Layout(cards_topic="Long weekend", headlines_after=9),
    max_events=5,
    sponsors=(
        Sponsor(
            name="Alder Credit Union",
            url=f"{SITE}/sponsor?a=1&b=2",
            title="A savings account that stays in town",
            text="Every deposit funds a local home or workshop.",
            logo=f"{SITE}/img/sponsor.png",
            cta="See how it works",
        ),
    ),
)
EVENTS = (
    Event(
        title="Ferry day on Pier 3",
        starts_at=datetime(2026, 11, 28, 14, tzinfo=UTC),
        ends_at=datetime(2026, 11, 28, 17, 30, tzinfo=UTC),
        time_zone="Europe/London",
        place="Pier 3",
        url=f"{SITE}/ferry-day?a=1&b=2",
        text="The engine room is open, and so is the bar.",
    ),
    Event(
        title="Winter market",
        starts_at=datetime(2026, 12, 4, tzinfo=UTC),
        ends_at=datetime(2026, 12, 6, tzinfo=UTC),
        time_zone="Europe/London",
        is_all_day=True,
    ),
)
NOTE = Note(
    text="This week began with a ship’s horn.", author="Mara Lindqvist", role="editor", avatar=f"{SITE}/mara.png"
)

HEBREW = "המעבורת לאיים חוזרת אחרי תשע שנים"


def full_article(number: int, **values: object) -> Article:
    """An article of which every field is filled."""
    defaults: dict[str, object] = {
        "id": ArticleId(number),
        "key": f"a{number}",
        "url": f"{SITE}/a{number}?x=1&y=2",
        "title": f"Story {number} & what it means for <the> city",
        "published_at": MONDAY - timedelta(hours=number),
        "authors": ("Ana Kovač", "Ben O'Brien"),
        "summary": f"Number {number}. " + "The council voted on Tuesday, and nobody was surprised. " * 3,
        "image": Image(src=f"{SITE}/img/{number}.png", alt=f"Picture {number}"),
        "topics": (TOPICS[number % len(TOPICS)],),
        "words": 230 * number,
        "comment_count": number,
        "comments": (Comment(author="Helen", text="Well said.", url=f"{SITE}/a{number}#c1"),),
        "reviewer": "Prof. Holm",
        "reviewed_at": MONDAY - timedelta(days=2),
        "citation": "Alder et al. 2026",
    }
    return Article(**(defaults | values))  # type: ignore[arg-type]


def bare_article(number: int, **values: object) -> Article:
    """An article with nothing but what every article has."""
    defaults: dict[str, object] = {
        "id": ArticleId(number),
        "key": f"a{number}",
        "url": f"{SITE}/a{number}",
        "title": f"Story {number}",
        "published_at": MONDAY - timedelta(hours=number),
    }
    return Article(**(defaults | values))  # type: ignore[arg-type]


def make_maker(
    newsletter: Newsletter, articles: Sequence[Article], *, note: Note | None = None, signer: Signer | None = None
) -> CopyMaker:
    candidates = compose(newsletter, articles)
    edition = Edition(
        id=EditionId(12),
        newsletter_id=newsletter.id,
        cadence=Cadence.WEEKLY,
        period="2026-W48.1",
        due_at=MONDAY,
        window_from=MONDAY - timedelta(days=14),
        window_until=MONDAY,
        status=EditionStatus.APPROVED,
        number=3,
        subject=subject_of(newsletter, candidates),
        preheader=preheader_of(candidates),
        note=note,
        sponsor=next(iter(newsletter.sponsors), None),
        events=EVENTS if newsletter.max_events else (),
        candidates=candidates,
    )
    links = Links(
        "https://digest.example.org", unsubscribe_mailbox="leave@harbourpost.example", keyring=Keyring([b"k" * 32])
    )
    press = Press(template_folders=[BUILT_IN], links=links)
    return CopyMaker(edition, freeze(press, newsletter), links, signer=signer, public_key="pUbLiC")


def make_mail(
    newsletter: Newsletter,
    articles: Sequence[Article],
    *,
    note: Note | None = None,
    language: str = "en",
    name: str = "Mira Kessler",
) -> EmailMessage:
    """What that reader gets, through the fast way and the parser of a mail program."""
    reader = Subscriber(id=SubscriberId(7), address=EmailAddress("mira", "example.org"), name=name, language=language)
    recipient = Recipient(subscription_id=7, subscriber=reader, joined_at=MONDAY - timedelta(days=200))
    return parse_without_defects(make_maker(newsletter, articles, note=note).message(recipient, at=MONDAY))
