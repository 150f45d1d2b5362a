"""One web page -> one Article, and a sitemap -> many.

What a page says of itself is believed in this order: JSON-LD, OpenGraph and its kin, microdata, and then the text, as
trafilatura finds it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from digest import isolation
from digest.errors import SourceBusy, SourceGone, SourceMalformed, SourceUnreachable
from digest.model.article import Article
from digest.model.setting import Setting
from digest.model.source import Collected, Cursor
from digest.sources import clean
from digest.sources.checked import checked
from digest.sources.fetched import Fetched
from digest.sources.language import with_languages
from digest.sources.page_facts import article_of
from digest.sources.sitemap import A_DAY, Place, read_sitemap

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

AT_ONCE = 10
"""Pages of a site that are stored together."""

MARK_BYTES = 6
MAX_MARKS = 20_000

MAX_FAILED = 5
"""So many pages that cannot be read, and the site is left alone until next time."""

PATIENCE = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Exactly one of `url` and `sitemap`."""

    url: Annotated[str, Setting(help="one article; it is read again every time, and changed when it changed")] = ""
    sitemap: Annotated[str, Setting(help="sitemap.xml, an index of them, a news sitemap; also gzipped")] = ""
    take: Annotated[
        str,
        Setting(help='addresses to take, with * for anything: "https://example.org/blog/*"; commas between several'),
    ] = ""
    leave: Annotated[str, Setting(help="addresses to leave, in the same way")] = ""
    since_days: Annotated[int, Setting(help="how far back the first reading goes", unit="days", least=0)] = 30
    at_most: Annotated[
        int, Setting(help="pages in one reading; the next one goes on from there", unit="pages", least=1)
    ] = 100
    topics: Annotated[str, Setting(help="added to every article, comma-separated")] = ""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.sitemap):
            raise ValueError("give either url or sitemap")

    def takes(self, url: str) -> bool:
        taken = not self.take.strip() or _matches(url, self.take)
        return taken and not _matches(url, self.leave)


def _matches(url: str, patterns: str) -> bool:
    return any(fnmatchcase(url, pattern.strip()) for pattern in patterns.split(",") if pattern.strip())


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """A page is one; the pages of a sitemap come ten at a time, in the order in which they were changed."""
    if options.sitemap:
        yield from _from_sitemap(options, cursor, now, fetcher)
        return
    fetched = fetcher.get(options.url, etag=cursor.etag, modified=cursor.modified)
    if fetched.status == 304:
        yield Collected(cursor=cursor, is_unchanged=True, moved_to=fetched.moved_to)
        return
    try:
        article = _with_topics(isolation.call(read, fetched), options)
    except ValueError as cause:
        raise SourceMalformed(f"{options.url}: {cause}") from cause
    reached = Cursor(at=article.published_at, etag=fetched.etag, modified=fetched.modified)
    yield Collected(articles=(article,), cursor=reached, moved_to=fetched.moved_to, is_pages=True)


def read(fetched: Fetched, *, undated: datetime | None = None) -> Article:
    """What is done in a child process; ValueError says why it is no article."""
    [article] = with_languages([checked(article_of(fetched, undated=undated))])
    return article


def read_page(url: str, fetcher: Fetcher, *, undated: datetime | None = None) -> Article:
    """The article at an address; SourceMalformed says why it is none."""
    try:
        return isolation.call(read, fetcher.get(url), undated=undated)
    except ValueError as cause:
        raise SourceMalformed(f"{url}: {cause}") from cause


# --- sitemaps --------------------------------------------------------------------------------------------------------


def _from_sitemap(options: Options, cursor: Cursor, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """Pages that changed since the cursor.

    A page that cannot be read just now holds the cursor before it for three days: what comes after is stored, and read
    again next time. Then it is passed over, as a page is at once that is gone or is no article.
    """
    since = cursor.at or now - timedelta(days=options.since_days)
    seen = _marks(cursor.key)
    places = read_sitemap(options.sitemap, fetcher, since=since)
    found = [_believed(place, now) for place in places if not place.trouble]
    due = [place for place in found if options.takes(place.url) and _is_due(place, cursor, since, seen)]
    due.sort(key=lambda place: (place.changed_at is None, place.changed_at or now, place.url))
    reached = replace(cursor, at=since)
    failed: list[str] = []
    refused = [f"{place.url[:200]}: {place.trouble}" for place in places if place.trouble]
    articles: list[Article] = []
    for number, place in enumerate(due[: options.at_most], 1):
        try:
            articles.append(_with_topics(_of_place(place, fetcher), options))
        except SourceBusy:
            if articles or refused:
                yield _collected(articles, refused, reached)
            raise
        except SourceGone:
            refused.append(f"{place.url}: gone")
        except (SourceUnreachable, SourceMalformed) as cause:
            if _is_for_now(cause) and (place.changed_at is None or place.changed_at > now - PATIENCE):
                failed.append(str(cause))
                if len(failed) >= MAX_FAILED:
                    break
                continue
            refused.append(str(cause))
        if not failed:
            reached = _passed(reached, place, seen, now)
        if number % AT_ONCE == 0:
            yield _collected(articles, refused, reached)
            articles, refused = [], []
    if articles or refused or not failed:
        yield _collected(articles, refused, reached)
    if failed:
        raise SourceUnreachable(f"{len(failed)} of {len(due)} pages could not be read: {failed[0]}")


def _collected(articles: Sequence[Article], refused: Sequence[str], reached: Cursor) -> Collected:
    ordered = sorted(articles, key=lambda article: article.published_at)
    return Collected(articles=tuple(ordered), refused=tuple(refused), cursor=reached, is_pages=True)


def _of_place(place: Place, fetcher: Fetcher) -> Article:
    """The page; what a news sitemap says of it where the page says nothing."""
    found = fetcher.get(place.url)
    try:
        article = isolation.call(read, found, undated=place.published_at)
    except ValueError as cause:
        raise SourceMalformed(f"{place.url}: {cause}") from cause
    except isolation.Stumbled as cause:
        raise SourceMalformed(f"{place.url}: digest stumbled over it: {cause}") from cause
    return replace(article, language=article.language or place.language)


def _is_for_now(cause: Exception) -> bool:
    """Will it be otherwise at another time? A page that is not there (4xx) or is no article stays so."""
    stays = re.search(r"the server answered 4(?!08|25|29)", str(cause))
    return isinstance(cause, SourceUnreachable) and not stays


def _believed(place: Place, now: datetime) -> Place:
    """A change in the future is a mistake, and would carry the cursor past everything that comes."""
    if place.changed_at is not None and place.changed_at > now + A_DAY:
        return replace(place, changed_at=None)
    return place


def _is_due(place: Place, cursor: Cursor, since: datetime, seen: dict[str, None]) -> bool:
    if place.changed_at is None:
        return _mark(place.url) not in seen
    if place.changed_at > since or (cursor.at is None and place.changed_at == since):
        return True
    # a page that came late, or has the very date of the cursor: its mark says whether it was read
    return cursor.at is not None and place.changed_at > since - A_DAY and _mark(place.url) not in seen


def _passed(reached: Cursor, place: Place, seen: dict[str, None], now: datetime) -> Cursor:
    """The cursor behind this page. Its key holds marks of the pages that no date tells apart from new ones."""
    mark = _mark(place.url)
    seen.pop(mark, None)
    seen[mark] = None
    at = max(reached.at, min(place.changed_at, now)) if reached.at and place.changed_at else reached.at
    return Cursor(at=at, key=" ".join(list(seen)[-MAX_MARKS:]))


def _mark(url: str) -> str:
    return base64.b64encode(hashlib.blake2b(url.encode(), digest_size=MARK_BYTES).digest()).decode()


def _marks(key: str) -> dict[str, None]:
    return dict.fromkeys(key.split())


def _with_topics(article: Article, options: Options) -> Article:
    more = [clean.line(topic) for topic in options.topics.split(",")]
    return replace(article, topics=tuple(dict.fromkeys([*article.topics, *filter(None, more)])))
