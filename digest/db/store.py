"""What belongs to the installation itself: its secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select

from digest.db.rows import upsert
from digest.db.tables import secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """number: of the generation; 1 for the first, which has none in its name"""

    name: str
    value: str = field(repr=False)
    created_at: datetime

    @property
    def number(self) -> int:
        return int(self.name.partition(".")[2] or 1)


def find_secret(connection: Connection, name: str) -> str | None:
    return connection.execute(select(secret.c.value).where(secret.c.name == name)).scalar()


def list_secrets(connection: Connection, name: str) -> list[Secret]:
    """The secret of that name, and those that took its place (NAME.2, NAME.3, ...), the newest first."""
    rows = connection.execute(
        select(secret).where(or_(secret.c.name == name, secret.c.name.startswith(f"{name}.", autoescape=True)))
    )
    found = [Secret(name=row.name, value=row.value, created_at=row.created_at) for row in rows]
    return sorted(found, key=lambda each: each.number, reverse=True)


def remove_secret(connection: Connection, name: str) -> bool:
    """False when there is none of that name."""
    return bool(connection.execute(delete(secret).where(secret.c.name == name)).rowcount)


def ensure_secret(connection: Connection, name: str, value: str, *, now: datetime) -> str:
    """Keep `value` unless there is one already; returns the one that is kept. Two processes agree on one."""
    connection.execute(
        upsert(connection, secret)
        .values(name=name, value=value, created_at=now)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    kept: str = connection.execute(select(secret.c.value).where(secret.c.name == name)).scalar_one()
    return kept
