"""Newsletters in the database. Functions ask one question or do one deed, and never commit."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from digest.db.tables import newsletter
from digest.editions.snapshot import newsletter_from_json, settings_to_json
from digest.errors import Next, NotFound, Refused, Step
from digest.model.newsletter import Newsletter, NewsletterId


def list_newsletters(connection: Connection) -> list[Newsletter]:
    """All of them, by name; there are never many."""
    return [_newsletter(row) for row in connection.execute(select(newsletter).order_by(newsletter.c.name))]


def find_newsletter(connection: Connection, name: str) -> Newsletter | None:
    row = connection.execute(select(newsletter).where(newsletter.c.name == name)).first()
    return _newsletter(row) if row else None


def get_newsletter(connection: Connection, name: str) -> Newsletter:
    found = find_newsletter(connection, name)
    if found is None:
        names = ", ".join(each.name for each in list_newsletters(connection))
        raise NotFound(
            f"there is no newsletter {name!r} (there are: {names or 'none yet'})",
            next=None if names else Next(Step.ADD_NEWSLETTER),
        )
    return found


def list_with_versions(connection: Connection) -> list[tuple[Newsletter, int]]:
    """All of them, by name, each with the version that rises with every change."""
    rows = connection.execute(select(newsletter).order_by(newsletter.c.name))
    return [(_newsletter(row), row.version) for row in rows]


def get_with_version(connection: Connection, name: str, *, for_update: bool = False) -> tuple[Newsletter, int]:
    """One, with its version; NotFound. `for_update`: nobody else changes it before this transaction ends."""
    query = select(newsletter).where(newsletter.c.name == name)
    row = connection.execute(query.with_for_update() if for_update else query).first()
    return (_newsletter(row), row.version) if row else (get_newsletter(connection, name), 0)


def get_newsletter_by_id(connection: Connection, newsletter_id: NewsletterId) -> Newsletter:
    row = connection.execute(select(newsletter).where(newsletter.c.id == newsletter_id)).one()
    return _newsletter(row)


def add_newsletter(connection: Connection, new: Newsletter, *, now: datetime) -> NewsletterId:
    """Insert; Refused when the name is taken. `new.id` is ignored."""
    if find_newsletter(connection, new.name):
        raise Refused(f"there is a newsletter {new.name!r} already")
    values = {**_newsletter_values(new), "created_at": now, "updated_at": now}
    return NewsletterId(connection.execute(insert(newsletter).values(values).returning(newsletter.c.id)).scalar_one())


def change_newsletter(connection: Connection, changed: Newsletter, *, now: datetime) -> int:
    """Write all of it; returns the version that it has now. Who changes what stands there holds its lock."""
    values = {**_newsletter_values(changed), "updated_at": now, "version": newsletter.c.version + 1}
    written = update(newsletter).where(newsletter.c.id == changed.id).values(values).returning(newsletter.c.version)
    return int(connection.execute(written).scalar_one())


def _newsletter_values(value: Newsletter) -> dict[str, Any]:
    schedule = value.schedule
    return {
        "name": value.name,
        "title": value.title,
        "is_enabled": value.is_enabled,
        "weekdays": ",".join(schedule.weekdays),
        "wall_time": schedule.wall_time.isoformat(timespec="minutes"),
        "time_zone": schedule.time_zone,
        "since_at": schedule.since_at,
        "late_hours": schedule.late_hours,
        "is_local": schedule.is_local,
        "settings": settings_to_json(value),
    }


def _newsletter(row: Row[Any]) -> Newsletter:
    return newsletter_from_json(
        {
            "id": row.id,
            "name": row.name,
            "title": row.title,
            "is_enabled": row.is_enabled,
            "schedule": {
                "weekdays": [day for day in row.weekdays.split(",") if day],
                "wall_time": row.wall_time if isinstance(row.wall_time, str) else time.isoformat(row.wall_time),
                "time_zone": row.time_zone,
                "since_at": row.since_at.isoformat() if row.since_at else None,
                "late_hours": row.late_hours,
                "is_local": row.is_local,
            },
            "settings": row.settings,
        }
    )
