"""Many subscribers at once, for imports: the store's other half. A few statements a batch, however large; never commits.

Rows travel as one parameter: db/rows.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Text,
    and_,
    bindparam,
    func,
    insert,
    literal,
    select,
    true,
    update,
)

from digest import outbox
from digest.audience.importing import Person
from digest.db.rows import numbers, stored, unpacked, upsert
from digest.db.tables import consent, reader_change, subscriber, subscription, suppression
from digest.db.types import Json, UtcDateTime
from digest.model.subscriber import SubscriptionStatus

_CHANGEABLE = ("name", "language", "time_zone", "attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of a batch; every person of it is in exactly one of these.

    unchanged          also those who asked but have not confirmed: they stay so, an import is no confirmation
    left, suppressed   kept out (P5), by the lines of the file that name them
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    left: tuple[int, ...] = ()
    suppressed: tuple[int, ...] = ()

    @property
    def kept_out(self) -> int:
        return len(self.left) + len(self.suppressed)


def put_people(
    connection: Connection,
    people: Sequence[Person],
    *,
    newsletter_id: int,
    origin: str,
    now: datetime,
    method: str = "import",
) -> Added:
    """Subscribe these people, each mailbox once; doing it again changes nothing.

    origin   where they come from, for the proof of consent: the file's name (the line is added), who typed it, the source
    method   of that consent, as we learned of it

    New ones become active. What the file says replaces what is stored; what it does not say stays. Who left or is
    suppressed is neither brought back nor changed, and a subscription that another process makes meanwhile stays as
    that one made it.
    """
    by_key = {person.address.key: person for person in people}
    barred = set(_column(connection, suppression.c.address_key, list(by_key)))
    known = {row.address_key: row for row in _known(connection, list(by_key), newsletter_id)}
    gone = {key for key, row in known.items() if row.status == SubscriptionStatus.LEFT} - barred
    welcome = {key: person for key, person in by_key.items() if key not in gone and key not in barred}
    pairs = [(known[key], person) for key, person in welcome.items() if key in known]
    touched = _change_known(connection, pairs, now)
    ids = _insert_subscribers(connection, {key: each for key, each in welcome.items() if key not in known}, now)
    ids |= {key: known[key].id for key in welcome if key in known and known[key].status is None}
    joining = {id_: welcome[key] for key, id_ in ids.items()}
    new = _subscribe(connection, joining, newsletter_id, method=method, origin=origin, now=now)
    changed = sum(row.status is not None for row in touched)
    return Added(
        new=new,
        changed=changed,
        unchanged=len(welcome) - new - changed,
        left=tuple(by_key[key].line for key in by_key if key in gone),
        suppressed=tuple(by_key[key].line for key in by_key if key in barred),
    )


def _column(connection: Connection, column: ColumnElement[str], keys: Sequence[str]) -> Sequence[str]:
    """Those of `keys` that stand in a column."""
    (key,), source = unpacked(connection, [[key] for key in keys], Text)
    return connection.execute(select(column).select_from(source).where(column == key)).scalars().all()


def _known(connection: Connection, keys: Sequence[str], newsletter_id: int) -> Iterable[Row[Any]]:
    """Who is here already, with their status in this newsletter: None where they have none."""
    (key,), source = unpacked(connection, [[key] for key in keys], Text)
    tie = and_(subscription.c.subscriber_id == subscriber.c.id, subscription.c.newsletter_id == newsletter_id)
    wanted = (subscriber.c[name] for name in ("id", "address_key", *_CHANGEABLE))
    return connection.execute(
        select(*wanted, subscription.c.status).select_from(
            source.join(subscriber, subscriber.c.address_key == key).outerjoin(subscription, tie)
        )
    )


def _change_known(connection: Connection, pairs: Sequence[tuple[Row[Any], Person]], now: datetime) -> list[Row[Any]]:
    """Bring those who are here up to date; returns those that changed. In order of id: two imports don't deadlock."""
    changes = []
    for row, person in pairs:
        values = {name: getattr(person, name) or getattr(row, name) for name in _CHANGEABLE[:3]}
        values["attributes"] = {**row.attributes, **person.attributes}
        if any(values[name] != getattr(row, name) for name in _CHANGEABLE):
            changes.append((row, values))
    changes.sort(key=lambda change: change[0].id)
    if changes:
        remember_subscribers(connection, [row.id for row, _ in changes], now=now)
        connection.execute(
            update(subscriber)
            .where(subscriber.c.id == bindparam("of"))
            .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE}),
            [{"of": row.id, **{f"new_{name}": values[name] for name in _CHANGEABLE}} for row, values in changes],
        )
    return [row for row, _ in changes]


def remember_subscribers(connection: Connection, ids: Sequence[int], *, now: datetime) -> None:
    """Keep what these people's rows say, before they are changed."""
    connection.execute(
        insert(reader_change),
        [
            {"subscriber_id": row.id, "at": now, "was": {name: getattr(row, name) for name in _CHANGEABLE}}
            for row in connection.execute(
                select(subscriber).where(subscriber.c.id.in_(numbers(connection.dialect.name, _packed(ids))))
            )
        ],
    )


def _packed(ids: Sequence[int]) -> ColumnElement[str]:
    return literal(json.dumps(list(ids)), Text)


def _insert_subscribers(connection: Connection, people: Mapping[str, Person], now: datetime) -> dict[str, int]:
    """Their ids by key. In order of key, so that two imports of one list wait for each other instead of deadlocking."""
    if not people:
        return {}
    rows = [
        [str(each.address), key, each.name, each.language, each.time_zone, each.attributes]
        for key, each in sorted(people.items())
    ]
    values, source = unpacked(connection, rows, Text, Text, Text, Text, Text, Json)
    columns = ["address", "address_key", *_CHANGEABLE, "created_at"]
    made = connection.execute(
        upsert(connection, subscriber)
        .from_select(columns, select(*values, literal(now, UtcDateTime)).select_from(source).where(true()))
        .on_conflict_do_nothing(index_elements=["address_key"])
        .returning(subscriber.c.address_key, subscriber.c.id)
    )
    ids: dict[str, int] = {row.address_key: row.id for row in made}
    if missing := [key for key in people if key not in ids]:  # another process inserted them meanwhile
        (key,), source = unpacked(connection, [[each] for each in missing], Text)
        same = source.join(subscriber, subscriber.c.address_key == key)
        wanted = select(subscriber.c.address_key, subscriber.c.id).select_from(same)
        ids |= {row.address_key: row.id for row in connection.execute(wanted)}
    return ids


def _subscribe(
    connection: Connection,
    people: Mapping[int, Person],
    newsletter_id: int,
    *,
    method: str,
    origin: str,
    now: datetime,
) -> int:
    """Active subscriptions by subscriber id, each with the consent that its line stands for; what exists stays as is."""
    if not people:
        return 0
    rows = [[id_, stored(connection, at) if (at := people[id_].joined_at) else None] for id_ in sorted(people)]
    (id_, joined_at), source = unpacked(connection, rows, BigInteger, UtcDateTime)
    made = connection.execute(
        upsert(connection, subscription)
        .from_select(
            ["subscriber_id", "newsletter_id", "status", "preferences", "joined_at"],
            select(
                id_,
                literal(newsletter_id, BigInteger),
                literal(SubscriptionStatus.ACTIVE.value, Text),
                literal({}, Json),
                func.coalesce(joined_at, literal(now, UtcDateTime)),
            )
            .select_from(source)
            .where(true()),
        )
        .on_conflict_do_nothing(index_elements=["subscriber_id", "newsletter_id"])
        .returning(subscription.c.id, subscription.c.subscriber_id)
    ).all()
    joined = [(row.id, people[row.subscriber_id]) for row in made]
    _record_consents(connection, joined, method=method, origin=origin, now=now)
    if joined:
        outbox.tell(
            connection,
            outbox.Event.SUBSCRIBER_JOINED,
            now=now,
            newsletter_id=newsletter_id,
            subscription_ids=[id_ for id_, _ in joined],
            method=method,
        )
    return len(made)


def _record_consents(
    connection: Connection, joined: Sequence[tuple[int, Person]], *, method: str, origin: str, now: datetime
) -> None:
    """Who brings people says that they agreed; what is kept is when, where, and in which words, as far as that is known."""
    rows = [
        [id_, stored(connection, person.consent_at or now), _origin(origin, person), person.consent]
        for id_, person in joined
    ]
    (id_, at, where, wording), source = unpacked(connection, rows, BigInteger, UtcDateTime, Text, Text)
    connection.execute(
        upsert(connection, consent).from_select(
            ["subscription_id", "at", "given", "method", "origin", "wording"],
            select(id_, at, true(), literal(method), where, wording).select_from(source),
        )
    )


def _origin(origin: str, person: Person) -> str:
    where = f"{origin} line {person.line}" if person.line else origin
    return f"{where}: {person.consent_origin}" if person.consent_origin else where
