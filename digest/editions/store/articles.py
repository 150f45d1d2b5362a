"""Articles that an edition may hold. Functions ask one question or do one deed, and never commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, and_, exists, or_, select, update

from digest.db.tables import article, edition, edition_article
from digest.editions.candidates import Window
from digest.editions.snapshot import made
from digest.errors import Next, NotFound, Step
from digest.model.article import Article, ArticleId, Comment, Image
from digest.model.edition import EditionStatus
from digest.model.newsletter import NewsletterId

CANDIDATES_PAGE = 2_000


def list_candidates(
    connection: Connection,
    newsletter_id: NewsletterId | None,
    window: Window,
    *,
    after: Article | None = None,
    limit: int = CANDIDATES_PAGE,
) -> list[Article]:
    """Articles of the window that no edition of this newsletter had, oldest first, in pages.

    A cancelled edition gives its articles back, unless somebody has it already: nobody gets an article twice (P3).
    Without a newsletter: whoever had them.

    index   ix_article_ready_at_id for the window, ix_edition_article_article_id for what was had
    """
    had = exists().where(
        and_(
            edition_article.c.article_id == article.c.id,
            edition_article.c.edition_id == edition.c.id,
            edition.c.newsletter_id == newsletter_id,
            or_(edition.c.status != EditionStatus.CANCELLED, edition.c.reached),
        )
    )
    query = (
        select(article)
        .where(article.c.ready_at > window.since, article.c.ready_at <= window.until, _IS_FREE)
        .order_by(article.c.ready_at, article.c.id)
        .limit(limit)
    )
    if newsletter_id is not None:
        query = query.where(~had)
    if after is not None:
        at, reached = article.c.ready_at, _ready_at(after)
        query = query.where(at >= reached, or_(at > reached, article.c.id > after.stored_id))
    return [article_of_row(row) for row in connection.execute(query)]


def list_recent(
    connection: Connection, window: Window, *, before: Article | None = None, limit: int = CANDIDATES_PAGE
) -> list[Article]:
    """Articles of the window, whoever had them, the newest first, in pages. index  ix_article_ready_at_id"""
    query = (
        select(article)
        .where(article.c.ready_at > window.since, article.c.ready_at <= window.until, _IS_FREE)
        .order_by(article.c.ready_at.desc(), article.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        at, reached = article.c.ready_at, _ready_at(before)
        query = query.where(at <= reached, or_(at < reached, article.c.id < before.stored_id))
    return [article_of_row(row) for row in connection.execute(query)]


_IS_FREE = and_(article.c.hidden_at.is_(None), article.c.held_at.is_(None))


def _ready_at(of: Article) -> ScalarSelect[datetime]:
    return select(article.c.ready_at).where(article.c.id == of.stored_id).scalar_subquery()


def article_of_row(row: Row[Any]) -> Article:
    """As the digest shows it: with what an editor changed for it alone."""
    edits = row.edits or {}
    image_src, image_alt = edits.get("image_src", row.image_src), edits.get("image_alt", row.image_alt)
    return Article(
        id=ArticleId(row.id),
        key=row.key,
        url=row.url,
        title=edits.get("title", row.title),
        published_at=row.published_at,
        authors=tuple(row.authors),
        summary=edits.get("summary", row.summary),
        image=Image(src=image_src, alt=image_alt) if image_src else None,
        topics=tuple(row.topics),
        language=row.language,
        words=row.words,
        minutes=row.minutes,
        reads=row.reads,
        comment_count=row.comment_count,
        comments=tuple(made(Comment, comment) for comment in row.comments),
        reviewer=row.reviewer,
        reviewed_at=row.reviewed_at,
        citation=row.citation,
        pin=row.pin,
        section=edits.get("section", ""),
    )


def find_article(connection: Connection, article_id: int) -> Article | None:
    row = connection.execute(select(article).where(article.c.id == article_id)).first()
    return article_of_row(row) if row else None


def hide_article(connection: Connection, article_id: int, *, now: datetime) -> None:
    """In no further edition; NotFound for one that there is not."""
    result = connection.execute(update(article).where(article.c.id == article_id).values(hidden_at=now))
    if not result.rowcount:
        raise NotFound(f"there is no article {article_id}", next=Next(Step.LIST_ARTICLES))
