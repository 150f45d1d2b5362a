"""Who sends at this moment, and what they used of the limits they share. SQL, as in store.py; never commits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from digest.db.rows import upsert
from digest.db.tables import allowance, sender


def write_sender(
    connection: Connection, owner: str, edition_id: int, state: dict[str, Any], *, now: datetime, hold: timedelta
) -> int:
    """A sender says that it lives, and how it does; returns how many send at this moment, over all editions."""
    connection.execute(
        upsert(connection, sender)
        .values(owner=owner, edition_id=edition_id, started_at=now, seen_at=now, state=state)
        .on_conflict_do_update(index_elements=["owner"], set_={"seen_at": now, "state": state})
    )
    living = select(func.count()).select_from(sender).where(sender.c.seen_at > now - hold)
    return int(connection.execute(living).scalar_one())


def remove_sender(connection: Connection, owner: str, *, now: datetime) -> None:
    """It has stopped; rows of senders that were killed long ago go with it."""
    connection.execute(delete(sender).where(or_(sender.c.owner == owner, sender.c.seen_at < now - timedelta(hours=1))))


def list_senders(connection: Connection, edition_id: int, *, now: datetime, hold: timedelta) -> list[dict[str, Any]]:
    """The states of those who send this edition at this moment, the oldest first."""
    rows = connection.execute(
        select(sender.c.state)
        .where(sender.c.edition_id == edition_id, sender.c.seen_at > now - hold)
        .order_by(sender.c.started_at, sender.c.owner)
    )
    return list(rows.scalars())


def take_allowance(connection: Connection, key: str, window: str, *, limit: int, wanted: int) -> int:
    """A share of what a limit allows in this hour or day; 0 when it is used up. Two senders never get the same share."""
    row = upsert(connection, allowance).values(key=key, window=window, used=0)
    connection.execute(row.on_conflict_do_nothing(index_elements=["key", "window"]))
    this = and_(allowance.c.key == key, allowance.c.window == window)
    used: int = connection.execute(select(allowance.c.used).where(this).with_for_update()).scalar_one()
    share = max(0, min(wanted, limit - used))
    if share:
        connection.execute(update(allowance).where(this).values(used=allowance.c.used + share))
    connection.execute(delete(allowance).where(allowance.c.key == key, allowance.c.window < window))
    return share


def return_allowance(connection: Connection, key: str, window: str, *, unused: int) -> None:
    this = and_(allowance.c.key == key, allowance.c.window == window)
    connection.execute(update(allowance).where(this).values(used=allowance.c.used - unused))
