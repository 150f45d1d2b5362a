"""What tests share: both databases, migrated; the folder of real-world data."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine, make_url

from digest import config
from digest.app import App, make_app
from digest.clock import FixedClock
from digest.db import migrate
from digest.db.engine import make_engine
from digest.delivery.channels import smtp
from digest.demo.catcher import SmtpThread
from digest.flows.publish import Press
from tests import mariadb, postgresql
from tests.mariadb import MysqlSite
from tests.site import NOW, Recorder, SmtpServer, make_press, write_thin_template

if TYPE_CHECKING:
    from tests.browser import BrowserThread

settings.register_profile("without a clock", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("without a clock")

HERE = Path(__file__).parent
SERVERS = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew; then read the diff")
    parser.addoption(
        "--quick", action="store_true", help="only what needs no server, no browser and no command: a minute"
    )


STARTED = re.compile(
    r"\b(?:BrowserThread|Command|Mailbox|MysqlSite|Nursery|Popen|Running|RunningSite|ScriptedServer|Serving|Shown|Site"
    r"|SmtpServer|SmtpThread|Trial|WordPress|ZYGOTE|subprocess)\b"
)
"""What starts a server or a process: the type that a fixture gives says so, or the test names it."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--quick"):
        return
    kept = [item for item in items if not _takes_more(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _takes_more(item: pytest.Item) -> bool:
    """It needs a server, a browser or a process; or a program that may be missing; or says itself that it is slow."""
    if item.get_closest_marker("slow") or item.get_closest_marker("skipif"):
        return True
    if STARTED.search(" ".join(getattr(item, "function", _takes_more).__code__.co_names)):
        return True
    if getattr(getattr(item, "callspec", None), "params", {}).get("database_url") == "postgresql":
        return True
    fixtures = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    given = [str(each[-1].func.__annotations__.get("return", "")) for each in fixtures.values()]
    return any(map(STARTED.search, given)) or {"postgresql_url", "postgresql_database"} & fixtures.keys() != set()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the file of that name in tests/golden."""

    def compare(name: str, text: str) -> None:
        file = HERE / "golden" / name
        if request.config.getoption("--update-golden"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{name} is not as it was; see pytest --update-golden"

    return compare


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Before a process of tests starts: all of them share one server. Each its own would cost time; and several that are
    started at once, on a machine that has none yet, each make the account that it runs as.
    """
    servers = node.config.stash.setdefault(SERVERS, {})
    if not servers:
        stack = ExitStack()
        node.config.add_cleanup(stack.close)
        servers["postgresql"] = _given("DIGEST_TEST_DATABASE_URL") or stack.enter_context(postgresql.started())
        servers["mysql"] = _given("DIGEST_TEST_MYSQL_URL") or (
            stack.enter_context(mariadb.started()) if mariadb.is_installed() else ""
        )
    node.workerinput["servers"] = servers


def _given(variable: str) -> str:
    return os.environ.get(variable, "")


def _shared(request: pytest.FixtureRequest, name: str) -> str:
    """The URL of a server that the processes of tests share; "" where there is one process."""
    return str(getattr(request.config, "workerinput", {}).get("servers", {}).get(name, ""))


@pytest.fixture(scope="session")
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A real server: DIGEST_TEST_DATABASE_URL where given, else one that is started here."""
    if url := _shared(request, "postgresql") or _given("DIGEST_TEST_DATABASE_URL"):
        yield url
        return
    with postgresql.started() as url:
        yield url


@contextmanager
def _made(postgresql_url: str, template: str = "") -> Iterator[str]:
    name = f"digest_{uuid.uuid4().hex[:12]}"
    admin = create_engine(make_url(postgresql_url).set(drivername="postgresql"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    try:
        yield admin.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


@pytest.fixture(scope="session")
def postgresql_schema(postgresql_url: str) -> Iterator[str]:
    """The name of a database with our schema and nothing in it: copying one is quicker than migrating."""
    with _made(postgresql_url) as url:
        engine = make_engine(url)
        migrate.upgrade(engine)
        engine.dispose()
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def sqlite_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with our schema and nothing in it."""
    file = tmp_path_factory.mktemp("schema") / "digest.sqlite"
    engine = make_engine(f"sqlite:///{file}")
    migrate.upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture
def postgresql_database(request: pytest.FixtureRequest, postgresql_url: str) -> Iterator[str]:
    """The URL of a fresh database: with our schema for a test that has an `engine`, else empty."""
    template = request.getfixturevalue("postgresql_schema") if "engine" in request.fixturenames else ""
    with _made(postgresql_url, template) as url:
        yield url


@pytest.fixture(scope="session")
def mysql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A real server: DIGEST_TEST_MYSQL_URL (its account may make databases and users), else one that is started here."""
    pytest.importorskip("pymysql", reason="the driver pymysql is not installed (pip install 'digest-mailer[mysql]')")
    if url := _shared(request, "mysql") or _given("DIGEST_TEST_MYSQL_URL"):
        yield url
        return
    if not mariadb.is_installed():
        pytest.skip("no MariaDB: neither is mariadbd installed, nor does DIGEST_TEST_MYSQL_URL name a server")
    with mariadb.started() as url:
        yield url


@pytest.fixture
def mysql_site(mysql_url: str) -> Iterator[MysqlSite]:
    """A fresh, empty database of a site, and the account of somebody who may only read it."""
    name = f"site_{uuid.uuid4().hex[:12]}"
    admin = create_engine(make_url(mysql_url), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        connection.exec_driver_sql(f"CREATE USER {name}@'%%' IDENTIFIED BY '{MysqlSite.PASSWORD}'")
        connection.exec_driver_sql(f"GRANT SELECT ON {name}.* TO {name}@'%%'")
    engine = create_engine(admin.url.set(database=name))
    reader = admin.url.set(drivername="mysql", username=name, password=MysqlSite.PASSWORD, database=name)
    try:
        yield MysqlSite(engine, reader.render_as_string(hide_password=False))
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
            connection.exec_driver_sql(f"DROP USER {name}@'%%'")
        admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of each kind: with our schema for a test that has an `engine`, else empty."""
    if request.param == "sqlite":
        file = tmp_path / "digest.sqlite"
        if "engine" in request.fixturenames:
            shutil.copyfile(request.getfixturevalue("sqlite_schema"), file)
        return f"sqlite:///{file}"
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


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserThread]:
    """Chromium: one that is installed, else Playwright's own (tests/install-browser)."""
    from tests.browser import BrowserThread

    thread = BrowserThread()
    yield thread
    thread.close()


@pytest.fixture
def press(tmp_path: Path) -> Press:
    return make_press(write_thin_template(tmp_path / "templates"))


@pytest.fixture
def app(engine: Engine, smtp_server: SmtpServer, tmp_path: Path) -> Iterator[App]:
    """All of it, as a door gets it, with the channel to `smtp_server`."""
    templates = tmp_path / "own"
    settings = config.Settings(
        database=config.Database(url=engine.url.render_as_string(hide_password=False)),
        web=config.Web(public_url="https://digest.example.org"),
        templates=config.Templates(folder=write_thin_template(templates)),
        channels=[smtp.Options(host="127.0.0.1", port=smtp_server.port, security="none", connections=2)],
        scheduler=config.Scheduler(tick_s=1),
    )
    app = make_app(settings, FixedClock(NOW))
    yield app
    app.engine.dispose()
