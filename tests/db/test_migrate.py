"""The schema is ours, or nothing runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.db.tables import metadata
from digest.errors import ConfigError, DatabaseError, Next, Step


def test_a_migrated_database_has_exactly_the_tables_of_the_program(engine: Engine) -> None:
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_an_empty_database_is_refused_with_what_to_do(database_url: str) -> None:
    engine = make_engine(database_url)
    with pytest.raises(DatabaseError, match="is empty") as refused:
        migrate.check(engine)
    assert refused.value.next == Next(Step.UPGRADE_DATABASE)
    engine.dispose()


def test_the_chain_of_migrations_is_that_of_alembic(database_url: str) -> None:
    """Each names the one before it; their numbers need not be in that order."""
    engine = make_engine(database_url)
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert list(migrate.upgrade(engine)) == [each.revision for each in reversed([*scripts.walk_revisions()])]
    engine.dispose()


def test_a_newer_schema_is_refused_and_not_touched(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_future'")
    with pytest.raises(DatabaseError, match="newer than this program"):
        migrate.upgrade(engine)


def test_upgrading_twice_runs_nothing_the_second_time(database_url: str) -> None:
    engine = make_engine(database_url)
    assert migrate.upgrade(engine)
    assert migrate.upgrade(engine) == ()
    engine.dispose()


def test_a_database_that_cannot_be_opened_is_named(tmp_path: object) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/no/such/folder/digest.sqlite")
    with pytest.raises(DatabaseError, match="no/such/folder"):
        migrate.status(engine)


@pytest.mark.parametrize("url", ["mysql://h/db", "nonsense", "oracle://x"])
def test_a_database_of_another_make_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match=r"database\.url"):
        make_engine(url)
