"""One story from several places -> one Article. Pure.

The same story is known by its key, by its address, or by what it says. None of them is enough alone: keys are used
again, addresses are shared, titles recur every week. So each counts only where nothing speaks against it (`is_same`).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import idna

from digest.model.article import Article
from digest.model.source import SourceId
from digest.sources.tracking import without_tracking

_TWIN_HOSTS = ("www", "amp", "m", "mobile")
_AMP_CACHE = re.compile(
    r"/(?:c|v|wp)/(?:s/)?([^/]+)(/.*)?"
)  # https://example-org.cdn.ampproject.org/c/s/example.org/story
_AMP_VIEWER = re.compile(r"/amp/(?:s/)?([^/]+)(/.*)?")  # https://www.google.com/amp/s/example.org/story
_AMP_END = re.compile(r"(?:/amp|/amp\.html|\.amp)$|(?<=\.)amp\.(?=html?$)", re.I)

ZONE_ERROR = timedelta(hours=14)
"""Dates of one story in two places differ by a zone that was forgotten, at most; what recurs daily is further apart."""

LONGEST = 2_000
"""Characters; of a text that is longer no more is compared."""

TEXT_LENGTH = 60
"""A text that is shorter says nothing of its own; of a longer one so much is compared, since places cut differently."""

ALIKE = 0.6
"""From here on two titles are one that was edited (share of their pairs of letters)."""


MAX_URL = 2_000
"""Octets. What is longer no mail program and no index takes."""

_HOST = re.compile(r"\w(?:[\w.-]*\w)?\.?|[0-9a-f:]+[0-9a-f:.]*")
_NEVER_IN_URL = re.compile("[\\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffd]")


def is_web_url(url: str, *, may_have_user: bool = False) -> bool:
    """http or https with a host: what a mail may link to. `javascript:`, `data:` and the rest are not.

    may_have_user   "user:password@" before the host: it opens a source, and in a link it makes people take one site for
                    another
    """
    if len(url) > MAX_URL or _NEVER_IN_URL.search(url) or len(url.encode()) > MAX_URL:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # it is read when it is asked for
    except ValueError:
        return False
    is_ours = parts.scheme in ("http", "https") and ("@" not in parts.netloc or may_have_user)
    return is_ours and _HOST.fullmatch(parts.hostname or "") is not None


def without_user(url: str) -> str:
    """An address as others may see it: without the user name and the password that open it for us."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def host_of(url: str) -> str:
    """As a browser would go there, in small letters; "" where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=4_096)  # each article is asked three times
def canonical_url(url: str) -> str:
    """What several addresses of one page have in common; for comparing, not for linking.

    http and https are one, so are letters of the scheme and host, the default port, a fragment, tracking parameters and
    the order of the others, a slash at the end; the page for telephones and for AMP (`m.`, `amp.`, `/amp`, Google's copies
    of it) and the site with and without `www.`.
    """
    parts = urlsplit(url.strip())
    host, path = _host(parts.hostname or ""), parts.path
    copied = None
    if host.endswith(".cdn.ampproject.org"):
        copied = _AMP_CACHE.fullmatch(path)
    elif host in ("google.com", "www.google.com"):
        copied = _AMP_VIEWER.fullmatch(path)
    if copied:
        host, path = _host(copied[1]), copied[2] or ""
    labels = host.split(".")
    first = next((at for at, label in enumerate(labels[:-2]) if label not in _TWIN_HOSTS), max(0, len(labels) - 2))
    host = ".".join(labels[first:])
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    path = _AMP_END.sub("", path.rstrip("/"))
    query = sorted(without_tracking(parse_qsl(parts.query, keep_blank_values=True))) if parts.query else []
    return urlunsplit(("https", host + port, path.rstrip("/"), urlencode(query), ""))


def _host(name: str) -> str:
    name = name.lower().rstrip(".")
    with contextlib.suppress(idna.IDNAError):
        return name if name.isascii() else idna.encode(name, uts46=True).decode()
    return name


# --- what a story is known by ----------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Story:
    """An article, as far as it matters for telling whether another one is the same.

    id       of its row; None before it has one
    keys     (source, key) by which it is known, old ones as well
    urls     canonical
    title    bare: letters and digits
    text     the beginning of what it says, bare; "" where that is too little to know it by
    """

    id: int | None
    source_id: SourceId | None
    keys: set[tuple[SourceId | None, str]] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)
    title: str
    text: str
    published_at: datetime


def story_of(article: Article, source_id: SourceId | None) -> Story:
    return Story(
        id=article.id,
        source_id=source_id,
        keys={(source_id, article.key)},
        urls={canonical_url(article.url)},
        title=bare(article.title),
        text=bare_text(article.summary),
        published_at=article.published_at,
    )


def bare(text: str) -> str:
    """Letters and digits alone, so that typography makes no difference."""
    folded = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    return " ".join(re.findall(r"\w+", folded))


def bare_text(summary: str) -> str:
    text = bare(summary)
    return text[:TEXT_LENGTH] if len(text) >= TEXT_LENGTH else ""


def mark(bare_text: str) -> str:
    """A short name for a text, to look it up by; "" for none."""
    return hashlib.blake2b(bare_text.encode(), digest_size=12).hexdigest() if bare_text else ""


def is_same(new: Story, known: Story) -> bool:
    """Are these one story?

    key       the same in one source: yes, unless address, title and date all say otherwise (ids are used again)
    address   the same: yes, unless key, title, text and date all say otherwise (several stories on one page)
    content   the same title and text, at nearly the same time, wherever: yes. In one source also the same title at the very
              same instant: a story whose address and id were changed in one go. Not the same text alone: stories of a
              series begin with the same words on the same day
    """
    alike = _are_alike(new.title, known.title)
    same_text = bool(new.text) and new.text == known.text
    gap = abs(new.published_at - known.published_at)
    same_time = gap <= ZONE_ERROR
    if new.keys & known.keys:
        return bool(new.urls & known.urls) or alike or same_time or same_text
    if new.urls & known.urls:
        return alike or same_text or (same_time and new.source_id != known.source_id)
    same_title = bool(new.title) and new.title == known.title
    if same_title and same_text:
        return same_time
    return new.source_id == known.source_id and gap < timedelta(seconds=2) and same_title


def _are_alike(one: str, other: str) -> bool:
    """One title, and the same after an edit. Another number makes another story: "Minutes, week 12" and "week 13"."""
    if one == other:
        return True
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    pairs, others = _pairs(one), _pairs(other)
    total = pairs.total() + others.total()
    return total > 0 and 2 * (pairs & others).total() / total >= ALIKE


def _pairs(text: str) -> Counter[str]:
    return Counter(word[at : at + 2] for word in text.split() for at in range(max(1, len(word) - 1)))


class Stories:
    """Known stories, to find a new one among. They grow with what is found (`learn`)."""

    def __init__(self, known: Iterable[Story]) -> None:
        self._by_key: dict[tuple[SourceId | None, str], list[Story]] = {}
        self._by_url: dict[str, list[Story]] = {}
        self._by_title: dict[str, list[Story]] = {}
        for story in known:
            self.add(story)

    def add(self, story: Story) -> None:
        for key in story.keys:
            self._by_key.setdefault(key, []).append(story)
        for url in story.urls:
            self._by_url.setdefault(url, []).append(story)
        if story.title:
            self._by_title.setdefault(story.title, []).append(story)

    def find(self, new: Story) -> Story | None:
        """The story that this one is; its key counts before its address, its address before its title."""
        near = (
            *(story for key in new.keys for story in self._by_key.get(key, ())),
            *(story for url in new.urls for story in self._by_url.get(url, ())),
            *self._by_title.get(new.title, ()),
        )
        return next((story for story in near if is_same(new, story)), None)

    def learn(self, known: Story, new: Story) -> list[str]:
        """`known` is called what `new` is called, too; returns the names that are new (`name_of_key`, `name_of_url`)."""
        names = []
        for key in new.keys - known.keys:
            known.keys.add(key)
            self._by_key.setdefault(key, []).append(known)
            names.append(name_of_key(*key))
        for url in new.urls - known.urls:
            known.urls.add(url)
            self._by_url.setdefault(url, []).append(known)
            names.append(name_of_url(url))
        return names


def name_of_key(source_id: SourceId | None, key: str) -> str:
    return f"key {source_id or ''} {key}"


def name_of_url(url: str) -> str:
    return f"url {url}"
