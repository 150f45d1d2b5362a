"""A site's database or pages, with values that nobody should have written: they stop nothing but their own article."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from digest.db.engine import writing
from digest.flows.collect import CollectReport, collect_sources
from digest.flows.publish import Press, build_due, open_maker
from digest.sources.fetch import Fetcher
from digest.sources.store.sources import add_source
from tests.flows.test_bad_items import BAD_DATES, BAD_NUMBERS, BAD_TEXTS, BAD_URLS, stored
from tests.mariadb import MysqlSite
from tests.site import NOW, add_newsletter, add_readers
from tests.sources.ghost_site import Ghost
from tests.sources.http import Site
from tests.sources.wordpress_site import WordPress

TEXTS = [*BAD_TEXTS, *BAD_URLS, *BAD_DATES, *BAD_NUMBERS]


def collected(engine: Engine, kind: str, options: dict[str, Any]) -> CollectReport:
    with writing(engine) as connection:
        add_source(connection, "site", kind, options, now=NOW)
    (report,) = collect_sources(engine, Fetcher(allow_hosts=frozenset(["127.0.0.1"])), now=NOW)
    return report


def edition_is_made(engine: Engine, press: Press) -> None:
    add_readers(engine, add_newsletter(engine), 2)
    (report,) = build_due(engine, press, now=NOW)
    assert report.edition_id is not None
    assert "harbour" in open_maker(engine, press, report.edition_id).web_view()


def fields(*names: str) -> Iterator[dict[str, Any]]:
    """Each field gets a third of the values, its neighbours the others."""
    for place, name in enumerate(names):
        for value in TEXTS[place % 3 :: 3]:
            yield {name: value if isinstance(value, str | int | float) else json.dumps(value)}


def test_of_a_ghost_site_the_good_posts_come(engine: Engine, press: Press, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ghost.sqlite'}"
    site_engine = create_engine(url)
    site = Ghost(site_engine, url, version=6)
    site.post("Before the harbour")
    for values in fields(
        "title", "slug", "html", "custom_excerpt", "feature_image", "canonical_url", "published_at", "locale"
    ):
        with suppress(SQLAlchemyError, UnicodeEncodeError, OverflowError):  # what the site itself cannot hold
            said = str(next(iter(values.values())))[:40]
            post = site.post(str(values.pop("title", "Odd")), **values)
            site.author(post, said, 0)
            site.tag(post, said, 0)
    site.post("Behind the harbour")
    site_engine.dispose()
    report = collected(engine, "ghost", {"url": url, "home": "https://harbourpost.example"})
    assert not report.error
    assert not [line for line in report.refused if "stumbled" in line]
    assert {"Before the harbour", "Behind the harbour"} <= set(stored(engine))
    edition_is_made(engine, press)


def test_of_a_wordpress_site_the_good_posts_come(engine: Engine, press: Press, mysql_site: MysqlSite) -> None:
    site = WordPress(mysql_site.engine, mysql_site.url)
    site.post("Before the harbour")
    for values in fields("title", "post_content", "post_excerpt", "post_name", "post_date_gmt", "post_password"):
        with suppress(SQLAlchemyError, UnicodeEncodeError, OverflowError):  # what the site itself cannot hold
            site.post(str(values.pop("title", "Odd")), **values)
    site.post("Behind the harbour")
    report = collected(engine, "wordpress", {"url": mysql_site.url})
    assert not report.error
    assert not [line for line in report.refused if "stumbled" in line]
    assert {"Before the harbour", "Behind the harbour"} <= set(stored(engine))
    edition_is_made(engine, press)


def test_of_pages_the_good_ones_come(engine: Engine, press: Press) -> None:
    site = Site()
    try:
        names = []

        def page(head: str, body: str = "<p>Of the harbour, and what happened there in the night.</p>") -> None:
            names.append(f"/{len(names)}.html")
            site.give(
                names[-1],
                f"<html><head>{head}</head><body><article>{body}</article></body></html>".encode("utf-8", "replace"),
            )

        good = '<title>{0} the harbour</title><meta property="article:published_time" content="2026-11-20T08:00:00Z">'
        page(good.format("Before"))
        for value in TEXTS[::3]:
            shown = value if isinstance(value, str) else json.dumps(value)
            for name in ("og:title", "og:description", "og:image", "og:url", "article:published_time", "article:tag"):
                if len(shown) < 10_000 or name == "og:title":
                    quoted = shown.replace('"', "&quot;")
                    page(good.format("Odd") + f'<meta property="{name}" content="{quoted}">')
            thing = {"@type": "NewsArticle", "headline": value, "datePublished": value, "author": value, "image": value}
            page(f'<script type="application/ld+json">{json.dumps(thing)}</script>' + good.format("Odd"))
        page(good.format("Behind"))
        lines = "".join(f"<url><loc>{site.url}{name}</loc></url>" for name in names)
        site.give("/sitemap.xml", f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{lines}</urlset>')
        report = collected(engine, "page", {"sitemap": f"{site.url}/sitemap.xml", "at_most": 1_000})
    finally:
        site.close()
    assert not report.error
    assert not [line for line in report.refused if "stumbled" in line]
    assert {"Before the harbour", "Behind the harbour"} <= set(stored(engine))
    edition_is_made(engine, press)
