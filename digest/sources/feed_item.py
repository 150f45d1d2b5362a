"""One item of a feed -> an Article. Pure.

What feeds do, and what comes of it, stands beside each rule; tests/sources/feeds has an example of each.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from typing import Any

from digest.model.article import Article, Image
from digest.sources import bounds, clean
from digest.sources.angles import has_elements
from digest.sources.apart import is_front, key_of
from digest.sources.dates import FIRST_YEAR, LAST_YEAR, read_date, read_day_of_url, trouble_with
from digest.sources.dedupe import is_web_url
from digest.sources.language import language_code
from digest.sources.links import joined
from digest.sources.markup import without_elements
from digest.sources.numbers import count_of
from digest.sources.pictures import Picture, choose, is_named_as_picture, number, pictures_in

_ADDRESS = re.compile(r"\S+@\S+")
_ADDRESS_FIRST = re.compile(r"\S+@\S+ \((.+)\)")  # RSS 2.0 <author>: jonas@example.org (Jonas Berg)
_BY = re.compile(r"(?i)^(?:by|von|par|por|di)\s+(?=[^\W\d_])")
_INITIALS = r"(?:[^\W\d_]\.[ -]?+)++"
_SURNAME_FIRST = re.compile(rf"[^,]+, {_INITIALS}(?:,|$)")
_SURNAMES_FIRST = re.compile(rf"(?:[^,]++, {_INITIALS}(?:, ?+|$)){{2,}}")  # "Lu, A., O'Neil, R. J."
_WHOLE_NAMES = re.compile(r"[^\s,;]+ [^,;]+(?:[,;] [^\s,;]+ [^,;]+)+")  # "Ana Kovač, Jonas Meier", not "Kovač, Ana"

_NO_TOPICS = {"uncategorized", "uncategorised", "allgemein", "unkategorisiert", "non classé"}
"""What WordPress writes where an author chose none."""

_ONLY_LINKS = re.compile(r"(?is)\s*(?:<p>\s*)?<a\b[^>]*>[^<]*</a>\s*(?:</p>\s*)?")  # Hacker News: a link to "Comments"
_REDDIT = re.compile(r"\s*submitted by\s+/?u/\S+(?:\s+to\s+/?r/\S+)?\s+\[link\]\s+\[comments\]\s*$")
_ARXIV = re.compile(r"^arXiv:\S+ Announce Type: \S+\s+(?:Abstract:\s*)?")
_DISCOURSE = re.compile(r"\s*(?<!\d)\d+ posts? - \d+ participants?\s+Read full topic\s*$")
_HANDLE = re.compile(r"@\w+ (?=[^\W\d_])")  # Discourse: "@ana Ana Kovač"
_FIGURE = re.compile(r"<(figure|figcaption)\b[^<>]*>", re.I)
_FIRST_ELEMENT = re.compile(r"\s*<(h[1-6]|span|p|div|strong)\b[^<>]*>([^<]*)</\1>", re.I)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}\d{0,2});", re.I)
_VAGUE = re.compile(r"\s*(?:\d{1,2}/\d{1,2}/\d{2,4}|\d{4}(?:-\d{1,2})?\s*$)")  # the 5th of June, or of May; some day


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What all items of a feed share.

    items      in feedparser's shape
    authors    of those that name none
    complaints what is wrong with the feed as a whole
    cut        what of it was not read, because it was too much
    """

    items: Sequence[Mapping[str, Any]]
    base: str
    language: str
    authors: tuple[str, ...] = ()
    is_atom: bool = False
    complaints: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


def article_of(item: Mapping[str, Any], feed: Feed, *, undated: datetime | None, topics: Sequence[str]) -> Article:
    """ValueError says why it is none. `undated` is when an item without a date was published."""
    url = _url(item, feed)
    title = _title(item, feed)
    body = _body(item, title, feed)
    title = title or clean.summary(body, 80)
    if not title:
        raise ValueError("has neither a title nor a text")
    tags = [_topic(tag) for tag in (item.get("tags") or ())[: bounds.FEW]]
    own = [tag for tag in tags if tag.strip().lower() not in _NO_TOPICS and not is_web_url(tag)]
    return Article(
        key=key_of(str(item.get("id") or "").strip(), "" if _is_shared(item, url, feed) else url, title),
        url=url,
        title=title[:300],
        published_at=_published_at(item, url, undated),
        authors=_authors(item) or _texts(list(feed.authors)),
        summary=clean.summary(body),
        image=_image(item, url),
        topics=_texts([*own, *topics]),
        language=_language(item, feed),
        words=_words(item),
        comment_count=_count(item.get("slash_comments") or item.get("thr_total")),
    )


def _topic(tag: Mapping[str, Any]) -> str:
    """Its label, which is for people (RFC 4287 §4.2.2.3); the term is for programs. Reddit's "r/rust" is no better."""
    term, label = str(tag.get("term") or ""), str(tag.get("label") or "")
    return term if label.endswith(f"/{term}") else label or term


def cuts_of(item: Mapping[str, Any]) -> list[str]:
    """What of an item is longer than what is read of it."""
    texts = [
        ("title", str(item.get("title") or ""), bounds.TITLE),
        *(("text", t, bounds.TEXT) for t in _texts_of(item)),
    ]
    return [line for name, text, limit in texts if (line := bounds.said(text, limit, name))]


def _url(item: Mapping[str, Any], feed: Feed) -> str:
    """Its own address: FeedBurner's original, the link, a guid that is one, the file of an episode, what it shares."""
    ways = [item.get("feedburner_origlink"), item.get("link"), item.get("id")]
    ways += [enclosure.get("href") for enclosure in (item.get("enclosures") or ())[: bounds.FEW]]
    ways += [item.get("shared_link")]
    for way in ways:
        given = str(way or "").strip()
        url = joined("" if given == item.get("id") else _base(item, feed), given) if given else ""
        if is_web_url(url):
            return url
    link = str(item.get("link") or "").strip()
    known = link in ("", str(item.get("id") or ""))  # feedparser takes an id for a link where there is none
    raise ValueError("has no link" if known else f"its link {link[:80]!r} is no web address")


def _base(item: Mapping[str, Any], feed: Feed) -> str:
    return item.get("title_detail", {}).get("base") or feed.base


def _is_shared(item: Mapping[str, Any], url: str, feed: Feed) -> bool:
    return is_front(url) or ("shared_link" in item and joined(_base(item, feed), str(item["shared_link"])) == url)


def _title(item: Mapping[str, Any], feed: Feed) -> str:
    return clean.title(_as_html(str(item.get("title") or ""), item.get("title_detail"), feed))


def _as_html(text: str, detail: Mapping[str, Any] | None, feed: Feed) -> str:
    """RFC 4287 §3.1.1.1: in a text "<table>" is a word, and no tag.

    Who closes an element there, or writes "&amp;" for "&", means HTML: what names no type is a text, and few know it.
    """
    is_text = feed.is_atom and (detail or {}).get("type") == "text/plain"
    return escape(text, quote=False) if is_text and not has_elements(text) and not _ENTITY.search(text) else text


def _body(item: Mapping[str, Any], title: str, feed: Feed) -> str:
    """The summary; where it says nothing, or only the title again, the content."""
    details = [item.get("summary_detail"), *(item.get("content") or ()), None]
    texts = (
        _said(_as_html(text[: bounds.TEXT], detail, feed), title)
        for text, detail in zip(_texts_of(item), details, strict=True)
    )
    return next((text for text in texts if re.search(r"\w", clean.plain_text(text))), "")


def _texts_of(item: Mapping[str, Any]) -> Iterator[str]:
    yield str(item.get("summary") or "")
    yield from _contents(item)
    yield str(item.get("media_caption") or "")  # feed.py: of a video, which often has no other text


def _contents(item: Mapping[str, Any]) -> list[str]:
    return [str(part.get("value") or "") for part in item.get("content") or ()]


def _said(text: str, title: str) -> str:
    """Without captions, the title once more, and what the programs of some big sites put around it."""
    if _ONLY_LINKS.fullmatch(text):
        return ""
    text = without_elements(text[: bounds.TEXT], _FIGURE)
    first = _FIRST_ELEMENT.match(text)
    if first and title and clean.title(first.group(2)) == title:
        text = text[first.end() :]
    if "submitted by" in text or "Read full topic" in text or text.startswith("arXiv:"):
        return escape(_DISCOURSE.sub("", _ARXIV.sub("", _REDDIT.sub("", clean.plain_text(text)))), quote=False)
    return text


def _words(item: Mapping[str, Any]) -> int | None:
    """Only a full text tells how long an article is."""
    count = max((clean.count_words(clean.plain_text(text)) for text in _contents(item)), default=0)
    return count if count > 150 else None


def _published_at(item: Mapping[str, Any], url: str, undated: datetime | None) -> datetime:
    """As it says, else as feedparser understands it, else the day in its address."""
    # `in` first: feedparser gives "published" for an "updated" that is not there, and warns
    said = [str(item.get(name) or "") for name in ("published", "created", "updated") if name in item]
    for text in filter(None, said):
        if at := read_date(text):
            return at
    if trouble := next(filter(None, map(trouble_with, said)), ""):
        raise ValueError(f"its date {said[0][:40]!r}: {trouble}")
    for name in ("published_parsed", "created_parsed", "updated_parsed"):
        if name in item and item.get(name) and FIRST_YEAR <= item[name][0] <= LAST_YEAR and not _is_vague(said):
            return datetime.fromtimestamp(timegm(item[name]), UTC)
    found = read_day_of_url(url) or undated
    if found is None:
        text = next(filter(None, said), "")
        raise ValueError(f"its date {text[:40]!r} cannot be understood" if text else "has no date")
    return found


def _is_vague(said: Sequence[str]) -> bool:
    return any(_VAGUE.match(text) for text in said)


def _authors(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Names without the mail addresses that RSS 2.0 puts beside them; a list in one text becomes several."""
    author = str(item.get("author") or "")[: bounds.TITLE].strip()
    found = _ADDRESS_FIRST.fullmatch(author[:200])
    if found:
        return _texts([found[1]])
    named = [str(each.get("name") or "") for each in (item.get("authors") or ())[: bounds.FEW] if each]
    names = [_HANDLE.sub("", _BY.sub("", clean.title(name))) for name in named or [author]]
    if len(names) == 1 and _SURNAMES_FIRST.fullmatch(names[0]):
        names = [match.group().strip(" ,") for match in _SURNAME_FIRST.finditer(names[0])]
    elif len(names) == 1 and _WHOLE_NAMES.fullmatch(names[0]):
        names = re.split(r"[,;] (?:and |und |et |y )?", names[0])
    return _texts([name for name in names if not _ADDRESS.fullmatch(name.strip())])


def _image(item: Mapping[str, Any], url: str) -> Image | None:
    """Named for the item, then attached, then the first of its texts; never the logo of the feed."""
    return choose(_pictures(item), base=url)


def _pictures(item: Mapping[str, Any]) -> Iterator[Picture]:
    shown = [*_shown(item)]
    alts = {src: each.alt for each in shown for src in (each.src, *each.also)}
    named = item.get("image")
    if named:
        yield Picture(src=str(named.get("href") or "") if isinstance(named, Mapping) else str(named))
    for each in (item.get("media_content") or ())[: bounds.FEW]:
        if _is_picture(str(each.get("url") or ""), str(each.get("type") or ""), str(each.get("medium") or "")):
            yield _attached(each, "url", alts)
    for each in (item.get("media_thumbnail") or ())[: bounds.FEW]:
        yield _attached(each, "url", alts)
    for each in (item.get("enclosures") or ())[: bounds.FEW]:
        if _is_picture(str(each.get("href") or ""), str(each.get("type") or "")):
            yield _attached(each, "href", alts)
    yield from shown


def _attached(each: Mapping[str, Any], name: str, alts: Mapping[str, str]) -> Picture:
    src, kind = str(each.get(name) or ""), str(each.get("type") or "")
    alt = str(each.get("alt") or alts.get(src, ""))
    return Picture(src=src, alt=alt, width=number(each.get("width")), kind=kind)


def _is_picture(url: str, kind: str, medium: str = "") -> bool:
    """By its type, else its medium, else its name: many say neither, or what their server says of every file."""
    kind = kind.strip().lower()
    if kind and kind != "application/octet-stream":
        return kind.startswith("image") and medium in ("", "image")
    return medium == "image" or (not medium and is_named_as_picture(url))


def _shown(item: Mapping[str, Any]) -> Iterator[Picture]:
    """In its texts; each has a base of its own."""
    for part in (item.get("summary_detail") or {}, *(item.get("content") or ())):
        base = str(part.get("base") or "")
        for picture in pictures_in(str(part.get("value") or "")):
            also = tuple(joined(base, each) for each in picture.also)
            yield replace(picture, src=joined(base, picture.src), also=also)


def _language(item: Mapping[str, Any], feed: Feed) -> str:
    given = item.get("language") or item.get("title_detail", {}).get("language") or feed.language or ""
    return language_code(str(given))


def _texts(values: Sequence[str]) -> tuple[str, ...]:
    texts = [clean.title(str(value))[:120] for value in values]
    return tuple(dict.fromkeys(text for text in texts if text))


def _count(value: object) -> int | None:
    return count_of(str(value or ""), "comment_count")
