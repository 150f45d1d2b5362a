"""Articles in the database: each story once, whatever it is called where it is seen. Functions never commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, text, update

from digest.db.rows import upsert
from digest.db.tables import article, article_alias
from digest.db.types import UtcDateTime
from digest.model.article import Article
from digest.model.source import SourceId
from digest.sources.dedupe import (
    Story,
    bare,
    canonical_url,
    is_root,
    is_web_url,
    mark,
    name_of_key,
    name_of_shared,
    name_of_url,
    story_of,
)
from digest.sources.store.known import Known, bare_url, contents_of, read_known

PAGE = 400

LOCK = 7_240_301
"""Of this program in PostgreSQL's list of advisory locks; any number does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of articles.

    held   new ones that wait for an editor (sources/flood.py); they are not among `new`
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0

    @property
    def count(self) -> int:
        return self.new + self.changed + self.unchanged + self.held

    def __add__(self, other: Stored) -> Stored:
        return Stored(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


def put_articles(
    connection: Connection,
    articles: Sequence[Article],
    *,
    source_id: SourceId | None,
    now: datetime,
    may_pass: int | None = None,
    is_whole: bool = False,
    is_pages: bool = False,
) -> Stored:
    """Insert what is new, update what was edited; which is which, dedupe.py says. Each article is counted once in Stored.

    may_pass   so many new ones may go into editions, the newest; the others are held. None: all
    is_whole   these are all that the source has now (model.source.Collected)
    is_pages   each key is the address that the article was read from

    What an editor did to an article stays, and so does `first_seen_at`. A story that several sources have is edited by
    the first of them, or by hand: two that word it differently would change it back and forth for ever. Two processes
    that bring one story at the same moment insert it once.
    """
    if connection.dialect.name == "postgresql":  # SQLite lets one write at a time anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    stored = Stored()
    page = max(1, len(articles)) if is_whole else PAGE
    for start in range(0, len(articles), page):
        left = None if may_pass is None else max(0, may_pass - stored.new)
        part = articles[start : start + page]
        incoming = [story_of(each, source_id, is_page=is_pages) for each in part]
        contents = contents_of(part) if is_whole else None
        known = read_known(connection, incoming, source_id, contents=contents, is_pages=is_pages)
        stored += _Putting(connection, known, source_id, now).put(part, incoming, left)
    return stored


@dataclass(slots=True)
class _Putting:
    """Some articles on their way into the database: first it is decided what each is, then written.

    names   that stories are called from now on, and that addresses are shared
    """

    connection: Connection
    known: Known
    source_id: SourceId | None
    now: datetime
    new: list[tuple[Story, dict[str, Any]]] = field(default_factory=list)
    changed: dict[int, dict[str, Any]] = field(default_factory=dict)
    names: list[tuple[Story, str]] = field(default_factory=list)

    def put(self, articles: Sequence[Article], incoming: Sequence[Story], may_pass: int | None) -> Stored:
        for each, story in zip(articles, incoming, strict=True):
            self._decide(each, story)
        held = _hold([values for _, values in self.new], may_pass, self.now)
        inserted = _insert(self.connection, self.new)
        self._check_the_others()
        _update(self.connection, self.changed)
        _remember(self.connection, self.names)
        changed = len(self.changed)
        return Stored(new=inserted - held, changed=changed, unchanged=len(articles) - changed - inserted, held=held)

    def _decide(self, each: Article, story: Story) -> None:
        if self.known.is_pages:
            each, story = self._with_own_address(each, story)
        found = self.known.stories.find(story)
        if found is None:
            self._add(each, story)
            return
        self.names += [(found, name) for name in self.known.stories.learn(found, story)]
        if (row := self.known.rows.get(found.id or 0)) is None:  # earlier in this page
            return
        is_its_own = row.source_id in (self.source_id, None) or self.source_id is None
        if is_its_own and row.content_hash != each.content_hash:
            address = self.known.address_of(row, each, self.source_id)
            self.changed[row.id] = {**_values(each, self.source_id, self.now), **address}
            if address["canonical_url"] != row.canonical_url:  # others may call it by its old one still
                self.names.append((found, name_of_url(bare_url(row.canonical_url))))

    def _add(self, each: Article, story: Story) -> None:
        self.known.stories.add(story)
        values = {**_values(each, self.source_id, self.now), **self.known.free_names(each, story)}
        self.new.append((story, values))
        url = canonical_url(each.url)
        self.names += [(story, name_of_url(other)) for other in story.urls - {url}]
        if values["key"] != each.key:
            self.names.append((story, name_of_key(self.source_id, each.key)))
        if values["canonical_url"] != url and story.urls:
            self.known.shared.add(url)
            self.names.append((story, name_of_shared(url)))

    def _with_own_address(self, each: Article, story: Story) -> tuple[Article, Story]:
        """A page that names another address as its own is believed, unless another story has that one: then it is
        nobody's, and each goes by the address that it was read from."""
        claimed, own = canonical_url(each.url), canonical_url(each.key)
        if claimed not in self.known.shared:
            if claimed not in self.known.taken or self.known.stories.find(story) is not None:
                return each, story
            self.known.shared.add(claimed)
            self.names.append((story, name_of_shared(claimed)))
            self._take_back(claimed)
        story.urls = set() if is_root(own) else {own}
        return replace(each, url=each.key), story

    def _take_back(self, claimed: str) -> None:
        """From the story that has this address and was read from another one."""
        for story, values in self.new:
            if values["canonical_url"] == claimed and canonical_url(values["key"]) != claimed:
                self.known.taken.discard(claimed)
                values |= {"url": values["key"], "canonical_url": self.known.free_url(values["key"], story)}
                story.urls.discard(claimed)
        for row in self.known.rows.values():
            if row.canonical_url == claimed and row.source_id == self.source_id and is_web_url(row.key):
                if canonical_url(row.key) == claimed:
                    continue
                self.known.taken.discard(claimed)
                story = self.known.story_of(row)
                story.urls = {canonical_url(row.key)}
                free = self.known.free_url(row.key, story)
                self.connection.execute(
                    update(article).where(article.c.id == row.id).values(url=row.key, canonical_url=free)
                )

    def _check_the_others(self) -> None:
        """What was not inserted, because another process has brought it in between, is there; else it would be lost."""
        left = [story for story, _ in self.new if story.id is None]
        if not left:
            return
        there = read_known(self.connection, left, self.source_id, contents=None, is_pages=False)
        for story in left:
            if (found := there.stories.find(story)) is None:
                raise ValueError("another article has its names")
            story.id = found.id


def _hold(new: Sequence[dict[str, Any]], may_pass: int | None, now: datetime) -> int:
    """The oldest wait: what really happened today is the newest."""
    if may_pass is None or len(new) <= may_pass:
        return 0
    surplus = sorted(new, key=lambda values: values["published_at"])[: len(new) - may_pass]
    for values in surplus:
        values["held_at"] = now
    return len(surplus)


def _insert(connection: Connection, new: Sequence[tuple[Story, dict[str, Any]]]) -> int:
    """Sets the stories' ids."""
    if not new:
        return 0
    of = {values["canonical_url"]: story for story, values in new}
    rows = connection.execute(
        upsert(connection, article).on_conflict_do_nothing().returning(article.c.id, article.c.canonical_url),
        [values for _, values in new],
    ).all()
    for row in rows:
        of[row.canonical_url].id = row.id
    return len(rows)


def _update(connection: Connection, changed: dict[int, dict[str, Any]]) -> None:
    if not changed:
        return
    keep = {"first_seen_at", "source_id", "key", "held_at", "ready_at"}
    names = [name for name in next(iter(changed.values())) if name not in keep]
    published_at = bindparam("b_published_at", type_=UtcDateTime)
    waits = article.c.not_before > published_at
    connection.execute(
        update(article)
        .where(article.c.id == bindparam("b_id"))
        .values({n: bindparam(f"b_{n}") for n in names})
        .values(ready_at=case((waits, article.c.not_before), else_=published_at)),
        [{"b_id": id_, **{f"b_{n}": values[n] for n in names}} for id_, values in changed.items()],
    )


def _remember(connection: Connection, names: Sequence[tuple[Story, str]]) -> None:
    rows = {name: story.id for story, name in names if story.id is not None}
    if rows:
        connection.execute(
            upsert(connection, article_alias)
            .values([{"article_id": id_, "name": name} for name, id_ in rows.items()])
            .on_conflict_do_nothing()
        )


def _values(each: Article, source_id: SourceId | None, now: datetime) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "key": each.key,
        "url": each.url,
        "canonical_url": canonical_url(each.url),
        "title": each.title,
        "published_at": each.published_at,
        "summary": each.summary,
        "authors": list(each.authors),
        "topics": list(each.topics),
        "image_src": each.image.src if each.image else "",
        "image_alt": each.image.alt if each.image else "",
        "language": each.language,
        "words": each.words,
        "minutes": each.minutes,
        "reads": each.reads,
        "comment_count": each.comment_count,
        "comments": [{"author": c.author, "text": c.text, "url": c.url} for c in each.comments],
        "reviewer": each.reviewer,
        "reviewed_at": each.reviewed_at,
        "citation": each.citation,
        "content_hash": each.content_hash,
        "title_mark": mark(bare(each.title)),
        "ready_at": each.published_at,
        "held_at": None,
        "first_seen_at": now,
        "updated_at": now,
    }
