"""What belongs to the installation itself: its secrets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from digest.db.rows import upsert
from digest.db.tables import secret


def find_secret(connection: Connection, name: str) -> str | None:
    return connection.execute(select(secret.c.value).where(secret.c.name == name)).scalar()


def ensure_secret(connection: Connection, name: str, value: str, *, now: datetime) -> str:
    """Keep `value` unless there is one already; returns the one that is kept. Two processes agree on one."""
    connection.execute(
        upsert(connection, secret)
        .values(name=name, value=value, created_at=now)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    kept: str = connection.execute(select(secret.c.value).where(secret.c.name == name)).scalar_one()
    return kept
