"""What editors make of stored articles: the columns that no source writes. Functions never commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, case, func, literal, select, update

from digest.db.rows import numbers
from digest.db.tables import article, source
from digest.errors import Next, NotFound, Step
from digest.model.article import Article, ArticleId, Comment, Image, StoredArticle
from digest.model.source import SourceId


def list_articles(
    connection: Connection, *, search: str = "", before_id: int | None = None, limit: int = 50
) -> list[StoredArticle]:
    """Those that came last first, in pages by id."""
    query = _query().order_by(article.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(article.c.id < before_id)
    if search:
        query = query.where(article.c.title.icontains(search, autoescape=True))
    return [_curated(row) for row in connection.execute(query)]


def get_article(connection: Connection, article_id: int) -> StoredArticle:
    return _one(connection, _query().where(article.c.id == article_id), article_id)


def lock_article(connection: Connection, article_id: int) -> StoredArticle:
    """To be changed: of two editors at the same moment the second sees what the first has done."""
    query = _query().where(article.c.id == article_id).with_for_update(of=article)
    return _one(connection, query, article_id)


def change_article(connection: Connection, article_id: int, **values: object) -> None:
    """By the names of its columns; it has the next version then."""
    connection.execute(
        update(article).where(article.c.id == article_id).values(**values, version=article.c.version + 1)
    )


def put_off(connection: Connection, article_id: int, until: datetime | None) -> None:
    """In no edition that is due before; None: as soon as it is published."""
    ready_at = article.c.published_at if until is None else _later(until)
    change_article(connection, article_id, not_before=until, ready_at=ready_at)


def list_held(connection: Connection, source_id: SourceId | None = None) -> list[StoredArticle]:
    """Articles that wait for an editor, the newest first. index  ix_article_held_at"""
    query = _query().where(article.c.held_at.is_not(None))
    query = query.order_by(article.c.published_at.desc(), article.c.id.desc())
    if source_id is not None:
        query = query.where(article.c.source_id == source_id)
    return [_curated(row) for row in connection.execute(query)]


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
    changed = update(article).where(held).values(**values, version=article.c.version + 1)
    return connection.execute(changed).rowcount


def _query() -> Select[Any]:
    columns = select(article, source.c.name.label("source_name"))
    return columns.outerjoin_from(article, source, source.c.id == article.c.source_id)


def _one(connection: Connection, query: Select[Any], article_id: int) -> StoredArticle:
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"there is no article {article_id}", next=Next(Step.LIST_ARTICLES))
    return _curated(row)


def _curated(row: Row[Any]) -> StoredArticle:
    return StoredArticle(
        article=Article(
            id=ArticleId(row.id),
            key=row.key,
            url=row.url,
            title=row.title,
            published_at=row.published_at,
            authors=tuple(row.authors),
            summary=row.summary,
            image=Image(src=row.image_src, alt=row.image_alt) if row.image_src else None,
            topics=tuple(row.topics),
            language=row.language,
            words=row.words,
            minutes=row.minutes,
            reads=row.reads,
            comment_count=row.comment_count,
            comments=tuple(Comment(**each) for each in row.comments),
            reviewer=row.reviewer,
            reviewed_at=row.reviewed_at,
            citation=row.citation,
            pin=row.pin,
        ),
        canonical_url=row.canonical_url,
        source=row.source_name or "",
        first_seen_at=row.first_seen_at,
        updated_at=row.updated_at,
        ready_at=row.ready_at,
        edits=row.edits,
        hidden_at=row.hidden_at,
        pin=row.pin,
        not_before=row.not_before,
        held_at=row.held_at,
        version=row.version,
    )
