"""What others wrote is shown and does nothing: no command puts a control character on the terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, Text, select, update
from sqlalchemy.types import JSON

from digest.cli.output import visible
from digest.db.engine import writing
from digest.db.tables import article, edition, event, newsletter, source, subscriber
from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer
from tests.zygote import ZYGOTE

EVIL = "\x1b]0;owned\x07\x1b[2Jx\x9b2J\u202etxt.exe\u2066\r"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# Fields that say what a row is, by which commands find it
KEPT = {
    "name",
    "kind",
    "status",
    "cadence",
    "time_zone",
    "weekdays",
    "wall_time",
    "public_key",
    "address_key",
    "period",
}
COMMANDS = (
    *(("newsletter", "list"), ("newsletter", "show", "harbour"), ("newsletter", "sponsor", "harbour")),
    *(("source", "list"), ("source", "show", "blog"), ("source", "test", "blog"), ("collect",)),
    *(("article", "list"), ("article", "show", "1"), ("article", "held"), ("article", "hide", "1")),
    *(("subscriber", "list"), ("edition", "list"), ("edition", "show", "1"), ("event", "list", "harbour")),
    *(("edition", "watch", "1", "--once"), ("edition", "preview", "1"), ("doctor",), ("audit", "1")),
    ("source", "show", "no\x1b[2Jthing\u202e"),
)


@pytest.fixture
def digest(tmp_path: Path, database_url: str, engine: Engine, smtp_server: SmtpServer) -> Command:
    """Everything that is stored holds what drives a terminal."""
    write_settings(tmp_path, database_url, smtp_server.port)
    one = Command(tmp_path)
    one(*ADD)
    one("subscriber", "import", write_readers(tmp_path, 1), "--newsletter", "harbour")
    one("article", "import", write_articles(tmp_path, "2026-11-20T10:00:00+00:00"))
    one("event", "add", "harbour", "Ferry day", "--starts", "2099-12-05T14:00")
    (tmp_path / "feed.json").write_text('{"version": "https://jsonfeed.org/version/1.1", "title": "B", "items": []}')
    one("source", "add", "blog", "feed", "-o", f"file={tmp_path}/feed.json", "--yes")
    one("newsletter", "change", "harbour", "--window-days", "3000")
    one("edition", "build", "harbour", "--no-collect")
    (tmp_path / "feed.json").write_text("no feed")
    with writing(engine) as connection:
        for table in (newsletter, source, article, subscriber, event, edition):
            texts = {
                each.name: EVIL
                for each in table.columns
                if isinstance(each.type, Text) and not isinstance(each.type, JSON) and each.name not in KEPT
            }
            connection.execute(update(table).values({name: f"{value}" for name, value in texts.items()}))
        assert connection.execute(select(article.c.title)).scalar() == EVIL
    return one


def test_no_command_puts_a_control_character_on_the_terminal(digest: Command) -> None:
    shown = ""
    for arguments in COMMANDS:
        for form in ((), ("--json",)) if arguments[1:2] in (("list",), ("show",)) else ((),):
            done = ZYGOTE.run([*arguments, *form], folder=digest.folder, env=digest.env)
            said = done.stdout + done.stderr
            assert not CONTROL.search(said), (arguments, said)
            shown += said
            if form and done.stdout.startswith(("[", "{")):
                json.loads(done.stdout)
    assert "\\x1b]0;owned" in shown
    assert "\\u202e" in shown


def test_a_server_and_a_file_say_what_they_like(digest: Command, smtp_server: SmtpServer) -> None:
    smtp_server.recorder.answers = {"me@example.org": ["550 5.1.1 \x1b]0;owned\x07\x1b[2J all your mails were sent"]}
    file = digest.folder / "a\x1b[2J.csv"
    file.write_text("address\nnot an address\x1b[2J\n")
    for arguments in (
        ("edition", "test", "1", "me@example.org"),
        ("subscriber", "import", str(file), "--newsletter", "harbour"),
        ("subscriber", "import", f"{file}.gone", "--newsletter", "harbour"),
        ("article", "import", str(file)),
    ):
        done = ZYGOTE.run([*arguments], folder=digest.folder, env=digest.env)
        assert done.stdout + done.stderr
        assert not CONTROL.search(done.stdout + done.stderr), arguments


def test_what_can_be_seen_is_as_it_was() -> None:
    assert visible("Zoë\tנועה 👩\u200d🚀\n") == "Zoë\tנועה 👩\u200d🚀\n"
    assert visible("\x1b[2J\x9b\u202e\udcff") == "\\x1b[2J\\x9b\\u202e\\udcff"
