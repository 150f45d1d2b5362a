"""Articles in the window -> the edition: which, in which order, under which heading, with what subject. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.model.article import Article, slug
from digest.model.edition import Candidate
from digest.model.newsletter import Cadence, Newsletter

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


DAYS = {Cadence.DAILY: 1, Cadence.WEEKLY: 7, Cadence.BIWEEKLY: 14, Cadence.MONTHLY: 31}
"""The longest that a cadence lets its readers wait."""

MAX_CANDIDATES, MAX_OF_A_NAME = 2_000, 200
"""Of an edition from which readers choose: the newest; and beyond them, of each topic and each author, the newest: twice as
many as the largest edition holds, so that nobody who follows one would have got what is left out."""


def cadence_of(edition_cadence: str) -> Cadence:
    """ "weekly.thu" is weekly."""
    return Cadence(edition_cadence.partition(".")[0])


def own_window(
    newsletter: Newsletter, cadence: Cadence, *, due_at: datetime, previous_until: datetime | None
) -> Window:
    """What readers may choose from, where each has a digest of their own. What they have had is theirs to leave out.

    previous_until   where the last edition of the same readers ended

    As far back as any reader may have waited: since the last edition, or the longest step that is offered, for those who
    come from another cadence; and the editions in which what did not fit comes again; and the newsletter's `window_days`,
    for what turned up late.
    """
    start = due_at if previous_until is None else min(previous_until, due_at)
    return Window(since=start - _reach(newsletter, cadence), until=due_at)


def last_call(newsletter: Newsletter, cadence: Cadence, *, due_at: datetime) -> datetime:
    """What was published before this is in no later edition: the next window begins here."""
    return due_at - _reach(newsletter, cadence)


def _reach(newsletter: Newsletter, cadence: Cadence) -> timedelta:
    longest = max(DAYS[Cadence(each)] for each in (Cadence.WEEKLY, *newsletter.offer.cadences))
    return timedelta(days=longest + newsletter.ranking.carry * DAYS[cadence] + newsletter.window_days)


def worth_offering(newest: Iterable[Article]) -> Iterator[Article]:
    """Of what the newsletter prints, the newest first, what readers may choose from."""
    names = Counter[str]()
    for number, article in enumerate(newest):
        own = {*(slug(topic) for topic in article.topics), *(f"by {slug(author)}" for author in article.authors)}
        if number < MAX_CANDIDATES or article.pin is not None or any(names[name] < MAX_OF_A_NAME for name in own):
            yield article
        names.update(own)


def compose_own(newsletter: Newsletter, articles: Sequence[Article]) -> tuple[Candidate, ...]:
    """All that readers may choose from, by section and then the newest first; which and in what order, each copy says."""
    newest = sorted(articles, key=_age, reverse=True)
    order = _section_order(newsletter, newest)
    newest.sort(key=lambda article: order[section_of(newsletter, article)])
    return _candidates(newsletter, newest)


def used(window: Window, kept: Sequence[Candidate], *, is_cut: bool) -> Window:
    """The window as the edition used it: where `max_items` cut it, it ends at the newest article that was kept.

    The next window begins from there, so what waits cannot fall out of it however many editions in a row are full (P4).
    """
    if not is_cut:
        return window
    return replace(window, until=max(candidate.article.published_at for candidate in kept))


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

    Editor's picks are always kept, and the first of them leads. Within a section they stand before the others, and their
    sections before other sections, in the editor's order.
    """
    covered = [article for article in articles if covers(newsletter, article)]
    kept = sorted(covered, key=lambda article: (_pin(article), _age(article)))[: newsletter.max_items]
    newest = sorted(sorted(kept, key=_age, reverse=True), key=_pin)
    leads = (article for article in newest if article.image or article.pin is not None)
    lead = next(leads, None) if newsletter.layout.lead else None
    rest = [article for article in newest if article is not lead]
    order = _section_order(newsletter, sorted(rest, key=_age, reverse=True))
    pins: dict[str, float] = {}
    for article in rest:
        pins.setdefault(section_of(newsletter, article), _pin(article))
    rest.sort(key=lambda article: (pins[of := section_of(newsletter, article)], order[of]))  # stable within
    return _candidates(newsletter, ([lead] if lead else []) + rest)


def _pin(article: Article) -> float:
    return article.pin if article.pin is not None else float("inf")


def _candidates(newsletter: Newsletter, arranged: Sequence[Article]) -> tuple[Candidate, ...]:
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
    """Where the editor put it; else the first of the newsletter's topics that the article has, else its own first topic,
    as it is written there."""
    if article.section:
        return article.section
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
