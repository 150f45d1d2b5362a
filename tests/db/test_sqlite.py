"""A library that keeps what it committed; and where there is none, nobody commits while a checkpoint runs."""

from __future__ import annotations

import multiprocessing
import sqlite3
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select

from digest.db import migrate, sqlite
from digest.db.engine import Writer, make_engine, reading, writing
from digest.db.tables import secret
from tests.site import NOW


@pytest.mark.parametrize(
    ("version", "is_faulty"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 50, 8), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ],
)
def test_versions_with_the_fault_are_known(version: tuple[int, ...], is_faulty: bool) -> None:
    assert sqlite.loses_commits(version) is is_faulty


def test_the_library_in_use_is_sound(tmp_path: Path) -> None:
    """On every machine that these tests run on, a sound one can be had."""
    engine = make_engine(f"sqlite:///{tmp_path / 'digest.sqlite'}")
    with reading(engine) as connection:
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    assert not sqlite.loses_commits(tuple(map(int, version.split("."))))
    assert sqlite.library(engine) == (version, True)
    assert "digest_checkpoint_lock" not in engine.get_execution_options()
    engine.dispose()


@pytest.fixture
def old(tmp_path: Path) -> Engine:
    """An engine on the interpreter's own library, if that has the fault."""
    if not sqlite.loses_commits(sqlite3.sqlite_version_info):
        pytest.skip(f"the interpreter's SQLite {sqlite3.sqlite_version} is sound")
    engine = make_engine(f"sqlite:///{tmp_path / 'digest.sqlite'}", sqlite_driver=sqlite3)
    migrate.upgrade(engine)
    return engine


def _add(engine: Engine, name: str, size: int = 10) -> None:
    with writing(engine) as connection:
        connection.execute(insert(secret).values(name=name, value="x" * size, created_at=NOW))


def _add_many(url: str, who: str, count: int, is_ready: Event | None = None) -> None:
    engine = make_engine(url, sqlite_driver=sqlite3)
    with reading(engine):  # it is connected
        pass
    if is_ready is not None:
        is_ready.set()
    for number in range(count):
        _add(engine, f"{who}.{number}", size=60_000)
    engine.dispose()


def test_with_a_faulty_library_sqlite_copies_no_log_by_itself(old: Engine) -> None:
    assert sqlite.library(old) == (sqlite3.sqlite_version, False)
    for connect in (old.connect, lambda: old.execution_options(digest_reads=True).connect()):
        with connect() as connection:
            assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == 0


def test_nobody_writes_while_another_process_writes_or_copies(old: Engine) -> None:
    """Processes that write at once: each transaction is there, and the log was copied on the way."""
    url = old.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_add_many, args=(url, f"process{n}", 60)) for n in range(2)]
    for process in others:
        process.start()
    writer = Writer(old)
    for number in range(60):
        with writer.writing() as connection:
            connection.execute(insert(secret).values(name=f"here.{number}", value="x", created_at=NOW))
    writer.close()
    for process in others:
        process.join(120)
        assert process.exitcode == 0
    with reading(old) as connection:
        assert connection.execute(select(func.count()).select_from(secret)).scalar_one() == 180
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    old.dispose()


def test_the_log_is_copied_when_it_is_large(old: Engine) -> None:
    for number in range(200):
        _add(old, f"here.{number}", size=60_000)
    assert Path(f"{old.url.database}-wal").stat().st_size < sqlite.CHECKPOINT_BYTES + 1_000_000
    old.dispose()


def test_who_copies_the_log_holds_the_lock(old: Engine) -> None:
    import fcntl

    with sqlite.lock_file(str(old.url.database)).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        context = multiprocessing.get_context("spawn")
        is_ready = context.Event()
        url = old.url.render_as_string(hide_password=False)
        other = context.Process(target=_add_many, args=(url, "other", 1, is_ready))
        other.start()
        assert is_ready.wait(60)
        other.join(2)
        assert other.is_alive()  # it waits
        with reading(old) as connection:  # who reads does not
            assert connection.execute(select(func.count()).select_from(secret)).scalar_one() == 0
    other.join(60)
    assert other.exitcode == 0
    with sqlite.lock_file(str(old.url.database)).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it any more
    _add(old, "after")
    old.dispose()
