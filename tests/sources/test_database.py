"""What the kinds that read a site's own database share."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import OperationalError

import pytest
from sqlalchemy import column, create_engine, make_url, select, table, text
from sqlalchemy.exc import DBAPIError

from digest.errors import SourceMalformed, SourceUnreachable
from digest.model.source import Cursor
from digest.sources import database
from digest.sources.database_errors import explain

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'site.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE posts (id INTEGER, at TEXT)")
        for number in range(25):  # five at each instant
            at = f"2026-11-0{1 + number // 5} 00:00:00"
            connection.exec_driver_sql(f"INSERT INTO posts VALUES ({100 - number}, '{at}')")
    engine.dispose()
    return url


@pytest.mark.parametrize("chunk", [1, 3, 5, 24, 25, 26])
def test_windows_give_each_row_once_in_order_wherever_a_query_ends(url: str, chunk: int) -> None:
    posts = table("posts", column("id"), column("at"))
    with database.opened(url) as connection:
        pages = database.windows(connection, select(), posts.c.at, posts.c.id, start=None, until=NOW, chunk=chunk)
        found = [pair for page in pages for pair in page]
    assert found == sorted(found)
    assert len(set(found)) == 25


def test_windows_begin_and_end_where_they_are_told(url: str) -> None:
    posts = table("posts", column("id"), column("at"))
    start, until = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    with database.opened(url) as connection:
        pages = database.windows(connection, select(), posts.c.at, posts.c.id, start=start, until=until, chunk=3)
        days = {at[:10] for page in pages for at, _ in page}
    assert days == {"2026-11-02", "2026-11-03"}


def test_a_reading_starts_before_the_cursor_or_before_now_whichever_is_earlier() -> None:
    cursor = Cursor(at=NOW - timedelta(hours=2))

    def start(again: timedelta) -> datetime | None:
        return database.start_of(cursor, now=NOW, overlap=timedelta(hours=1), again=again)

    assert start(timedelta(0)) == NOW - timedelta(hours=3)
    assert start(timedelta(days=8)) == NOW - timedelta(days=8)
    assert database.start_of(Cursor(), now=NOW, overlap=timedelta(0), again=timedelta(0)) is None


def test_a_connection_cannot_write(url: str) -> None:
    with pytest.raises(SourceUnreachable, match="readonly"), database.opened(url) as connection:
        connection.execute(text("DELETE FROM posts"))


def test_a_connection_to_postgresql_cannot_write(postgresql_database: str) -> None:
    with pytest.raises(SourceUnreachable, match="read-only"), database.opened(postgresql_database) as connection:
        connection.execute(text("CREATE TABLE posts (id INTEGER)"))


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("nonsense", "cannot be read; write DRIVER://"),
        ("mysql://h:pw-9/db", "the port is no number"),
        ("nosuch://u:s3cret@h/db", "there is no kind of database 'nosuch'"),
        ("postgresql://u:s3cret@127.0.0.1:1/db", "postgresql://u@127.0.0.1:1/db: the server cannot be reached"),
        ("postgresql://127.0.0.1:1/db?user=u&password=s3cret", "the server cannot be reached"),
        ("sqlite:////nowhere/site.db", "there is no such file"),
    ],
)
def test_what_is_wrong_with_a_place_is_said_without_its_secrets(url: str, wanted: str) -> None:
    with pytest.raises(SourceUnreachable) as caught, database.opened(url) as connection:
        connection.execute(text("SELECT 1"))
    assert wanted in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "pw-9" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_driver_that_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pymysql"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with (
        pytest.raises(
            SourceUnreachable, match=r"the driver pymysql is missing; install it: pip install 'digest-mailer\[mysql\]'"
        ),
        database.opened("mysql://u:s3cret@h/db"),
    ):
        pass


def test_a_table_or_a_column_that_is_missing_is_told_apart(url: str) -> None:
    with (
        pytest.raises(SourceMalformed, match=r"there is no such table .*; check it"),
        database.opened(url, hint="check it") as c,
    ):
        c.execute(text("SELECT 1 FROM postz"))
    with pytest.raises(SourceMalformed, match="there is no such column"), database.opened(url) as c:
        c.execute(text("SELECT nosuch FROM posts"))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ("", None),
        ("0000-00-00 00:00:00", None),
        ("2026-11-23 07:00:00", NOW),
        ("2026-11-23T07:00:00.000Z", NOW),
        ("2026-11-23T08:00:00+01:00", NOW),
        (1_795_417_200_000, NOW),
        (NOW.replace(tzinfo=None), NOW),
    ],
)
def test_instants_in_their_several_spellings(value: object, wanted: datetime | None) -> None:
    assert database.instant_of(value) == wanted


@pytest.mark.parametrize(
    ("original", "error", "sentence"),
    [
        (
            OperationalError(1045, "Access denied for user 'u'"),
            SourceUnreachable,
            "the user name or the password is wrong",
        ),
        (OperationalError(1049, "Unknown database 'x'"), SourceUnreachable, "there is no such database"),
        (OperationalError(2003, "Can't connect to MySQL server"), SourceUnreachable, "the server cannot be reached"),
        (OperationalError(1146, "Table 'x.y' doesn't exist"), SourceMalformed, "there is no such table"),
        (OperationalError(1054, "Unknown column 'a'"), SourceMalformed, "there is no such column"),
        (OperationalError(1142, "SELECT command denied"), SourceUnreachable, "the account may not read this"),
        (OperationalError("no such table: posts"), SourceMalformed, "there is no such table"),
        (OperationalError("no such column: at"), SourceMalformed, "there is no such column"),
        (OperationalError("disk I/O error"), SourceUnreachable, "disk I/O error"),
        (OperationalError(), SourceUnreachable, "site.example/blog: "),
    ],
)
def test_what_a_database_refuses_is_said_in_a_sentence_of_ours(
    original: Exception, error: type[Exception], sentence: str
) -> None:
    url = make_url("mysql://u:s3cret@site.example/blog")
    found = explain(DBAPIError("SELECT 1", {}, original), url, hint="check the table")
    assert type(found) is error
    assert str(found).startswith("mysql://u@site.example/blog: ")
    assert sentence in str(found)
    assert ("check the table" in str(found)) == (error is SourceMalformed or "(" not in str(found))
