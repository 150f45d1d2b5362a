"""sitemap.xml, an index of sitemaps, a news sitemap -> the places that a site names, with when they changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.entities import html5
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from lxml import etree

from digest import isolation
from digest.errors import SourceGone, SourceMalformed
from digest.sources import bounds
from digest.sources.charset import decode
from digest.sources.dates import read_date
from digest.sources.dedupe import MAX_URL, is_web_url
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
    """One page. published_at, title and language are what a news sitemap says.

    trouble   why it, or a sitemap that the sitemap names, cannot be read; "" for all others
    """

    url: str
    trouble: str = ""
    changed_at: datetime | None = None
    published_at: datetime | None = None
    title: str = ""
    language: str = ""


def read_sitemap(url: str, fetcher: Fetcher, *, since: datetime | None = None) -> list[Place]:
    """All places of a sitemap and of those below it; sitemaps that did not change after `since` are not fetched.

    The newest sitemaps are read first, at most fifty; sitemaps of sitemaps may nest twice. One below that is gone, or is
    no sitemap, is passed over; it, and what is beyond these bounds, is told of by a place with a trouble.
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
        except (SourceGone, SourceMalformed) as cause:
            if depth == 0:
                raise
            places[here] = Place(url=here, trouble=str(cause).removeprefix(f"{here}: "))
            continue
        if not is_index:
            places.update((place.url, place) for place in found)
            continue
        places.update((place.url, place) for place in found if place.trouble)
        found = [place for place in found if not place.trouble]
        if depth >= 2:
            places[here] = Place(url=here, trouble="an index of sitemaps in an index in an index is not read")
        else:
            newer = [each for each in found if not (since and each.changed_at and each.changed_at + A_DAY < since)]
            newer.sort(key=lambda each: each.changed_at.timestamp() if each.changed_at else 0.0, reverse=True)
            waiting += [(each.url, depth + 1) for each in newer]
    if waiting or len(places) >= MAX_PLACES:
        left = f"names more than {MAX_SITEMAPS} sitemaps, or {MAX_PLACES:,} pages: the newest of them are read"
        places[url] = Place(url=url, trouble=left)
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
    text = _with_entities(text[after_prolog(text, max(0, text.find("<"))) :])
    # no entities, no network: a sitemap needs neither, and both are ways in
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as cause:
        raise SourceMalformed(f"{fetched.url}: not a sitemap") from cause
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise SourceMalformed(f"{fetched.url}: not a sitemap")
    return _name(root) == "sitemapindex", list(islice(_places(root, fetched.url), MAX_PLACES))


_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)(?:([A-Za-z][A-Za-z0-9]{1,31};))?",
    re.S,
)


def _with_entities(text: str) -> str:
    """With names of HTML as the characters they stand for, and a & of an address as XML wants it: else they are dropped, and
    the address is another page's."""

    def mended(found: re.Match[str]) -> str:
        if found[0][0] == "<":
            return found[0]
        character = html5.get(found[1] or "")
        return escape(character) if character else f"&amp;{found[1] or ''}"

    return _AMPERSAND.sub(mended, text) if "&" in text else text


def _places(root: Any, base: str) -> Iterator[Place]:
    for element in root:
        if _name(element) not in ("url", "sitemap"):
            continue
        said = {_name(each): (each.text or "").strip() for each in element.iter()}
        # not of all below it: <image:loc> is a picture's
        loc = next((each.text or "" for each in element if _name(each) == "loc"), "").strip()
        url = joined(base, loc)
        if not loc or not is_web_url(url):
            yield Place(url=loc[:MAX_URL] or "a place", trouble="is no web address" if loc else "names no address")
        else:
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
