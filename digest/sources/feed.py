"""RSS 0.9x to 2.0, RSS 1.0, Atom and JSON Feed, from a URL or a file -> Articles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from xml.sax.saxutils import quoteattr

import feedparser

from digest.errors import SourceMalformed, SourceUnreachable
from digest.model.article import Article
from digest.model.source import Collected, Cursor
from digest.sources import clean
from digest.sources.charset import decode
from digest.sources.dedupe import canonical_url
from digest.sources.feed_item import Feed, article_of
from digest.sources.fetch import Fetched, Fetcher

MAX_FILE_BYTES = 10_000_000

_ROOT = re.compile(r"<(?:\?xml|rss|feed|rdf:RDF|RDF|channel|!DOCTYPE rss|\w+:feed)\b", re.I)
_ROOT_END = re.compile(
    r"</(?:rss|feed|rdf:RDF|RDF|\w+:feed)\s*>(?!.*</(?:rss|feed|rdf:RDF|RDF|\w+:feed)\s*>)", re.I | re.S
)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.I)
_ITEM = re.compile(r"<(/?)(?:\w+:)?(?:item|entry)\b", re.I)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.S)
_ID = re.compile(r"<(?:guid|id)\b[^>]*>([^<]{1,300}|\s*<!\[CDATA\[.{1,300}?\]\]>\s*)</(?:guid|id)>", re.I | re.S)
_HOSTILE_ENTITY = re.compile(r"""<!ENTITY\s+([\w.-]+)\s+(?:SYSTEM|PUBLIC|"[^"]*&\w|'[^']*&\w)""")
_MEDIA = re.compile(r"(<media:content\b[^>]*[^>/])>(.*?)</media:content>", re.S)
_MEDIA_TEXT = re.compile(r"<media:description\b[^>]*>(.*?)</media:description>", re.S)
_MEDIA_TEXTS = re.compile(r"<media:(description|title|credit|text)\b[^>]*>.*?</media:\1>", re.S)
_WEB_PAGE = re.compile(r"<html|<!doctype html", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Exactly one of `url` and `file`.

    url       address of the feed: RSS, Atom or JSON Feed
    file      the same in a file on this machine
    undated   "refuse" (default) items without a date, or take them as published "now"
    topics    added to every article, comma-separated
    """

    url: str = ""
    file: str = ""
    undated: str = "refuse"
    topics: str = ""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.file):
            raise ValueError("give either url or file")
        if self.undated not in ("refuse", "now"):
            raise ValueError('undated is "refuse" or "now"')


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """One page: a feed is small."""
    if options.file:
        yield parse(_read_file(options.file), options, now=now)
        return
    fetched = fetcher.get(options.url, etag=cursor.etag, modified=cursor.modified)
    if fetched.status == 304:
        yield Collected(cursor=cursor, is_unchanged=True, moved_to=fetched.moved_to)
        return
    yield replace(parse(fetched, options, now=now), moved_to=fetched.moved_to)


def _read_file(name: str) -> Fetched:
    path = Path(name)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SourceMalformed(f"{name}: longer than {MAX_FILE_BYTES:,} bytes")
        return Fetched(url="", status=200, body=path.read_bytes())
    except OSError as cause:
        raise SourceUnreachable(f"{name}: cannot be read: {cause.strerror}") from cause


def parse(fetched: Fetched, options: Options, *, now: datetime) -> Collected:
    """Every item that can be an article, oldest first; the others with their reasons.

    SourceMalformed   not a feed at all: empty, a web page, or without one readable item
    """
    name = options.url or options.file
    text = decode(fetched.body, content_type=fetched.content_type).strip()
    if not text:
        raise SourceMalformed(f"{name}: empty")
    found = _json_feed(text, fetched.url, name) if text[0] == "{" else _xml_feed(text, fetched.url, name)
    articles: list[Article] = []
    refused = list(found.complaints)
    for number, item in enumerate(found.items, 1):
        try:
            undated = now if options.undated == "now" else None
            articles.append(article_of(item, found, undated=undated, topics=options.topics.split(",")))
        except ValueError as cause:
            refused.append(f"item {number} ({clean.title(str(item.get('title', '')))[:60] or 'no title'}): {cause}")
    articles = sorted(_told_apart(articles), key=lambda article: article.published_at)
    is_whole = not found.complaints  # what was cut off is asked for again, not "if modified"
    return Collected(
        articles=tuple(articles),
        refused=tuple(refused),
        cursor=Cursor(
            at=articles[-1].published_at if articles else None,
            etag=fetched.etag if is_whole else "",
            modified=fetched.modified if is_whole else "",
        ),
    )


def _told_apart(articles: Sequence[Article]) -> list[Article]:
    """Each story once, the newest of its versions. An id that stands for several addresses is no id."""
    addresses: dict[str, set[str]] = {}
    for each in articles:
        addresses.setdefault(each.key, set()).add(canonical_url(each.url))
    keyed = [each if len(addresses[each.key]) == 1 else replace(each, key=canonical_url(each.url)) for each in articles]
    newest: dict[str, Article] = {}
    for each in keyed:
        known = newest.get(each.key)
        if known is None or each.published_at > known.published_at:
            newest[each.key] = each
    return list(newest.values())


def _xml_feed(text: str, url: str, name: str) -> Feed:
    start = _ROOT.search(text[:20_000])  # warnings of a site's own programs may stand before it
    if start is None:
        raise SourceMalformed(f"{name}: {'a web page, not a feed' if _WEB_PAGE.search(text[:2_000]) else 'not a feed'}")
    end = _ROOT_END.search(text)
    body = _mended(text[start.start() : end.end() if end else None])
    base = _site(body) or url
    parsed = feedparser.parse(
        b'<?xml version="1.0" encoding="utf-8"?>\n' + body.encode("utf-8", "replace"),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            **({"content-location": base} if base else {}),
        },
        sanitize_html=False,
        resolve_relative_uris=False,  # of texts: we take a picture from them, and it is a third of all the time
    )
    if not parsed.version and not parsed.entries:
        what = "a web page, not a feed" if _WEB_PAGE.search(text[:2_000]) else "not a feed"
        raise SourceMalformed(f"{name}: {what}")
    items: list[Mapping[str, Any]] = [*map(_with_its_id(body, base), parsed.entries)]
    complaints: tuple[str, ...] = ()
    if parsed.bozo and end is None:
        if not items:
            raise SourceMalformed(f"{name}: damaged: {parsed.get('bozo_exception')}")
        half = _ends_in_an_item(body)
        if half:
            items.pop()
        lost = "its last item was left out" if half else "there may be more"
        complaints = (f"the feed is cut off: {lost} ({parsed.get('bozo_exception')})",)
    return Feed(
        items=_own_links(items),
        base=base or parsed.feed.get("link", ""),
        language=parsed.feed.get("language", ""),
        authors=tuple(_feed_authors(parsed)),
        is_atom=parsed.version.startswith("atom"),
        complaints=complaints,
    )


def _mended(body: str) -> str:
    """Without its declaration, and without entities that are made of others (a bomb) or of files; with the texts of
    pictures where feedparser finds them: it takes a picture's description for the article's."""
    body = _DECLARATION.sub("", body, count=1)
    for entity in _HOSTILE_ENTITY.findall(body[:20_000]):
        body = body.replace(f"&{entity};", "")
    return _MEDIA.sub(_described, body)


def _described(media: re.Match[str]) -> str:
    start, inside = media.group(1), media.group(2)
    found = _MEDIA_TEXT.search(inside)
    alt = clean.plain_text(unescape(_CDATA.sub(r"\1", found.group(1)))) if found else ""
    return f"{start} alt={quoteattr(alt)}>{_MEDIA_TEXTS.sub('', inside)}</media:content>"


def _site(body: str) -> str:
    """Where the site of an RSS feed is: its addresses are relative to that, wherever the feed itself lies."""
    head = body[: found.start() if (found := re.search(r"<item\b", body)) else 20_000]
    link = re.search(r"<link>\s*(?:<!\[CDATA\[)?\s*(https?://[^\s<\]]+)", head, re.I)
    return unescape(link.group(1)) if link else ""


def _with_its_id(body: str, base: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """feedparser takes an id such as "12" for an address, and makes it one that leads nowhere."""
    given = {_CDATA.sub(r"\1", each).strip() for each in _ID.findall(body)}
    made = {urljoin(base, each): each for each in given if each and not re.match(r"[a-zA-Z][\w+.-]*:|/", each)}

    def mend(item: Mapping[str, Any]) -> Mapping[str, Any]:
        real = made.get(str(item.get("id") or ""))
        if real is None:
            return item
        link = item.get("link") or ""
        is_own = any(each.get("href") == link for each in item.get("links") or ())  # else it was made from the id
        return _changed(item, id=real, link=link if is_own else "")

    return mend


def _ends_in_an_item(body: str) -> bool:
    marks = [match.group(1) for match in _ITEM.finditer(body)]
    return not marks or marks[-1] == ""


def _feed_authors(parsed: Any) -> Iterator[str]:
    """RFC 4287 §4.2.1: an entry without an author has the feed's. RSS names its editor, who wrote nothing."""
    if parsed.version.startswith("atom"):
        for author in parsed.feed.get("authors") or ():
            yield str(author.get("name") or "")


def _own_links(items: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A link that several items share is the site's or the show's, and none of theirs: then the next best is taken."""
    names: dict[str, set[str]] = {}
    for item in items:
        link = str(item.get("link") or "")
        own_id = str(item.get("id") or "")
        names.setdefault(link, set()).add(own_id if own_id != link else str(item.get("title")))
    return [item if len(names[str(item.get("link") or "")]) < 2 else _without_link(item) for item in items]


def _without_link(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return _changed(item, link="", shared_link=item.get("link"))


def _changed(item: Mapping[str, Any], **values: object) -> Mapping[str, Any]:
    """A copy that is still feedparser's kind of dict: some of its names stand for others."""
    changed: Mapping[str, Any] = feedparser.FeedParserDict({**item, **values})
    return changed


def _json_feed(text: str, url: str, name: str) -> Feed:
    """JSON Feed 1.0 and 1.1, turned into the shape that feedparser gives."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as cause:
        raise SourceMalformed(f"{name}: damaged: {cause}") from cause
    if not isinstance(feed, dict) or "jsonfeed.org/version" not in str(feed.get("version")):
        raise SourceMalformed(f"{name}: not a feed")
    given = feed.get("items")
    return Feed(
        items=[_json_item(item) for item in (given if isinstance(given, list) else ()) if isinstance(item, dict)],
        base=str(feed.get("home_page_url") or feed.get("feed_url") or url),
        language=str(feed.get("language") or ""),
        authors=tuple(_json_authors(feed)),
    )


def _json_item(item: Mapping[str, Any]) -> Mapping[str, Any]:
    tags = item.get("tags")
    content = item.get("content_html") or item.get("content_text") or ""
    return {
        "id": str(item.get("id") or ""),
        "link": item.get("url") or item.get("external_url") or "",
        "title": item.get("title") or "",
        "summary": item.get("summary") or "",
        "content": [{"value": str(content)}],
        "published": item.get("date_published") or item.get("date_modified") or "",
        "authors": [{"name": name} for name in _json_authors(item)],
        "tags": [{"term": tag} for tag in (tags if isinstance(tags, list) else ())],
        "image": item.get("image") or item.get("banner_image") or "",
        "enclosures": [
            {"href": each.get("url"), "type": each.get("mime_type") or ""}
            for each in item.get("attachments") or ()
            if isinstance(each, dict)
        ],
        "language": item.get("language") or "",
    }


def _json_authors(thing: Mapping[str, Any]) -> list[str]:
    """1.1 has `authors`, 1.0 `author`."""
    authors = thing.get("authors") or [thing.get("author")]
    return [str(each.get("name") or "") for each in authors if isinstance(each, dict)]
