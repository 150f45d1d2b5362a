"""A database of the first version, with a row in every table, becomes one of this version and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, text

from digest import audit
from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.db.tables import metadata
from digest.flows.admin import newsletters

FIRST = "0001_first"
AT = "2026-11-23 06:00:00+00:00"
SETTINGS = '{"sender": "news@example.org", "postal_address": "12 Quay Street", "max_items": 12}'

ROWS: dict[str, dict[str, Any]] = {
    "allowance": {"key": "channel:smtp", "window": "2026-11-23", "used": 3},
    "newsletter": {
        "id": 1,
        "name": "harbour",
        "title": "The Harbour Post",
        "weekdays": "mon",
        "wall_time": "07:00",
        "time_zone": "Europe/London",
        "late_hours": 24,
        "settings": SETTINGS,
        "created_at": AT,
        "updated_at": AT,
    },
    "secret": {"name": "token_key", "value": "00" * 32, "created_at": AT},
    "source": {
        "id": 1,
        "name": "site",
        "kind": "feed",
        "options": '{"url": "https://example.org/feed"}',
        "created_at": AT,
    },
    "subscriber": {
        "id": 1,
        "address": "Mira@example.org",
        "address_key": "mira@example.org",
        "name": "Mira",
        "attributes": '{"city": "Port Alder"}',
        "created_at": AT,
    },
    "suppression": {"id": 1, "address_key": "gone@example.org", "reason": "complaint", "since_at": AT},
    "article": {
        "id": 1,
        "source_id": 1,
        "key": "1",
        "url": "https://example.org/1",
        "canonical_url": "https://example.org/1",
        "title": "The ferry is back",
        "published_at": AT,
        "authors": "[]",
        "topics": '["City"]',
        "comments": "[]",
        "content_hash": "a",
        "first_seen_at": AT,
        "updated_at": AT,
        "ready_at": AT,
    },
    "edition": {
        "id": 1,
        "newsletter_id": 1,
        "cadence": "weekly",
        "period": "2026-W48",
        "due_at": AT,
        "window_from": AT,
        "window_until": AT,
        "status": "sent",
        "subject": "This week",
        "public_key": "k1",
        "created_at": AT,
    },
    "event": {
        "id": 1,
        "newsletter_id": 1,
        "title": "Ferry day",
        "starts_at": AT,
        "time_zone": "UTC",
        "created_at": AT,
    },
    "subscription": {
        "id": 1,
        "subscriber_id": 1,
        "newsletter_id": 1,
        "status": "active",
        "preferences": "{}",
        "joined_at": AT,
    },
    "sync": {"source_id": 1, "newsletter_id": 1, "at": AT, "report": "{}"},
    "article_alias": {"id": 1, "article_id": 1, "name": "url https://example.org/one"},
    "audit_log": {
        "id": 1,
        "at": AT,
        "actor": "cli:mira",
        "action": "edition.approve",
        "edition_id": 1,
        "detail": '{"a": 1}',
    },
    "batch": {"id": 1, "edition_id": 1, "first_subscription_id": 1, "due_at": AT, "lease_owner": ""},
    "consent": {"id": 1, "subscription_id": 1, "at": AT, "given": True, "method": "import"},
    "edition_article": {"edition_id": 1, "position": 1, "article_id": 1, "content": '{"title": "The ferry is back"}'},
    "reader_change": {"id": 1, "subscriber_id": 1, "subscription_id": 1, "at": AT, "was": '{"name": "M"}'},
    "registration": {
        "id": 1,
        "source_id": 1,
        "newsletter_id": 1,
        "key": "7",
        "subscription_id": 1,
        "is_own": True,
        "fingerprint": "f",
    },
    "sender": {"owner": "here:1", "edition_id": 1, "started_at": AT, "seen_at": AT, "state": "{}"},
    "delivery": {
        "id": 1,
        "edition_id": 1,
        "subscription_id": 1,
        "batch_id": 1,
        "status": "accepted",
        "attempts": 1,
        "answer": "2.0.0 fine",
    },
    "attempt": {"id": 1, "delivery_id": 1, "at": AT, "channel": "smtp", "stage": "BODY", "verdict": "accepted"},
    "feedback": {
        "id": 1,
        "kind": "bounce",
        "delivery_id": 1,
        "at": AT,
        "provider": "dsn",
        "event_key": "e1",
        "detail": "{}",
    },
}
"""By plain SQL, as it was then: what the program calls things today must not matter."""

GONE_OR_CHANGED = {"audit_log": {"edition_id", "actor", "detail"}}
"""What a migration may take to another column."""


@pytest.fixture
def first(database_url: str) -> Iterator[Engine]:
    """A database as the first version left it."""
    engine = make_engine(database_url)
    config = migrate._config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST)
        for table, row in ROWS.items():
            values = ", ".join(f":{name}" for name in row)
            query = text(f"INSERT INTO {table} ({', '.join(map(_quoted, row))}) VALUES ({values})")
            connection.execute(query, {name: _stored(connection, value) for name, value in row.items()})
    yield engine
    engine.dispose()


def _quoted(name: str) -> str:
    return f'"{name}"'


def _stored(connection: Connection, value: object) -> object:
    """SQLite has instants as text without a zone."""
    if value == AT:
        at = datetime.fromisoformat(AT)
        return f"{at:%Y-%m-%d %H:%M:%S}.000000" if connection.dialect.name == "sqlite" else at
    return value


def test_the_first_version_has_a_row_in_every_table(first: Engine) -> None:
    tables = MetaData()
    tables.reflect(first)
    assert set(ROWS) == set(tables.tables) - {"alembic_version"}


def test_it_becomes_this_version_and_loses_nothing(first: Engine) -> None:
    before = _contents(first)
    assert migrate.upgrade(first)
    migrate.check(first)
    with reading(first) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    after = _contents(first)
    for table, [row] in before.items():
        [now] = after[table]
        changed = {name for name in row if name not in now or now[name] != row[name]}
        assert changed <= GONE_OR_CHANGED.get(table, set()), table


def test_the_program_reads_what_the_first_version_wrote(first: Engine) -> None:
    migrate.upgrade(first)
    found = newsletters.get_newsletter(first, "harbour", now=datetime(2026, 11, 23, tzinfo=UTC))
    assert (found.newsletter.title, found.newsletter.max_items, found.version) == ("The Harbour Post", 12, 1)
    assert found.readers == {"active": 1}


def _contents(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with reading(engine) as connection:
        return {
            table: [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()]
            for table in ROWS
        }


def test_acts_of_the_first_version_are_found_by_who_did_them_and_to_what(first: Engine) -> None:
    old = [
        (2, "schedule", "edition.approve", 1),
        (3, "cli", "event.add", None),
        (4, "cli:bert", "newsletter.change", None),
    ]
    with writing(first) as connection:
        for row in old:
            columns = "id, at, actor, action, edition_id, detail"
            query = text(f"INSERT INTO audit_log ({columns}) VALUES (:i, :t, :w, :d, :e, '{{}}')")
            values = dict(zip(("i", "w", "d", "e"), row, strict=True))
            connection.execute(query, {**values, "t": _stored(connection, AT)})
    migrate.upgrade(first)
    with reading(first) as connection:
        found = {each.id: each for each in audit.list_entries(connection, audit.Filters())}
        of_edition = audit.list_entries(connection, audit.Filters(noun=audit.Noun.EDITION, noun_id=1, newsletter_id=1))
    assert {id_: str(each.actor) for id_, each in found.items()} == {
        1: "cli:mira",
        2: "scheduler",
        3: "cli",
        4: "cli:bert",
    }
    assert [found[id_].target.noun for id_ in (1, 3, 4)] == ["edition", "event", "newsletter"]
    assert [each.id for each in of_edition] == [2, 1]
    assert found[1].detail == {"a": 1}
