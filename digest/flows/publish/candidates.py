"""The articles that an edition may hold, read in pages."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from sqlalchemy import Connection

from digest import log
from digest.editions.candidates import (
    Window,
    covers,
    worth_offering,
)
from digest.editions.select import Selector
from digest.editions.store.articles import CANDIDATES_PAGE, list_candidates, list_recent
from digest.model.article import Article
from digest.model.edition import Candidate
from digest.model.newsletter import Newsletter


def in_general(newsletter: Newsletter, candidates: Sequence[Candidate], covered: Window) -> tuple[Candidate, ...]:
    """Those that a reader without choices would get."""
    selector = Selector(candidates, newsletter, since=covered.since, until=covered.until)
    return tuple(candidates[position] for position, _ in selector.general().chosen)


def read_newest(connection: Connection, newsletter: Newsletter, covered: Window) -> list[Article]:
    """What the newsletter prints of the window, whoever had it, the newest first."""
    read = 0

    def printed() -> Iterator[Article]:
        nonlocal read
        page = list_recent(connection, covered)
        while page:
            for article in page:
                if covers(newsletter, article):
                    read += 1
                    yield article
            page = list_recent(connection, covered, before=page[-1])

    found = list(worth_offering(printed()))
    if read > len(found):
        log.warn("publish.over", newsletter_id=newsletter.id, left_out=read - len(found))
    return found


def read_waiting(
    connection: Connection, newsletter: Newsletter, covered: Window, *, had: Container[int] | None = None
) -> list[Article]:
    """What the newsletter prints of the window, oldest first, until there is more than one edition holds.

    In pages: thousands of articles of a site's other topics must not crowd its own out (P4).

    had   articles that are not to be taken again, instead of those that its editions had
    """
    found: list[Article] = []
    after: Article | None = None
    of = newsletter.id if had is None else None
    while len(found) <= newsletter.max_items:
        page = list_candidates(connection, of, covered, after=after)
        free = [article for article in page if had is None or article.stored_id not in had]
        found += [article for article in free if covers(newsletter, article)]
        if len(page) < CANDIDATES_PAGE:
            break
        after = page[-1]
    return found
