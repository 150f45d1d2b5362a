"""A writer keeps its connection for as long as that works."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from digest.db.engine import Writer, make_engine, reading
from digest.db.tables import subscriber

AT = datetime(2026, 11, 23, 7, 0, 5, tzinfo=UTC)


@pytest.fixture
def taken(engine: Engine) -> list[object]:
    """Grows with each connection that is taken out of the pool."""
    found: list[object] = []
    event.listen(engine, "checkout", lambda driver, _record, _proxy: found.append(driver))
    return found


def _add(connection: Connection, *names: str) -> None:
    for address in (f"{name}@example.org" for name in names):
        connection.execute(
            insert(subscriber).values(address=address, address_key=address, attributes={}, created_at=AT)
        )


def _people(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        return {address.partition("@")[0] for address in connection.execute(select(subscriber.c.address)).scalars()}


def test_it_writes_one_transaction_after_another_on_one_connection(engine: Engine, taken: list[object]) -> None:
    writer = Writer(engine)
    for name in ("ana", "ben", "cleo"):
        with writer.writing() as connection:
            _add(connection, name)
    assert len(taken) == 1
    assert _people(engine) == {"ana", "ben", "cleo"}, "each is committed when its block ends"
    writer.close()
    writer.close()
    assert engine.pool.checkedout() == 0


def test_what_fails_is_rolled_back_and_the_next_gets_another_connection(engine: Engine, taken: list[object]) -> None:
    writer = Writer(engine)
    with writer.writing() as connection:
        _add(connection, "ana")
    with pytest.raises(IntegrityError), writer.writing() as connection:
        _add(connection, "ben", "ana")
    assert engine.pool.checkedout() == 0
    with writer.writing() as connection:
        _add(connection, "cleo")
    assert _people(engine) == {"ana", "cleo"}
    assert len(taken) == 3, "two for the writer, one for looking"
    writer.close()


def test_a_connection_that_was_long_idle_is_looked_at_before_it_is_used(engine: Engine, taken: list[object]) -> None:
    """A firewall or a restart may have ended it meanwhile; the pool asks whether it is alive."""
    writer = Writer(engine, fresh_s=0.0)
    for name in ("ana", "ben"):
        with writer.writing() as connection:
            _add(connection, name)
    assert len(taken) == 2
    writer.close()


def test_a_connection_that_the_server_ended_costs_one_transaction(postgresql_database: str) -> None:
    engine = make_engine(postgresql_database)
    writer = Writer(engine)
    with writer.writing() as connection:
        number = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
    with pytest.raises(DBAPIError) as caught, writer.writing() as connection:
        connection.execute(text("SELECT 1"))
    assert caught.value.connection_invalidated
    with writer.writing() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    writer.close()
    engine.dispose()


def test_an_error_quotes_no_row(engine: Engine) -> None:
    values = {"address": "mira@example.org", "address_key": "k", "attributes": {}, "created_at": "no date"}
    with pytest.raises(StatementError) as raised, engine.begin() as connection:
        connection.execute(insert(subscriber), [values, values])
    assert "mira" not in str(raised.value)
