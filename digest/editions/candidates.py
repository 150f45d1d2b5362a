"""Articles in the window -> the edition: which, in which order, under which heading, with what subject. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.model.article import Article, slug
from digest.model.edition import Candidate
from digest.model.newsletter import Newsletter

SUBJECT_LIMIT = 78
PREHEADER_LIMIT = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Articles published after `since` and up to `until` belong to the edition, if no earlier one had them."""

    since: datetime
    until: datetime


def window(
    newsletter: Newsletter,
    *,
    due_at: datetime,
    previous_until: datetime | None,
    waiting_since: datetime | None = None,
) -> Window:
    """What an edition covers.

    previous_until   where the last edition that held anything ended; None before the first one
    waiting_since    before the first one: where the window of the first empty period began

    The first one looks back `window_days`. Later ones begin where the previous one ended, less `window_days`: an
    article that turned up late, or with an earlier date, is still found (P4), and one that was in an edition is left
    out by that, not by its date (P3). An outage of a month, or weeks with too little news, widen the window by itself.
    """
    if previous_until is None and waiting_since is not None:
        return Window(since=min(waiting_since, due_at - timedelta(days=newsletter.window_days)), until=due_at)
    start = due_at if previous_until is None else min(previous_until, due_at)
    return Window(since=start - timedelta(days=newsletter.window_days), until=due_at)


def covers(newsletter: Newsletter, article: Article) -> bool:
    """Does the newsletter print this article's topics? One without topics is printed by a newsletter that has all."""
    if not newsletter.topics:
        return True
    wanted = {slug(topic) for topic in newsletter.topics}
    return any(slug(topic) in wanted for topic in article.topics)


def compose(newsletter: Newsletter, articles: Sequence[Article]) -> tuple[Candidate, ...]:
    """The edition's candidates in order; what is over `max_items` stays for the next edition.

    articles   those of the window that no edition had, in any order

    The lead is the newest article with a picture. The rest follow by section, sections in the newsletter's order, then
    by their newest article; within a section the newest first. When there are too many, the oldest go first of all:
    they have waited longest, and would fall out of the window.
    """
    covered = [article for article in articles if covers(newsletter, article)]
    kept = sorted(covered, key=_age)[: newsletter.max_items]
    newest = sorted(kept, key=_age, reverse=True)
    lead = next((article for article in newest if article.image), None) if newsletter.layout.lead else None
    rest = [article for article in newest if article is not lead]
    order = _section_order(newsletter, rest)
    rest.sort(key=lambda article: order[section_of(newsletter, article)])  # stable: newest first within
    arranged = ([lead] if lead else []) + rest
    return tuple(
        Candidate(
            article=article,
            position=index,
            section=section_of(newsletter, article),
            reason=_reason(newsletter, article),
        )
        for index, article in enumerate(arranged)
    )


def section_of(newsletter: Newsletter, article: Article) -> str:
    """The first of the newsletter's topics that the article has, else its own first topic, as it is written there."""
    own = {slug(topic): topic for topic in reversed(article.topics)}
    for topic in newsletter.topics:
        if slug(topic) in own:
            return topic
    return article.topics[0] if article.topics else ""


def subject_of(newsletter: Newsletter, candidates: Sequence[Candidate]) -> str:
    """The lead's title says more than the newsletter's name, which stands in From already."""
    if not candidates:
        return newsletter.title
    return _shortened(candidates[0].article.title, SUBJECT_LIMIT)


def preheader_of(candidates: Sequence[Candidate]) -> str:
    """The line that mail clients show after the subject: what else there is."""
    titles = [candidate.article.title for candidate in candidates[1:4]]
    if not titles and candidates:
        return _shortened(candidates[0].article.summary, PREHEADER_LIMIT)
    return _shortened(" · ".join(titles), PREHEADER_LIMIT)


def _age(article: Article) -> tuple[datetime, int]:
    return article.published_at, article.id or 0


def _section_order(newsletter: Newsletter, newest: Sequence[Article]) -> dict[str, int]:
    order = {topic: index for index, topic in enumerate(newsletter.topics)}
    for article in newest:
        order.setdefault(section_of(newsletter, article), len(order) + 1)
    order[""] = len(order) + len(newest) + 1  # articles without a topic stand last, without a heading
    return order


def _reason(newsletter: Newsletter, article: Article) -> str:
    if newsletter.topics:
        return f"new in {section_of(newsletter, article)}"
    return "new"


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head, space, _ = text[: limit - 1].rpartition(" ")
    return (head if space else text[: limit - 1]).rstrip(" ,;:·") + "…"
