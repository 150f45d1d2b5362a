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
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
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

REWRITTEN = timedelta(hours=18)
"""A story that is told anew under a new id keeps its day; what recurs daily on one page is further apart."""

AN_INSTANT = timedelta(seconds=2)

MANY = 20
"""So many stories on one page, or with the same words, are compared; what more there are would have to be the very same."""

ALIKE = 0.6
"""From here on two titles are one that was edited (share of their pairs of letters)."""


MAX_URL = 2_000
"""Octets. What is longer no mail program and no index takes."""

_HOST = re.compile(r"\w(?:[\w.-]*\w)?\.?|[0-9a-f:]+[0-9a-f:.]*")
_NEVER_IN_URL = re.compile("[\\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffd]")


@lru_cache(maxsize=4_096)  # each article's is asked for four times
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
    urls     canonical; none where the address is nobody's (`is_nobodys`)
    title    bare: letters and digits
    said     its text, bare
    text     the beginning of it; "" where that is too little to know it by
    """

    id: int | None
    source_id: SourceId | None
    keys: set[tuple[SourceId | None, str]] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)
    title: str
    said: str = ""
    published_at: datetime

    @property
    def text(self) -> str:
        return bare_text(self.said)


def story_of(article: Article, source_id: SourceId | None, *, is_page: bool = False) -> Story:
    """is_page   its key is the address that it was read from: it is known by that one as well"""
    names = (article.url, article.key) if is_page else (article.url,)
    urls = {url for name in names if not is_root(url := canonical_url(name))}
    return Story(
        id=article.id,
        source_id=source_id,
        keys={(source_id, article.key)},
        urls=set() if article.key.startswith(NAMELESS) else urls,
        title=bare(article.title),
        said=bare(article.summary),
        published_at=article.published_at,
    )


NAMELESS = "told apart by its words: "
"""Begins the key of an item that has no id, and no address of its own either (sources/apart.py)."""


def is_root(canonical: str) -> bool:
    """Is it a site's front page? That is no story's address: what names it as its own says nothing."""
    return canonical.find("/", 8) < 0 and "?" not in canonical  # behind https://


def bare(text: str) -> str:
    """Letters and digits alone, so that typography makes no difference."""
    folded = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    return " ".join(re.findall(r"\w+", folded))


def bare_text(said: str) -> str:
    return said[:TEXT_LENGTH] if len(said) >= TEXT_LENGTH else ""


def mark(bare_text: str) -> str:
    """A short name for a text, to look it up by; "" for none."""
    return hashlib.blake2b(bare_text.encode(), digest_size=12).hexdigest() if bare_text else ""


@dataclass(frozen=True, slots=True)
class SourceContents:
    """All that a source has at the moment.

    keys     of its items
    shared   canonical addresses that several of its stories have, now or ever
    """

    keys: Set[str]
    shared: Set[str]

    def has(self, known: Story, source_id: SourceId | None) -> bool:
        return any(source == source_id and key in self.keys for source, key in known.keys)


def is_same(new: Story, known: Story, contents: SourceContents | None = None) -> bool:
    """Are these one story?

    key       the same in one source: yes, unless address, title and date all say otherwise (ids are used again). One that
              is made of a title: yes, if the text or the day is the same, too
    address   the same: yes, unless key, title, text and date all say otherwise (several stories on one page); also where
              all was rewritten, if its old id is gone (`_is_rewritten`)
    content   the same title and text, at nearly the same time, wherever: yes. In one source also the same title at the very
              same instant: a story whose address and id were changed in one go; or nearly the same title with the same
              text, if its old id is gone. Not the same text alone: stories of a series begin with the same words on the
              same day
    contents  what stands in one source under two ids at once is two, unless title and text are the same
    """
    gap = abs(new.published_at - known.published_at)
    same_time = gap <= ZONE_ERROR
    same_text = bool(new.text) and new.text == known.text
    same_title = bool(new.title) and new.title == known.title
    if common := new.keys & known.keys:
        if all(key.startswith(NAMELESS) for _, key in common):
            return same_time or new.said == known.said
        return bool(new.urls & known.urls) or same_time or same_text or are_alike(new.title, known.title)
    is_ours = new.source_id == known.source_id
    if contents and contents.has(known, new.source_id):
        return same_title and same_time and bool(new.said) and new.said == known.said
    if new.urls & known.urls:
        if same_text or are_alike(new.title, known.title):
            return True
        return _is_rewritten(new, known, gap, contents) if is_ours else same_time
    if same_title and same_text:
        return same_time
    if not is_ours or gap >= AN_INSTANT:
        return False
    is_gone = contents is not None
    return same_title or (is_gone and bool(new.said) and new.said == known.said and are_alike(new.title, known.title))


def _is_rewritten(new: Story, known: Story, gap: timedelta, contents: SourceContents | None) -> bool:
    """In one source, at one address, with another id, title and text, and the old id is gone: an edit? If the ids are
    revisions (`...#0`, `...#1`), or nearly at once; what a page shows today and what it showed last week are two."""
    if contents is None or new.urls & known.urls & contents.shared:
        return False
    return gap <= REWRITTEN or bool(_revised(new) & _revised(known))


def _revised(story: Story) -> set[str]:
    """What its ids that end in a fragment are revisions of: the story's own address."""
    ids = (key.rpartition("#")[0] for _, key in story.keys if "#" in key)
    return {url for each in ids if is_web_url(each) and (url := canonical_url(each)) in story.urls}


def are_alike(one: str, other: str) -> bool:
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
    """Known stories, to find a new one among. They grow with what is found (`learn`).

    Each is looked for where it can be, so that a thousand stories of one title, or on one page, are not compared with each
    other.
    """

    def __init__(self, known: Iterable[Story], contents: SourceContents | None = None) -> None:
        self._contents = contents
        self._by_key: dict[tuple[SourceId | None, str], list[Story]] = {}
        self._by_url: dict[str, list[Story]] = {}
        self._by_title: dict[str, list[Story]] = {}
        self._by_said: dict[str, list[Story]] = {}
        self._in_crowd: dict[tuple[object, ...], list[Story]] = {}
        for story in known:
            self.add(story)

    def add(self, story: Story) -> None:
        for key in story.keys:
            self._by_key.setdefault(key, []).append(story)
        for url in story.urls:
            self._put(self._by_url, url, story)
        if story.title:
            self._put(self._by_title, story.title, story)
        if story.said and self._contents:
            self._put(self._by_said, story.said, story)

    def _put(self, index: dict[str, list[Story]], name: str, story: Story) -> None:
        there = index.setdefault(name, [])
        there.append(story)
        if len(there) > MANY:
            for each in there if len(there) == MANY + 1 else (story,):
                for words in _words_of(each, 0):
                    self._in_crowd.setdefault((name, *words), []).append(each)

    def find(self, new: Story) -> Story | None:
        """The story that this one is; its key counts before its address, its address before its title."""
        return next((story for story in self._near(new) if is_same(new, story, self._contents)), None)

    def _near(self, new: Story) -> Iterator[Story]:
        for key in new.keys:
            yield from self._by_key.get(key, ())
        for url in new.urls:
            yield from self._named(self._by_url, url, new)
        yield from self._named(self._by_title, new.title, new)
        yield from self._named(self._by_said, new.said, new)

    def _named(self, index: dict[str, list[Story]], name: str, new: Story) -> Iterator[Story]:
        there = index.get(name, ())
        if len(there) <= MANY:
            yield from there
            return
        for step in (0, -1, 1):
            for words in _words_of(new, step):
                yield from islice(self._in_crowd.get((name, *words), ()), MANY)

    def learn(self, known: Story, new: Story) -> list[str]:
        """`known` is called what `new` is called, too; returns the names that are new (`name_of_key`, `name_of_url`)."""
        names = []
        for key in new.keys - known.keys:
            known.keys.add(key)
            self._by_key.setdefault(key, []).append(known)
            names.append(name_of_key(*key))
        for url in new.urls - known.urls:
            known.urls.add(url)
            self._put(self._by_url, url, known)
            names.append(name_of_url(url))
        return names


def _words_of(story: Story, step: int) -> Iterator[tuple[object, ...]]:
    """What two stories of a crowd have in common that are one: one of these, at a step of -1, 0 or 1."""
    at = story.published_at.timestamp()
    if not step:
        yield "title", story.title
        yield "text", story.text
    yield story.title, story.text, int(at // ZONE_ERROR.total_seconds()) + step
    yield story.source_id, story.title, int(at // AN_INSTANT.total_seconds()) + step
    yield story.source_id, "", story.said, int(at // AN_INSTANT.total_seconds()) + step


def name_of_key(source_id: SourceId | None, key: str) -> str:
    return f"key {source_id or ''} {key}"


def name_of_url(url: str) -> str:
    return f"url {url}"


def name_of_shared(url: str) -> str:
    """That several stories have an address, each under a name of its own."""
    return f"shared {url}"
