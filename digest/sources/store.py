"""Sources and articles in the database: what is due, and each story once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.tables import article, source
from digest.errors import NotFound, Refused
from digest.model.article import Article
from digest.model.source import Cursor, Source, SourceId
from digest.sources.dedupe import canonical_url

# --- sources ---------------------------------------------------------------------------------------------------------


def list_sources(connection: Connection) -> list[Source]:
    return [_source(row) for row in connection.execute(select(source).order_by(source.c.name))]


def get_source(connection: Connection, name: str) -> Source:
    row = connection.execute(select(source).where(source.c.name == name)).first()
    if row is None:
        names = ", ".join(each.name for each in list_sources(connection)) or "none yet; add one: digest source add"
        raise NotFound(f"there is no source {name!r} (there are: {names})")
    return _source(row)


def add_source(
    connection: Connection, name: str, kind: str, options: Mapping[str, object], *, now: datetime
) -> SourceId:
    build = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    added = connection.execute(
        build(source)
        .values(name=name, kind=kind, options=dict(options), created_at=now)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(source.c.id)
    ).scalar()
    if added is None:
        raise Refused(f"there is a source {name!r} already")
    return SourceId(added)


def change_source(connection: Connection, source_id: SourceId, **values: object) -> None:
    """options or is_enabled."""
    connection.execute(update(source).where(source.c.id == source_id).values(**values))


def record_success(connection: Connection, source_id: SourceId, cursor: Cursor, *, now: datetime) -> None:
    """In the transaction that stored the articles: the cursor never passes what was stored."""
    connection.execute(
        update(source)
        .where(source.c.id == source_id)
        .values(
            cursor_at=cursor.at,
            cursor_key=cursor.key,
            etag=cursor.etag,
            modified=cursor.modified,
            last_success_at=now,
            last_error="",
            errors_in_row=0,
        )
    )


def record_failure(connection: Connection, source_id: SourceId, error: str, *, now: datetime) -> None:
    connection.execute(
        update(source)
        .where(source.c.id == source_id)
        .values(last_error=error[:500], last_error_at=now, errors_in_row=source.c.errors_in_row + 1)
    )


def _source(row: Row[Any]) -> Source:
    return Source(
        id=SourceId(row.id),
        name=row.name,
        kind=row.kind,
        options=row.options,
        is_enabled=row.is_enabled,
        cursor=Cursor(at=row.cursor_at, key=row.cursor_key, etag=row.etag, modified=row.modified),
        last_success_at=row.last_success_at,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
        errors_in_row=row.errors_in_row,
    )


# --- articles --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            new=self.new + other.new, changed=self.changed + other.changed, unchanged=self.unchanged + other.unchanged
        )


def put_articles(
    connection: Connection, articles: Sequence[Article], *, source_id: SourceId | None, now: datetime
) -> Stored:
    """Insert what is new, update what changed. An article is the same by its source's key, or by its address.

    Its key matters first: a site that changes the address of a story keeps its id. `first_seen_at` and what an editor
    did to it stay. Two processes that bring the same story insert it once.
    """
    if not articles:
        return Stored()
    by_key, by_url = _known(connection, articles, source_id)
    new: dict[str, dict[str, Any]] = {}
    changed: dict[int, dict[str, Any]] = {}
    unchanged = 0
    for each in articles:
        values = _values(each, source_id, now)
        known = by_key.get(each.key) or by_url.get(values["canonical_url"])
        if known is None:
            new[values["canonical_url"]] = values
        elif known.content_hash == values["content_hash"]:
            unchanged += 1
        else:
            taken = by_url.get(values["canonical_url"])
            if taken is not None and taken.id != known.id:  # its new address belongs to another story: keep the old one
                values["url"], values["canonical_url"] = known.url, known.canonical_url
            changed[known.id] = values
    inserted = _insert_new(connection, list(new.values()))
    if changed:
        keep = {"first_seen_at", "source_id", "key"}
        names = [name for name in next(iter(changed.values())) if name not in keep]
        connection.execute(
            update(article).where(article.c.id == bindparam("b_id")).values({n: bindparam(f"b_{n}") for n in names}),
            [{"b_id": id_, **{f"b_{n}": values[n] for n in names}} for id_, values in changed.items()],
        )
    return Stored(
        new=inserted, changed=len(changed), unchanged=unchanged + len(articles) - unchanged - len(changed) - inserted
    )


def _known(
    connection: Connection, articles: Sequence[Article], source_id: SourceId | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows that have one of these keys in the same source, or one of these addresses."""
    wanted = select(
        article.c.id, article.c.key, article.c.url, article.c.canonical_url, article.c.content_hash, article.c.source_id
    )
    same_source = article.c.source_id.is_(None) if source_id is None else article.c.source_id == source_id
    by_key: dict[str, Any] = {}
    by_url: dict[str, Any] = {}
    for start in range(0, len(articles), 400):
        part = articles[start : start + 400]
        for row in connection.execute(wanted.where(same_source, article.c.key.in_([each.key for each in part]))):
            by_key[row.key] = row
        urls = [canonical_url(each.url) for each in part]
        for row in connection.execute(wanted.where(article.c.canonical_url.in_(urls))):
            by_url[row.canonical_url] = row
    return by_key, by_url


def _insert_new(connection: Connection, rows: list[dict[str, Any]]) -> int:
    build = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    inserted = 0
    for start in range(0, len(rows), 500):
        statement = build(article).values(rows[start : start + 500]).on_conflict_do_nothing().returning(article.c.id)
        inserted += len(connection.execute(statement).all())  # PostgreSQL gives no count for many rows
    return inserted


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
        "comment_count": each.comment_count,
        "comments": [{"author": c.author, "text": c.text, "url": c.url} for c in each.comments],
        "reviewer": each.reviewer,
        "reviewed_at": each.reviewed_at,
        "citation": each.citation,
        "content_hash": each.content_hash,
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
