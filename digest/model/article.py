"""Article: what a source gives and an edition shows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NewType

ArticleId = NewType("ArticleId", int)

WORDS_PER_MINUTE = (
    230  # silent reading of English non-fiction is 238 on average (Brysbaert 2019); a little slower is kinder
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """lead, row, card: where copies of our own are, in the size of that region; "" where there are none."""

    src: str
    alt: str = ""
    lead: str = field(default="", repr=False)  # an article's content is what its source says: Article.content_hash
    row: str = field(default="", repr=False)
    card: str = field(default="", repr=False)

    def shown(self, region: str) -> str:
        return str(getattr(self, region)) or self.src


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """author   "" for somebody who did not say, or is no member of the site any more"""

    text: str
    author: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One story. All but key, url, title and published_at may be empty.

    key           the source's own name for it: a GUID, a row id, or the canonical URL
    published_at  aware UTC
    authors, topics   in the order of the source; the first topic is the main one
    summary       plain text, one paragraph
    reads         how often it was read on the site, by the site's own count
    pin           the editor's pick, for everybody: 1 stands first
    section       under which the editor puts it; "": under its topic
    """

    key: str
    url: str
    title: str
    published_at: datetime
    id: ArticleId | None = None
    authors: tuple[str, ...] = ()
    summary: str = ""
    image: Image | None = None
    topics: tuple[str, ...] = ()
    language: str = ""
    words: int | None = None
    minutes: int | None = None
    reads: int | None = None
    comment_count: int | None = None
    comments: tuple[Comment, ...] = ()
    reviewer: str = ""
    reviewed_at: datetime | None = None
    citation: str = ""
    pin: int | None = None
    section: str = ""

    @property
    def stored_id(self) -> ArticleId:
        """The id of an article that came from the database."""
        if self.id is None:
            raise ValueError(f"article {self.key!r} is not stored yet")
        return self.id

    @property
    def reading_minutes(self) -> int | None:
        """As the source says, else from the words, at least one; None when neither is known."""
        if self.minutes is not None:
            return self.minutes
        if not self.words:
            return None
        return max(1, round(self.words / WORDS_PER_MINUTE))

    @property
    def content_hash(self) -> str:
        """Changes when anything that a reader sees changes: tells an edit from a repeat."""
        seen = repr(
            (
                self.url,
                self.title,
                self.published_at.isoformat(),
                self.authors,
                self.summary,
                self.image,
                self.topics,
                self.language,
                self.words,
                self.minutes,
                self.reads,
                self.comment_count,
                self.comments,
                self.reviewer,
                self.reviewed_at,
                self.citation,
            )
        )
        return hashlib.sha256(seen.encode()).hexdigest()[:32]


EDITABLE = ("title", "summary", "image_src", "image_alt", "section")
"""What an editor may have otherwise, for the digest alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticle:
    """A stored article as its source has it, and what editors made of it.

    source       the name of its source; "" where it was added by hand
    edits        of EDITABLE, what the digest shows instead; None: nothing
    hidden_at    since when it is in no further edition
    not_before   an embargo, or the moment of a release
    held_at      since when it waits for an editor
    ready_at     the later of published_at and not_before
    version      counts the acts of editors on it
    """

    article: Article
    canonical_url: str
    first_seen_at: datetime
    updated_at: datetime
    ready_at: datetime
    source: str = ""
    edits: Mapping[str, str] | None = None
    hidden_at: datetime | None = None
    pin: int | None = None
    not_before: datetime | None = None
    held_at: datetime | None = None
    version: int = 1


def joined_names(names: Sequence[str], *, conjunction: str = "and") -> str:
    """ "A", "A and B", "A, B and C" in the words of a language; of more than four the first three and "et al."."""
    if len(names) > 4:
        return f"{', '.join(names[:3])} et al."
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {conjunction} {names[-1]}"


@lru_cache(maxsize=50_000)
def slug(text: str) -> str:
    """A topic's name as people may type it in a config: lower case, words joined by hyphens.

    A million readers name the same few topics.
    """
    return re.sub(r"[\W_]+", "-", text.casefold()).strip("-")
