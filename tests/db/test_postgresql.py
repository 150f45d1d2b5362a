"""What a session of ours asks of PostgreSQL, directly and through PgBouncer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.errors import DatabaseError

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _settings(engine: Engine) -> dict[str, str]:
    names = ("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout")
    with reading(engine) as connection:
        return {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in names}


WANTED = {"synchronous_commit": "on", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "30s"}


def _set_for_all_sessions(url: str, **values: str) -> None:
    admin = create_engine(make_url(url).set(drivername="postgresql"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name, value in values.items():
            connection.exec_driver_sql(f"ALTER DATABASE {make_url(url).database} SET {name} = {value}")
    admin.dispose()


def test_a_commit_is_on_the_disk_whatever_the_server_was_told(postgresql_database: str) -> None:
    _set_for_all_sessions(postgresql_database, synchronous_commit="off", lock_timeout="0")
    engine = make_engine(postgresql_database)
    assert _settings(engine) == WANTED
    engine.dispose()


def test_a_stronger_promise_of_the_server_is_left_alone(postgresql_database: str) -> None:
    _set_for_all_sessions(postgresql_database, synchronous_commit="remote_apply")
    engine = make_engine(postgresql_database)
    assert _settings(engine)["synchronous_commit"] == "remote_apply"
    engine.dispose()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_all_names_is_refused(encoding: str, postgresql_url: str) -> None:
    admin = create_engine(make_url(postgresql_url).set(drivername="postgresql"), isolation_level="AUTOCOMMIT")
    name = f"digest_{encoding.lower()}_{os.getpid()}"
    with admin.connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
    engine = make_engine(admin.url.set(database=name).render_as_string(hide_password=False))
    try:
        for look in (migrate.status, migrate.upgrade, migrate.check):
            with pytest.raises(DatabaseError, match="must be UTF8"):
                look(engine)
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


@pytest.fixture
def pooled(postgresql_database: str) -> Iterator[str]:
    """The same database through PgBouncer, which gives each transaction another session."""
    if PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed")
    url = make_url(postgresql_database)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp()  # pytest's own is closed to the account that PgBouncer takes
    os.chmod(folder, 0o755)
    settings = Path(folder, "pgbouncer.ini")
    host = url.host or url.query.get("host") or "127.0.0.1"
    settings.write_text(
        f"[databases]\n* = host={host} port={url.port or 5432} user={url.username or 'postgres'}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n"
        f"default_pool_size = 2\nunix_socket_dir =\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    os.chmod(settings, 0o644)
    command = [PGBOUNCER, str(settings)]
    if os.geteuid() == 0:  # as whoever may reach the server's socket
        account = Path(host).owner() if host.startswith("/") else "nobody"
        command = [PGBOUNCER, "-u", account, str(settings)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield url.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)


def test_through_a_pooler_each_transaction_is_set_up(pooled: str, postgresql_database: str) -> None:
    _set_for_all_sessions(postgresql_database, synchronous_commit="off")
    engine = make_engine(pooled)
    migrate.upgrade(engine)
    assert _settings(engine) == WANTED
    with engine.connect() as one, engine.connect() as other:  # two sessions of the pool, many transactions
        for turn in range(20):
            for connection in (one, other):
                with connection.begin():
                    assert connection.execute(text("SELECT :turn"), {"turn": turn}).scalar() == turn
                    assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    with writing(engine) as connection:
        assert connection.info["digest_is_pooled"]
    engine.dispose()
