"""Many rows in one text, both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from digest.db.engine import reading, writing
from digest.db.rows import instant, read_at_once
from digest.db.tables import subscriber

AT = datetime(2026, 11, 23, 7, 0, 5, 120_000, tzinfo=UTC)
NAMES = ["Ana Kovač", 'Jo "the quay" O\'Brien\\', "Łukasz\u2028Example", "\U0001f6a2", "</script>", ""]


def _add(engine: Engine, *rows: dict[str, Any]) -> None:
    with writing(engine) as connection:
        connection.execute(insert(subscriber), list(rows))


def test_rows_read_at_once_hold_what_the_rows_hold(engine: Engine) -> None:
    """In the order of the first column, whatever the database does: numbers that are not written in their order."""
    people = [
        {
            "id": 30 - number,
            "address": f"reader{number}@example.org",
            "address_key": f"reader{number}@example.org",
            "name": name,
            "language": "en",
            "attributes": {"city": name, "tags": [1, None, {"a": "b"}]} if number % 2 else {},
            "created_at": AT + timedelta(hours=number),
        }
        for number, name in enumerate(NAMES)
    ]
    _add(engine, *people)
    columns = (subscriber.c.id, subscriber.c.name, subscriber.c.attributes, subscriber.c.created_at)
    with reading(engine) as connection:
        rows = read_at_once(connection, select(*columns))
        one_by_one = connection.execute(select(*columns).order_by(subscriber.c.id)).all()
    assert [(id_, name, attributes, instant(at)) for id_, name, attributes, at in rows] == [
        tuple(r) for r in one_by_one
    ]
    assert [row[1] for row in rows] == NAMES[::-1]


def test_no_rows_read_at_once_are_none(engine: Engine) -> None:
    with reading(engine) as connection:
        assert read_at_once(connection, select(subscriber.c.id, subscriber.c.attributes)) == []


@pytest.mark.parametrize(
    "text", ["2026-11-23 07:00:05.120000", "2026-11-23T07:00:05.12+00:00", "2026-11-23T12:30:05.120+05:30"]
)
def test_an_instant_is_the_same_however_the_database_writes_it(text: str) -> None:
    assert instant(text) == AT
    assert instant(text).tzinfo is UTC
    assert instant(AT.astimezone(timezone(timedelta(hours=-3))).isoformat()) == AT
