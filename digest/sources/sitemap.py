"""sitemap.xml, an index of sitemaps, a news sitemap -> the places that a site names, with when they changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from lxml import etree

from digest import isolation
from digest.errors import SourceGone, SourceMalformed
from digest.sources import bounds
from digest.sources.charset import decode
from digest.sources.dates import read_date
from digest.sources.dedupe import is_web_url
from digest.sources.fetched import Fetched
from digest.sources.language import language_code
from digest.sources.links import joined
from digest.sources.markup import after_prolog
from digest.sources.unpack import unpack_gzip

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

MAX_SITEMAPS = 50
MAX_PLACES = 100_000

A_DAY = timedelta(days=1)
"""Many sitemaps name the day of a change and not the time: it may have been at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One page. published_at, title and language are what a news sitemap says."""

    url: str
    changed_at: datetime | None = None
    published_at: datetime | None = None
    title: str = ""
    language: str = ""


def read_sitemap(url: str, fetcher: Fetcher, *, since: datetime | None = None) -> list[Place]:
    """All places of a sitemap and of those below it; sitemaps that did not change after `since` are not fetched.

    The newest sitemaps are read first, at most fifty; sitemaps of sitemaps may nest twice. One below that is gone, or is
    no sitemap, is passed over.
    """
    places: dict[str, Place] = {}
    waiting: list[tuple[str, int]] = [(url, 0)]
    read: set[str] = set()
    while waiting and len(read) < MAX_SITEMAPS and len(places) < MAX_PLACES:
        here, depth = waiting.pop(0)
        if here in read:
            continue
        read.add(here)
        try:
            is_index, found = parsed(fetcher.get(here), max_bytes=fetcher.max_bytes)
        except (SourceGone, SourceMalformed):
            if depth == 0:
                raise
            continue
        if not is_index:
            places.update((place.url, place) for place in found)
        elif depth < 2:
            newer = [each for each in found if not (since and each.changed_at and each.changed_at + A_DAY < since)]
            newer.sort(key=lambda each: each.changed_at.timestamp() if each.changed_at else 0.0, reverse=True)
            waiting += [(each.url, depth + 1) for each in newer]
    return list(places.values())


def parsed(fetched: Fetched, *, max_bytes: int) -> tuple[bool, list[Place]]:
    """`parse_sitemap` in a child process."""
    try:
        return isolation.call(parse_sitemap, fetched, max_bytes=max_bytes)
    except isolation.TooMuch as cause:
        raise SourceMalformed(f"{fetched.url}: {cause}") from cause


def parse_sitemap(fetched: Fetched, *, max_bytes: int) -> tuple[bool, list[Place]]:
    """Is it an index, and what it names; SourceMalformed for what is no sitemap."""
    body = fetched.body
    if body[:2] == b"\x1f\x8b":  # sitemap.xml.gz, sent as it lies there
        try:
            body = unpack_gzip(body, max_bytes=max_bytes)
        except ValueError as cause:
            raise SourceMalformed(f"{fetched.url}: {cause}") from cause
    text = decode(body, content_type=fetched.content_type)
    text = text[after_prolog(text, max(0, text.find("<"))) :]
    # no entities, no network: a sitemap needs neither, and both are ways in
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as cause:
        raise SourceMalformed(f"{fetched.url}: not a sitemap") from cause
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise SourceMalformed(f"{fetched.url}: not a sitemap")
    return _name(root) == "sitemapindex", list(islice(_places(root, fetched.url), MAX_PLACES))


def _places(root: Any, base: str) -> Iterator[Place]:
    for element in root:
        if _name(element) not in ("url", "sitemap"):
            continue
        said = {_name(each): (each.text or "").strip() for each in element.iter()}
        # not of all below it: <image:loc> is a picture's
        loc = next((each.text or "" for each in element if _name(each) == "loc"), "").strip()
        url = joined(base, loc)
        if loc and is_web_url(url):
            published_at = read_date(said.get("publication_date", ""))
            yield Place(
                url=url,
                changed_at=read_date(said.get("lastmod", "")) or published_at,
                published_at=published_at,
                title=said.get("title", "")[: bounds.TITLE],
                language=language_code(said.get("language", "")),
            )


def _name(element: Any) -> str:
    """Without its namespace, which many sitemaps get wrong; "" for a comment."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""
