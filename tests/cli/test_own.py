"""A digest of one's own, by the commands of an editor and of who answers a reader's letter.

On SQLite: what the commands do is tested on both databases in tests/flows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer


@pytest.fixture
def digest(tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Command]:
    write_settings(tmp_path, f"sqlite:///{tmp_path}/digest.sqlite", smtp_server.port)
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD)
    digest("subscriber", "import", write_readers(tmp_path, 3), "--newsletter", "harbour")
    now = datetime.now(UTC)
    digest("article", "import", write_articles(tmp_path, *((now - timedelta(hours=n)).isoformat() for n in (20, 30))))
    yield digest
    digest.close()


def test_from_the_offer_to_the_letter_of_a_reader(digest: Command, smtp_server: SmtpServer, tmp_path: Path) -> None:
    assert "offers no choice" in digest("newsletter", "offer", "harbour")
    refused = digest("newsletter", "offer", "harbour", "--cadences", "fortnightly", code=6)
    assert "'fortnightly'; there are: daily, weekly, biweekly, monthly" in refused
    offered = digest("newsletter", "offer", "harbour", "--topics", "--cadences", "daily,weekly", "--reasons")
    assert "daily, weekly" in offered
    choose = ("subscriber", "choose", "reader1@example.org", "--newsletter", "harbour")
    assert "prints no topic 'sport'" in digest(*choose, "--mute", "Sport,Culture")
    assert "does not offer the hour 7" in digest(*choose, "--hour", "7", code=6)
    digest("subscriber", "choose", "reader2@example.org", "--newsletter", "harbour", "--mute", "City")
    digest("article", "pin", 2)
    digest("edition", "build", "harbour")
    shown = digest("edition", "preview", 1, "--for", "reader1@example.org")
    assert "renderings for 3 readers" in shown
    assert "nothing new for this reader" in digest("edition", "preview", 1, "--for", "reader2@example.org", code=5)
    assert "2 accepted" in digest("edition", "send", 1, "--yes").replace("accepted 2", "2 accepted")
    said = digest("explain", 1, "reader1@example.org")
    assert "accepted at" in said
    assert "editor's pick" in said
    assert "new in City" in said
    muted = digest.json("explain", 1, "reader2@example.org")
    assert muted["delivery"]["reason"] == "nothing new"
    assert {each["rule"] for each in muted["decisions"]} == {"muted"}
    assert "subscriber" in digest("explain", 1, "nobody@example.org", code=4)
    digest("edition", "recreate", 1, "reader1@example.org", "--out", "copy.eml")
    sent = dict(smtp_server.recorder.accepted)["reader1@example.org"]
    assert (tmp_path / "copy.eml").read_bytes().replace(b"\r\n", b"\n") == sent.replace(b"\r\n", b"\n")


def test_what_was_wrong_is_withdrawn_and_corrected(digest: Command, smtp_server: SmtpServer) -> None:
    digest("edition", "build", "harbour")
    digest("edition", "send", 1, "--yes")
    assert "--yes" in digest("article", "withdraw", 1, code=2)
    assert "in no edition that is not finished" in digest("article", "withdraw", 1, "--yes")
    digest("article", "change", 1, "--title", "What really happened")
    words = ("--subject", "Correction: the story", "--note", "It was not so.")
    assert "has no article 9" in digest("edition", "correct", 1, "--article", 9, *words, code=4)
    digest("edition", "correct", 1, "--article", 1, *words)
    smtp_server.recorder.accepted.clear()
    digest("edition", "send", 2, "--yes")
    assert len(smtp_server.recorder.accepted) == 3
    assert all(b"What really happened" in raw and b"It was not so." in raw for _, raw in smtp_server.recorder.accepted)
    assert "balanced" in digest("audit", 2)
