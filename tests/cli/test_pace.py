"""Pace and watching from the shell."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_by_hand import ago
from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer


def test_pace_is_set_checked_and_shown(tmp_path: Path) -> None:
    write_settings(tmp_path, f"sqlite:///{tmp_path / 'digest.sqlite'}", 1)
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD)
    change = ("newsletter", "change", "harbour")
    digest(*change, "--limits", "20/second, 5000 per hour", "--hours", "07:00-21:00", "--hours-of", "reader")
    digest(*change, "--warm-up-first", 200, "--canary-readers", 50, "--blackout", "2026-12-25")
    pace = digest.json("newsletter", "show", "harbour")["settings"]["pace"]
    assert (pace["limits"], pace["hours_of"]) == (["20/second", "5000/hour"], "reader")
    assert (pace["warm_up_first"], pace["canary_readers"], pace["blackout"]) == (200, 50, ["2026-12-25"])
    assert pace["warm_up_since"]
    assert "is no limit like" in digest(*change, "--limits", "fast", code=6)
    assert "are no hours like" in digest(*change, "--hours", "7", code=6)
    assert "there are: newsletter, reader" in digest(*change, "--hours-of", "moon", code=6)


def test_watch_shows_how_a_send_did(database_url: str, tmp_path: Path, smtp_server: SmtpServer) -> None:
    write_settings(tmp_path, database_url, smtp_server.port)
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD)
    digest("subscriber", "import", write_readers(tmp_path, 5), "--newsletter", "harbour")
    digest("article", "import", write_articles(tmp_path, ago(hours=20)))
    digest("edition", "build", "harbour")
    assert "0 of 0" in digest("edition", "watch", 1, "--once")
    digest("edition", "send", 1, "--yes")
    shown = digest("edition", "watch", 1)
    assert "5 of 5" in shown
    found = digest.json("edition", "watch", 1)
    assert (found["status"], found["balance"]["accepted"], found["senders"]) == ("sent", 5, [])
