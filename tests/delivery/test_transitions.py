"""The states of deliveries: what the database sees while editions are sent is what the table allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, text

from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.db.tables import suppression
from digest.delivery.store import rows as delivery_store
from digest.delivery.store.batches import lease
from digest.delivery.store.transitions import TRANSITIONS
from digest.flows import dispatch
from digest.flows.admin import editions as editions_admin
from digest.flows.publish import Press
from digest.model.delivery import DeliveryStatus
from tests.flows.test_dispatch import build, send
from tests.site import ADMIN, NOW, SmtpServer

NOTE = "INSERT INTO seen VALUES (OLD.status, NEW.status)"
SPIES = {
    "sqlite": [f"CREATE TRIGGER spy AFTER UPDATE OF status ON delivery BEGIN {NOTE}; END"],
    "postgresql": [
        f"CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {NOTE}; RETURN NEW; END $$",
        "CREATE TRIGGER spy AFTER UPDATE OF status ON delivery FOR EACH ROW EXECUTE FUNCTION spy()",
    ],
}


@pytest.fixture
def spied(engine: Engine) -> Iterator[Engine]:
    """Every change of a state is written down by the database itself."""
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE seen (before TEXT, after TEXT)")
        for statement in SPIES[engine.dialect.name]:
            connection.exec_driver_sql(statement)
    return engine


def seen(engine: Engine) -> set[tuple[DeliveryStatus, DeliveryStatus]]:
    with reading(engine) as connection:
        rows = connection.execute(text("SELECT before, after FROM seen WHERE before != after"))
        return {(DeliveryStatus(before), DeliveryStatus(after)) for before, after in rows}


def test_every_state_has_its_line() -> None:
    assert set(TRANSITIONS) == set(DeliveryStatus)


def test_nothing_happens_that_the_table_does_not_allow(spied: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(spied, press, readers=6)
    dispatch.plan(spied, edition_id, now=NOW)
    with writing(spied) as connection:  # a sender that dies, and a reader who is suppressed meanwhile
        lease(connection, edition_id, owner="dead", now=NOW, hold=timedelta(seconds=60))
        delivery_store.mark_attempting(connection, edition_id, [1], owner="dead", now=NOW)
        key = "reader2@example.org"
        connection.execute(insert(suppression).values(address_key=key, reason="admin", since_at=NOW))
    smtp_server.recorder.answers = {
        "reader3@example.org": ["451 4.7.1 later"] * 2,
        "reader4@example.org": ["550 5.1.1 no such user"],
    }
    later = FixedClock(NOW + timedelta(minutes=2))
    send(spied, press, edition_id, smtp_server.channel(), clock=later)
    editions_admin.resolve(spied, edition_id, resend=True, now=later.now(), actor=ADMIN)
    editions_admin.cancel(spied, edition_id, now=later.now(), actor=ADMIN)
    found = seen(spied)
    assert {after for _, after in found} == set(DeliveryStatus)
    assert found <= {(before, after) for before, those in TRANSITIONS.items() for after in those}
