"""A site's own database, of both kinds, read through a query or a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, Engine, Integer, MetaData, Table, Text, create_engine, insert, make_url

from digest.errors import SourceMalformed, SourceUnreachable
from digest.model.article import Article
from digest.model.source import Collected, Cursor
from digest.sources import sql
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


class Site:
    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = create_engine(make_url(url).set(drivername=make_url(url).drivername))
        self.posts = Table(
            "posts",
            MetaData(),
            Column("id", Integer, primary_key=True),
            Column("slug", Text),
            Column("headline", Text),
            Column("published", DateTime(timezone=False)),
            Column("day", Text),
            Column("tags", Text),
            Column("body", Text),
        )
        self.posts.create(self.engine)

    def add(self, *rows: dict[str, Any]) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(self.posts), list(rows))

    def options(self, **values: Any) -> sql.Options:
        defaults = {
            "url": self.url,
            "table": "posts",
            "columns": {"key": "id", "title": "headline", "published_at": "published", "topics": "tags"},
            "url_format": "https://site.example/{slug}",
        }
        given: sql.Options = options_of("sql", defaults | values, name="site")
        return given


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    site = Site(database_url)
    yield site
    site.engine.dispose()


def post(number: int, **values: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 1) + timedelta(hours=number)  # noqa: DTZ001  a site's own, without a zone
    row = {"id": number, "slug": f"p{number}", "headline": f"Post {number}", "published": at, "day": f"{at:%Y-%m-%d}"}
    return row | {"tags": "a,b", "body": ""} | values


def read(options: sql.Options, cursor: Cursor | None = None, now: datetime = NOW) -> list[Collected]:
    return list(sql.pages(options, cursor or Cursor(), now=now, fetcher=Fetcher()))


def articles(pages: Sequence[Collected]) -> list[Article]:
    return [article for page in pages for article in page.articles]


def test_a_table_gives_articles_oldest_first(site: Site) -> None:
    site.add(post(2), post(1, headline="<b>One</b> &amp; only", tags='["City", "Sea"]'))
    found = articles(read(site.options()))
    assert [each.key for each in found] == ["1", "2"]
    assert found[0].title == "One & only"
    assert found[0].topics == ("City", "Sea")
    assert found[1].topics == ("a", "b")
    assert found[0].url == "https://site.example/p1"
    assert found[0].published_at == datetime(2026, 11, 1, 1, tzinfo=UTC)


def test_a_zone_is_given_to_dates_without_one(site: Site) -> None:
    site.add(post(1))
    [found] = articles(read(site.options(time_zone="Europe/Berlin")))
    assert found.published_at == datetime(2026, 11, 1, 0, tzinfo=UTC)


def test_the_cursor_goes_on_where_it_was_and_looks_back_a_little(site: Site) -> None:
    site.add(*(post(number) for number in range(1, 11)))
    pages = read(site.options(overlap_minutes=120), now=datetime(2026, 11, 1, 8, 30, tzinfo=UTC))
    assert [each.key for each in articles(pages)] == [
        str(number) for number in range(1, 9)
    ]  # the later ones are not out
    again = articles(read(site.options(overlap_minutes=120), pages[-1].cursor))
    keys = [each.key for each in again]
    assert keys[-5:] == ["6", "7", "8", "9", "10"]
    assert len(keys) == 5 or site.engine.dialect.name == "sqlite"  # its dates are texts: read again from that day on


def test_many_of_one_instant_over_several_pages(site: Site) -> None:
    same = datetime(2026, 11, 2)  # noqa: DTZ001
    site.add(*(post(number, published=same) for number in range(1, 2 * sql.PAGE + 6)))
    pages = read(site.options())
    assert [len(page.articles) for page in pages] == [sql.PAGE, sql.PAGE, 5]
    assert sorted(int(each.key) for each in articles(pages)) == list(range(1, 2 * sql.PAGE + 6))


def test_dates_as_text(site: Site) -> None:
    site.add(post(1), post(30))
    columns = {"key": "id", "title": "headline", "published_at": "day"}
    pages = read(site.options(columns=columns))
    assert [each.published_at.day for each in articles(pages)] == [1, 2]
    assert [each.key for each in articles(read(site.options(columns=columns), pages[-1].cursor))] == ["1", "30"]


def test_a_query_instead_of_a_table(site: Site) -> None:
    site.add(post(1), post(2, slug="draft"))
    query = (
        "SELECT id AS key, headline AS title, published AS published_at, 'https://x.example/' || slug AS url "
        "FROM posts WHERE slug <> 'draft';"
    )
    found = articles(read(site.options(table="", columns={}, url_format="", query=query)))
    assert [(each.key, each.url) for each in found] == [("1", "https://x.example/p1")]


def test_a_bad_row_is_refused_by_its_key_and_the_rest_goes_on(site: Site) -> None:
    site.add(post(1, headline=""), post(2), post(3, slug="a b"), post(4, published=None))
    pages = read(site.options())
    assert [each.key for each in articles(pages)] == ["2"]
    assert [line for page in pages for line in page.refused] == [
        "row 1: has no title",
        "row 3: its url 'https://site.example/a b' is no web address",
    ]


def test_an_empty_table(site: Site) -> None:
    assert read(site.options()) == []


@pytest.mark.parametrize(
    "values",
    [
        {"table": "postz"},
        {"columns": {"key": "id", "title": "headline", "published_at": "publishd"}},
        {"table": "", "columns": {}, "query": "SELEC 1"},
    ],
)
def test_what_is_wrong_is_said_without_the_password(site: Site, values: dict[str, Any]) -> None:
    site.add(post(1))
    with pytest.raises((SourceUnreachable, SourceMalformed)) as caught:
        read(site.options(**values))
    assert ":secret@" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there() -> None:
    options = sql.Options(url="postgresql+psycopg://reader:secret@127.0.0.1:1/site", table="posts")
    with pytest.raises(SourceUnreachable) as caught:
        read(options)
    assert "secret" not in str(caught.value)
    with pytest.raises(SourceUnreachable):
        read(sql.Options(url="nosuch://x", table="posts"))
