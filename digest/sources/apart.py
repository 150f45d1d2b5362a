"""Which items of a feed are several, and which are one: by id, by link, and else by what they say. Pure.

Some feeds give no ids, or one id to all; some link every item to the site's front page, to the show or to today's offers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import feedparser

from digest.model.article import Article
from digest.sources import bounds
from digest.sources.dedupe import (
    MANY,
    NAMELESS,
    are_alike,
    bare,
    bare_text,
    canonical_url,
    is_root,
    is_web_url,
    mark,
)
from digest.sources.language import language_code

_SAID = ("title", "published", "created", "updated", "summary")


_PAGES = ("text/html", "application/xhtml+xml")
_FILE = re.compile(r"\.(?:pdf|epub|docx?|odt|xlsx?|pptx?|zip|mp[34]|m4[av]|og[gv]|webm|jpe?g|png|gif|webp|svg)$", re.I)
_AMP = re.compile(r"(?:^|[/.?&_-])amp(?:[/.=&_-]|$)", re.I)


def with_its_page(item: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    """With the first link that is a page for its readers; feedparser keeps the last one (RFC 4287 §4.2.7: several with
    other types or languages may be there)."""
    links = [
        each
        for each in item.get("links") or ()
        if each.get("rel") == "alternate" and each.get("href") and each.get("type") in _PAGES
    ]
    if len(links) < 2:
        return item
    wanted = language_code(str(item.get("title_detail", {}).get("language") or language)).partition("-")[0]

    def unfit(link: Mapping[str, Any]) -> tuple[bool, bool, bool]:
        url = str(link["href"])
        is_amp = bool(_AMP.search(url.partition("://")[2]) or re.search(r"\bAMP\b", str(link.get("title") or "")))
        of = language_code(str(link.get("hreflang") or "")).partition("-")[0]
        return bool(_FILE.search(urlsplit(url).path)), is_amp, bool(wanted and of and of != wanted)

    best = min(links[: bounds.FEW], key=unfit)["href"]
    return item if best == item.get("link") else _changed(item, link=best)


def own_links(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A link that several items share is the site's or the show's, and none of theirs; nor is the site's front page. Then
    the next best is taken."""
    names: dict[str, set[str]] = {}
    for item in items:
        link, own_id = str(item.get("link") or ""), str(item.get("id") or "")
        is_named = own_id not in ("", link)
        names.setdefault(link, set()).add(own_id if is_named else _words_of(item))
    return [
        _changed(item, link="", shared_link=link)
        if (link := str(item.get("link") or "")) and (len(names[link]) > 1 or is_front(link))
        else item
        for item in items
    ]


def _words_of(item: Mapping[str, Any]) -> str:
    # `in` first: feedparser gives "published" for an "updated" that is not there, and warns
    return " ".join(str(item.get(name)) for name in _SAID if name in item)


def _changed(item: Mapping[str, Any], **values: object) -> Mapping[str, Any]:
    """A copy that is still feedparser's kind of dict: some of its names stand for others."""
    changed: Mapping[str, Any] = feedparser.FeedParserDict({**item, **values})
    return changed


def is_front(url: str) -> bool:
    """Of a site, without a fragment: some sites have all their stories on it, each at one."""
    return is_web_url(url) and "#" not in url and is_root(canonical_url(url))


def key_of(own_id: str, url: str, title: str) -> str:
    """What an item is known by: its id, its address (`url` is "" where it is shared), else its title."""
    if own_id and not is_front(own_id):
        return own_id
    return url or f"{NAMELESS}{mark(bare(title))}"


def told_apart(articles: Sequence[Article]) -> list[Article]:
    """Each story once, the newest of its versions. An id that stands for several addresses, or stories, is no id."""
    addresses: dict[str, set[str]] = {}
    for each in articles:
        addresses.setdefault(each.key, set()).add(canonical_url(each.url))
    found: dict[str, list[Article]] = {}
    for each in articles:
        key = each.key if len(addresses[each.key]) == 1 else canonical_url(each.url)
        found.setdefault(key, []).append(replace(each, key=key))
    return [article for versions in found.values() for article in _stories_of(versions)]


def _stories_of(versions: Sequence[Article]) -> list[Article]:
    """Of articles with one key and address: one, unless they say different things; then their words are their keys."""
    if len(versions) == 1:
        return [*versions]
    is_nameless = versions[0].key.startswith(NAMELESS)
    stories: dict[tuple[str, str], Article] = {}
    for each in sorted(versions, key=lambda article: article.published_at):
        words = bare(each.title), bare(each.summary) + (f" {each.published_at}" if is_nameless else "")
        if len(stories) < MANY:
            words = next((known for known in stories if _is_version(known, words, is_nameless)), words)
        stories[words] = each
    if len(stories) == 1:
        return [*stories.values()]
    alike = Counter(title for title, _ in stories)
    return [
        replace(each, key=f"{NAMELESS}{mark(title)} {mark(text)}" if alike[title] > 1 else f"{NAMELESS}{mark(title)}")
        for (title, text), each in stories.items()
    ]


def _is_version(known: tuple[str, str], other: tuple[str, str], is_nameless: bool) -> bool:
    """Of what has an id: edited in title or text; of what has none: said once more."""
    if is_nameless:
        return known == other
    return are_alike(known[0], other[0]) or (known[1] == other[1] and bool(bare_text(known[1])))
