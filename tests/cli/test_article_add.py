"""`digest article add URL`, through a process of its own, against a web site on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Command
from tests.sources.http import Site

PAGE = (
    '<html><head><title>The ferry is back</title><meta name="author" content="Ana Kovač">'
    '<meta property="article:section" content="City">{date}</head><body><p>It runs again.</p></body></html>'
)
DATE = '<meta property="article:published_time" content="2026-11-20T08:00:00Z">'


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def digest(tmp_path: Path) -> Command:
    (tmp_path / "digest.toml").write_text(
        '[database]\nurl = "sqlite:///digest.db"\n[web]\npublic_url = "http://127.0.0.1:8025"\n'
        '[collect]\nallow_hosts = ["127.0.0.1"]\n'
    )
    digest = Command(tmp_path)
    digest("db", "upgrade")
    return digest


def test_a_page_fills_the_article_and_what_is_given_goes_before(digest: Command, site: Site) -> None:
    site.give("/ferry", PAGE.format(date=DATE))
    said = digest("article", "add", f"{site.url}/ferry", "--topics", "Harbour")
    assert "The ferry is back: added" in said
    assert "Ana Kovač" in said
    assert "2026-11-20 08:00 UTC" in said
    [stored] = digest.json("article", "list")
    assert (stored["title"], stored["topics"]) == ("The ferry is back", ["Harbour"])
    assert "was there already" in digest("article", "add", f"{site.url}/ferry", "--topics", "Harbour")


def test_a_page_without_a_date_is_of_now_and_that_is_said(digest: Command, site: Site) -> None:
    site.give("/ferry", PAGE.format(date=""))
    assert "taken as now" in digest("article", "add", f"{site.url}/ferry")
    assert "taken as now" not in digest("article", "add", f"{site.url}/ferry", "--published-at", "2026-11-21")


def test_a_page_without_a_title_is_refused(digest: Command, site: Site) -> None:
    site.give("/ferry", "<html><body><p>It runs again.</p></body></html>")
    assert "the page has no title" in digest("article", "add", f"{site.url}/ferry", code=6)
    assert digest.json("article", "list") == []


def test_with_a_title_nothing_is_fetched(digest: Command, site: Site) -> None:
    assert "added" in digest("article", "add", f"{site.url}/ferry", "--title", "The ferry")
    assert site.asked == []
