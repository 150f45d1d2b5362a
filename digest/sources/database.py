"""A site's own database: opened to read, windows by (instant, key), and what went wrong without its secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Integer,
    Row,
    Select,
    and_,
    case,
    cast,
    create_engine,
    event,
    func,
    inspect,
    literal_column,
    make_url,
    or_,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from digest.errors import SourceUnreachable
from digest.model.article import Article
from digest.model.source import Collected, Cursor
from digest.sources.checked import reason_of
from digest.sources.database_errors import explain, place_of, without_passwords
from digest.sources.instants import instant_of

PAGE = 200
"""Posts with their whole text: 200 at a time stay a few megabytes."""

CHUNK = 50_000
"""Instants and keys at a time: sites have no index for what changed last, so each query looks at all their posts."""

PEOPLE = 2_000

CONNECT_TIMEOUT_S = 15
READ_TIMEOUT_S = 600

_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
"""SQLAlchemy's own default for these is a driver that has to be compiled."""

_EXTRAS = {"mysql": "mysql", "mariadb": "mysql", "postgresql": "postgres"}

_READ_ONLY = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}


@contextmanager
def opened(url: str, *, hint: str = "") -> Iterator[Connection]:
    """A connection that can only read; whatever fails in it becomes a SourceError that names the place and the cause.

    hint   what to look at when a statement is refused

    Each statement is a transaction of its own: the site's database keeps no old rows for us while we read for minutes.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as cause:
        raise SourceUnreachable("the database URL cannot be read; write DRIVER://USER:PASSWORD@HOST/NAME") from cause
    except ValueError as cause:  # its text quotes what stands after a colon, which may be part of a password
        raise SourceUnreachable(
            "the database URL: the port is no number; in a password, @ : and / are written %40 %3A and %2F"
        ) from cause
    if "@" in (parsed.host or ""):  # cut in the middle of the password, which would be shown as the name of a host
        raise SourceUnreachable(
            "the database URL holds more than one @; in a password, @ : and / are written %40 %3A and %2F"
        )
    engine = _engine(parsed)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as cause:
        raise explain(cause, parsed, hint=hint) from cause
    finally:
        engine.dispose()


def _engine(url: URL) -> Engine:
    kind, place = url.get_backend_name(), place_of(url)
    if url.drivername in _DRIVERS:
        url = url.set(drivername=_DRIVERS[url.drivername])
    arguments: dict[str, Any] = {}
    if kind in ("mysql", "mariadb") and url.drivername.endswith("pymysql"):
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": READ_TIMEOUT_S}
    elif kind == "postgresql" and not url.drivername.endswith("asyncpg"):
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S}
    elif kind == "sqlite" and url.database and not Path(url.database).is_file():  # the driver would make an empty one
        raise SourceUnreachable(f"{place}: there is no such file")
    try:
        engine = create_engine(url, connect_args=arguments, isolation_level="AUTOCOMMIT")
    except NoSuchModuleError as cause:
        raise SourceUnreachable(f"{place}: there is no kind of database {url.drivername!r}") from cause
    except ModuleNotFoundError as cause:
        extra = _EXTRAS.get(kind)
        install = f"digest-mailer[{extra}]" if extra else str(cause.name)
        raise SourceUnreachable(
            f"{place}: the driver {cause.name} is missing; install it: pip install '{install}'"
        ) from cause
    except (ArgumentError, TypeError, ValueError) as cause:
        raise SourceUnreachable(f"{place}: {without_passwords(str(cause), url)}") from cause
    if kind == "sqlite":  # a text that is no UTF-8 would end the whole reading
        event.listen(engine, "connect", lambda driver, _: setattr(driver, "text_factory", _text))
    if kind in _READ_ONLY:
        event.listen(engine, "connect", lambda driver, _: _run(driver, _READ_ONLY[kind]))
    return engine


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _run(driver: Any, statement: str) -> None:
    cursor = driver.cursor()
    cursor.execute(statement)
    cursor.close()


def tables_like(connection: Connection, ending: str) -> list[str]:
    """Tables whose name ends so: what else a prefix could be."""
    return sorted(name for name in inspect(connection).get_table_names() if name.endswith(ending))


def columns_of(connection: Connection, name: str) -> set[str]:
    """The columns of a table; empty where there is no such table. Their types stay unread: some are no SQLAlchemy knows."""
    if not inspect(connection).has_table(name):
        return set()
    return set(connection.execute(select(literal_column("*")).select_from(table(name)).limit(0)).keys())


# --- instants in other people's tables -------------------------------------------------------------------------------


def latest(connection: Connection, *instants: ColumnElement[Any]) -> ColumnElement[Any]:
    """The greatest of a row's instants, none of them NULL."""
    return (func.max if connection.dialect.name == "sqlite" else func.greatest)(*instants)


def comparable(connection: Connection, instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """UTC instants that can be compared: SQLite has them as texts in several spellings, or as milliseconds since 1970."""
    if connection.dialect.name != "sqlite":
        return instant
    seconds = cast(instant / 1000, Integer)
    return case((func.typeof(instant) == "integer", func.datetime(seconds, "unixepoch")), else_=func.datetime(instant))


def bound(connection: Connection, at: datetime) -> object:
    """`at` as a value that such an instant compares with."""
    naive = at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return naive.isoformat(" ") if connection.dialect.name == "sqlite" else naive


# --- windows ---------------------------------------------------------------------------------------------------------


def start_of(cursor: Cursor, *, now: datetime, overlap: timedelta, again: timedelta) -> datetime | None:
    """Where a reading starts; None: at the beginning.

    overlap   before the cursor: posts appear with earlier dates
    again     before now: what is young is read again, since its comments come after it
    """
    return min(cursor.at - overlap, now - again) if cursor.at else None


def windows(
    connection: Connection,
    query: Select[Any],
    at: ColumnElement[Any],
    key: ColumnElement[Any],
    *,
    start: datetime | None,
    until: datetime,
    chunk: int = CHUNK,
) -> Iterator[list[tuple[Any, Any]]]:
    """(instant, key) of the rows from `start` to `until`, oldest first, in pages that go on exactly where one ended.

    Only these two are sorted: texts of a hundred thousand posts would not fit into the sort.
    """
    query = query.add_columns(at.label("at"), key.label("key")).where(at <= bound(connection, until))
    query = query.order_by(at, key).limit(chunk)
    last: tuple[Any, Any] | None = None
    while True:
        part = query
        if last is not None:
            part = part.where(or_(at > last[0], and_(at == last[0], key > last[1])))
        elif start is not None:
            part = part.where(at >= bound(connection, start))
        rows = [(row.at, row.key) for row in connection.execute(part)]
        for first in range(0, len(rows), PAGE):
            yield rows[first : first + PAGE]
        if len(rows) < chunk:
            return
        last = rows[-1]


def collected(
    pages: Iterator[list[tuple[Any, Any]]],
    articles_of: Callable[[Sequence[Any]], tuple[Sequence[Article], Sequence[str]]],
    cursor: Cursor,
) -> Iterator[Collected]:
    """Each window with its articles and the cursor that follows from it, which never goes back."""
    for page in pages:
        at = instant_of(page[-1][0])
        if at is not None and (cursor.at is None or (at, str(page[-1][1])) > (cursor.at, cursor.key)):
            cursor = Cursor(at=at, key=str(page[-1][1]))
        articles, refused = articles_of([key for _, key in page])
        yield Collected(articles=tuple(articles), refused=tuple(refused), cursor=cursor)


_PLAIN = (str, int, float, bool, datetime, date, time, Decimal, list, dict, tuple, type(None))


def plain(value: object) -> object:
    """What a driver gave, as a value that can travel to a child process."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def plain_row(row: Row[Any]) -> SimpleNamespace:
    """With its columns as attributes, as SQLAlchemy has them."""
    return SimpleNamespace(**{name: plain(value) for name, value in row._mapping.items()})


def parted(found: Iterable[tuple[str, Article | Exception]]) -> tuple[list[Article], list[str]]:
    """The articles, and a line for each row that is none, by what it is called."""
    articles: list[Article] = []
    refused: list[str] = []
    for name, each in found:
        if isinstance(each, Exception):
            refused.append(f"{name}: {reason_of(each)}")
        else:
            articles.append(each)
    return articles, refused


def grouped(rows: CursorResult[Any] | Sequence[Any], name: str = "of") -> dict[Any, list[Any]]:
    """Rows by the key that one of their columns holds, in their order."""
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


def has_windows(connection: Connection) -> bool:
    """ROW_NUMBER() OVER came with MySQL 8, MariaDB 10.2 and SQLite 3.25."""
    version = connection.dialect.server_version_info or (99,)
    if connection.dialect.name == "mysql":
        return version >= ((10, 2) if getattr(connection.dialect, "is_mariadb", False) else (8,))
    return True
