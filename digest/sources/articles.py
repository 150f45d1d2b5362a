"""Articles in the database: each story once, whatever it is called where it is seen. Functions never commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, case, func, literal, select, text, update

from digest.db.rows import numbers, upsert
from digest.db.tables import article, article_alias, source
from digest.db.types import UtcDateTime
from digest.errors import NotFound
from digest.model.article import Article
from digest.model.source import SourceId
from digest.sources.checked import MAX_KEY
from digest.sources.dedupe import (
    ZONE_ERROR,
    Stories,
    Story,
    bare,
    bare_text,
    canonical_url,
    mark,
    name_of_key,
    name_of_url,
    story_of,
)

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

    def __add__(self, other: Stored) -> Stored:
        return Stored(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


def put_articles(
    connection: Connection,
    articles: Sequence[Article],
    *,
    source_id: SourceId | None,
    now: datetime,
    may_pass: int | None = None,
) -> Stored:
    """Insert what is new, update what was edited; which is which, dedupe.py says.

    may_pass   so many new ones may go into editions, the newest; the others are held. None: all

    What an editor did to an article stays, and so does `first_seen_at`. A story that several sources have is edited by
    the first of them, or by hand: two that word it differently would change it back and forth for ever. Two processes
    that bring one story at the same moment insert it once.
    """
    if connection.dialect.name == "postgresql":  # SQLite lets one write at a time anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    stored = Stored()
    for start in range(0, len(articles), PAGE):
        left = None if may_pass is None else max(0, may_pass - stored.new)
        stored += _put(connection, articles[start : start + PAGE], source_id, now, left)
    return stored


def _put(
    connection: Connection, articles: Sequence[Article], source_id: SourceId | None, now: datetime, may_pass: int | None
) -> Stored:
    incoming = [story_of(each, source_id) for each in articles]
    known = _read_known(connection, incoming, source_id)
    new: list[tuple[Story, dict[str, Any]]] = []
    changed: dict[int, dict[str, Any]] = {}
    names: list[tuple[Story, str]] = []
    for each, story in zip(articles, incoming, strict=True):
        found = known.stories.find(story)
        if found is None:
            known.stories.add(story)
            new.append((story, {**_values(each, source_id, now), **known.free_names(each, source_id)}))
            continue
        names += [(found, name) for name in known.stories.learn(found, story)]
        if (row := known.rows.get(found.id or 0)) is None:  # earlier in this page
            continue
        is_its_own = row.source_id in (source_id, None) or source_id is None
        if is_its_own and row.content_hash != each.content_hash:
            address = known.address_of(row, each)
            changed[row.id] = {**_values(each, source_id, now), **address}
            if address["canonical_url"] != row.canonical_url:  # others may call it by its old one still
                names.append((found, name_of_url(_bare_url(row.canonical_url))))
    held = _hold([values for _, values in new], may_pass, now)
    inserted = _insert(connection, new)
    _update(connection, changed)
    _remember(connection, names)
    return Stored(
        new=inserted - held, changed=len(changed), unchanged=len(articles) - len(changed) - inserted, held=held
    )


@dataclass(slots=True)
class _Known:
    """What is stored and may be one of the incoming.

    rows    by id
    taken   names that an article has in its own row
    """

    rows: dict[int, Row[Any]]
    stories: Stories
    taken: set[str]

    def free_names(self, each: Article, source_id: SourceId | None) -> dict[str, str]:
        """A key and an address that no other story has: ids are used again, and several stories stand on one page."""
        url = canonical_url(each.url)
        names = {"key": each.key, "canonical_url": url}
        if name_of_key(source_id, each.key) in self.taken:
            names["key"] = (
                f"{each.key} {url}" if len(each.key + url) < MAX_KEY // 4 else f"{each.key[:400]} {mark(url)}"
            )
        if url in self.taken:
            names["canonical_url"] = f"{url}#{mark(each.key + each.title)}"
        self.taken |= {names["canonical_url"], name_of_key(source_id, names["key"])}
        return names

    def address_of(self, row: Row[Any], each: Article) -> dict[str, str]:
        """Of an edited article: its new one, unless another story has it."""
        url = canonical_url(each.url)
        if url == _bare_url(row.canonical_url):
            return {"canonical_url": row.canonical_url}
        if url in self.taken:
            return {"url": row.url, "canonical_url": row.canonical_url}
        self.taken.add(url)
        return {"canonical_url": url}


def _read_known(connection: Connection, incoming: Sequence[Story], source_id: SourceId | None) -> _Known:
    """index  ix_article_source_key, uq_article_canonical_url, ix_article_title_mark_published_at, uq_article_alias_name"""
    keys = [key for story in incoming for _, key in story.keys]
    urls = [url for story in incoming for url in story.urls]
    names = [*(name_of_key(source_id, key) for key in keys), *map(name_of_url, urls)]
    same_source = article.c.source_id.is_(None) if source_id is None else article.c.source_id == source_id
    first = min(story.published_at for story in incoming) - ZONE_ERROR
    last = max(story.published_at for story in incoming) + ZONE_ERROR
    titles = {found for story in incoming if (found := mark(story.title))}
    known: dict[int, Row[Any]] = {}
    stories: dict[int, Story] = {}
    for condition in (
        same_source & article.c.key.in_(keys),
        article.c.canonical_url.in_(urls),
        article.c.title_mark.in_(titles) & article.c.published_at.between(first, last),
    ):
        rows: Any = connection.execute(select(*_COLUMNS).where(condition))
        for row in rows:
            known[row.id], stories[row.id] = row, _story(row)
    called = select(*_COLUMNS, article_alias.c.name).join(article, article.c.id == article_alias.c.article_id)
    rows = connection.execute(called.where(article_alias.c.name.in_(names)))
    for row in rows:
        known[row.id] = row
        _call(stories.setdefault(row.id, _story(row)), row.name, source_id)
    taken = {row.canonical_url for row in known.values()}
    taken |= {name_of_key(row.source_id, row.key) for row in known.values()}
    return _Known(known, Stories(stories.values()), taken)


_COLUMNS = (
    article.c.id,
    article.c.source_id,
    article.c.key,
    article.c.url,
    article.c.canonical_url,
    article.c.title,
    article.c.summary,
    article.c.published_at,
    article.c.content_hash,
)


def _story(row: Row[Any]) -> Story:
    return Story(
        id=row.id,
        source_id=row.source_id,
        keys={(row.source_id, row.key)},
        urls={_bare_url(row.canonical_url)},
        title=bare(row.title),
        text=bare_text(row.summary),
        published_at=row.published_at,
    )


def _call(story: Story, name: str, source_id: SourceId | None) -> None:
    kind, _, rest = name.partition(" ")
    if kind == "url":
        story.urls.add(rest)
    else:
        story.keys.add((source_id, rest.partition(" ")[2]))


def _bare_url(canonical: str) -> str:
    """Without what tells several stories on one page apart."""
    return canonical.partition("#")[0]


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


def list_articles(
    connection: Connection, *, search: str = "", before_id: int | None = None, limit: int = 50
) -> list[Row[Any]]:
    """The newest rows first, in pages by id."""
    query = select(article).order_by(article.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(article.c.id < before_id)
    if search:
        query = query.where(article.c.title.icontains(search, autoescape=True))
    return list(connection.execute(query))


def get_article(connection: Connection, article_id: int) -> Row[Any]:
    row = connection.execute(select(article).where(article.c.id == article_id)).first()
    if row is None:
        raise NotFound(f"there is no article {article_id}; see: digest article list")
    return row


def change_article(connection: Connection, article_id: int, **values: object) -> None:
    connection.execute(update(article).where(article.c.id == article_id).values(**values))


def edit_article(connection: Connection, article_id: int, edits: Mapping[str, str] | None, *, now: datetime) -> None:
    """What the digest shows instead of what the source says: title, summary, image_src, image_alt, section.

    edits   added to those that are there; None takes all of them back
    """
    known = get_article(connection, article_id).edits or {}
    change_article(connection, article_id, edits={**known, **edits} if edits is not None else None, updated_at=now)


def put_off(connection: Connection, article_id: int, until: datetime | None) -> None:
    """In no edition that is due before; None: as soon as it is published."""
    ready_at = article.c.published_at if until is None else _later(until)
    change_article(connection, article_id, not_before=until, ready_at=ready_at)


def list_held(connection: Connection, source_id: SourceId | None = None) -> list[Row[Any]]:
    """Articles that wait for an editor, the newest first. index  ix_article_held_at"""
    query = (
        select(article, source.c.name.label("source_name"))
        .outerjoin(source, source.c.id == article.c.source_id)
        .where(article.c.held_at.is_not(None))
        .order_by(article.c.published_at.desc(), article.c.id.desc())
    )
    if source_id is not None:
        query = query.where(article.c.source_id == source_id)
    return list(connection.execute(query))


def count_held(connection: Connection) -> dict[str, int]:
    """By source. index  ix_article_held_at"""
    rows = connection.execute(
        select(source.c.name, func.count())
        .join(article, article.c.source_id == source.c.id)
        .where(article.c.held_at.is_not(None))
        .group_by(source.c.name)
    )
    return {row[0]: row[1] for row in rows}


def release(connection: Connection, article_ids: Sequence[int], *, now: datetime) -> int:
    """Held articles into the next edition, however old they are by now; returns how many were held."""
    return _let_go(connection, article_ids, held_at=None, not_before=now, ready_at=_later(now))


def discard(connection: Connection, article_ids: Sequence[int], *, now: datetime) -> int:
    """Held articles into no edition; they stay known, so that they do not come again. Returns how many were held."""
    return _let_go(connection, article_ids, held_at=None, hidden_at=now)


def _later(than: datetime) -> Any:
    return case((article.c.published_at < than, than), else_=article.c.published_at)


def _let_go(connection: Connection, article_ids: Sequence[int], **values: object) -> int:
    ids = numbers(connection.dialect.name, literal(json.dumps(list(article_ids)), Text))
    held = article.c.id.in_(ids) & article.c.held_at.is_not(None)
    return connection.execute(update(article).where(held).values(**values)).rowcount
