"""What others may be told of: an event for each thing that happened, written in the transaction of the deed. Never commits.

`EVENTS` is the vocabulary, and docs/events.md explains it; a test holds the two together. An event holds ids and words of
the program's own, never a text of a person or of a server: whoever is told may ask for those with rights of their own.

A deed for many people (an import, a sync) writes one event for each of its transactions, with all ids in it: a row for each
of a million readers would cost as much as the readers. So whoever reads `subscriber.joined` reads a list, also of one.

Ids rise, but transactions end in any order: who reads on from the last id may miss one that was begun earlier and ended
later. A reader of the outbox therefore marks what it has done, and does not count on order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from digest.db.tables import outbox

KEPT = timedelta(days=30)
"""Longer than whoever is told of events should be away."""

PRUNED_AT_ONCE = 5_000


class Event(StrEnum):
    EDITION_BUILT = "edition.built"
    EDITION_APPROVED = "edition.approved"
    EDITION_SENDING = "edition.sending"
    EDITION_PAUSED = "edition.paused"
    EDITION_RESUMED = "edition.resumed"
    EDITION_CANCELLED = "edition.cancelled"
    EDITION_SENT = "edition.sent"
    EDITION_REOPENED = "edition.reopened"
    ARTICLE_WITHDRAWN = "article.withdrawn"
    SUBSCRIBER_JOINED = "subscriber.joined"
    SUBSCRIBER_LEFT = "subscriber.left"


_EDITION = ("newsletter_id", "edition_id")
_SUBSCRIBERS = ("newsletter_id", "subscription_ids", "method")

FIELDS: Mapping[Event, tuple[str, ...]] = {
    Event.EDITION_BUILT: (*_EDITION, "status"),
    **dict.fromkeys((each for each in Event if each.startswith("edition.") and each != Event.EDITION_BUILT), _EDITION),
    Event.ARTICLE_WITHDRAWN: ("article_id", "edition_ids"),
    Event.SUBSCRIBER_JOINED: _SUBSCRIBERS,
    Event.SUBSCRIBER_LEFT: _SUBSCRIBERS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """An event, as it is kept. `data` has the fields of FIELDS."""

    id: int
    at: datetime
    event: Event
    data: Mapping[str, Any]


def tell(connection: Connection, event: Event, *, now: datetime, **data: object) -> None:
    """Keep an event; ValueError where it has not exactly its fields."""
    if set(data) != set(FIELDS[event]):
        raise ValueError(f"{event}: has {sorted(data)}, and should have {sorted(FIELDS[event])}")
    connection.execute(insert(outbox).values(at=now, event=event, data=data))


def list_events(connection: Connection, *, after_id: int = 0, limit: int = 100) -> list[OutboxEvent]:
    """The oldest first, a page at a time. index  pk_outbox"""
    rows = connection.execute(select(outbox).where(outbox.c.id > after_id).order_by(outbox.c.id).limit(limit))
    return [OutboxEvent(id=row.id, at=row.at, event=Event(row.event), data=row.data) for row in rows]


def prune(connection: Connection, *, now: datetime) -> int:
    """Forget some events that are older than KEPT; returns how many. index  ix_outbox_at"""
    old = select(outbox.c.id).where(outbox.c.at < now - KEPT).order_by(outbox.c.at).limit(PRUNED_AT_ONCE)
    return connection.execute(delete(outbox).where(outbox.c.id.in_(old.scalar_subquery()))).rowcount
