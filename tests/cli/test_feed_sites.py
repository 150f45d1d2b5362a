"""Sources that move and that are gone, as an admin meets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Command
from tests.sources.http import Site

FEED = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>B</title><item><title>Ferry</title>'
    "<link>https://example.org/1</link><guid>1</guid><pubDate>Mon, 23 Nov 2026 06:00:00 GMT</pubDate></item></channel></rss>"
)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.give("/feed", FEED)
    yield site
    site.close()


@pytest.fixture
def digest(tmp_path: Path, site: Site) -> Command:
    (tmp_path / "digest.toml").write_text(f'[collect]\nallow_hosts = ["127.0.0.1:{site.port}"]\n')
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest("source", "add", "blog", "feed", "-o", f"url={site.url}/feed", "--yes")
    return digest


def test_a_source_that_moved_says_where_and_one_that_is_gone_is_switched_on_again(digest: Command, site: Site) -> None:
    site.give("/feed", b"", 301, Location="/new")
    site.give("/new", FEED)
    assert f"is read at {site.url}/new from now on" in digest("collect", "blog")
    site.give("/new", b"", 410)
    digest("collect", "blog", code=6)
    assert "stopped: " in digest("doctor", code=1)
    site.give("/feed", FEED)
    digest("source", "change", "blog", "-o", f"url={site.url}/feed", "--on")
    shown = digest.json("source", "list")[0]
    assert (shown["is_enabled"], shown["stopped"], shown["errors_in_row"]) == (True, "", 0)
    digest("collect", "blog")
    assert "Ferry" in digest("article", "list")


def test_a_site_is_looked_at_for_its_feeds(digest: Command, site: Site) -> None:
    links = (
        '<link rel="alternate" type="application/rss+xml" href="/feed"><link rel="alternate" type="application/atom+xml" '
        'href="/gone"><link rel="alternate" hreflang="de" href="/de"><link rel="stylesheet" type="text/css" href="/x">'
    )
    site.give("/", f"<html><head>{links}</head><body>Hello</body></html>", Content_Type="text/html")
    site.give("/robots.txt", f"User-agent: *\nSitemap: {site.url}/map.xml\n")
    site.give("/map.xml", f"<urlset><url><loc>{site.url}/1</loc><lastmod>2026-11-20</lastmod></url></urlset>")
    found = digest.json("source", "discover", site.url)
    assert [(each["kind"], each["url"].removeprefix(site.url), each["articles"]) for each in found] == [
        ("feed", "/feed", 1),
        ("feed", "/gone", 0),
        ("page", "/map.xml", 1),
    ]
    assert "404" in found[1]["trouble"]
    said = digest("source", "discover", site.url)
    assert f"digest source add 127 feed -o url={site.url}/feed" in said


def test_a_site_that_names_nothing_is_tried_at_the_usual_addresses(digest: Command, site: Site) -> None:
    site.give("/", "<html><body>Hello</body></html>", Content_Type="text/html")
    assert "names no feed and no sitemap" in digest("source", "discover", site.url)
    site.give("/atom.xml", FEED)
    (found,) = digest.json("source", "discover", site.url)
    assert found["url"] == f"{site.url}/atom.xml"
    (itself,) = digest.json("source", "discover", f"{site.url}/feed")
    assert itself["articles"] == 1
    assert "404" in digest("source", "discover", f"{site.url}/nowhere", code=6)
