"""Many subscribers at once, for imports: the store's other half. A few statements a batch, however large; never commits.

Rows travel as one JSON parameter that the database takes apart: a bound value each costs more than the row's own work
(100,000 rows: 19 s with executemany, see benchmarks/). Both databases can do it, in two spellings: `_unpacked`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from digest.audience.importing import Person
from digest.db.tables import consent, subscriber, subscription, suppression
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
    connection: Connection, people: Sequence[Person], *, newsletter_id: int, origin: str, now: datetime
) -> Added:
    """Subscribe these people, each mailbox once; doing it again changes nothing.

    origin   where they come from, for the proof of consent: the file's name (the line is added), or who typed it

    New ones become active. What the file says replaces what is stored; what it does not say stays. Who left or is
    suppressed is neither brought back nor changed, and a subscription that another process makes meanwhile stays as
    that one made it.
    """
    by_key = {person.address.key: person for person in people}
    barred = set(_column(connection, suppression.c.address_key, list(by_key)))
    known = {row.address_key: row for row in _known(connection, list(by_key), newsletter_id)}
    gone = {key for key, row in known.items() if row.status == SubscriptionStatus.LEFT} - barred
    welcome = {key: person for key, person in by_key.items() if key not in gone and key not in barred}
    touched = _change_known(connection, [(known[key], person) for key, person in welcome.items() if key in known])
    ids = _insert_subscribers(connection, {key: each for key, each in welcome.items() if key not in known}, now)
    ids |= {key: known[key].id for key in welcome if key in known and known[key].status is None}
    joining = {id_: welcome[key] for key, id_ in ids.items()}
    new = _subscribe(connection, joining, newsletter_id, origin, now)
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
    (key,), source = _unpacked(connection, [[key] for key in keys], Text)
    return connection.execute(select(column).select_from(source).where(column == key)).scalars().all()


def _known(connection: Connection, keys: Sequence[str], newsletter_id: int) -> Iterable[Row[Any]]:
    """Who is here already, with their status in this newsletter: None where they have none."""
    (key,), source = _unpacked(connection, [[key] for key in keys], Text)
    tie = and_(subscription.c.subscriber_id == subscriber.c.id, subscription.c.newsletter_id == newsletter_id)
    wanted = (subscriber.c[name] for name in ("id", "address_key", *_CHANGEABLE))
    return connection.execute(
        select(*wanted, subscription.c.status).select_from(
            source.join(subscriber, subscriber.c.address_key == key).outerjoin(subscription, tie)
        )
    )


def _change_known(connection: Connection, pairs: Sequence[tuple[Row[Any], Person]]) -> list[Row[Any]]:
    """Bring those who are here up to date; returns those that changed. In order of id: two imports don't deadlock."""
    changes = []
    for row, person in pairs:
        values = {name: getattr(person, name) or getattr(row, name) for name in _CHANGEABLE[:3]}
        values["attributes"] = {**row.attributes, **person.attributes}
        if any(values[name] != getattr(row, name) for name in _CHANGEABLE):
            changes.append((row, values))
    changes.sort(key=lambda change: change[0].id)
    if changes:
        connection.execute(
            update(subscriber)
            .where(subscriber.c.id == bindparam("of"))
            .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE}),
            [{"of": row.id, **{f"new_{name}": values[name] for name in _CHANGEABLE}} for row, values in changes],
        )
    return [row for row, _ in changes]


def _insert_subscribers(connection: Connection, people: Mapping[str, Person], now: datetime) -> dict[str, int]:
    """Their ids by key. In order of key, so that two imports of one list wait for each other instead of deadlocking."""
    if not people:
        return {}
    rows = [
        [str(each.address), key, each.name, each.language, each.time_zone, each.attributes]
        for key, each in sorted(people.items())
    ]
    values, source = _unpacked(connection, rows, Text, Text, Text, Text, Text, Json)
    columns = ["address", "address_key", *_CHANGEABLE, "created_at"]
    made = connection.execute(
        _insert(connection, subscriber)
        .from_select(columns, select(*values, literal(now, UtcDateTime)).select_from(source).where(true()))
        .on_conflict_do_nothing(index_elements=["address_key"])
        .returning(subscriber.c.address_key, subscriber.c.id)
    )
    ids: dict[str, int] = {row.address_key: row.id for row in made}
    if missing := [key for key in people if key not in ids]:  # another process inserted them meanwhile
        (key,), source = _unpacked(connection, [[each] for each in missing], Text)
        same = source.join(subscriber, subscriber.c.address_key == key)
        wanted = select(subscriber.c.address_key, subscriber.c.id).select_from(same)
        ids |= {row.address_key: row.id for row in connection.execute(wanted)}
    return ids


def _subscribe(
    connection: Connection, people: Mapping[int, Person], newsletter_id: int, origin: str, now: datetime
) -> int:
    """Active subscriptions by subscriber id, each with the consent that its line stands for; what exists stays as is."""
    if not people:
        return 0
    rows = [[id_, _stored(connection, at) if (at := people[id_].joined_at) else None] for id_ in sorted(people)]
    (id_, joined_at), source = _unpacked(connection, rows, BigInteger, UtcDateTime)
    made = connection.execute(
        _insert(connection, subscription)
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
    _record_consents(connection, [(row.id, people[row.subscriber_id]) for row in made], origin=origin, now=now)
    return len(made)


def _record_consents(
    connection: Connection, joined: Sequence[tuple[int, Person]], *, origin: str, now: datetime
) -> None:
    """Who imported people says that they agreed; what is kept is where it says so, and in which words."""
    rows = [[id_, f"{origin} line {person.line}" if person.line else origin, person.consent] for id_, person in joined]
    (id_, where, wording), source = _unpacked(connection, rows, BigInteger, Text, Text)
    connection.execute(
        _insert(connection, consent).from_select(
            ["subscription_id", "at", "given", "method", "origin", "wording"],
            select(id_, literal(now, UtcDateTime), true(), literal("import"), where, wording).select_from(source),
        )
    )


# --- rows as one parameter -------------------------------------------------------------------------------------------


def _insert(connection: Connection, into: Any) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(into)


def _unpacked(connection: Connection, rows: Sequence[Sequence[object]], *types: Any) -> tuple[list[Any], Any]:
    """A table of `rows` inside the database: its columns, typed, and the FROM that they come from."""
    packed = literal(json.dumps(rows, ensure_ascii=False), Text)
    if connection.dialect.name == "postgresql":
        source = func.jsonb_array_elements(cast(packed, postgresql.JSONB)).table_valued("value").alias("packed")
        cell = type_coerce(source.c.value, postgresql.JSONB)
        columns: list[Any] = [
            cell[number] if of is Json else cast(cell[number].astext, of) for number, of in enumerate(types)
        ]
        return columns, source
    source = func.json_each(packed).table_valued("value").alias("packed")
    extracted = (func.json_extract(source.c.value, f"$[{number}]") for number in range(len(types)))
    return [type_coerce(each, of) for each, of in zip(extracted, types, strict=True)], source


def _stored(connection: Connection, at: datetime) -> str:
    """An instant as this database reads it from text: for SQLite, the text that it keeps (db/types.py)."""
    at = at.astimezone(UTC)
    return (
        at.replace(tzinfo=None).isoformat(" ", "microseconds")
        if connection.dialect.name == "sqlite"
        else at.isoformat()
    )
