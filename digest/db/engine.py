"""Engine and transactions, with the settings that were found to matter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from digest.db import postgresql, sqlite
from digest.errors import ConfigError

MAX_CONNECTIONS = 40
"""Of one process: eight editions at once, each with its ledger, its next batch and its keeper, and the pages."""

_POOL: dict[str, Any] = {
    "pool_size": 8,
    "max_overflow": MAX_CONNECTIONS - 8,
    "hide_parameters": True,  # else an error quotes the rows that it was given, and a traceback has addresses in it
}


def make_engine(url: str, *, sqlite_driver: ModuleType | None = None) -> Engine:
    """An engine for SQLite or PostgreSQL; ConfigError for a URL that is neither.

    SQLite       WAL so that readers never wait; `synchronous=FULL` because an outcome that is told must survive a power
                 cut; BEGIN IMMEDIATE for writers: the driver's default loses updates without a word (195 of 400 counted);
                 and a library that keeps what it committed (sqlite.py), unless `sqlite_driver` names another
    PostgreSQL   the settings of postgresql.py, whatever the server's are
    """
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as cause:
        raise ConfigError(f"database.url: not a database URL: {cause}") from cause
    except ValueError as cause:  # its text quotes what stands after a colon, which may be part of a password
        raise ConfigError(
            "database.url: the port is no number; in a password, @ : and / are written %40 %3A and %2F"
        ) from cause
    if "@" in (parsed.host or ""):  # cut in the middle of the password, which would be shown as the name of a host
        raise ConfigError("database.url: holds more than one @; in a password, @ : and / are written %40 %3A and %2F")
    if parsed.get_backend_name() == "sqlite" and (parsed.host or parsed.database in (None, "", ":memory:")):
        raise ConfigError(
            "database.url: names no file; write sqlite:///FILE, or sqlite:////FOLDER/FILE with four slashes"
        )
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(f"database.url: {parsed.get_backend_name()} is not supported; use sqlite or postgresql")
    try:
        if parsed.get_backend_name() == "postgresql":
            engine = create_engine(parsed, pool_pre_ping=True, connect_args=postgresql.ARGUMENTS, **_POOL)
            event.listen(engine, "connect", postgresql.prepare)
            event.listen(engine, "begin", postgresql.begin)
            return engine
        module = sqlite_driver or sqlite.driver()
        engine = create_engine(parsed, module=module, connect_args={"timeout": 30}, **_POOL)
    except ModuleNotFoundError as cause:
        raise ConfigError(
            f"database.url: the driver {cause.name} is missing; install it: pip install 'digest-mailer[postgres]'"
        ) from cause
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    if sqlite.loses_commits(module.sqlite_version_info) and parsed.database:
        engine.update_execution_options(digest_checkpoint_lock=sqlite.lock_file(parsed.database))
        event.listen(engine, "connect", lambda driver, _record: driver.execute("PRAGMA wal_autocheckpoint=0").close())
    return engine


def _prepare_sqlite(driver: Any, _record: object) -> None:
    driver.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        driver.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("digest_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: on SQLite it takes no write lock."""
    with engine.connect() as connection:
        connection = connection.execution_options(digest_reads=True)
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes; commits at the end, rolls back on any error."""
    with sqlite.alone(engine), engine.begin() as connection:
        yield connection


@contextmanager
def rehearsing(engine: Engine) -> Iterator[Connection]:
    """A transaction that does all the work of a writing one and takes it back: a dry run says what would happen."""
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


FRESH_S = 10.0
"""A connection that was used so shortly ago is taken to be alive."""


class Writer:
    """Writes in one transaction after another, on a connection that it keeps: to take one out of the pool, ask whether it is
    alive and give it back costs as much as a small transaction. Not for two threads at once."""

    def __init__(self, engine: Engine, *, fresh_s: float = FRESH_S) -> None:
        self._engine, self._fresh_s = engine, fresh_s
        self._connection: Connection | None = None
        self._used_at = 0.0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes. After an error, or a while without use, the next one gets another connection."""
        if time.monotonic() - self._used_at > self._fresh_s:
            self.close()
        connection = self._connection = self._connection or self._engine.connect()
        try:
            with sqlite.alone(self._engine), connection.begin():
                yield connection
        except BaseException:
            self.close()
            raise
        self._used_at = time.monotonic()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def answers(engine: Engine) -> bool:
    """Does the database answer at this moment?"""
    try:
        with reading(engine) as connection:
            return connection.execute(select(1)).scalar() == 1
    except SQLAlchemyError:
        return False


def trouble_of(error: BaseException) -> str:
    """What the database says of an error that it made, in one line; "" where it made none."""
    return str(error.orig).splitlines()[0] if isinstance(error, DBAPIError) else ""
