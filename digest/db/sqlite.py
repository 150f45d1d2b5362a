"""Which SQLite is loaded, and how it is kept from losing what it committed.

From 3.7.0 to 3.51.2 a checkpoint that runs while another connection commits may take the new write-ahead log for one
that was copied already: committed transactions are lost, or the file is damaged (sqlite.org/wal.html, "the WAL-reset bug";
mended in 3.51.3, 3.50.7 and 3.44.6). A lost mark is a second copy of a mail, and we commit thousands of times a minute
from several connections and processes. So where the interpreter's own library is one of these, the package pysqlite3
brings a newer one; where that cannot be had, nobody commits while a checkpoint runs: a file beside the database is the lock.
"""

from __future__ import annotations

import contextlib
import importlib
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from sqlalchemy import Engine

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MENDED = (3, 51, 3)
BACKPORTED: dict[tuple[int, ...], int] = {(3, 44): 6, (3, 50): 7}
FIRST_WITH_WAL = (3, 7, 0)

FAULT = "may lose what it committed; a lock keeps it from that, at the price of speed: pip install pysqlite3"

CHECKPOINT_BYTES = 4 * 2**20
"""A write-ahead log that is larger is copied into the database: what SQLite does by itself at 1,000 pages."""


def loses_commits(version: tuple[int, ...]) -> bool:
    """Has this version of SQLite the fault?"""
    if not FIRST_WITH_WAL <= version < MENDED:
        return False
    mended = BACKPORTED.get(version[:2])
    return mended is None or version[2] < mended


@cache
def driver() -> ModuleType:
    """The DB-API module with the better library: the interpreter's where that is sound, else the bundled one."""
    if loses_commits(sqlite3.sqlite_version_info):
        with contextlib.suppress(ImportError):
            return importlib.import_module("pysqlite3")
    return sqlite3


def library(engine: Engine) -> tuple[str, bool]:
    """The version that an engine for SQLite loads, and whether that one keeps by itself what it committed."""
    module = engine.dialect.dbapi
    assert module is not None
    return module.sqlite_version, not loses_commits(module.sqlite_version_info)


def lock_file(database: str) -> Path:
    return Path(f"{database}-checkpoint")


@contextlib.contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """With a library that has the fault: one writes, or copies the log, at a time. With any other: nothing."""
    lock = engine.get_execution_options().get("digest_checkpoint_lock")
    if lock is None:
        yield
        return
    with lock.open("ab") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        yield
        _checkpoint(engine)


def _checkpoint(engine: Engine) -> None:
    log = Path(f"{engine.url.database}-wal")
    if log.exists() and log.stat().st_size > CHECKPOINT_BYTES:
        driver_connection = engine.raw_connection()
        try:
            cursor = driver_connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
            cursor.fetchall()
        finally:
            driver_connection.close()
