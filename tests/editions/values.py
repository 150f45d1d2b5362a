"""Articles and newsletters as values, for the rules that touch no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from digest.model.address import EmailAddress
from digest.model.article import Article, ArticleId, Image
from digest.model.newsletter import Newsletter, NewsletterId

DUE = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def make_article(number: int, *topics: str, picture: bool = False, **values: object) -> Article:
    """Published `number` hours before DUE."""
    defaults: dict[str, object] = {
        "id": ArticleId(number),
        "key": f"a{number}",
        "url": f"https://harbourpost.example/a{number}",
        "title": f"Story {number}",
        "published_at": DUE - timedelta(hours=number),
        "topics": topics,
        "image": Image(src=f"https://harbourpost.example/{number}.png") if picture else None,
    }
    return Article(**(defaults | values))  # type: ignore[arg-type]


def make_newsletter(**values: object) -> Newsletter:
    defaults: dict[str, object] = {
        "id": NewsletterId(1),
        "name": "harbour",
        "title": "The Harbour Post",
        "sender": EmailAddress("news", "harbourpost.example"),
    }
    return Newsletter(**(defaults | values))  # type: ignore[arg-type]
