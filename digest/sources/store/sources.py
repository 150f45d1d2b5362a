"""Sources in the database: how far each was read, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from digest.db.rows import upsert
from digest.db.tables import source
from digest.errors import Next, NotFound, Refused, Step
from digest.model.source import Cursor, Source, SourceId, Usual
from digest.sources.checked import storable


def list_sources(connection: Connection) -> list[Source]:
    return [_source(row) for row in connection.execute(select(source).order_by(source.c.name))]


def get_source(connection: Connection, name: str) -> Source:
    return _get(connection, name, select(source).where(source.c.name == name))


def lock_source(connection: Connection, name: str) -> Source:
    """To be changed: of two people at the same moment the second sees what the first has done."""
    return _get(connection, name, select(source).where(source.c.name == name).with_for_update())


def _get(connection: Connection, name: str, query: Select[Any]) -> Source:
    row = connection.execute(query).first()
    if row is None:
        names = ", ".join(each.name for each in list_sources(connection))
        raise NotFound(
            f"there is no source {name!r} (there are: {names or 'none yet'})",
            next=None if names else Next(Step.ADD_SOURCE),
        )
    return _source(row)


def add_source(
    connection: Connection, name: str, kind: str, options: Mapping[str, object], *, now: datetime
) -> SourceId:
    added = connection.execute(
        upsert(connection, source)
        .values(name=name, kind=kind, options=dict(options), created_at=now)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(source.c.id)
    ).scalar()
    if added is None:
        raise Refused(f"there is a source {name!r} already")
    return SourceId(added)


def change_source(connection: Connection, source_id: SourceId, **values: object) -> None:
    """By the names of its columns: options, is_enabled, ..."""
    connection.execute(update(source).where(source.c.id == source_id).values(**values))


def record_progress(connection: Connection, source_id: SourceId, cursor: Cursor) -> None:
    """In the transaction that stored the articles: the cursor never passes what was stored."""
    connection.execute(
        update(source)
        .where(source.c.id == source_id)
        .values(cursor_at=cursor.at, cursor_key=cursor.key, etag=cursor.etag, modified=cursor.modified)
    )


def record_success(
    connection: Connection, source_id: SourceId, *, now: datetime, usual: Usual, moved_to: str = ""
) -> None:
    """Read to its end. An address that it moved to replaces the one it has."""
    if moved_to:
        options = connection.execute(select(source.c.options).where(source.c.id == source_id)).scalar_one()
        if not str(options.get("url", "")).startswith("env:") and "password_file" not in options:
            change_source(connection, source_id, options={**options, "url": moved_to})
    change_source(
        connection,
        source_id,
        last_success_at=now,
        last_error="",
        errors_in_row=0,
        due_at=None,
        news_a_day=usual.a_day,
        news_left=usual.left,
    )


def record_failure(
    connection: Connection,
    source_id: SourceId,
    error: str,
    *,
    now: datetime,
    due_at: datetime | None = None,
    is_gone: bool = False,
) -> None:
    """due_at   not before, because the server said so
    is_gone  switched off: nobody need ask again"""
    values: dict[str, object] = {"is_enabled": False, "stopped": storable(error)[:500]} if is_gone else {}
    connection.execute(
        update(source)
        .where(source.c.id == source_id)
        .values(
            last_error=storable(error)[:500],
            last_error_at=now,
            errors_in_row=source.c.errors_in_row + 1,
            due_at=due_at,
            **values,
        )
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
        due_at=row.due_at,
        usual=Usual(row.news_a_day, row.news_left),
        stopped=row.stopped,
        version=row.version,
    )
