"""RSS, Atom and JSON Feed, from a URL or a file -> Articles."""

from __future__ import annotations

import json
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import feedparser

from digest.errors import SourceMalformed, SourceUnreachable
from digest.model.article import Article, Image
from digest.model.source import Collected, Cursor
from digest.sources import clean
from digest.sources.dedupe import is_web_url
from digest.sources.fetch import Fetched, Fetcher

MAX_FILE_BYTES = 10_000_000

_IMG = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*["']([^"']+)["'][^>]*>""", re.I)
_SPECK = re.compile(r"""\b(?:width|height)\s*=\s*["']?[01](?:px)?["'\s/>]""", re.I)
_ALT = re.compile(r"""\balt\s*=\s*["']([^"']*)["']""", re.I)

_ADDRESS = re.compile(r"\S+@\S+")
_ADDRESS_FIRST = re.compile(r"\S+@\S+ \((.+)\)")  # RSS 2.0 <author>: jonas@example.org (Jonas Berg)
_INITIALS = r"(?:[^\W\d_]\.[ -]?)+"
_SURNAME_FIRST = re.compile(rf"[^,]+, {_INITIALS}(?:,|$)")
_SURNAMES_FIRST = re.compile(rf"(?:[^,]+, {_INITIALS}(?:, ?|$)){{2,}}")  # "Lu, A., O'Neil, R. J."

_NO_TOPICS = {"uncategorized", "uncategorised", "allgemein", "unkategorisiert", "non classé"}
"""What WordPress writes where an author chose none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Exactly one of `url` and `file`.

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
        yield Collected(cursor=cursor, is_unchanged=True)
        return
    yield parse(fetched, options, now=now)


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
    body = fetched.body.strip()
    if not body:
        raise SourceMalformed(f"{name}: empty")
    found = _json_items(body, name) if body[:1] == b"{" else _xml_items(fetched, name)
    articles: list[Article] = []
    refused = list(found.complaints)
    for number, item in enumerate(found.items, 1):
        try:
            articles.append(_article(item, found, options, now=now))
        except ValueError as cause:
            refused.append(f"item {number} ({clean.title(str(item.get('title', '')))[:60] or 'no title'}): {cause}")
    articles.sort(key=lambda article: article.published_at)
    return Collected(
        articles=tuple(articles),
        refused=tuple(refused),
        cursor=Cursor(at=articles[-1].published_at if articles else None, etag=fetched.etag, modified=fetched.modified),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feed:
    items: list[Mapping[str, Any]]
    base: str
    language: str
    complaints: tuple[str, ...] = ()


def _xml_items(fetched: Fetched, name: str) -> _Feed:
    headers = {"content-location": fetched.url} if fetched.url else {}
    if fetched.content_type and "xml" in fetched.content_type:
        headers["content-type"] = fetched.content_type
    parsed = feedparser.parse(fetched.body, response_headers=headers, sanitize_html=False)
    if not parsed.version:
        what = (
            "a web page, not a feed" if re.search(rb"(?i)<html|<!doctype html", fetched.body[:2_000]) else "not a feed"
        )
        raise SourceMalformed(f"{name}: {what}")
    items: list[Mapping[str, Any]] = list(parsed.entries)
    complaints: tuple[str, ...] = ()
    if parsed.bozo and not isinstance(parsed.get("bozo_exception"), feedparser.CharacterEncodingOverride):
        if not items:
            raise SourceMalformed(f"{name}: damaged: {parsed.get('bozo_exception')}")
        if not fetched.body.rstrip().endswith(b">"):  # cut in the middle: its last item may be half an item
            items.pop()
            complaints = (f"the feed is cut off: its last item was left out ({parsed.get('bozo_exception')})",)
    return _Feed(
        items=items,
        base=fetched.url or parsed.feed.get("link", ""),
        language=parsed.feed.get("language", ""),
        complaints=complaints,
    )


def _json_items(body: bytes, name: str) -> _Feed:
    """JSON Feed 1.1, turned into the shape that feedparser gives."""
    try:
        feed = json.loads(body)
    except ValueError as cause:
        raise SourceMalformed(f"{name}: damaged: {cause}") from cause
    if not isinstance(feed, dict) or "jsonfeed.org/version" not in str(feed.get("version")):
        raise SourceMalformed(f"{name}: not a feed")
    items: list[Mapping[str, Any]] = []
    for item in feed.get("items") or ():
        authors = item.get("authors") or ([item["author"]] if item.get("author") else feed.get("authors") or ())
        items.append(
            {
                "id": str(item.get("id") or ""),
                "link": item.get("url") or item.get("external_url") or "",
                "title": item.get("title") or "",
                "summary": item.get("summary") or item.get("content_html") or item.get("content_text") or "",
                "published": item.get("date_published") or item.get("date_modified") or "",
                "authors": [{"name": author.get("name", "")} for author in authors if isinstance(author, dict)],
                "tags": [{"term": tag} for tag in item.get("tags") or ()],
                "image": item.get("image") or item.get("banner_image") or "",
                "language": item.get("language") or "",
            }
        )
    return _Feed(items=items, base=feed.get("home_page_url") or "", language=feed.get("language") or "")


def _article(item: Mapping[str, Any], feed: _Feed, options: Options, *, now: datetime) -> Article:
    base = item.get("title_detail", {}).get("base") or feed.base
    link = str(item.get("link") or "").strip()
    url = urljoin(base or feed.base, link) if link else ""
    if not is_web_url(url):
        url = str(item.get("id") or "")  # RSS: a guid that is a permalink
    if not is_web_url(url):
        known = link in ("", str(item.get("id") or ""))  # feedparser takes an id for a link where there is none
        raise ValueError("has no link" if known else f"its link {link[:80]!r} is no web address")
    title = clean.title(str(item.get("title") or ""))
    body = _body(item)
    if not title:
        title = clean.summary(body, 80)
    if not title:
        raise ValueError("has neither a title nor a text")
    published_at = _date(item) or (now if options.undated == "now" else None)
    if published_at is None:
        raise ValueError("has no date")
    tags = [str(tag.get("term") or tag.get("label") or "") for tag in item.get("tags") or ()]
    own = [tag for tag in tags if tag.strip().lower() not in _NO_TOPICS]
    return Article(
        key=str(item.get("id") or url),
        url=url,
        title=title[:300],
        published_at=published_at,
        authors=_authors(item),
        summary=clean.summary(body),
        image=_image(item, body, url),
        topics=_texts([*own, *options.topics.split(",")]),
        language=(item.get("language") or feed.language or "").replace("_", "-").strip().lower()[:12],
        words=_words(item),
        comment_count=_count(item.get("slash_comments")),
    )


def _body(item: Mapping[str, Any]) -> str:
    """The summary; where it says nothing, the content."""
    texts = [str(item.get("summary") or ""), *(str(part.get("value") or "") for part in item.get("content") or ())]
    return next((text for text in texts if re.search(r"\w", clean.plain_text(text))), "")


def _words(item: Mapping[str, Any]) -> int | None:
    """Only a full text tells how long an article is."""
    contents = [str(part.get("value") or "") for part in item.get("content") or ()]
    count = max((len(clean.plain_text(text).split()) for text in contents), default=0)
    return count if count > 150 else None


def _date(item: Mapping[str, Any]) -> datetime | None:
    for key in ("published_parsed", "updated_parsed", "created_parsed"):
        if item.get(key):
            try:
                return datetime.fromtimestamp(timegm(item[key]), UTC)
            except (OverflowError, ValueError, OSError):
                return None
    for key in ("published", "updated"):
        try:
            at = datetime.fromisoformat(str(item.get(key) or ""))
        except ValueError:
            continue
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    return None


def _authors(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Names without the mail addresses that RSS 2.0 puts beside them; a journal's long list becomes several."""
    found = _ADDRESS_FIRST.fullmatch(str(item.get("author") or "").strip())
    if found:
        return _texts([found[1]])
    named = [str(author.get("name") or "") for author in item.get("authors") or () if author]
    names = named or [str(item.get("author") or "")]
    if len(names) == 1 and _SURNAMES_FIRST.fullmatch(clean.plain_text(names[0])):
        names = [match.group().strip(" ,") for match in _SURNAME_FIRST.finditer(clean.plain_text(names[0]))]
    return _texts([name for name in names if not _ADDRESS.fullmatch(name.strip())])


def _image(item: Mapping[str, Any], body: str, url: str) -> Image | None:
    candidates = [str(item.get("image") or "")] if isinstance(item.get("image"), str) else []
    for media in (*(item.get("media_content") or ()), *(item.get("media_thumbnail") or ())):
        if media.get("medium", "image") == "image" and not str(media.get("type", "image")).startswith(
            ("video", "audio")
        ):
            candidates.append(str(media.get("url") or ""))
    candidates += [
        str(enclosure.get("href") or "")
        for enclosure in item.get("enclosures") or ()
        if str(enclosure.get("type", "")).startswith("image/")
    ]
    alt = ""
    for html in (body, *(str(part.get("value") or "") for part in item.get("content") or ())):
        for match in () if any(candidates) else _IMG.finditer(html):
            if _SPECK.search(match.group(0)):  # a pixel that counts readers is no picture
                continue
            candidates.append(unescape(match.group(1)))
            described = _ALT.search(match.group(0))
            alt = clean.plain_text(described.group(1)) if described else ""
            break
    for candidate in candidates:
        if candidate and is_web_url(absolute := urljoin(url, candidate.strip())):
            return Image(src=absolute, alt=alt)
    return None


def _texts(values: list[str]) -> tuple[str, ...]:
    texts = [clean.plain_text(str(value))[:120] for value in values]
    return tuple(dict.fromkeys(text for text in texts if text))


def _count(value: object) -> int | None:
    text = str(value or "").strip()
    return int(text) if text.isdigit() else None
