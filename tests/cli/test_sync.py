"""Readers of a site, by the command, and before an edition by themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command import ADD, Command, write_articles, write_settings
from tests.site import SmtpServer

QUERY = "readers_query=SELECT id AS key, mail AS address, name FROM people"
SYNC = ("subscriber", "sync", "site", "--newsletter", "harbour")


@pytest.fixture
def digest(database_url: str, tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Command]:
    """A newsletter without readers, and a source that has ten."""
    write_settings(tmp_path, database_url, smtp_server.port)
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD)
    run(tmp_path, "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, name TEXT)")
    people(tmp_path, *range(1, 11))
    site = f"url=sqlite:///{tmp_path / 'site.db'}"
    digest("source", "add", "site", "sql", "-o", site, "-o", QUERY, "-o", "max_few=3", "--yes")
    yield digest
    digest.close()


def run(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "site.db") as connection:
        connection.execute(statement)
    connection.close()


def people(folder: Path, *numbers: int) -> None:
    for number in numbers:
        run(folder, f"INSERT INTO people VALUES ({number}, 'reader{number}@example.org', 'Reader {number}')")


def test_the_first_look_a_held_change_and_a_second_time(digest: Command, tmp_path: Path) -> None:
    assert "10 new" in digest(*SYNC, "--dry-run")
    said = digest(*SYNC, code=5)
    assert "held: 10 would join 0 readers, more than 20 %" in said
    assert "if it is right: say --yes" in said
    assert "no readers" in digest("subscriber", "list")
    assert "readers of harbour from site" in digest("doctor", code=1)

    assert "10 new" in digest(*SYNC, "--yes")
    assert "readers of harbour" not in digest("doctor", code=1)
    assert "0 new, 0 changed" in digest(*SYNC)

    run(tmp_path, "DELETE FROM people WHERE id > 6")
    assert "4 of 10 readers" in digest(*SYNC, code=5)
    report = digest.json(*SYNC, "--yes")
    assert (report["gone"], report["is_applied"]) == (4, True)
    assert "left" in digest("subscriber", "show", "reader7@example.org")


def test_readers_join_by_themselves_before_an_edition(digest: Command, tmp_path: Path, smtp_server: SmtpServer) -> None:
    digest("source", "change", "site", "-o", "newsletters=harbour", "-o", "max_few=50")
    digest("article", "import", write_articles(tmp_path, (datetime.now(UTC) - timedelta(hours=20)).isoformat()))
    digest("edition", "build", "harbour")
    people(tmp_path, 11)
    digest("edition", "build", "harbour")  # not again within half an hour
    digest("edition", "send", 1, "--yes")
    assert len(smtp_server.recorder.accepted) == 10


def test_an_edition_is_built_though_the_readers_of_its_site_are_held(digest: Command, tmp_path: Path) -> None:
    digest("source", "change", "site", "-o", "newsletters=harbour")
    digest("article", "import", write_articles(tmp_path, (datetime.now(UTC) - timedelta(hours=20)).isoformat()))
    said = digest("edition", "build", "harbour")
    assert "draft" in said
    assert "readers of harbour from site: 10 would join" in said


def test_what_is_wrong_is_one_line(digest: Command, tmp_path: Path) -> None:
    run(tmp_path, "ALTER TABLE people RENAME TO persons")
    said = digest(*SYNC, code=6)
    assert "there is no such table (no such table: people); check the readers_query of the source" in said
    digest("subscriber", "sync", "nosuch", "--newsletter", "harbour", code=4)
    digest("subscriber", "sync", "site", "--newsletter", "nosuch", code=4)
