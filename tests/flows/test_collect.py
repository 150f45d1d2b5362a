"""Reading sources: one that fails is remembered with its error, and the others go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.editions.candidates import Window
from digest.editions.store.articles import list_candidates
from digest.errors import BadInput, NotFound
from digest.flows.collect import collect_sources
from digest.model.source import Source
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of
from digest.sources.store.curation import count_held, list_held, release
from digest.sources.store.sources import add_source, change_source, get_source
from tests.site import NOW
from tests.sources.http import Site

FEED = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>B</title><link>https://b.example/</link>'
    "<item><title>{title}</title><link>https://b.example/{path}</link><guid>{guid}</guid>"
    "<pubDate>{date}</pubDate></item></channel></rss>"
)
TODAY = "Mon, 23 Nov 2026 06:00:00 GMT"


def add(engine: Engine, name: str, file: Path) -> None:
    with writing(engine) as connection:
        add_source(connection, name, "feed", {"file": str(file)}, now=NOW)


FETCHER = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), timeout_s=5)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def one(number: int = 1) -> str:
    return FEED.format(title=f"Story {number}", path=number, guid=number, date=TODAY)


def add_url(engine: Engine, name: str, url: str) -> None:
    with writing(engine) as connection:
        add_source(connection, name, "feed", {"url": url, "topics": "City"}, now=NOW)


def stored(engine: Engine, name: str) -> Source:
    with reading(engine) as connection:
        return get_source(connection, name)


def titles(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(article.c.title).order_by(article.c.title)).scalars())


def test_a_source_that_fails_is_kept_with_its_error_and_the_rest_goes_on(engine: Engine, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_text(FEED.format(title="One", path="1", guid="1", date=TODAY))
    bad.write_text("<html>not here</html>")
    add(engine, "a-bad", bad)
    add(engine, "b-good", good)
    reports = collect_sources(engine, Fetcher(), now=NOW)
    assert [(report.source, bool(report.error)) for report in reports] == [("a-bad", True), ("b-good", False)]
    assert titles(engine) == ["One"]
    with reading(engine) as connection:
        found, other = get_source(connection, "a-bad"), get_source(connection, "b-good")
    assert found.errors_in_row == 1
    assert "a web page, not a feed" in found.last_error
    assert found.last_error_at == NOW
    assert (other.errors_in_row, other.last_success_at) == (0, NOW)
    bad.write_text(FEED.format(title="Two", path="2", guid="2", date=TODAY))
    collect_sources(engine, Fetcher(), now=NOW)
    with reading(engine) as connection:
        assert get_source(connection, "a-bad").errors_in_row == 0
    assert titles(engine) == ["One", "Two"]


def test_a_source_that_keeps_failing_rests_longer_and_longer(engine: Engine, tmp_path: Path) -> None:
    add(engine, "gone", tmp_path / "none.xml")
    now = NOW
    for _ in range(3):
        assert not collect_sources(engine, Fetcher(), now=now)[0].is_resting
    assert collect_sources(engine, Fetcher(), now=now + timedelta(minutes=9))[0].is_resting
    assert not collect_sources(engine, Fetcher(), now=now + timedelta(minutes=11))[0].is_resting
    assert collect_sources(engine, Fetcher(), now=now + timedelta(minutes=30))[0].is_resting
    [asked] = collect_sources(engine, Fetcher(), now=now + timedelta(minutes=30), names=["gone"])
    assert not asked.is_resting
    assert "cannot be read" in asked.error


def test_the_same_story_is_one_article_and_an_edited_one_is_changed(engine: Engine, tmp_path: Path) -> None:
    """P3: by its id in the source, or by its address, with or without tracking parameters."""
    file, other = tmp_path / "a.xml", tmp_path / "b.xml"
    file.write_text(FEED.format(title="One", path="1", guid="1", date=TODAY))
    other.write_text(FEED.format(title="One", path="1?utm_source=rss", guid="x", date=TODAY))
    add(engine, "a", file)
    add(engine, "b", other)
    collect_sources(engine, Fetcher(), now=NOW, names=["a"])
    collect_sources(engine, Fetcher(), now=NOW, names=["b"])
    assert titles(engine) == ["One"]
    file.write_text(FEED.format(title="One, corrected", path="one-moved", guid="1", date=TODAY))
    [report] = collect_sources(engine, Fetcher(), now=NOW, names=["a"])
    assert (report.stored.new, report.stored.changed) == (0, 1)
    assert titles(engine) == ["One, corrected"]
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(article)).scalar_one() == 1


def test_what_is_wrong_with_a_source_is_named(engine: Engine) -> None:
    with pytest.raises(NotFound, match="no source 'nope'"):
        collect_sources(engine, Fetcher(), now=NOW, names=["nope"])
    with pytest.raises(BadInput, match="no kind 'fed'"):
        options_of("fed", {}, name="x")
    with pytest.raises(BadInput, match="unknown option 'ulr'; did you mean url"):
        options_of("feed", {"ulr": "x"}, name="x")
    with pytest.raises(BadInput, match="either url or file"):
        options_of("feed", {}, name="x")
    with pytest.raises(BadInput, match="option url is missing"):
        options_of("sql", {"table": "x"}, name="x")
    with pytest.raises(BadInput, match="there is no field 'titel'"):
        options_of("sql", {"url": "sqlite://", "table": "x", "columns": {"titel": "y"}}, name="x")
    with pytest.raises(BadInput, match="overlap_minutes: 'ten' is no whole number of 0 or more"):
        options_of("sql", {"url": "sqlite://", "table": "x", "overlap_minutes": "ten"}, name="x")


def test_a_feed_that_moved_for_good_is_read_at_its_new_address(engine: Engine, site: Site) -> None:
    site.give("/old", b"", 301, Location="/new")
    site.give("/new", one())
    add_url(engine, "blog", f"{site.url}/old")
    [report] = collect_sources(engine, FETCHER, now=NOW)
    assert report.moved_to == f"{site.url}/new"
    assert stored(engine, "blog").options == {"url": f"{site.url}/new", "topics": "City"}
    assert collect_sources(engine, FETCHER, now=NOW)[0].moved_to == ""
    assert site.asked == ["/old", "/new", "/new"]


def test_a_move_to_what_is_no_feed_is_not_believed(engine: Engine, site: Site) -> None:
    site.give("/old", b"", 301, Location="/login")
    site.give("/login", "<html>Who are you?</html>")
    add_url(engine, "blog", f"{site.url}/old")
    assert "a web page, not a feed" in collect_sources(engine, FETCHER, now=NOW)[0].error
    assert stored(engine, "blog").options["url"] == f"{site.url}/old"


def test_a_feed_that_is_gone_is_switched_off_with_the_reason(engine: Engine, site: Site) -> None:
    site.give("/feed", b"", 410)
    add_url(engine, "blog", f"{site.url}/feed")
    assert "410" in collect_sources(engine, FETCHER, now=NOW)[0].error
    found = stored(engine, "blog")
    assert not found.is_enabled
    assert "410: it is gone for good" in found.stopped
    assert collect_sources(engine, FETCHER, now=NOW + timedelta(days=9)) == []
    assert site.asked == ["/feed"]


def test_a_server_that_asks_for_patience_gets_it(engine: Engine, site: Site) -> None:
    site.give("/feed", b"", 429, Retry_After="7200")
    add_url(engine, "blog", f"{site.url}/feed")
    collect_sources(engine, FETCHER, now=NOW)
    assert stored(engine, "blog").due_at == NOW + timedelta(hours=2)
    site.give("/feed", one())
    assert collect_sources(engine, FETCHER, now=NOW + timedelta(minutes=119))[0].is_resting
    assert site.asked == ["/feed"]
    assert not collect_sources(engine, FETCHER, now=NOW + timedelta(minutes=121))[0].error
    assert stored(engine, "blog").due_at is None


def test_what_was_cut_off_is_asked_for_again_whole(engine: Engine, site: Site) -> None:
    """Its validators are not kept: with them the server would say "not modified" for ever."""
    whole = one().replace(
        "</channel>", f"<item>{one(2).partition('<item>')[2].partition('</item>')[0]}</item></channel>"
    )
    site.give("/feed", whole[: whole.index("Story 2") + 7], ETag='"1"')
    add_url(engine, "blog", f"{site.url}/feed")
    [report] = collect_sources(engine, FETCHER, now=NOW)
    assert "cut off" in report.refused[0]
    assert titles(engine) == ["Story 1"]
    assert stored(engine, "blog").cursor.etag == ""
    site.give("/feed", whole, ETag='"1"')
    collect_sources(engine, FETCHER, now=NOW)
    assert titles(engine) == ["Story 1", "Story 2"]
    assert stored(engine, "blog").cursor.etag == '"1"'


def test_one_that_hangs_keeps_nobody_waiting(engine: Engine, site: Site) -> None:
    """No server answers before all eight were asked; the reports keep their order."""
    all_are_asked, answered = threading.Barrier(8), list[str]()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        all_are_asked.wait(120)
        answered.append(handler.path)
        body = one(int(handler.path[1:])).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    for number in range(8):
        site.answers[f"/{number}"] = hang
        add_url(engine, f"blog-{number}", f"{site.url}/{number}")
    fetcher = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), per_host=8, timeout_s=120)
    reports = collect_sources(engine, fetcher, now=NOW)
    assert [report.source for report in reports] == [f"blog-{number}" for number in range(8)]
    assert sorted(answered) == [f"/{number}" for number in range(8)]


def test_a_source_that_was_switched_off_is_not_read(engine: Engine, site: Site) -> None:
    site.give("/feed", one())
    add_url(engine, "blog", f"{site.url}/feed")
    with writing(engine) as connection:
        change_source(connection, stored(engine, "blog").id, is_enabled=False)
    assert collect_sources(engine, FETCHER, now=NOW) == []
    assert site.asked == []


def feed_of(numbers: range, *, day: int = 0) -> str:
    """Stories of the last days, one an hour."""
    items = "".join(
        f"<item><title>Story {number}</title><link>https://b.example/{number}</link><guid>{number}</guid>"
        f"<pubDate>{NOW + timedelta(days=day, hours=-number % 24):%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        for number in numbers
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>B</title>{items}</channel></rss>'


def test_a_flood_is_held_and_what_the_source_usually_brings_is_not(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text(feed_of(range(3)))
    add(engine, "blog", file)
    collect_sources(engine, FETCHER, now=NOW)
    file.write_text(feed_of(range(3, 6), day=1))
    (usual,) = collect_sources(engine, FETCHER, now=NOW + timedelta(days=1))
    assert (usual.stored.new, usual.stored.held) == (3, 0)
    file.write_text(feed_of(range(100, 400), day=2))
    (flooded,) = collect_sources(engine, FETCHER, now=NOW + timedelta(days=2))
    assert (flooded.stored.new, flooded.stored.held) == (20, 280)
    (again,) = collect_sources(engine, FETCHER, now=NOW + timedelta(days=2, hours=1))
    assert (again.stored.new, again.stored.held) == (0, 0)
    with reading(engine) as connection:
        window = Window(since=NOW - timedelta(days=1), until=NOW + timedelta(days=3))
        in_reach = list_candidates(connection, None, window, limit=1_000)
        assert len(in_reach) == 26
        assert count_held(connection) == {"blog": 280}
    with writing(engine) as connection:
        release(connection, [each.article.stored_id for each in list_held(connection)], now=NOW + timedelta(days=30))
        later = Window(since=NOW + timedelta(days=29), until=NOW + timedelta(days=31))
        assert len(list_candidates(connection, None, later, limit=1_000)) == 280
