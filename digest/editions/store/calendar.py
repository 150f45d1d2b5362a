"""Events of a newsletter in the database, and as an edition keeps them. Functions never commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from digest.db.tables import event
from digest.editions.snapshot import made, written
from digest.errors import Next, NotFound, Step
from digest.model.event import Event
from digest.model.newsletter import Newsletter, NewsletterId


def list_events(connection: Connection, newsletter_id: NewsletterId, *, after: datetime) -> list[Event]:
    """Those that begin later, the next first. index  ix_event_newsletter_id_starts_at"""
    rows = connection.execute(
        select(event)
        .where(event.c.newsletter_id == newsletter_id, event.c.starts_at > after)
        .order_by(event.c.starts_at, event.c.id)
    )
    return [_event(row) for row in rows]


def next_events(connection: Connection, newsletter: Newsletter, due_at: datetime) -> tuple[Event, ...]:
    """What an edition that is due then tells of."""
    until = due_at + timedelta(days=newsletter.event_days)
    coming = list_events(connection, newsletter.id, after=due_at) if newsletter.max_events else []
    return tuple(each for each in coming if each.starts_at <= until)[: newsletter.max_events]


def get_event(connection: Connection, event_id: int) -> Event:
    row = connection.execute(select(event).where(event.c.id == event_id)).first()
    if row is None:
        raise NotFound(f"there is no event {event_id}", next=Next(Step.LIST_EVENTS))
    return _event(row)


def lock_event(connection: Connection, event_id: int) -> tuple[NewsletterId, Event]:
    """To be changed, and whose it is: of two people at the same moment the second sees what the first has done."""
    row = connection.execute(select(event).where(event.c.id == event_id).with_for_update()).first()
    if row is None:
        raise NotFound(f"there is no event {event_id}", next=Next(Step.LIST_EVENTS))
    return NewsletterId(row.newsletter_id), _event(row)


def add_event(connection: Connection, newsletter_id: NewsletterId, new: Event, *, now: datetime) -> int:
    values = {"newsletter_id": newsletter_id, "created_at": now, **_values(new)}
    return int(connection.execute(insert(event).values(values).returning(event.c.id)).scalar_one())


def change_event(connection: Connection, event_id: int, changed: Event) -> None:
    connection.execute(update(event).where(event.c.id == event_id).values(_values(changed)))


def remove_event(connection: Connection, event_id: int) -> None:
    """Editions that were built keep it."""
    connection.execute(delete(event).where(event.c.id == event_id))


_FIELDS = ("title", "starts_at", "ends_at", "is_all_day", "time_zone", "place", "url", "text")


def _values(of: Event) -> dict[str, Any]:
    return {name: getattr(of, name) for name in _FIELDS}


def _event(row: Row[Any]) -> Event:
    return Event(id=row.id, **{name: row._mapping[name] for name in _FIELDS})


def events_to_json(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [{name: value for name, value in written(each).items() if name != "id"} for each in events]


def events_from_json(values: Sequence[Mapping[str, Any]] | None) -> tuple[Event, ...]:
    return tuple(
        made(Event, {**each, **{k: datetime.fromisoformat(each[k]) for k in ("starts_at", "ends_at") if each.get(k)}})
        for each in values or ()
    )
