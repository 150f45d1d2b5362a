"""The articles of an edition: which, in which order, and which were withdrawn. Functions never commit."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from digest.db.tables import edition, edition_article
from digest.editions.snapshot import article_from_json, article_to_json
from digest.model.edition import UNFINISHED, Candidate, EditionStatus


def put_articles(connection: Connection, edition_id: int, candidates: Sequence[Candidate]) -> None:
    """As they are now; later changes of an article change nothing of the edition."""
    if candidates:
        connection.execute(
            insert(edition_article),
            [
                {
                    "edition_id": edition_id,
                    "position": candidate.position,
                    "article_id": candidate.article_id,
                    "section": candidate.section,
                    "reason": candidate.reason,
                    "content": article_to_json(candidate.article),
                }
                for candidate in candidates
            ],
        )


def list_candidates(connection: Connection, edition_id: int) -> tuple[Candidate, ...]:
    rows = connection.execute(
        select(edition_article).where(edition_article.c.edition_id == edition_id).order_by(edition_article.c.position)
    )
    return tuple(
        Candidate(article=article_from_json(row.content), position=row.position, section=row.section, reason=row.reason)
        for row in rows
    )


def replace_articles(connection: Connection, edition_id: int, candidates: Sequence[Candidate]) -> None:
    """Keep these articles as they are now, in a draft; a place that holds another article by now stays as it is."""
    is_draft = select(edition.c.id).where(edition.c.id == edition_id, edition.c.status == EditionStatus.DRAFT)
    for candidate in candidates:
        connection.execute(
            update(edition_article)
            .where(edition_article.c.edition_id == is_draft.scalar_subquery())
            .where(edition_article.c.position == candidate.position)
            .where(edition_article.c.article_id == candidate.article_id)
            .values(content=article_to_json(candidate.article))
        )


def list_shared(connection: Connection, edition_id: int) -> dict[int, list[tuple[int, int]]]:
    """Other editions of the newsletter that hold articles of this one: [(position there, position here), ...] by edition.

    A correction gives nobody an article that was not theirs already, so it does not count.

    index   ix_edition_article_article_id
    """
    here, there = edition_article.alias("here"), edition_article.alias("there")
    of = select(edition.c.newsletter_id).where(edition.c.id == edition_id).scalar_subquery()
    rows = connection.execute(
        select(there.c.edition_id, there.c.position, here.c.position)
        .join(there, there.c.article_id == here.c.article_id)
        .join(edition, edition.c.id == there.c.edition_id)
        .where(here.c.edition_id == edition_id, there.c.edition_id != edition_id)
        .where(edition.c.newsletter_id == of, edition.c.corrects_id.is_(None))
    )
    shared: dict[int, list[tuple[int, int]]] = {}
    for of_edition, position_there, position_here in rows:
        shared.setdefault(of_edition, []).append((position_there, position_here))
    return shared


def list_withdrawn(connection: Connection, edition_id: int) -> dict[int, int]:
    """Positions of articles that were withdrawn, each with the revision since when no copy holds it."""
    query = select(edition_article.c.position, edition_article.c.withdrawn).where(
        edition_article.c.edition_id == edition_id, edition_article.c.withdrawn.is_not(None)
    )
    return {row.position: row.withdrawn for row in connection.execute(query)}


def withdraw(connection: Connection, edition_id: int, position: int) -> bool:
    """No later copy of the edition holds this article; False when it was withdrawn before, or is none."""
    revision = select(edition.c.revision + 1).where(edition.c.id == edition_id).scalar_subquery()
    result = connection.execute(
        update(edition_article)
        .where(edition_article.c.edition_id == edition_id, edition_article.c.position == position)
        .where(edition_article.c.withdrawn.is_(None))
        .values(withdrawn=revision)
    )
    if result.rowcount:
        connection.execute(update(edition).where(edition.c.id == edition_id).values(revision=edition.c.revision + 1))
    return result.rowcount == 1


def list_unfinished_with(connection: Connection, article_id: int) -> list[tuple[int, int]]:
    """(edition, position) where the article stands and may still go out. index  ix_edition_article_article_id"""
    rows = connection.execute(
        select(edition_article.c.edition_id, edition_article.c.position)
        .join(edition, edition.c.id == edition_article.c.edition_id)
        .where(edition_article.c.article_id == article_id)
        .where(edition.c.status.in_([*UNFINISHED]))
        .order_by(edition.c.id)
    )
    return [(row.edition_id, row.position) for row in rows]
