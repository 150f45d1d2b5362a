"""Pages of a site become articles, each with an address of its own, whatever they claim to be called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Engine, select

from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.flows.collect import CollectReport, collect_sources
from digest.sources.fetch import Fetcher
from digest.sources.store.sources import add_source
from tests.site import NOW
from tests.sources.http import Site

FETCHER = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), timeout_s=5)
TITLES = ("The ferry is back", "Bread is dearer", "A new bridge", "School opens late", "Storm at night")


@pytest.fixture
def site(engine: Engine) -> Iterator[Site]:
    site = Site()
    with writing(engine) as connection:
        add_source(connection, "site", "page", {"sitemap": f"{site.url}/sitemap.xml"}, now=NOW)
    yield site
    site.close()


def give(site: Site, numbers: Sequence[int], head: str, *, changed: str = "2026-11-20") -> None:
    """Pages /1.html ..., each with a head of its own: {n} is its number."""
    for number in numbers:
        title = TITLES[number % len(TITLES)] + ("" if number < len(TITLES) else f", part {number}")
        site.give(
            f"/{number}.html",
            f"<!doctype html><html><head><title>{title}</title>{head.format(n=number, site=site.url)}"
            f'<meta property="article:published_time" content="2026-11-2{number % 3}"></head><body><article>'
            f"<h1>{title}</h1><p>What is said of {title}, and of nothing else, in number {number}.</p></article></body>",
        )
    places = "".join(
        f"<url><loc>{site.url}/{number}.html</loc><lastmod>{changed}</lastmod></url>" for number in numbers
    )
    site.give("/sitemap.xml", f"<urlset>{places}</urlset>")


def collect(engine: Engine) -> CollectReport:
    (report,) = collect_sources(engine, FETCHER, now=NOW)
    assert not report.error
    return report


def paths(engine: Engine, site: Site) -> list[str]:
    with reading(engine) as connection:
        return sorted(url.removeprefix(site.url) for url in connection.execute(select(article.c.url)).scalars())


@pytest.mark.parametrize(
    "head",
    [
        '<link rel="canonical" href="{site}/">',
        '<link rel="canonical" href="/">',
        '<meta property="og:url" content="{site}">',
        '<meta property="og:url" content="{site}/?utm_source=share">',
        '<script type="application/ld+json">{{"@type": "NewsArticle", "mainEntityOfPage": {{"@id": "{site}/"}}}}</script>',
        '<link rel="canonical" href="{site}/news/">',
        '<meta property="og:url" content="{site}/index.php?page=news">',
        '<script type="application/ld+json">{{"@type": "Article", "url": "{site}/news"}}</script>',
        '<link rel="canonical" href="{site}/1.html">',
    ],
)
@pytest.mark.parametrize("count", [3, 25])
def test_an_address_that_several_pages_claim_is_nobody_s(head: str, count: int, engine: Engine, site: Site) -> None:
    give(site, range(1, count + 1), head)
    report = collect(engine)
    assert (report.read, report.stored.new, report.refused) == (count, count, ())
    assert paths(engine, site) == sorted(f"/{number}.html" for number in range(1, count + 1))
    give(site, range(1, count + 1), head, changed="2026-11-22")
    again = collect(engine)
    assert (again.read, again.stored.new) == (count, 0)
    assert paths(engine, site) == sorted(f"/{number}.html" for number in range(1, count + 1))


def test_what_is_claimed_again_later_is_remembered_as_nobody_s(engine: Engine, site: Site) -> None:
    """One page a day: each alone would be believed."""
    head = '<link rel="canonical" href="{site}/news/">'
    give(site, [1], head)
    collect(engine)
    assert paths(engine, site) == ["/news/"]
    for day, number in enumerate((2, 1, 3, 2), 21):
        give(site, [number], head, changed=f"2026-11-{day}")
        collect(engine)
    assert paths(engine, site) == ["/1.html", "/2.html", "/3.html"]


def test_a_page_that_is_there_twice_is_one_by_its_canonical_address(engine: Engine, site: Site) -> None:
    head = '<link rel="canonical" href="/1.html">'
    give(site, [1], head)
    page = site.answers["/1.html"]
    site.answers["/1.html?print=1"] = site.answers["/print/1"] = page
    site.give(
        "/sitemap.xml",
        "<urlset>"
        + "".join(f"<url><loc>{site.url}{path}</loc></url>" for path in ("/print/1", "/1.html", "/1.html?print=1"))
        + "</urlset>",
    )
    report = collect(engine)
    assert (report.read, report.stored.new, report.stored.unchanged) == (3, 1, 2)
    assert paths(engine, site) == ["/1.html"]


def test_a_page_s_own_canonical_address_is_believed(engine: Engine, site: Site) -> None:
    give(site, [1, 2, 3], '<link rel="canonical" href="/story/{n}/">')
    assert collect(engine).stored.new == 3
    assert paths(engine, site) == ["/story/1/", "/story/2/", "/story/3/"]


def test_what_of_a_sitemap_cannot_be_read_is_counted_and_named(engine: Engine, site: Site) -> None:
    give(site, [1], "")
    site.give("/no", "<html><title>No date</title></html>")
    site.give(
        "/sitemap.xml",
        f"<urlset><url><loc>{site.url}/1.html</loc></url><url><loc>{site.url}/no</loc></url><url><loc>{site.url}/gone</loc>"
        "</url><url><loc>javascript:alert(1)</loc></url><url><loc/></url></urlset>",
    )
    report = collect(engine)
    assert (report.read, report.stored.new, len(report.refused)) == (5, 1, 4)
    assert [line.rpartition(": ")[2] for line in sorted(report.refused)] == [
        "names no address",
        "the server answered 404 Not Found",
        "the page says nowhere when it was published",
        "is no web address",
    ]
