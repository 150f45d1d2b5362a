"""A site's address -> the feeds and sitemaps that it has.

What its page names first (`<link rel=alternate>`), then the usual addresses; what is no feed is passed over, unless the
page names it: then it is said what is wrong with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from lxml import etree
from lxml import html as lxml_html

from digest import isolation
from digest.errors import SourceError, SourceMalformed
from digest.sources import bounds, feed
from digest.sources.charset import decode
from digest.sources.dedupe import is_web_url
from digest.sources.fetched import Fetched
from digest.sources.links import joined
from digest.sources.markup import after_prolog
from digest.sources.sitemap import parsed

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

_FEED_TYPES = re.compile(r"application/(?:rss|atom|rdf|feed)\+(?:xml|json)|application/json|text/xml", re.I)
_USUAL = ("/feed/", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/feed.json", "/rss/")
_SITEMAP = "/sitemap.xml"
MAX_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One place to read from.

    option    of the kind `kind` that takes `url`
    articles  how many it has now; of a sitemap, pages or sitemaps
    newest    when the newest was published; None where it does not say
    trouble   why it cannot be read, where the site names it all the same
    """

    kind: str
    option: str
    url: str
    articles: int = 0
    newest: datetime | None = None
    trouble: str = ""


def discover(url: str, fetcher: Fetcher, *, now: datetime) -> list[Found]:
    """SourceError when the address itself cannot be read."""
    fetched = fetcher.get(url)
    if (itself := _feed(fetched, now)) is not None:
        return [itself]
    base = fetched.url or url
    found: dict[str, Found] = {}
    for each in isolation.call(named_in, fetched, base):
        found.setdefault(
            each, _look(each, fetcher, now) or Found(kind="feed", option="url", url=each, trouble="not a feed")
        )
    if not any(not each.trouble for each in found.values()):
        for path in _USUAL:
            there = _look(urljoin(base, path), fetcher, now, is_guess=True)
            if there is not None:
                found.setdefault(there.url, there)
                break
    sitemaps = _sitemaps(base, fetcher)
    return [*found.values(), *sitemaps]


def named_in(fetched: Fetched, base: str) -> list[str]:
    """The feeds that a page names, twenty at most."""
    text = decode(fetched.body, content_type=fetched.content_type)[: bounds.PAGE]
    try:
        page = lxml_html.fromstring(text[after_prolog(text) :].encode())
    except (etree.LxmlError, ValueError):
        return []
    found = []
    for link in page.iter("link"):
        rel, of = (link.get("rel") or "").lower().split(), link.get("type") or ""
        there = joined(base, (link.get("href") or "").strip())
        if "alternate" in rel and _FEED_TYPES.fullmatch(of.strip()) and is_web_url(there):
            found.append(there)
    return [*dict.fromkeys(found)][:MAX_NAMED]


def _look(url: str, fetcher: Fetcher, now: datetime, *, is_guess: bool = False) -> Found | None:
    try:
        return _feed(fetcher.get(url), now)
    except SourceError as cause:
        return None if is_guess else Found(kind="feed", option="url", url=url, trouble=str(cause))


def _feed(fetched: Fetched, now: datetime) -> Found | None:
    try:
        read = isolation.call(feed.parse, fetched, feed.Options(url=fetched.url), now=now)
    except (SourceMalformed, isolation.TooMuch):
        return None
    newest = read.articles[-1].published_at if read.articles else None
    return Found(kind="feed", option="url", url=fetched.url, articles=len(read.articles), newest=newest)


def _sitemaps(base: str, fetcher: Fetcher) -> list[Found]:
    """Those that robots.txt names, else the usual one."""
    try:
        robots = fetcher.get(urljoin(base, "/robots.txt")).body.decode("utf-8", "replace")
    except SourceError:
        robots = ""
    named = re.findall(r"(?im)^[ \t]*sitemap:[ \t]*(\S{1,2000})", robots[: bounds.TEXT])[:MAX_NAMED]
    found = []
    for url in dict.fromkeys(joined(base, each) for each in named or [_SITEMAP]):
        try:
            _, places = parsed(fetcher.get(url), max_bytes=fetcher.max_bytes)
        except SourceError as cause:
            if named:
                found.append(Found(kind="page", option="sitemap", url=url, trouble=str(cause)))
            continue
        places = [each for each in places if not each.trouble]
        newest = max((at for each in places if (at := each.changed_at)), default=None)
        found.append(Found(kind="page", option="sitemap", url=url, articles=len(places), newest=newest))
    return found
