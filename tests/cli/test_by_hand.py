"""Everything by hand, as an admin does it, through processes of their own, on both databases."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer


def ago(**since: float) -> str:
    return (datetime.now(UTC) - timedelta(**since)).isoformat()


@pytest.fixture
def digest(database_url: str, tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Command]:
    """A newsletter with 30 readers and two articles of yesterday."""
    write_settings(tmp_path, database_url, smtp_server.port)
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD)
    assert "30 new" in digest("subscriber", "import", write_readers(tmp_path, 30), "--newsletter", "harbour")
    digest("article", "import", write_articles(tmp_path, ago(hours=20), ago(hours=30)))
    yield digest
    digest.close()


def accepted(smtp_server: SmtpServer) -> list[str]:
    return [address for address, _ in smtp_server.recorder.accepted]


def wait_for(what: object, *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_from_building_to_the_audit(digest: Command, smtp_server: SmtpServer, tmp_path: Path) -> None:
    assert "draft, 2 articles, waits for review" in digest("edition", "build", "harbour")
    assert "Story 1" in digest("edition", "show", 1)

    said = digest("edition", "preview", 1, "--for", "reader7@example.org")
    assert "subject: Story 1" in said
    html = (tmp_path / "preview" / "edition-1.html").read_text()
    assert "reader7@example.org" in html
    assert "Story 2" in (tmp_path / "preview" / "edition-1.txt").read_text()

    assert "me@example.org: accepted" in digest("edition", "test", 1, "me@example.org")
    [(address, content)] = smtp_server.recorder.accepted
    assert address == "me@example.org"
    assert b"Subject: [Test] Story 1" in content
    assert digest.json("edition", "show", 1)["balance"]["planned"] == 0

    assert "changed: subject, note" in digest(
        "edition", "change", 1, "--subject", "A better line", "--note", "Good morning", "--note-author", "Mara"
    )
    question = digest("edition", "send", 1, code=2)
    assert "--yes" in question
    assert accepted(smtp_server) == ["me@example.org"]

    said = digest("edition", "send", 1, "--yes")
    for expected in ("The Harbour Post", "A better line", "readers           30", "30 accepted", "all done"):
        assert expected in said
    assert sorted(accepted(smtp_server)[1:]) == sorted(f"reader{number}@example.org" for number in range(1, 31))
    assert "balanced" in digest("audit", 1)
    assert digest.json("audit", 1)["balance"] == {
        **dict.fromkeys(("rejected", "skipped", "unknown", "cancelled", "deferred", "waiting", "attempting"), 0),
        "planned": 30,
        "accepted": 30,
    }
    assert "was sent already" in digest("edition", "send", 1, "--yes", code=5)
    assert "nothing new: no mail" in digest("edition", "build", "harbour")
    assert "there is no edition 99" in digest("edition", "show", 99, code=4)


def test_who_is_left_out_is_said_before_sending(digest: Command) -> None:
    digest("subscriber", "leave", "reader3@example.org", "--newsletter", "harbour", "--yes")
    digest("subscriber", "suppress", "reader4@example.org", "--yes")
    digest("edition", "build", "harbour")
    said = digest("edition", "send", 1, "--yes")
    assert "28" in said
    assert "left out, has left" in said
    assert "left out, suppressed: admin" in said


def test_two_sends_at_the_same_moment_send_once(digest: Command, smtp_server: SmtpServer, tmp_path: Path) -> None:
    digest("subscriber", "import", write_readers(tmp_path, 200), "--newsletter", "harbour")
    digest("edition", "build", "harbour")
    running = [digest.start("edition", "send", 1, "--yes") for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert not [output for output in outputs if "Traceback" in output]
    assert len(accepted(smtp_server)) == len(set(accepted(smtp_server))) == 200
    assert "balanced" in digest("audit", 1)


def test_three_crons_at_the_same_moment_send_once_and_none_of_them_complains(
    digest: Command, smtp_server: SmtpServer
) -> None:
    digest("edition", "build", "harbour")
    digest("edition", "approve", 1)
    running = [digest.start("run-due") for _ in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outputs
    assert len(accepted(smtp_server)) == len(set(accepted(smtp_server))) == 30
    assert "balanced" in digest("audit", 1)


def start_long_send(digest: Command, smtp_server: SmtpServer, tmp_path: Path) -> subprocess.Popen[str]:
    """A send of 4,000 that is under way; an aiosmtpd takes some seconds for it."""
    digest("subscriber", "import", write_readers(tmp_path, 4_000), "--newsletter", "harbour")
    digest("newsletter", "change", "harbour", "--template", "plain")
    digest("edition", "build", "harbour")
    process = digest.start("edition", "send", 1, "--yes")
    wait_for(lambda: len(smtp_server.recorder.accepted) > 20)
    return process


def test_pause_and_resume_from_another_process(digest: Command, smtp_server: SmtpServer, tmp_path: Path) -> None:
    process = start_long_send(digest, smtp_server, tmp_path)
    assert "is paused" in digest("edition", "pause", 1)
    process.communicate(timeout=30)
    at_pause = len(accepted(smtp_server))
    assert at_pause < 4_000
    counts = digest.json("edition", "show", 1)["balance"]
    assert (counts["accepted"], counts["attempting"]) == (at_pause, 0)
    assert "is paused" in digest("edition", "send", 1, "--yes", code=5)
    digest("edition", "resume", 1)
    assert "all done" in digest("edition", "send", 1, "--yes")
    assert len(accepted(smtp_server)) == len(set(accepted(smtp_server))) == 4_000
    assert "balanced" in digest("audit", 1)


def test_cancel_from_another_process(digest: Command, smtp_server: SmtpServer, tmp_path: Path) -> None:
    process = start_long_send(digest, smtp_server, tmp_path)
    assert "--yes" in digest("edition", "cancel", 1, code=2)
    digest("edition", "cancel", 1, "--yes")
    process.communicate(timeout=30)
    counts = digest.json("edition", "show", 1)["balance"]
    assert counts["accepted"] == len(accepted(smtp_server)) < 4_000
    assert counts["cancelled"] == 4_000 - counts["accepted"]
    assert "balanced" in digest("audit", 1)
    assert "was cancelled" in digest("edition", "send", 1, "--yes", code=5)


def test_ctrl_c_finishes_what_is_in_flight(digest: Command, smtp_server: SmtpServer, tmp_path: Path) -> None:
    process = start_long_send(digest, smtp_server, tmp_path)
    process.terminate()
    process.communicate(timeout=30)
    counts = digest.json("edition", "show", 1)["balance"]
    assert (counts["unknown"], counts["attempting"]) == (0, 0)
    assert counts["accepted"] == len(accepted(smtp_server))
    assert "all done" in digest("edition", "send", 1, "--yes")
    assert len(accepted(smtp_server)) == len(set(accepted(smtp_server))) == 4_000


def test_run_due_for_people_who_use_cron(digest: Command, smtp_server: SmtpServer) -> None:
    just_past = datetime.now(UTC) - timedelta(minutes=2)
    digest("newsletter", "change", "harbour", "--weekdays", f"{just_past:%a}".lower(), "--at", f"{just_past:%H:%M}")
    assert "no newsletter is due" in digest("run-due")  # a schedule that was just changed begins with its next period
    assert accepted(smtp_server) == []


def test_a_channel_that_is_down_is_exit_code_8_and_loses_nothing(
    digest: Command, smtp_server: SmtpServer, tmp_path: Path, database_url: str
) -> None:
    digest("edition", "build", "harbour")
    write_settings(tmp_path, database_url, 1)
    assert "nothing is lost" in digest("edition", "send", 1, "--yes", code=8)
    write_settings(tmp_path, database_url, smtp_server.port)
    assert "30 accepted" in digest("edition", "send", 1, "--yes")


def test_newsletters_are_shown_and_changed(digest: Command) -> None:
    digest("newsletter", "change", "harbour", "--tagline", "The week in the city", "--headlines-after", 5)
    shown = digest("newsletter", "show", "harbour")
    assert "The week in the city" in shown
    assert digest.json("newsletter", "show", "harbour")["settings"]["layout"]["headlines_after"] == 5
    assert "harbour" in digest("newsletter", "list")
    assert len(digest("newsletter", "schedule", "harbour", "--count", 3).splitlines()) == 5
    assert "contrast" in digest("newsletter", "change", "harbour", "--accent", "#ffff00", code=6)
    assert "did you mean Europe/Berlin" in digest(
        "newsletter", "change", "harbour", "--time-zone", "Europe/Berln", code=6
    )
    assert "there is no template 'nope'" in digest("newsletter", "change", "harbour", "--template", "nope", code=7)
    digest("newsletter", "sponsor", "harbour", "--by", "Alder Bank", "--url", "https://b.example/", "--title", "Save")
    assert digest.json("newsletter", "show", "harbour")["settings"]["sponsors"][0]["name"] == "Alder Bank"
    assert "no newsletter 'harbor'" in digest("newsletter", "show", "harbor", code=4)
    assert "is a newsletter 'harbour' already" in digest(*ADD, code=5)


def test_readers_are_shown_and_changed(digest: Command) -> None:
    assert "reader12@example.org" in digest("subscriber", "list", "--search", "reader12")
    digest("subscriber", "change", "READER12@example.org", "--name", "Nora", "--language", "de")
    shown = digest.json("subscriber", "show", "reader12@example.org")
    assert (shown["name"], shown["language"]) == ("Nora", "de")
    digest("subscriber", "add", "new@example.org", "--newsletter", "harbour", "--name", "New")
    assert digest.json("newsletter", "show", "harbour")["subscriptions"] == {"active": 31}
    assert "no e-mail address" in digest("subscriber", "show", "nonsense", code=4)


def test_one_article_is_added_and_added_again(digest: Command) -> None:
    line = (
        "article",
        "add",
        "https://harbourpost.example/late",
        "--title",
        "A late <b>story</b>",
        "--topics",
        "City; Sea",
    )
    assert "A late story: added" in digest(*line)
    assert "was there already" in digest(*line, "--published-at", digest.json("article", "show", 3)["published_at"])
    assert digest.json("article", "show", 3)["topics"] == ["City", "Sea"]
    assert "is no web address" in digest("article", "add", "javascript:alert(1)", "--title", "x", code=6)


@pytest.mark.parametrize("title", ["The <dialog> element", "Use <b> &amp; more", "Tom <tom@example.org>"])
def test_what_a_person_typed_is_no_html(title: str, digest: Command) -> None:
    said = digest("article", "add", "https://e.org/1", "--title", title, "--summary", title, "--authors", title)
    assert said.startswith(f"{title}: added")


def test_articles_are_shown_and_changed(digest: Command) -> None:
    assert "Story 2" in digest("article", "list")
    digest("article", "change", 1, "--title", "A better title")
    assert "A better title" in digest("article", "show", 1)
    assert "there is no article 99" in digest("article", "show", 99, code=4)


def test_sources_are_looked_at_before_they_are_added(digest: Command, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_text(
        '<rss version="2.0"><channel><title>B</title><link>https://b.example/</link><item><title>From a feed</title>'
        f"<link>https://b.example/1</link><pubDate>{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        "</channel></rss>"
    )
    add = ("source", "add", "blog", "feed", "-o", f"file={feed}")
    assert "--yes" in digest(*add, code=2)
    assert "no sources" in digest("source", "list")
    assert "From a feed" in digest(*add, "--yes")
    assert "blog" in digest("source", "show", "blog")
    assert "From a feed" in digest("source", "test", "blog")
    assert "From a feed" not in digest("article", "list")
    digest("collect")
    assert "From a feed" in digest("article", "list")
    feed.write_text("<html>")
    assert "a web page, not a feed" in digest("collect", code=6)
    assert "1 errors in a row" in digest("doctor", code=1)
    digest("source", "change", "blog", "--off")
