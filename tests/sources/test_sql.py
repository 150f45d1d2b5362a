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


def test_a_title_is_plain_unless_it_looks_like_html(site: Site) -> None:
    titles = ["The <dialog> element", "Tom <tom@example.org>", "List<String> in Java", "Use <b> or <strong>?"]
    site.add(
        *(post(number, headline=title) for number, title in enumerate(titles, 1)), post(9, headline="<i>A</i> &amp; b")
    )
    assert [each.title for each in articles(read(site.options()))] == [*titles, "A & b"]


def test_a_table_gives_articles_oldest_first(site: Site) -> None:
    site.add(post(2), post(1, headline="<b>One</b> &amp; only", tags='["City", "Sea"]'))
    found = articles(read(site.options()))
    assert [each.key for each in found] == ["1", "2"]
    assert found[0].title == "One & only"
    assert found[0].topics == ("City", "Sea")
    assert found[1].topics == ("a", "b")
    assert found[0].url == "https://site.example/p1"
    assert found[0].published_at == datetime(2026, 11, 1, 1, tzinfo=UTC)


def test_what_is_cut_of_a_row_is_told(site: Site) -> None:
    site.add(post(1, headline="Post 1 " + "a" * 3_000), post(2))
    pages = read(site.options())
    assert [each.key for each in articles(pages)] == ["1", "2"]
    assert [line for page in pages for line in page.cut] == ["row 1: its title is cut at 2,000 of 3,007 characters"]


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
    site.add(post(1, headline=""), post(2), post(3, slug=None), post(4, published=None))
    pages = read(site.options())
    assert [each.key for each in articles(pages)] == ["2"]
    assert [line for page in pages for line in page.refused] == [
        "row 1: has no title",
        "row 3: url_format: one of its columns is empty",
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


# --- topics and comments as rows of their own ------------------------------------------------------------------------


def add_rows_of_their_own(site: Site) -> None:
    with site.engine.begin() as connection:
        for statement in (
            "CREATE TABLE tags (post_id INTEGER, tag TEXT)",
            "CREATE TABLE comments (post_id INTEGER, who TEXT, said TEXT, at TEXT)",
            "INSERT INTO tags VALUES (1, 'City'), (1, 'Sea'), (2, 'Sea'), (1, NULL), (9, 'Nobody')",
            (
                "INSERT INTO comments VALUES (2, 'Ana', '<b>Late</b>', '2026-11-03'), (2, 'Mira', 'Early', '2026-11-01'), "
                "(2, 'Tom', 'Latest', '2026-11-04'), (9, 'X', 'of another', '2026-11-01')"
            ),
        ):
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize("ending", [";", " WHERE post_id IN :keys"])
def test_topics_and_comments_come_by_queries_of_their_own(site: Site, ending: str) -> None:
    site.add(post(1, tags=""), post(2, tags="Own"), post(3, tags=""))
    add_rows_of_their_own(site)
    found = articles(
        read(
            site.options(
                topics_query=f"SELECT post_id AS key, tag AS topic FROM tags{ending}",
                comments_query=f"SELECT post_id AS key, who AS author, said AS text, at FROM comments{ending}",
                comments=2,
            )
        )
    )
    assert [each.topics for each in found] == [("City", "Sea"), ("Own", "Sea"), ()]
    assert [each.comment_count for each in found] == [0, 3, 0]
    assert [(each.author, each.text) for each in found[1].comments] == [("Tom", "Latest"), ("Ana", "Late")]


def test_of_very_many_comments_the_newest_are_kept(site: Site) -> None:
    site.add(post(1))
    with site.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE comments (post_id INTEGER, who TEXT, said TEXT, at INTEGER)")
        rows = ", ".join(f"(1, 'R', 'No. {number}', {number * 7 % 1009})" for number in range(1, 1009))
        connection.exec_driver_sql(f"INSERT INTO comments VALUES {rows}")
    query = "SELECT post_id AS key, who AS author, said AS text, at FROM comments"
    (found,) = articles(read(site.options(comments_query=query)))
    newest = sorted(range(1, 1009), key=lambda number: -(number * 7 % 1009))[:3]
    assert found.comment_count == 1008
    assert [each.text for each in found.comments] == [f"No. {number}" for number in newest]


def test_a_page_of_a_thousand_articles_has_each_its_own_topics(site: Site) -> None:
    count = sql.PAGE + 300
    site.add(*(post(number, tags="", published=datetime(2026, 11, 1)) for number in range(1, count + 1)))  # noqa: DTZ001
    with site.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE tags (post_id INTEGER, tag TEXT)")
        rows = ", ".join(f"({number}, 'T{number}')" for number in range(1, count + 1))
        connection.exec_driver_sql(f"INSERT INTO tags VALUES {rows}")
    found = articles(read(site.options(topics_query="SELECT post_id AS key, tag AS topic FROM tags")))
    assert [each.topics for each in found] == [(f"T{each.key}",) for each in found]
    assert len(found) == count


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"topics_query": "SELECT post_id AS key FROM tags"}, "topics_query: there is no column 'topic'"),
        ({"comments_query": "SELECT post_id AS key, who FROM comments"}, "comments_query: there is no column 'author'"),
        ({"topics_query": "SELECT post_id AS key, tag AS topic FROM tagz"}, "tagz"),
    ],
)
def test_a_query_that_gives_something_else_says_what_is_missing(
    site: Site, values: dict[str, Any], wanted: str
) -> None:
    site.add(post(1))
    add_rows_of_their_own(site)
    with pytest.raises(SourceMalformed, match=wanted):
        read(site.options(**values))


# --- readers ---------------------------------------------------------------------------------------------------------


def test_readers_come_in_pages_by_their_key(site: Site) -> None:
    with site.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (mail TEXT, plan TEXT, joined TEXT, yes TEXT)")
        rows = ", ".join(f"('r{number:05}@example.org', 'free', '2025-01-02', 't')" for number in range(4_003))
        connection.exec_driver_sql(f"INSERT INTO people VALUES {rows}, ('x@example.org', NULL, NULL, 'no')")
    query = "SELECT mail AS address, plan, joined AS joined_at, yes AS subscribed FROM people"
    options = site.options(table="", columns={}, url_format="", readers_query=query)
    assert read(options) == []
    pages = list(sql.readers(options, now=NOW))
    assert [len(page) for page in pages] == [2_000, 2_000, 4]
    first, last = pages[0][0], pages[-1][-1]
    assert (first.key, first.address) == ("r00000@example.org", "r00000@example.org")
    assert (first.attributes, first.wants) == ({"plan": "free"}, True)
    assert first.consent_at == datetime(2025, 1, 2, tzinfo=UTC)
    assert (last.wants, last.consent_at) == (False, None)


@pytest.mark.parametrize(
    ("value", "wants"),
    [
        ("yes", True),
        ("1", True),
        ("unsubscribed", False),
        ("blocked", False),
        ("bounced", False),
        ("", False),
        ("0", False),
    ],
)
def test_what_a_site_says_of_a_reader_is_a_yes_only_where_it_means_one(site: Site, value: str, wants: bool) -> None:
    query = f"SELECT 'a@example.org' AS address, '{value}' AS subscribed"
    [[reader]] = sql.readers(site.options(table="", columns={}, url_format="", readers_query=query), now=NOW)
    assert reader.wants is wants


def test_what_nobody_knows_is_no_yes(site: Site) -> None:
    query = "SELECT 'a@example.org' AS address, 'perhaps' AS subscribed"
    with pytest.raises(SourceMalformed, match="subscribed is 'perhaps'"):
        list(sql.readers(site.options(table="", columns={}, url_format="", readers_query=query), now=NOW))


def test_a_column_never_leads_away_from_the_site(site: Site) -> None:
    """It is quoted, and what comes of it is on the host of the pattern."""
    site.add(
        post(1, slug=".evil.example/x"), post(2, slug="/a b\n"), post(3, slug="@evil.example/"), post(4, slug="/c?d=1")
    )
    pages = read(site.options(url_format="https://site.example{slug}"))
    assert [each.url for each in articles(pages)] == ["https://site.example/a%20b%0A", "https://site.example/c?d=1"]
    assert len([line for page in pages for line in page.refused]) == 2


def test_a_date_that_is_none_costs_its_row(site: Site) -> None:
    days = ("2026-11-02", "9999-99-99", "2026-11-04")
    site.add(*(post(number, day=day) for number, day in enumerate(days, 1)))
    pages = read(site.options(columns={"key": "id", "title": "headline", "published_at": "day"}))
    assert [each.key for each in articles(pages)] == ["1", "3"]
    assert "is no ISO date" in pages[0].refused[0]
