"""Every command that writes leaves its row in the audit log; a new command has to say here how it is called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select

from digest.cli.tree import command
from digest.db.tables import audit_log, metadata
from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer

ADDRESS = "reader1@example.org"
OF = ("--newsletter", "harbour")
EVENT = ("event", "add", "harbour", "Ferry day", "--starts", "2099-12-05T14:00")
DRAFT = ("edition", "build", "harbour", "--no-collect")
BOX = ("--by", "Bank", "--url", "https://b.example", "--title", "Save")
READERS = "SELECT id AS key, address, consent_at AS consent_at FROM readers"
SENT = (DRAFT, ("edition", "send", 1, "--yes"))

Line = tuple[object, ...]

CALLS: dict[str, tuple[Line, ...]] = {
    # what is called before, and last the command itself, without the words that it is called by
    "newsletter add": (("other", *ADD[3:]),),
    "newsletter change": (("harbour", "--max-items", 12),),
    "newsletter offer": (("harbour", "--topics"),),
    "newsletter sponsor": (("harbour", *BOX),),
    "subscriber import": (("readers.csv", *OF),),
    "subscriber add": (("new@example.org", *OF),),
    "subscriber change": ((ADDRESS, "--name", "Mira"),),
    "subscriber leave": ((ADDRESS, *OF, "--yes"),),
    "subscriber suppress": ((ADDRESS, "--yes"),),
    "subscriber choose": (("newsletter", "offer", "harbour", "--cadences", "daily"), (ADDRESS, *OF, "--cadence", "daily")),
    "subscriber sync": (("source", "add", "people", "sql", *("-o", "url=sqlite:///site.sqlite", "-o", "table=posts"),
                         *("-o", f"readers_query={READERS}", "--yes")), ("people", *OF, "--yes")),
    "article import": (("articles.jsonl",),),
    "article add": (("https://example.org/new", "--title", "New"),),
    "article change": ((1, "--title", "Ours"),),
    "article hide": ((1,),),
    "article unhide": (("article", "hide", 1), (1,)),
    "article pin": ((1,),),
    "article unpin": (("article", "pin", 1), (1,)),
    "article embargo": ((1, "2099-01-01"),),
    "article release": ((3, "--yes"),),
    "article discard": ((3, "--yes"),),
    "article withdraw": ((1, "--yes"),),
    "source add": (("blog", "feed", "-o", "file=feed.json", "--yes"),),
    "source change": (("source", "add", "blog", "feed", "-o", "file=feed.json", "--yes"), ("blog", "--off")),
    "collect": (("source", "add", "blog", "feed", "-o", "file=feed.json", "--yes"), ()),
    "edition build": (DRAFT[2:],),
    "edition change": (DRAFT, (1, "--subject", "Ferries")),
    "edition approve": (DRAFT, (1,)),
    "edition send": (DRAFT, (1, "--yes")),
    "edition pause": (),
    "edition resume": (),
    "edition cancel": (DRAFT, (1, "--yes")),
    "edition resolve": (),
    "edition correct": (*SENT, (1, "--article", 1, "--subject", "Correction", "--note", "It was wrong.")),
    "event add": (EVENT[2:],),
    "event change": (EVENT, (1, "--title", "Fair")),
    "event remove": (EVENT, (1, "--yes")),
    "sponsor add": (("harbour", *BOX),),
    "sponsor end": (("sponsor", "add", "harbour", *BOX), ("harbour", "Bank")),
    "run-due": ((),),
    "keys rotate": ((),),
    "notice test": (("me@example.org",),),
    "keys retire": (("keys", "rotate"), ("keys", "rotate"), ("token_key", "--at-once", "--yes")),
}  # fmt: skip

SEE_BELOW = {"edition pause", "edition resume", "edition resolve"}
"""They need an edition that is on its way: tests/flows/test_dispatch.py."""

LOOKS = {
    *("newsletter list", "newsletter show", "newsletter schedule", "newsletter simulate", "newsletter settings"),
    *("subscriber list", "subscriber show", "article list", "article show", "article held"),
    *("source list", "source show", "source test", "source kinds", "source discover"),
    *("edition list", "edition show", "edition preview", "edition test", "edition watch", "edition recreate"),
    *("event list", "sponsor list", "explain", "audit", "log", "doctor", "keys list", "notice list"),
    *("db status", "config example", "config check", "dkim keygen", "dkim show"),
}
"""They change nothing in the database. `test_who_only_looks_leaves_everything` holds those that need no argument."""

ELSEWHERE = {"serve", "demo", "db upgrade"}
"""Goes on (what it does is run-due's); a database of its own; before it there is no table to write to."""


def leaves(found: Any = None, path: tuple[str, ...] = ()) -> Iterator[str]:
    for name, each in (found or command()).commands.items():
        yield from leaves(each, (*path, name)) if hasattr(each, "commands") else [" ".join((*path, name))]


def test_every_command_is_known_to_write_or_to_look() -> None:
    assert {*CALLS, *LOOKS, *ELSEWHERE} == set(leaves())


@pytest.fixture
def digest(tmp_path: Path, smtp_server: SmtpServer) -> Command:
    """A newsletter with readers and three articles, of which one is held; a feed and a site with readers beside it."""
    write_settings(tmp_path, f"sqlite:///{tmp_path}/digest.sqlite", smtp_server.port)
    now = datetime.now(UTC).isoformat()
    items = [{"id": "1", "url": "https://example.org/feed", "title": "Fed", "date_published": now}]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Blog", "items": items}
    (tmp_path / "feed.json").write_text(json.dumps(feed))
    site = create_engine(f"sqlite:///{tmp_path}/site.sqlite")
    with site.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE posts (id INTEGER, title TEXT, url TEXT, published_at TEXT)")
        connection.exec_driver_sql("CREATE TABLE readers (id INTEGER, address TEXT, consent_at TEXT)")
        connection.exec_driver_sql("INSERT INTO readers VALUES (1, 'site@example.org', '2026-01-01')")
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD, "--max-items", 5)
    digest("article", "import", write_articles(tmp_path, now, now, now))
    digest("subscriber", "import", write_readers(tmp_path, 2), *OF)
    write_articles(tmp_path, now, now, now, now)
    write_readers(tmp_path, 3)
    engine = create_engine(f"sqlite:///{tmp_path}/digest.sqlite")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE article SET held_at = ready_at WHERE id = 3")
        due = "since_at = '2020-01-01 00:00:00', wall_time = '00:00', weekdays = 'mon,tue,wed,thu,fri,sat,sun'"
        connection.exec_driver_sql(f"UPDATE newsletter SET {due}")
    digest("edition", "preview", digest("edition", "build", "harbour", "--no-collect") and 1)  # makes the keys
    with engine.begin() as connection:
        for table in ("edition_article", "edition"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    return digest


def rows(folder: Path) -> tuple[dict[str, str], int]:
    """What each table holds, as a hash, and how many acts are on record."""
    engine = create_engine(f"sqlite:///{folder}/digest.sqlite")
    with engine.connect() as connection:
        held = {
            name: hashlib.sha256(repr(connection.execute(select(table)).all()).encode()).hexdigest()
            for name, table in metadata.tables.items()
            if name not in ("audit_log", "sender")
        }
        return held, connection.execute(select(func.count()).select_from(audit_log)).scalar_one()


@pytest.mark.parametrize("name", [name for name in CALLS if name not in SEE_BELOW])
def test_a_command_that_writes_leaves_its_row(name: str, digest: Command) -> None:
    *before, arguments = CALLS[name]
    for each in before:
        digest(*each)
    held, acts = rows(digest.folder)
    digest(*name.split(), *arguments)
    held_after, acts_after = rows(digest.folder)
    changed = {table for table in held if held[table] != held_after[table]}
    assert changed, "it changed nothing: say in CALLS how it does, or put it into LOOKS"
    assert acts_after > acts, f"{name} changed {changed} and left no row in audit_log"


@pytest.mark.parametrize(
    "name", ["newsletter list", "subscriber list", "article list", "source list", "edition list", "log"]
)
def test_who_only_looks_leaves_everything(name: str, digest: Command) -> None:
    before = rows(digest.folder)
    digest(*name.split())
    assert rows(digest.folder) == before
