"""Editions, readers and templates to splice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from digest.message.headers import Letterhead
from digest.message.splice import Copy, Splicer
from digest.model.address import EmailAddress
from digest.model.article import Article, ArticleId, Comment, Image
from digest.model.edition import Candidate, Edition, EditionId, EditionStatus, Pick
from digest.model.newsletter import Cadence, Newsletter, NewsletterId
from digest.model.subscriber import Reader
from digest.render.html import Renderer
from digest.render.views import EditionInputs

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)

SENDER = EmailAddress("news", "harbourpost.example")

LETTERHEAD = Letterhead(
    sender=SENDER,
    sender_name="The Harbour Post",
    reply_to=None,
    list_name="harbour",
    list_title="The Harbour Post",
    edition_id=12,
    message_domain="harbourpost.example",
    message_key=b"e" * 32,
    boundary="digest-boundary-1",
)


def make_article(number: int, **changes: object) -> Article:
    values: dict[str, object] = {
        "id": ArticleId(number),
        "key": f"a{number}",
        "url": f"https://harbourpost.example/a{number}?x=1&y=2",
        "title": f"Story <{number}> & more",
        "published_at": MONDAY,
        "authors": ("Ana Kovač",),
        "summary": f"Summary of {number}. " * 3,
        "image": Image(src=f"https://harbourpost.example/img/{number}.png", alt=f"Picture {number}"),
        "topics": ("City",),
        "words": 200 * number,
        "comments": (Comment(author="Helen", text="Well said."),),
    }
    return Article(**(values | changes))  # type: ignore[arg-type]


def make_edition(articles: Sequence[Article], sections: Sequence[str] = ()) -> Edition:
    return Edition(
        id=EditionId(12),
        newsletter_id=NewsletterId(1),
        cadence=Cadence.WEEKLY,
        period="2026-W48.1",
        due_at=MONDAY,
        window_from=MONDAY,
        window_until=MONDAY,
        status=EditionStatus.APPROVED,
        number=3,
        subject="The week in Port Alder",
        preheader="Trams & ferries",
        candidates=tuple(
            Candidate(article=article, position=index, section=sections[index] if sections else "City")
            for index, article in enumerate(articles)
        ),
    )


NEWSLETTER = Newsletter(
    id=NewsletterId(1),
    name="harbour",
    title="The Harbour Post",
    sender=SENDER,
    postal_address="12 Quay Street, Port Alder",
)


@pytest.fixture
def make_renderer() -> Callable[[Mapping[str, str], Edition], Renderer]:
    def make(files: Mapping[str, str], edition: Edition) -> Renderer:
        return Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))

    return make


def make_copy(number: int, picks: Sequence[Pick], **values: object) -> Copy:
    address = EmailAddress.parse(str(values.pop("address", f"reader{number}@example.org")))
    reader = Reader(
        address=str(address),
        unsubscribe_url=f"https://digest.example.org/u/{number}-tOkEn",
        **values,  # type: ignore[arg-type]
    )
    return Copy(reader=reader, address=address, subscription_id=number, picks=tuple(picks))


def splicer(renderer: Renderer) -> Splicer:
    return Splicer(renderer, LETTERHEAD)
