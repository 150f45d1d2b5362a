"""Web pages and sitemaps, from a real HTTP server on loopback."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import BadInput, SourceBusy, SourceMalformed, SourceUnreachable
from digest.model.article import Article, Image
from digest.model.source import Collected, Cursor
from digest.sources import page
from digest.sources.fetch import Fetcher
from digest.sources.fetched import Fetched
from digest.sources.kinds import options_of
from digest.sources.page_facts import article_of
from digest.sources.sitemap import parse_sitemap
from tests.sources.http import Site

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TEXT = "<p>The ferry runs again, every half hour, from the old pier. Nobody had expected it before spring.</p>"


def html(head: str = "", body: str = f"<article><h1>The ferry is back</h1>{TEXT}</article>") -> bytes:
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'.encode()


def article(head: str = "", **given: str) -> Article:
    return article_of(Fetched(url="https://example.org/ferry", status=200, body=html(head, **given)))


def dated(day: str, title: str = "The ferry is back") -> str:
    return f'<meta property="og:title" content="{title}"><meta property="article:published_time" content="{day}">'


def json_ld(**thing: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(thing)}</script>'


def test_json_ld_is_believed_first() -> None:
    found = article(
        json_ld(
            **{
                "@graph": [
                    {"@type": "Person", "@id": "#ana", "name": "Ana Kovač"},
                    {"@type": "ImageObject", "@id": "#pier", "url": "/pier.jpg", "caption": "The pier"},
                    {
                        "@type": ["NewsArticle"],
                        "headline": "The ferry is back",
                        "datePublished": "2026-11-20T08:00:00+01:00",
                        "author": {"@id": "#ana"},
                        "image": {"@id": "#pier"},
                        "articleSection": "City",
                        "description": "Every half hour, from the old pier.",
                        "wordCount": 400,
                    },
                ]
            }
        )
        + '<meta property="og:title" content="Another title"><link rel="canonical" href="/2026/ferry">'
    )
    assert found.title == "The ferry is back"
    assert found.published_at == datetime(2026, 11, 20, 7, tzinfo=UTC)
    assert (found.authors, found.topics, found.words) == (("Ana Kovač",), ("City",), 400)
    assert found.image == Image(src="https://example.org/pier.jpg", alt="The pier")
    assert (found.url, found.language) == ("https://example.org/2026/ferry", "en")
    assert found.summary == "Every half hour, from the old pier."


@pytest.mark.parametrize(
    "head",
    [
        dated("2026-11-20", "The &lt;dialog&gt; element"),
        json_ld(**{"@type": "Article", "headline": "The <dialog> element", "datePublished": "2026-11-20"}),
        dated("2026-11-20", ""),
    ],
)
def test_a_title_keeps_the_word_it_is_about(head: str) -> None:
    found = article(head, body="<article><h1>The &lt;dialog&gt; element</h1><p>Use &lt;dialog&gt;.</p></article>")
    assert found.title == "The <dialog> element"


def test_opengraph_is_taken_without_the_name_of_the_site() -> None:
    found = article(
        '<meta property="og:title" content="The ferry is back | Harbour Post">'
        '<meta property="og:site_name" content="Harbour Post"><meta name="author" content="Jonas Berg">'
        '<meta property="article:published_time" content="2026-11-20T08:00:00Z">'
        '<meta property="og:image" content="/pier.jpg"><meta property="og:image:alt" content="Pier">'
        '<meta property="article:tag" content="Ferry">'
    )
    assert (found.title, found.authors, found.topics) == ("The ferry is back", ("Jonas Berg",), ("Ferry",))
    assert found.image == Image(src="https://example.org/pier.jpg", alt="Pier")


def test_microdata_is_read() -> None:
    found = article(
        body='<div itemscope itemtype="https://schema.org/BlogPosting"><h2 itemprop="headline">The ferry</h2>'
        '<span itemprop="author" itemscope><b itemprop="name">Ana Kovač</b></span>'
        f'<time itemprop="datePublished" datetime="2026-11-19">yesterday</time>{TEXT}</div>'
    )
    assert (found.title, found.authors) == ("The ferry", ("Ana Kovač",))
    assert found.published_at == datetime(2026, 11, 19, tzinfo=UTC)


def test_a_page_that_says_nothing_of_itself_is_read_as_people_do() -> None:
    found = article(
        body='<nav>Home About</nav><main><h1>The ferry is back</h1><time datetime="2026-11-19">19 Nov</time>'
        f"{TEXT * 4}</main>"
    )
    assert found.title == "The ferry is back"
    assert found.summary.startswith("The ferry runs again")
    assert "About" not in found.summary


def test_a_canonical_address_of_another_site_is_not_taken() -> None:
    assert article(dated("2026-11-20") + '<link rel="canonical" href="https://example.net/x">').url == (
        "https://example.org/ferry"
    )


OTHER = {
    "@type": "NewsArticle",
    "headline": "Bread is dearer",
    "url": "https://example.org/bread",
    "datePublished": "2026-11-01",
    "author": {"name": "Somebody Else"},
}
OWN = {
    "@type": "NewsArticle",
    "headline": "The ferry is back",
    "datePublished": "2026-11-20",
    "author": {"name": "Ana"},
}


@pytest.mark.parametrize(
    "things",
    [
        [OTHER, OWN | {"url": "https://example.org/ferry"}],
        [OTHER, OWN | {"mainEntityOfPage": {"@type": "WebPage", "@id": "https://www.example.org/ferry/"}}],
        [OTHER, OWN | {"@id": "#article"}],
        [OTHER, OWN],
        [OTHER, OWN | {"url": "https://example.org/"}],
        [OTHER, OWN | {"url": "https://example.org/?p=12"}],
        [OWN, OTHER],
        [{"@graph": [OTHER, {"@type": "WebPage"}]}, OWN | {"url": "/ferry#top"}],
    ],
)
@pytest.mark.parametrize("scripts", ["one", "each"])
def test_of_several_stories_in_json_ld_the_page_s_own_is_taken(things: list[dict[str, object]], scripts: str) -> None:
    parts = [json.dumps(things)] if scripts == "one" else [json.dumps(each) for each in things]
    head = "".join(f'<script type="application/ld+json">{part}</script>' for part in parts)
    found = article(head + "<title>The ferry is back | Harbour Post</title>")
    assert (found.title, found.authors) == ("The ferry is back", ("Ana",))
    assert found.published_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert found.url.startswith("https://example.org/") or found.url.startswith("https://www.example.org/ferry")
    assert "bread" not in found.url


def test_a_teaser_of_another_story_says_nothing_of_the_page() -> None:
    found = article(json_ld(**OTHER) + dated("2026-11-20"))
    assert (found.title, found.url, found.authors) == ("The ferry is back", "https://example.org/ferry", ())


def test_microdata_of_another_story_says_nothing_of_the_page() -> None:
    def story(title: str, url: str, day: str) -> str:
        return (
            f'<div itemscope itemtype="https://schema.org/NewsArticle"><a itemprop="url" href="{url}"></a>'
            f'<h2 itemprop="headline">{title}</h2><time itemprop="datePublished" datetime="{day}"></time></div>'
        )

    found = article(
        "<title>The ferry is back</title>",
        body=story("Bread is dearer", "/bread", "2026-11-01") + story("The ferry is back", "/ferry", "2026-11-20"),
    )
    assert (found.title, found.published_at.day) == ("The ferry is back", 20)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"%PDF-1.7 nothing", "not a web page"),
        (b"", "not a web page"),
        (html("", "<p>Words</p>"), "no title"),
        (html("<title>The ferry</title>", TEXT), "nowhere when it was published"),
        (html('<script type="application/ld+json">{"@type": "Article", </script><title>T</title>'), "nowhere when"),
        (html(json_ld(**{"@type": "Article", "headline": {"a": 1}, "datePublished": ["x"]}), ""), "no title"),
    ],
    ids=["pdf", "empty", "no title", "no date", "damaged JSON-LD", "JSON-LD of other types"],
)
def test_a_page_that_is_no_article_says_why(site: Site, fetcher: Fetcher, body: bytes, reason: str) -> None:
    site.give("/bad", body)
    with pytest.raises(SourceMalformed, match=rf"/bad: .*{reason}"):
        read(site, fetcher, url=f"{site.url}/bad")


def read(site: Site, fetcher: Fetcher, cursor: Cursor | None = None, **options: object) -> list[Collected]:
    given = options or {"sitemap": f"{site.url}/sitemap.xml"}
    checked = options_of("page", given, name="site")
    return list(page.pages(checked, cursor or Cursor(), now=NOW, fetcher=fetcher))


def titles(found: Iterable[Collected]) -> list[str]:
    return [each.title for collected in found for each in collected.articles]


def test_one_page_is_one_article_and_is_asked_for_politely(site: Site, fetcher: Fetcher) -> None:
    site.give("/ferry", html(dated("2026-11-20")), ETag='"1"')
    [found] = read(site, fetcher, url=f"{site.url}/ferry", topics="City")
    assert (titles([found]), found.articles[0].topics) == (["The ferry is back"], ("City",))
    assert found.cursor.etag == '"1"'
    site.give("/ferry", b"", 304)
    [again] = read(site, fetcher, found.cursor, url=f"{site.url}/ferry")
    assert again.is_unchanged


def urlset(*places: str) -> str:
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(places)}</urlset>'


def place(site: Site, path: str, changed: str = "", more: str = "") -> str:
    site.give(path, html(dated("2026-11-20", path[1:])))
    lastmod = f"<lastmod>{changed}</lastmod>" if changed else ""
    return f"<url><loc>{site.url}{path}</loc>{lastmod}{more}</url>"


def test_a_sitemap_gives_its_pages_once(site: Site, fetcher: Fetcher) -> None:
    first = place(site, "/new", "2026-11-20"), place(site, "/old", "2020-01-01"), place(site, "/undated")
    site.give("/sitemap.xml", urlset(*first))
    found = read(site, fetcher)
    assert sorted(titles(found)) == ["new", "undated"]
    again = read(site, fetcher, found[-1].cursor)
    assert titles(again) == []
    site.give("/sitemap.xml", urlset(*first, place(site, "/late", "2026-11-20"), place(site, "/next", "2026-11-26")))
    assert sorted(titles(read(site, fetcher, again[-1].cursor))) == ["late", "next"]


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        ("/a?x=1&y=2", "/a?x=1&y=2"),
        ("/a?x=1&amp;y=2", "/a?x=1&y=2"),
        ("<![CDATA[{site}/a?x=1&y=2]]>", "/a?x=1&y=2"),
        ("/a?a&&b&c=&", "/a?a&&b&c=&"),
        ("/a?copy=1&copy=2&lt=3", "/a?copy=1&copy=2&lt=3"),
        ("/Meu-1&Acirc;-x", "/Meu-1\u00c2-x"),
        ("/a&nosuchname;b", "/a&nosuchname;b"),
        ("/caf&#233;&#x21;", "/caf\u00e9!"),
        (" /my page ", "/my%20page"),
    ],
)
def test_an_address_in_a_sitemap_is_as_it_was_meant(loc: str, path: str) -> None:
    url = "https://example.org"
    text = loc.format(site=url) if loc.startswith("<!") else f"{' ' if loc[0] == ' ' else ''}{url}{loc.strip()}"
    body = f"<urlset><url><loc>{text}</loc></url><url><loc>{url}/last</loc></url></urlset>"
    _, places = parse_sitemap(Fetched(url=f"{url}/s.xml", status=200, body=body.encode()), max_bytes=10_000)
    assert [each.url for each in places] == [url + path, f"{url}/last"]


def test_a_page_that_changes_is_read_again(site: Site, fetcher: Fetcher) -> None:
    site.give("/sitemap.xml", urlset(place(site, "/ferry", "2026-11-20")))
    cursor = read(site, fetcher)[-1].cursor
    site.give("/sitemap.xml", urlset(place(site, "/ferry", "2026-11-25")))
    assert titles(read(site, fetcher, cursor)) == ["ferry"]


def test_a_date_in_the_future_hides_nothing(site: Site, fetcher: Fetcher) -> None:
    site.give("/sitemap.xml", urlset(place(site, "/future", "2099-01-01"), place(site, "/now", "2026-11-20")))
    cursor = read(site, fetcher)[-1].cursor
    assert cursor.at is not None
    assert cursor.at <= NOW
    site.give("/sitemap.xml", urlset(place(site, "/future", "2099-01-01"), place(site, "/next", "2026-11-26")))
    assert titles(read(site, fetcher, cursor)) == ["next"]


def test_an_index_leads_to_gzipped_sitemaps_and_old_ones_are_not_asked_for(site: Site, fetcher: Fetcher) -> None:
    site.give("/a.xml.gz", gzip.compress(urlset(place(site, "/packed", "2026-11-20")).encode()))
    site.give("/broken.xml", "<html>")
    site.give(
        "/sitemap.xml",
        f"<sitemapindex><sitemap><loc>{site.url}/a.xml.gz</loc><lastmod>2026-11-20</lastmod></sitemap>"
        f"<sitemap><loc>{site.url}/old.xml</loc><lastmod>2019-01-01</lastmod></sitemap>"
        f"<sitemap><loc>{site.url}/broken.xml</loc></sitemap></sitemapindex>",
    )
    assert titles(read(site, fetcher)) == ["packed"]
    assert "/old.xml" not in site.asked


def test_a_sitemap_that_unpacks_to_too_much_is_refused(site: Site, fetcher: Fetcher) -> None:
    site.give("/sitemap.xml", gzip.compress(b" " * 5_000_000))
    with pytest.raises(SourceMalformed, match="longer than 10,000 bytes"):
        read(site, fetcher)


def test_a_news_sitemap_dates_its_pages(site: Site, fetcher: Fetcher) -> None:
    site.give("/plain", html("<title>The ferry is back</title>"))
    site.give(
        "/sitemap.xml",
        '<urlset xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url>'
        f"<loc>{site.url}/plain</loc><news:news><news:publication><news:language>en</news:language></news:publication>"
        "<news:publication_date>2026-11-24T10:00:00Z</news:publication_date></news:news></url></urlset>",
    )
    [found] = read(site, fetcher)
    assert found.articles[0].published_at == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_pages_are_chosen_by_their_addresses(site: Site, fetcher: Fetcher) -> None:
    site.give("/sitemap.xml", urlset(place(site, "/blog/a"), place(site, "/blog/tag/b"), place(site, "/about")))
    found = read(site, fetcher, sitemap=f"{site.url}/sitemap.xml", take="*/blog/*", leave="*/tag/*")
    assert titles(found) == ["blog/a"]


def test_one_reading_takes_so_many_and_the_next_goes_on(site: Site, fetcher: Fetcher) -> None:
    site.give("/sitemap.xml", urlset(*(place(site, f"/{number}", "2026-11-20") for number in range(5))))
    options = {"sitemap": f"{site.url}/sitemap.xml", "at_most": 3}
    first = read(site, fetcher, **options)
    second = read(site, fetcher, first[-1].cursor, **options)
    assert (titles(first), titles(second)) == (["0", "1", "2"], ["3", "4"])


def test_bad_pages_stop_no_others(site: Site, fetcher: Fetcher) -> None:
    places = [place(site, f"/{name}", "2026-11-20") for name in ("gone", "good", "missing", "no-article")]
    site.give("/gone", b"", 410)
    site.give("/missing", b"", 404)
    site.give("/no-article", b"hello")
    site.give("/sitemap.xml", urlset(*places))
    [found] = read(site, fetcher)
    assert titles([found]) == ["good"]
    assert [line.partition(": ")[2] for line in found.refused] == [
        "gone",
        "the server answered 404 Not Found",
        "not a web page",
    ]


def test_a_page_that_fails_for_now_is_read_next_time(site: Site, fetcher: Fetcher) -> None:
    recent = (NOW - timedelta(hours=5)).isoformat()
    site.give("/sitemap.xml", urlset(place(site, "/ill", recent), place(site, "/well", recent)))
    site.give("/ill", b"", 500)
    options = options_of("page", {"sitemap": f"{site.url}/sitemap.xml"}, name="site")
    reading = page.pages(options, Cursor(), now=NOW, fetcher=fetcher)
    first = next(reading)
    assert titles([first]) == ["well"]
    with pytest.raises(SourceUnreachable, match="1 of 2 pages could not be read"):
        next(reading)
    site.give("/ill", html(dated("2026-11-20", "ill")))
    assert "ill" in titles(read(site, fetcher, first.cursor))


def test_a_server_that_is_busy_is_left_alone(site: Site, fetcher: Fetcher) -> None:
    places = [place(site, "/a", "2026-11-26"), place(site, "/b", "2026-11-26"), place(site, "/c", "2026-11-26")]
    site.give("/sitemap.xml", urlset(*places))
    site.give("/b", b"", 429, Retry_After="60")
    with pytest.raises(SourceBusy):
        read(site, fetcher)
    assert "/c" not in site.asked


@pytest.mark.parametrize("body", ["", "<html><body>no</body></html>", "<urlset", "{}"])
def test_what_is_no_sitemap_is_said(site: Site, fetcher: Fetcher, body: str) -> None:
    site.give("/sitemap.xml", body)
    if body == "<urlset":
        assert titles(read(site, fetcher)) == []
    else:
        with pytest.raises(SourceMalformed, match="not a sitemap"):
            read(site, fetcher)


def test_options_are_checked() -> None:
    with pytest.raises(BadInput, match="either url or sitemap"):
        options_of("page", {}, name="site")
    with pytest.raises(BadInput, match="at_most"):
        options_of("page", {"url": "https://example.org/", "at_most": 0}, name="site")
