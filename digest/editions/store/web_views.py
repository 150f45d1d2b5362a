"""The web view of each edition as it was rendered last, compressed. Never commits."""

from __future__ import annotations

import zlib

from sqlalchemy import Connection, and_, delete, insert, select

from digest.db.tables import edition, web_view


def find_web_view(connection: Connection, public_key: str) -> tuple[int, int, str | None] | None:
    """(edition, its revision, the page of that revision if it is kept); None where nothing approved has that address."""
    tie = and_(web_view.c.edition_id == edition.c.id, web_view.c.revision == edition.c.revision)
    row = connection.execute(
        select(edition.c.id, edition.c.revision, web_view.c.page)
        .select_from(edition.outerjoin(web_view, tie))
        .where(edition.c.public_key == public_key, edition.c.approved_at.is_not(None))
    ).first()
    return row and (row.id, row.revision, zlib.decompress(row.page).decode() if row.page else None)


def keep_web_view(connection: Connection, edition_id: int, revision: int, page: str) -> None:
    """Put a page in the place of the one that was kept."""
    connection.execute(delete(web_view).where(web_view.c.edition_id == edition_id))
    connection.execute(
        insert(web_view).values(edition_id=edition_id, revision=revision, page=zlib.compress(page.encode(), 6))
    )
