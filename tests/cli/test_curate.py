"""What an editor does to articles, as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import Command

NOW = "2026-11-23T06:00:00+00:00"


@pytest.fixture
def digest(tmp_path: Path) -> Command:
    digest = Command(tmp_path)
    digest("db", "upgrade")
    return digest


@pytest.fixture
def article(digest: Command) -> int:
    digest("article", "add", "https://example.org/ferry", "--title", "The ferry is back", "--published-at", NOW)
    return int(digest.json("article", "list")[0]["id"])


def test_a_change_is_for_the_digest_alone_and_can_be_taken_back(digest: Command, article: int) -> None:
    digest("article", "change", article, "--title", "Back on the water", "--section", "Harbour")
    digest("article", "change", article, "--image", "https://example.org/ferry.jpg", "--image-alt", "The ferry")
    shown = digest.json("article", "show", article)
    assert shown["title"] == "The ferry is back"
    assert shown["edits"] == {
        "title": "Back on the water",
        "section": "Harbour",
        "image_src": "https://example.org/ferry.jpg",
        "image_alt": "The ferry",
    }
    digest("article", "change", article, "--reset")
    assert digest.json("article", "show", article)["edits"] is None
    assert "say what to change" in digest("article", "change", article, code=2)
    assert "needs a title" in digest("article", "change", article, "--title", " ", code=6)
    assert "no web address" in digest("article", "change", article, "--image", "ferry.jpg", code=6)
    assert "no article 99" in digest("article", "change", 99, "--title", "x", code=4)


def test_an_embargo_is_an_instant(digest: Command, article: int) -> None:
    assert "2026-12-01 05:00 UTC" in digest("article", "embargo", article, "2026-12-01T06:00+01:00")
    assert digest.json("article", "show", article)["ready_at"].startswith("2026-12-01T05:00")
    assert "no ISO date" in digest("article", "embargo", article, "next week", code=6)
    digest("article", "embargo", article, "")
    assert digest.json("article", "show", article)["ready_at"] == NOW


def test_a_flood_is_looked_at_released_and_discarded(digest: Command, tmp_path: Path) -> None:
    feed = tmp_path / "feed.json"

    def write(count: int) -> None:
        items = [
            {"id": str(n), "url": f"https://example.org/{n}", "title": f"Story {n}", "date_published": NOW}
            for n in range(count)
        ]
        feed.write_text(json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "B", "items": items}))

    write(1)
    digest("source", "add", "blog", "feed", "-o", f"file={feed}", "--yes")
    digest("collect", "blog")
    write(60)
    said = digest("collect", "blog")
    assert "digest article held --source blog" in said
    held = [row["id"] for row in digest.json("article", "held")]
    assert len(held) == 39
    assert "39 articles came at once" in digest("doctor", code=1)
    assert "--yes" in digest("article", "release", *held[:2], code=2)
    assert digest.json("article", "held", "--source", "blog")
    digest("article", "release", *held[:2], "--yes")
    assert "37 are hidden" in digest("article", "discard", "--source", "blog", "--yes")
    assert "nothing is held" in digest("article", "held")
    assert "not held" in digest("article", "release", held[0], "--yes", code=4)
    assert "say which" in digest("article", "release", code=2)


def add_newsletter(digest: Command, zone: str) -> None:
    names = ("--title", "The Harbour Post", "--sender", "news@example.org", "--postal-address", "12 Quay Street")
    digest("newsletter", "add", "harbour", *names, "--weekdays", "mon", "--at", "07:00", "--time-zone", zone)


def test_events_are_added_changed_and_removed(digest: Command) -> None:
    add_newsletter(digest, "Europe/Berlin")
    assert "2030-12-05 14:00 Europe/Berlin" in digest(
        "event", "add", "harbour", "Ferry day", "--starts", "2030-12-05T14:00"
    )
    digest("event", "add", "harbour", "Market", "--starts", "2030-12-04", "--ends", "2030-12-06")
    ferry, market = digest.json("event", "list", "harbour")[::-1]
    assert (ferry["starts_at"], market["is_all_day"]) == ("2030-12-05T13:00:00+00:00", True)
    assert "14:00 Asia/Tokyo" in digest("event", "change", ferry["id"], "--zone", "Asia/Tokyo", "--place", "Pier 3")
    assert "no time zone" in digest("event", "change", 1, "--zone", "Berlin", code=6)
    assert "ends before it begins" in digest("event", "change", 1, "--ends", "2030-01-01", code=6)
    assert "--yes" in digest("event", "remove", 1, code=2)
    digest("event", "remove", 1, "--yes")
    assert [each["title"] for each in digest.json("event", "list", "harbour")] == ["Market"]
    assert "no event 1" in digest("event", "remove", 1, "--yes", code=4)


def test_sponsors_are_booked_one_after_another(digest: Command) -> None:
    add_newsletter(digest, "UTC")

    def book(by: str, since: str, until: str, code: int = 0) -> str:
        return digest("newsletter", "sponsor", "harbour", "--by", by, "--url", "https://b.example", "--title", "Save",
                      "--from", since, "--until", until, code=code)  # fmt: skip

    book("Bank", "2030-01-01", "2030-01-31")
    assert "Bank has the box" in book("Tram", "2030-01-31", "2030-02-28", code=5)
    assert "sponsored by Bank, Tram" in book("Tram", "2030-02-01", "2030-02-28")
    assert "before the first" in book("Inn", "2030-05-01", "2030-04-01", code=6)
    assert "2030-02-28" in digest("newsletter", "sponsor", "harbour")
    assert "sponsored by Tram" in digest("newsletter", "sponsor", "harbour", "--end", "Bank")
    assert "has no sponsor" in digest("newsletter", "sponsor", "harbour", "--end", "Bank", code=4)
    assert "no sponsor" in digest("newsletter", "sponsor", "harbour", "--by", "")
