"""RSS 0.9x to 2.0, RSS 1.0, Atom and JSON Feed, from a URL or a file -> Articles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urljoin
from xml.sax import SAXParseException
from xml.sax.saxutils import quoteattr

import feedparser

from digest import isolation
from digest.errors import SourceMalformed, SourceUnreachable
from digest.model.setting import Setting
from digest.model.source import Collected, Cursor
from digest.sources import bounds, clean
from digest.sources.angles import has_elements
from digest.sources.apart import own_links, told_apart, with_its_page
from digest.sources.charset import decode
from digest.sources.checked import sifted
from digest.sources.dates import read_date
from digest.sources.feed_item import Feed, article_of, cuts_of
from digest.sources.fetched import Fetched
from digest.sources.language import with_languages
from digest.sources.markup import (
    after_prolog,
    count_tags,
    elements_replaced,
    first_element,
    without_cdata_marks,
    without_elements,
)

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

MAX_FILE_BYTES = 10_000_000

_ROOT = re.compile(r"<(?:rss|feed|RDF|channel|[\w.-]{1,40}:(?:feed|rss|RDF))\b", re.I)
_START = re.compile(rf"<(?:\?xml|!DOCTYPE)\b|{_ROOT.pattern}", re.I)
_ROOT_END = re.compile(r"</(?:rss|feed|RDF|[\w.-]{1,40}:(?:feed|rss|RDF))\s*>", re.I)
_ITEM = re.compile(r"<(/?)(?:[\w.-]{1,40}:)?(?:item|entry)\b", re.I)
_DATE = re.compile(r"<(?:pubDate|published|updated|dc:date)>([^<]{1,100})<", re.I)
_ID = re.compile(r"<(?:guid|id)\b[^<>]*>([^<]{1,300}|\s*<!\[CDATA\[.{1,300}?\]\]>\s*)</(?:guid|id)>", re.I | re.S)
_MEDIA = re.compile(r"<(media:content)\b[^<>]*(?<!/)>")
_MEDIA_RSS = re.compile(r"""\bxmlns:([\w.-]{1,40})\s*=\s*["']http://search\.yahoo\.com/mrss/?["']""")
_GROUP = re.compile(r"<(media:group)\b[^<>]*(?<!/)>")
_MEDIA_TEXT = re.compile(r"<(media:description)\b[^<>]*>")
_MEDIA_TEXTS = re.compile(r"<(media:(?:description|title|credit|text))\b[^<>]*>")
_NUMBER = re.compile(r"&#(?:x([0-9a-f]+)|([0-9]+));?", re.I)
_NAMES = re.compile(
    r"<((?:[\w.-]{1,40}:)?(?:author|creator|contributor|managingEditor|webMaster|publisher|owner))\b[^<>]*(?<!/)>", re.I
)
_LONG_WORD = re.compile(r"(?<![\w.+-])([\w.+-]{200})[\w.+-]+", re.ASCII)

_SITE = re.compile(r"<link>\s*+(?:<!\[CDATA\[\s*+)?(https?://[^\s<\]]+)", re.I)
_WEB_PAGE = re.compile(r"<html|<!doctype html", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Exactly one of `url` and `file`."""

    url: Annotated[str, Setting(help="address of the feed: RSS, Atom or JSON Feed")] = ""
    file: Annotated[str, Setting(help="the same in a file on this machine")] = ""
    undated: Annotated[
        str,
        Setting(help='"refuse" items without a date, or take them as published "now"', choices=("refuse", "now")),
    ] = "refuse"
    topics: Annotated[str, Setting(help="added to every article, comma-separated")] = ""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.file):
            raise ValueError("give either url or file")


def read(fetched: Fetched, options: Options, *, now: datetime) -> Collected:
    """What is done in a child process: `parse`, and the languages of what it gives."""
    found = parse(fetched, options, now=now)
    return replace(found, articles=tuple(with_languages(found.articles)))


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """One page: a feed is small."""
    if options.file:
        yield _parsed(_read_file(options.file), options, now)
        return
    fetched = fetcher.get(options.url, etag=cursor.etag, modified=cursor.modified)
    if fetched.status == 304:
        yield Collected(cursor=cursor, is_unchanged=True, moved_to=fetched.moved_to)
        return
    yield replace(_parsed(fetched, options, now), moved_to=fetched.moved_to)


def _parsed(fetched: Fetched, options: Options, now: datetime) -> Collected:
    try:
        return isolation.call(read, fetched, options, now=now)
    except isolation.TooMuch as cause:
        raise SourceMalformed(f"{options.url or options.file}: {cause}") from cause


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
    undated = now if options.undated == "now" else None
    items = own_links([with_its_page(item, found.language) for item in found.items])
    good, bad = sifted(
        enumerate(items, 1),
        lambda item: article_of(item[1], found, undated=undated, topics=options.topics.split(",")),
        _name_of,
    )
    cut = [f"{_name_of(item)}: {line}" for item in enumerate(found.items, 1) for line in cuts_of(item[1])]
    stories = told_apart(good)
    articles = sorted(stories, key=lambda article: article.published_at)
    is_whole = not found.complaints  # what was cut off is asked for again, not "if modified"
    return Collected(
        articles=tuple(articles),
        refused=(*found.complaints, *bad),
        repeated=len(good) - len(stories),
        read=len(found.items) + len(found.complaints),
        is_whole=is_whole and not found.cut,
        cut=(*found.cut, *cut),
        cursor=Cursor(
            at=articles[-1].published_at if articles else None,
            etag=fetched.etag if is_whole else "",
            modified=fetched.modified if is_whole else "",
        ),
    )


def _name_of(item: tuple[int, Mapping[str, Any]]) -> str:
    return f"item {item[0]} ({clean.title(str(item[1].get('title') or ''))[:60] or 'no title'})"


def _xml_feed(text: str, url: str, name: str) -> Feed:
    found = _START.search(text[:20_000])  # warnings of a site's own programs may stand before it
    root = _ROOT.search(text, start := after_prolog(text, found.start()), start + 20_000) if found else None
    if root is None:
        raise SourceMalformed(f"{name}: {'a web page, not a feed' if _WEB_PAGE.search(text[:2_000]) else 'not a feed'}")
    ends = [found.end() for found in _ROOT_END.finditer(text, root.end())]
    body, many = _with_few_items(text[root.start() : ends[-1] if ends else None])
    if count_tags(body, at_most=bounds.TAGS) > bounds.TAGS:
        raise SourceMalformed(f"{name}: has more than {bounds.TAGS:,} elements")
    body = _captioned(_NUMBER.sub(_character, body))
    body = elements_replaced(body, _NAMES, _with_short_words)
    base = _site(body) or url
    parsed = feedparser.parse(
        BytesIO(b'<?xml version="1.0" encoding="utf-8"?>\n' + body.encode("utf-8", "replace")),
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
    if parsed.bozo and not ends:
        what = _damage(parsed.get("bozo_exception"))
        if not items:
            raise SourceMalformed(f"{name}: damaged: {what}")
        half = _ends_in_an_item(body)
        if half:
            items.pop()
        lost = "its last item was left out" if half else "there may be more"
        complaints = (f"the feed is cut off: {lost} ({what})",)
    return Feed(
        items=items,
        base=base or parsed.feed.get("link", ""),
        language=parsed.feed.get("language", ""),
        authors=tuple(_feed_authors(parsed)),
        is_atom=parsed.version.startswith("atom"),
        complaints=complaints,
        cut=(many,) if many else (),
    )


def _with_few_items(body: str) -> tuple[str, str]:
    """The newest two thousand items, where there are more, and a line that says so. Feeds stand in order: either way."""
    starts = [found.start() for found in _ITEM.finditer(body) if not found[1]]
    if len(starts) <= bounds.ITEMS:
        return body, ""
    ends = [found for found in _ITEM.finditer(body, starts[-1]) if found[1]]
    after = body.find(">", ends[-1].end()) + 1 if ends else len(body)
    first, last = (_DATE.search(body, at) for at in (starts[0], starts[-1]))
    dates = [read_date(found[1]) if found else None for found in (first, last)]
    if dates[0] and dates[1] and dates[0] < dates[1]:
        kept = body[starts[-bounds.ITEMS] : after]
    else:
        kept = body[starts[0] : starts[bounds.ITEMS]]
    return body[: starts[0]] + kept + body[after:], _too_many(len(starts))


def _with_short_words(opening: re.Match[str], inside: str) -> str:
    """feedparser looks for an address in them, again from every letter."""
    short = _LONG_WORD.sub(r"\1", inside)
    return f"{opening[0]}{short}</{opening[1]}>"


def _character(found: re.Match[str]) -> str:
    """Numbers that stand for no character: over one of them feedparser loses all items."""
    digits, base = (found[1], 16) if found[1] else (found[2], 10)
    number = int(digits, base) if len(digits) < 10 else 0
    return "\ufffd" if number in (0, 0xFFFE, 0xFFFF) or 0xD800 <= number < 0xE000 or number > 0x10FFFF else found[0]


def _damage(cause: Any) -> str:
    """Without the place: it is one in what was left of the feed."""
    return str(cause.getMessage() if isinstance(cause, SAXParseException) else cause)


def _too_many(count: int) -> str:
    return f"it has {count:,} items: the newest {bounds.ITEMS:,} are read"


def _captioned(body: str) -> str:
    """With what stands beside pictures under names of its own: feedparser takes a `media:description` for the article's."""
    for prefix in {found[1] for found in _MEDIA_RSS.finditer(body)} - {"media"}:
        body = re.sub(rf"<(/?){re.escape(prefix)}:(description|content|group)\b", r"<\1media:\2", body)
    if "<media:description" not in body:
        return body
    body = elements_replaced(body, _MEDIA, _described)
    body = elements_replaced(
        body, _GROUP, lambda group, inside: f"{group[0]}{_renamed(inside, 'caption')}</media:group>"
    )
    return _renamed(body, "legend")


def _renamed(body: str, name: str) -> str:
    return re.sub(r"<(/?)media:description\b", rf"<\1media:{name}", body)


def _described(media: re.Match[str], inside: str) -> str:
    """With the text of a picture where feedparser finds it: it takes a picture's description for the article's."""
    said = first_element(inside, _MEDIA_TEXT)
    alt = clean.plain_text(clean.unescaped(without_cdata_marks(said)))
    return f"{media[0][:-1]} alt={quoteattr(alt)}>{without_elements(inside, _MEDIA_TEXTS, '')}</media:content>"


def _site(body: str) -> str:
    """Where the site of an RSS feed is: its addresses are relative to that, wherever the feed itself lies."""
    head = body[: found.start() if (found := re.search(r"<item\b", body)) else 20_000]
    link = _SITE.search(head)
    return clean.unescaped(link.group(1)) if link else ""


def _with_its_id(body: str, base: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """feedparser takes an id such as "12" for an address, and makes it one that leads nowhere."""
    given = {without_cdata_marks(each).strip() for each in _ID.findall(body)}
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
    if not isinstance(feed, dict) or "jsonfeed.org/version" not in _text(feed.get("version")):
        raise SourceMalformed(f"{name}: not a feed")
    items = [item if isinstance(item, dict) else {} for item in _list(feed.get("items"))]
    return Feed(
        items=[_json_item(item) for item in _newest(items)],
        base=_text(feed.get("home_page_url")) or _text(feed.get("feed_url")) or url,
        language=_text(feed.get("language")),
        authors=tuple(_json_authors(feed)),
        cut=(_too_many(len(items)),) if len(items) > bounds.ITEMS else (),
    )


def _newest(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a feed that stands in order, whichever way."""
    if len(items) <= bounds.ITEMS:
        return items
    first, last = (read_date(_text(each.get("date_published"))) for each in (items[0], items[-1]))
    return items[-bounds.ITEMS :] if first and last and first < last else items[: bounds.ITEMS]


def _json_item(item: Mapping[str, Any]) -> Mapping[str, Any]:
    def said(*names: str) -> str:
        return next((text for name in names if (text := _text(item.get(name)))), "")

    def plain(name: str) -> str:
        """As HTML: these are texts (JSON Feed 1.1, Items). But who closes an element in one means HTML."""
        text = said(name)
        return text if has_elements(text) else escape(text, quote=False)

    return {
        "id": said("id"),
        "link": said("url", "external_url"),
        "title": plain("title"),
        "summary": plain("summary"),
        "content": [{"value": said("content_html") or plain("content_text")}],
        "published": said("date_published", "date_modified"),
        "authors": [{"name": name} for name in _json_authors(item)],
        "tags": [{"term": _text(tag)} for tag in _list(item.get("tags"))],
        "image": said("image", "banner_image"),
        "enclosures": [
            {"href": _text(each.get("url")), "type": _text(each.get("mime_type"))}
            for each in _list(item.get("attachments"))
            if isinstance(each, dict)
        ],
        "language": said("language"),
    }


def _json_authors(thing: Mapping[str, Any]) -> list[str]:
    """1.1 has `authors`, 1.0 `author`."""
    authors = _list(thing.get("authors")) or [thing.get("author")]
    return [_text(each.get("name")) for each in authors if isinstance(each, dict)]


def _text(value: object) -> str:
    """JSON Feed 1.1 wants texts, and numbers taken as such; anything else says nothing."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
