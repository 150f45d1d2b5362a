"""What --json prints of what is stored: a contract of its own, whatever the tables look like. docs/json.md lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digest.model.article import StoredArticle
    from digest.model.subscriber import Subscriber, SubscriberLine


def article_shape(of: StoredArticle) -> dict[str, object]:
    """As its source has it; what the digest shows otherwise stands in `edits`."""
    article = of.article
    return {
        "id": article.id,
        "source": of.source,
        "key": article.key,
        "url": article.url,
        "canonical_url": of.canonical_url,
        "title": article.title,
        "published_at": article.published_at,
        "summary": article.summary,
        "authors": article.authors,
        "topics": article.topics,
        "image_src": article.image.src if article.image else "",
        "image_alt": article.image.alt if article.image else "",
        "language": article.language,
        "words": article.words,
        "minutes": article.minutes,
        "reads": article.reads,
        "comment_count": article.comment_count,
        "comments": article.comments,
        "reviewer": article.reviewer,
        "reviewed_at": article.reviewed_at,
        "citation": article.citation,
        "first_seen_at": of.first_seen_at,
        "updated_at": of.updated_at,
        "hidden_at": of.hidden_at,
        "pin": of.pin,
        "edits": of.edits,
        "not_before": of.not_before,
        "held_at": of.held_at,
        "ready_at": of.ready_at,
        "version": of.version,
    }


def person_shape(of: Subscriber) -> dict[str, object]:
    return {
        "id": of.id,
        "address": str(of.address),
        "name": of.name,
        "language": of.language,
        "time_zone": of.time_zone,
        "attributes": of.attributes,
    }


def subscriber_shape(of: SubscriberLine) -> dict[str, object]:
    return {
        **person_shape(of.subscriber),
        "newsletter": of.newsletter,
        "status": of.status,
        "created_at": of.created_at,
    }
