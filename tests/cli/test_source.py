"""`digest source`, through processes of their own, one of them at a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import sqlite3
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.command import Command


@pytest.fixture
def digest(tmp_path: Path) -> Command:
    (tmp_path / "digest.toml").write_text(
        '[database]\nurl = "sqlite:///digest.db"\n[web]\npublic_url = "http://127.0.0.1:8025"\n'
        '[collect]\nallow_hosts = ["127.0.0.1"]\n'
    )
    (tmp_path / "site").mkdir()
    (tmp_path / "site/ferry.md").write_text("---\ntitle: The ferry\ndate: 2026-11-20\n---\nIt runs.\n")
    digest = Command(tmp_path)
    digest("db", "upgrade")
    return digest


def wait_for_silence(terminal: int) -> None:
    """A secret is asked for with the echo off; turning it off throws away what was typed before. Others go on."""
    until = time.monotonic() + 0.5
    while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < until:
        time.sleep(0.01)


def at_a_terminal(digest: Command, *arguments: str, answers: dict[str, str]) -> str:
    """What is shown; each answer is typed once its question stands there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", *arguments],
        cwd=digest.folder,
        env=digest.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, deadline = "", time.monotonic() + 60
    for question, answer in answers.items():
        while question not in shown:
            assert time.monotonic() < deadline, shown
            shown += os.read(ours, 10_000).decode()
        wait_for_silence(ours)
        os.write(ours, f"{answer}\n".encode())
    with contextlib.suppress(OSError):  # Linux says so when the other end of a terminal is closed
        while rest := os.read(ours, 10_000):
            shown += rest.decode()
    process.wait(60)
    os.close(ours)
    return shown


def test_a_terminal_is_asked_for_what_is_missing(digest: Command) -> None:
    answers = {"folder: path": "site", "folder: base_url": "https://example.org/", "Add the source site?": "y"}
    shown = at_a_terminal(digest, "source", "add", "site", "folder", answers=answers)
    assert "The ferry" in shown
    [added] = digest.json("source", "list")
    assert added["options"] == {"path": "site", "base_url": "https://example.org/"}
    assert added["next_due_at"]
    assert "at the next collect" in digest("source", "list")
    [article] = digest.json("source", "test", "site")
    assert article["url"] == "https://example.org/ferry/"


def test_nothing_is_written_when_the_answer_is_no(digest: Command) -> None:
    answers = {"folder: path": "site", "folder: base_url": "https://example.org/", "Add the source site?": "n"}
    at_a_terminal(digest, "source", "add", "site", "folder", answers=answers)
    assert digest.json("source", "list") == []


def test_a_table_of_a_database_is_asked_for_column_by_column(digest: Command) -> None:
    url = f"sqlite:///{digest.folder / 'site.sqlite'}"
    with contextlib.closing(sqlite3.connect(digest.folder / "site.sqlite")) as site, site:
        site.execute("CREATE TABLE posts (id INTEGER, slug TEXT, title TEXT, day TEXT, excerpt TEXT)")
        site.execute("INSERT INTO posts VALUES (1, 'ferry', 'The ferry is back', '2026-11-20', 'It runs.')")
        site.execute("INSERT INTO posts VALUES (2, 'none', '', '2026-11-21', '')")
    answers = {
        "sql: url": url,
        "sql: table": "posts",
        "sql: key": "id",
        "sql: url:": "",
        "sql: url_format:": "https://example.org/{slug}",
        "sql: title [title]": "",
        "sql: published_at": "day",
        "sql: authors": "",
        "sql: summary": "excerpt",
        "sql: image": "",
        "Add the source site?": "y",
    }
    shown = at_a_terminal(digest, "source", "add", "site", "sql", answers=answers)
    assert "url: SQLAlchemy URL of the site's database" in shown
    assert "its columns: id, slug, title, day, excerpt" in shown
    assert "The ferry is back" in shown
    [article] = digest.json("source", "test", "site")
    assert (article["url"], article["summary"]) == ("https://example.org/ferry", "It runs.")
    assert "refused: row 2: has no title" in digest("source", "test", "site", "--json")


def test_a_table_that_is_not_there_is_said_with_those_that_are(digest: Command) -> None:
    with contextlib.closing(sqlite3.connect(digest.folder / "site.sqlite")) as site, site:
        site.execute("CREATE TABLE posts (id INTEGER)")
    url = f"sqlite:///{digest.folder / 'site.sqlite'}"
    shown = at_a_terminal(digest, "source", "add", "site", "sql", "-o", f"url={url}", answers={"sql: table": "post"})
    assert "there is no table 'post'; there are: posts" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("kind", "questions"),
    [
        ("feed", ["url: address of the feed"]),
        ("page", ["sitemap: sitemap.xml"]),
        ("wordpress", ["url: SQLAlchemy URL: mysql://"]),
        ("ghost", ["url: SQLAlchemy URL: mysql://", "home: address of the site"]),
    ],
)
def test_a_question_says_what_is_meant(digest: Command, kind: str, questions: list[str]) -> None:
    keys = [question.partition(":")[0] for question in questions]
    shown = at_a_terminal(digest, "source", "add", "x", kind, answers={f"{kind}: {key}": "nowhere" for key in keys})
    assert all(question in " ".join(shown.split()) for question in questions)
    assert "digest: " in shown
    assert digest.json("source", "list") == []


def test_without_a_terminal_nobody_is_asked(digest: Command) -> None:
    assert "option path is missing" in digest("source", "add", "site", "folder", code=6)


def test_collect_says_what_became_of_all_that_was_read(digest: Command) -> None:
    items = "".join(
        f"<item><title>{title}</title><link>{link}</link><pubDate>Fri, 20 Nov 2026 08:00:00 {zone}</pubDate></item>"
        for title, link, zone in (
            ("Red", "https://shop.example", "GMT"),
            ("Blue", "https://shop.example", "GMT"),
            ("Gone", "javascript:x", "GMT"),
            ("Never", "https://shop.example/never", "XYZT"),
        )
    )
    (digest.folder / "shop.xml").write_text(f"<rss version='2.0'><channel><title>S</title>{items}</channel></rss>")
    digest("source", "add", "shop", "feed", "-o", "file=shop.xml", "--yes")
    said = digest("collect", "shop")
    assert said.splitlines()[0].split() == [
        "source",
        "read",
        "new",
        "changed",
        "as",
        "before",
        "held",
        "refused",
        "error",
    ]
    assert "nobody knows the time zone 'XYZT'" in said
    (report,) = digest.json("collect", "shop")
    assert (report["read"], report["stored"]["new"], report["stored"]["unchanged"], len(report["refused"])) == (
        4,
        0,
        2,
        2,
    )


def test_what_is_read_of_each_article_is_shown(digest: Command) -> None:
    front = "---\ntitle: The pier\ndate: 2026-11-21\nlang: en\n---\n"
    (digest.folder / "site/pier.md").write_text(front + "A new *pier*.\n\n![Men at work](/pier.jpg)\n")
    digest("source", "add", "site", "folder", "-o", "path=site", "-o", "base_url=https://example.org/", "--yes")
    shown = digest("source", "test", "site")
    for words in (
        "summary",
        "A new pier.",
        "It runs.",
        "picture",
        "https://example.org/pier.jpg (Men at work)",
        "none",
    ):
        assert words in shown
    found = {each["title"]: each for each in digest.json("source", "test", "site")}
    assert found["The pier"]["summary"] == "A new pier."
    assert found["The pier"]["image"]["src"] == "https://example.org/pier.jpg"
    assert found["The ferry"]["image"] is None
