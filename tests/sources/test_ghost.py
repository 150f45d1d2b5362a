"""A Ghost database, 5 and 6, on MariaDB and on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from digest.errors import BadInput, SourceMalformed, SourceUnreachable
from digest.model.article import Article, Image
from digest.model.registration import Registration
from digest.model.source import Collected, Cursor
from digest.sources import ghost
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of
from tests.mariadb import MysqlSite
from tests.sources.ghost_site import NOW, Ghost


@pytest.fixture(params=[("sqlite", 5), ("sqlite", 6), ("mariadb", 5), ("mariadb", 6)], ids=lambda p: f"{p[0]}-{p[1]}")
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ghost]:
    kind, version = request.param
    if kind == "mariadb":
        found: MysqlSite = request.getfixturevalue("mysql_site")
        yield Ghost(found.engine, found.url, version=version)
        return
    engine = create_engine(f"sqlite:///{tmp_path / 'ghost.db'}")
    yield Ghost(engine, f"sqlite:///{tmp_path / 'ghost.db'}", version=version)
    engine.dispose()


def read(site: Ghost, cursor: Cursor | None = None, now: datetime = NOW, **values: Any) -> list[Collected]:
    return list(ghost.pages(site.options(**values), cursor or Cursor(), now=now, fetcher=Fetcher()))


def articles(site: Ghost, **values: Any) -> list[Article]:
    return [article for page in read(site, **values) for article in page.articles]


def only(site: Ghost, **values: Any) -> Article:
    (article,) = articles(site, **values)
    return article


def readers(site: Ghost, **values: Any) -> list[Registration]:
    return [each for page in ghost.readers(site.options(**values), now=NOW) for each in page]


@pytest.mark.parametrize("title", ["The <dialog> element", "Tom <tom@example.org>", "Use <b>bold</b> &amp; more"])
def test_titles_and_excerpts_are_plain_text(title: str, site: Ghost) -> None:
    site.post(title, slug="a", html="<p>Use &lt;dialog&gt;.</p>", custom_excerpt=title)
    site.post(title, slug="b", html="<p>Use &lt;dialog&gt; and &amp;amp;.</p>")
    found = sorted(articles(site), key=lambda each: each.url)
    assert [each.title for each in found] == [title, title]
    assert [each.summary for each in found] == [title, "Use <dialog> and &amp;."]


def test_a_post_becomes_an_article_with_all_that_a_digest_needs(site: Ghost) -> None:
    post = site.post(
        "The ferry",
        html="<p>It &amp; they <b>sail</b>. <a href='__GHOST_URL__/x'>More</a></p><p>Later.</p>",
        feature_image="__GHOST_URL__/content/images/2026/11/ship.jpg",
        meta={"feature_image_alt": "A ship"},
    )
    site.author(post, "Tom Oak", 1)
    site.author(post, "Ana Lee", 0)
    site.tag(post, "Sea", 1)
    site.tag(post, "#internal", 2, visibility="internal")
    site.tag(post, "#hidden", 3)
    site.tag(post, "City", 0)
    article = only(site, topics="Post")
    assert article.key == post
    assert article.url == "https://harbourpost.example/the-ferry/"
    assert article.published_at == datetime(2026, 11, 20, 9, 5, 7, tzinfo=UTC)
    assert article.authors == ("Ana Lee", "Tom Oak")
    assert article.topics == ("City", "Sea", "Post")
    assert article.summary == "It & they sail. More"
    assert article.image == Image(src="https://harbourpost.example/content/images/2026/11/ship.jpg", alt="A ship")
    assert article.language == "de"
    assert article.words == 6
    assert article.minutes is None
    assert article.comment_count == 0


def test_excerpts_and_reading_times_of_ghost_6_are_used_where_they_are(site: Ghost) -> None:
    if site.version == 5:
        site.post("One", custom_excerpt="By hand.")
        assert only(site).summary == "By hand."
        assert only(site).minutes is None
        return
    site.post("One", auto_excerpt="Made by Ghost.", reading_time=7)
    site.post("Two", auto_excerpt="Made by Ghost.", custom_excerpt="By hand.", reading_time=0)
    site.post("Three", auto_excerpt=None, reading_time=None)
    assert [(each.summary, each.minutes) for each in articles(site)] == [
        ("Made by Ghost.", 7),
        ("By hand.", None),
        ("What happened.", None),
    ]


def test_what_has_no_public_page_is_left_out(site: Ghost) -> None:
    site.post("Draft", status="draft", published_at=None)
    site.post("Scheduled", status="scheduled", published_at="2026-11-22 00:00:00")
    site.post("Mailed only", status="sent")
    site.post("Mailed, then published by mistake", meta={"email_only": 1})
    site.post("Members", visibility="members")
    site.post("Ahead", published_at="2026-11-24 00:00:00")
    site.post("A page", type="page")
    site.post("Seen", meta={"email_only": 0})
    site.post("Seen without meta")
    assert [each.title for each in articles(site)] == ["Seen", "Seen without meta"]
    assert "Members" in [each.title for each in articles(site, visibility="public,members")]


def test_addresses(site: Ghost) -> None:
    site.post("One", canonical_url="https://elsewhere.example/one")
    site.post("Two", canonical_url="__GHOST_URL__/second/")
    three = site.post("Three")
    site.tag(three, "City", 0)
    found = articles(site, permalink="/{year}/{primary_tag}/{slug}/", home="https://harbourpost.example/")
    assert [each.url for each in found] == [
        "https://elsewhere.example/one",
        "https://harbourpost.example/second/",
        "https://harbourpost.example/2026/city/three/",
    ]


def test_comments_are_counted_and_the_newest_are_kept(site: Ghost) -> None:
    post = site.post("One")
    mira = site.member("Mira")
    for number in range(1, 5):
        at = f"2026-11-21 08:0{number}:00"
        site.add("comments", post_id=post, member_id=mira, html=f"<p>No. {number}</p>", created_at=at)
    site.add("comments", post_id=post, member_id=mira, html="hidden", status="hidden")
    site.add("comments", post_id=post, member_id=None, html="gone", status="deleted")
    site.add("comments", post_id=post, member_id=None, html="<p>From one who left</p>")
    article = only(site, comments=2)
    assert article.comment_count == 5
    assert [(each.author, each.text) for each in article.comments] == [("Mira", "No. 4"), ("Mira", "No. 3")]


def test_a_site_without_the_table_of_comments_has_no_count(site: Ghost) -> None:
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE comments")
    site.post("One")
    assert only(site).comment_count is None


# --- reading on ------------------------------------------------------------------------------------------------------


def test_reading_goes_on_and_an_edited_post_is_seen_again(site: Ghost) -> None:
    old = site.post("Old", published_at="2026-10-01 00:00:00")
    site.post("New", published_at="2026-10-02 00:00:00")
    pages = read(site)
    assert [each.title for page in pages for each in page.articles] == ["Old", "New"]
    cursor = pages[-1].cursor
    assert cursor.at == datetime(2026, 10, 2, tzinfo=UTC)
    assert [each.title for each in articles(site, cursor=cursor, comment_days=0)] == ["New"]
    site.change("posts", old, title="Old, mended", updated_at="2026-10-05 00:00:00")
    site.post("Scheduled long ago", published_at="2026-10-04 00:00:00", updated_at="2026-09-01 00:00:00")
    site.post("Never changed", published_at="2026-10-03 00:00:00", updated_at=None)
    found = articles(site, cursor=cursor, comment_days=0)
    assert [each.title for each in found] == ["New", "Never changed", "Scheduled long ago", "Old, mended"]


def test_young_posts_are_read_again_for_their_comments(site: Ghost) -> None:
    young = site.post("Young", published_at=f"{NOW - timedelta(days=5):%Y-%m-%d %H:%M:%S}")
    site.post("Newest", published_at=f"{NOW - timedelta(hours=3):%Y-%m-%d %H:%M:%S}")
    cursor = read(site)[-1].cursor
    site.add("comments", post_id=young, html="Yes!")
    assert [each.comment_count for each in articles(site, cursor=cursor)] == [1, 0]


def test_many_of_one_instant_are_each_there_once(site: Ghost) -> None:
    columns = "id, uuid, title, slug, status, email_recipient_filter, created_at, updated_at, published_at"
    row = (
        "(%s, '', 'No', 'no', 'published', 'all', '2026-11-01 00:00:00', '2026-11-01 00:00:00', '2026-11-01 00:00:00')"
    )
    with site.engine.begin() as connection:
        rows = ", ".join(row % f"'{number:024x}'" for number in range(1, 451))
        connection.exec_driver_sql(f"INSERT INTO posts ({columns}) VALUES {rows}")
    pages = read(site)
    assert [len(page.articles) for page in pages] == [200, 200, 50]
    assert len({each.key for page in pages for each in page.articles}) == 450


def test_sqlite_s_several_spellings_of_an_instant_are_one_order(tmp_path: Path) -> None:
    """Its own rows are texts; what Ghost's migrations and imports write may be milliseconds or ISO 8601."""
    engine = create_engine(f"sqlite:///{tmp_path / 'ghost.db'}")
    site = Ghost(engine, f"sqlite:///{tmp_path / 'ghost.db'}", version=5)
    site.post("Third", published_at="2026-10-03 00:00:00")
    site.post("First", published_at=int(datetime(2026, 10, 1, tzinfo=UTC).timestamp() * 1000))
    site.post("Second", published_at="2026-10-02T00:00:00.000Z")
    found = articles(site)
    assert [each.title for each in found] == ["First", "Second", "Third"]
    assert [each.published_at.day for each in found] == [1, 2, 3]
    assert read(site)[-1].cursor.at == datetime(2026, 10, 3, tzinfo=UTC)
    engine.dispose()


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_a_database_that_is_none_of_ghost_says_so(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with pytest.raises(SourceUnreachable, match="there is no such file"):
        list(
            ghost.pages(
                ghost.Options(url=f"sqlite:///{file}", home="https://x.example"), Cursor(), now=NOW, fetcher=Fetcher()
            )
        )
    assert not file.exists()
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE posts (id INTEGER)")
    options = ghost.Options(url=f"sqlite:///{file}", home="https://x.example")
    with pytest.raises(SourceMalformed, match="as Ghost has them"):
        list(ghost.pages(options, Cursor(), now=NOW, fetcher=Fetcher()))
    with pytest.raises(SourceMalformed, match="as Ghost has them"):
        list(ghost.readers(options, now=NOW))
    engine.dispose()


@pytest.mark.parametrize("values", [{"home": "harbourpost"}, {"permalink": "/{nosuch}/"}, {"max_percent": 101}])
def test_options_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="source site: "):
        options_of("ghost", {"url": "mysql://x", "home": "https://x.example", **values}, name="site")


# --- readers ---------------------------------------------------------------------------------------------------------


def test_members_of_the_active_newsletters_are_readers(site: Ghost) -> None:
    weekly, daily, old = site.list("weekly"), site.list("daily"), site.list("old", status="archived")
    mira = site.member("Mira", weekly, daily, status="paid")
    site.member("Tom", old)
    site.member("Ida")
    site.member("Kai", weekly, email_disabled=1)
    site.change("members", site.member("Ana", daily), name=None)
    for at, said in (("2025-03-01 10:00:00", 1), ("2025-04-01 10:00:00", 0), ("2025-05-01 10:00:00", 1)):
        event = {"member_id": mira, "newsletter_id": weekly, "created_at": at, "subscribed": said, "source": "member"}
        site.add("members_subscribe_events", **event)
    label = site.add("labels", name="Founders", slug="founders")
    site.add("members_labels", member_id=mira, label_id=label)
    found = {each.address.partition("@")[0]: each for each in readers(site)}
    assert {name for name, each in found.items() if each.wants} == {"mira", "ana"}
    assert set(found) == {"mira", "tom", "ida", "kai", "ana"}
    assert found["mira"].consent_at == datetime(2025, 5, 1, 10, tzinfo=UTC)
    assert found["mira"].consent_origin == "member of the site, member"
    assert found["mira"].attributes == {"plan": "paid", "labels": "Founders"}
    assert found["ana"].consent_at == datetime(2025, 2, 1, 8, tzinfo=UTC)
    assert [each.key for each in readers(site)] == sorted(each.key for each in found.values())
    assert {each.name for each in readers(site, lists="weekly") if each.wants} == {"Mira"}
    with pytest.raises(SourceMalformed, match="Ghost has no newsletter 'monthly'; it has: daily, old, weekly"):
        readers(site, lists="monthly")


# --- pictures, and who may read --------------------------------------------------------------------------------------


def test_the_first_picture_of_the_text_stands_for_the_one_that_is_not_there(site: Ghost) -> None:
    site.post("One", html='<p>Text.</p><img src="__GHOST_URL__/content/images/a.jpg" alt="A ship">')
    assert only(site).image == Image(src="https://harbourpost.example/content/images/a.jpg", alt="A ship")
    assert only(site, picture="featured").image is None


@pytest.mark.parametrize("visibility", ["members", "paid", "tiers"])
def test_a_text_for_members_is_not_shown(site: Ghost, visibility: str) -> None:
    secret = {"html": '<p>Secret.</p><img src="/a.jpg">', "plaintext": "Secret.", "visibility": visibility}
    if site.version == 6:
        secret["auto_excerpt"] = "Secret."
    site.post("One", **secret)
    site.post("Two", **{**secret, "custom_excerpt": "By hand."})
    site.post("Three", **{**secret, "html": "<p>Open.</p><!--members-only-->" + secret["html"]})
    found = articles(site, visibility=f"public,{visibility}")
    assert [(each.summary, each.image) for each in found] == [("", None), ("By hand.", None), ("Open.", None)]


def test_a_block_that_visitors_do_not_see_is_not_shown(site: Ghost) -> None:
    gate = '<!--kg-gated-block:begin nonMember:{} memberSegment:"status:free" --><p>{}</p><!--kg-gated-block:end-->'
    html = gate.format("false", "Secret.") + gate.format("true", "Open.") + "<p>More.</p>"
    site.post("One", html=html, plaintext="Secret. Open. More.")
    assert only(site).summary == "Open."
