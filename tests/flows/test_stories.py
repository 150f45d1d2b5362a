"""One story is one article, two stories are two, and whatever is read is counted as something."""

from __future__ import annotations

import random
import sqlite3
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.flows.collect import CollectReport, collect_sources
from digest.model.source import Collected
from digest.sources.fetch import Fetcher
from digest.sources.store.articles import Stored
from digest.sources.store.sources import add_source, list_sources
from tests.site import NOW


def item(title: str, link: str, guid: str = "", *, at: str = "08:00:00", text: str = "") -> str:
    own_id = f'<guid isPermaLink="false">{guid}</guid>' if guid else ""
    return (
        f"<item><title>{title}</title><link>{link}</link>{own_id}<pubDate>Mon, 23 Nov 2026 {at} +0000</pubDate>"
        f"<description>{text}</description></item>"
    )


def feed(*items: str) -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>B</title>{"".join(items)}</channel></rss>'


def collect(engine: Engine, folder: Path, **feeds: str) -> list[CollectReport]:
    with reading(engine) as connection:
        there = {each.name for each in list_sources(connection)}
    for name, text in feeds.items():
        (folder / f"{name}.xml").write_text(text)
        if name not in there:
            with writing(engine) as connection:
                add_source(connection, name, "feed", {"file": str(folder / f"{name}.xml")}, now=NOW)
    reports = collect_sources(engine, Fetcher(), now=NOW, at_once=1)
    assert not [report.error for report in reports if report.error]
    return reports


def titles(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(article.c.title).order_by(article.c.id)).scalars())


C1X = "https://example.org/c1x"
FIRE = item("Fire at a warehouse on the quay", C1X, f"{C1X}#0", text="Crews were called to a building by Pier 4.")
BLAZE = item(
    "Two hurt as blaze destroys old fish market", C1X, f"{C1X}#1", at="12:00:00", text="The hall of 1911 is gone."
)
SHOP = "https://example.org/build-a-your-own-shop"
TEXT = "Set it up in ten minutes."


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ([FIRE], [BLAZE], 1),
        ([FIRE], [BLAZE.replace("23 Nov", "26 Nov")], 1),
        ([FIRE], [FIRE, BLAZE], 2),
        ([FIRE, BLAZE], [FIRE, BLAZE], 2),
        ([FIRE.replace("#0", "-a")], [BLAZE.replace("#1", "-b")], 1),
        ([item("Storm: 3 hurt", C1X, "a")], [item("Storm: 7 hurt", C1X, "b", at="10:00:00")], 1),
        ([item("Storm: 3 hurt", C1X, "a")], [item("Storm: 3 hurt", C1X, "a"), item("Storm: 7 hurt", C1X, "b")], 2),
        (
            [item("Build a your own shop", SHOP, SHOP, text=TEXT)],
            [item("Build your own shop", SHOP.replace("-a", ""), SHOP.replace("-a", ""), text=TEXT)],
            1,
        ),
        (
            [item("Ferry", "http://example.org/f", "http://example.org/f")],
            [item("Ferry", "https://example.org/f", "x")],
            1,
        ),
        (
            [item("Ferry", "https://example.org/f?pk_campaign=rss", "a")],
            [item("Boats", "https://example.org/f", "b")],
            1,
        ),
        ([item("Minutes", C1X, "a")], [item("Plan", C1X, "b").replace("23 Nov", "30 Nov")], 2),
        ([item("Red", "https://example.org")], [item("Blue", "https://example.org", at="09:00:00")], 2),
        ([item("Red", "https://example.org/live#1")], [item("Blue", "https://example.org/live#2")], 2),
        ([item("Red", f"{C1X}?a=1", "a"), item("Sea", f"{C1X}?a=2", "b")], [item("Sky", f"{C1X}?a=1", "c")], 2),
    ],
)
def test_what_became_of_a_story_is_that_story(
    before: list[str], after: list[str], left: int, engine: Engine, tmp_path: Path
) -> None:
    collect(engine, tmp_path, blog=feed(*before))
    for _ in range(2):
        collect(engine, tmp_path, blog=feed(*after))
        assert len(titles(engine)) == left


def test_two_feeds_of_a_site_that_tease_a_story_in_words_of_their_own_have_one(engine: Engine, tmp_path: Path) -> None:
    one = item("The ferry is back", "https://example.org/f?pk_campaign=rss", "a", text="It runs again.")
    other = item("Across the harbour again", "https://example.org/f", "b", text="Every half hour since Monday.")
    collect(engine, tmp_path, a=feed(one), b=feed(other))
    assert len(titles(engine)) == 1


def test_offers_of_every_day_on_one_page_are_all_kept(engine: Engine, tmp_path: Path) -> None:
    for day, names in enumerate((("Red", "Blue"), ("Green",), ("Red",), ("Green",))):
        at = f"{NOW + timedelta(days=day):%a, %d %b %Y} 00:00:00 GMT"
        items = [
            f"<item><title>{name}</title><link>https://shop.example/</link><pubDate>{at}</pubDate></item>"
            for name in names
        ]
        for _ in range(2):
            (report,) = collect(engine, tmp_path, shop=feed(*items))
            assert report.read == len(names)
    assert titles(engine) == ["Red", "Blue", "Green"]


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False], ids=["one address", "one title"])
def test_a_thousand_stories_with_one_name_are_stored_in_seconds(shared: bool, engine: Engine, tmp_path: Path) -> None:
    items = [
        item(
            f"Offer {n}" if shared else "Open thread", "https://example.org/all" if shared else f"{C1X}/{n}", f"id-{n}"
        )
        for n in range(1_000)
    ]
    started = time.process_time()
    for new in (1_000, 0):
        (report,) = collect(engine, tmp_path, blog=feed(*items))
        assert (report.read, report.stored.new, report.stored.held) == (1_000, new, 0)
    assert time.process_time() - started < 20


# --- whatever is read is something -----------------------------------------------------------------------------------


def test_of_many_inputs_all_that_was_read_is_counted(engine: Engine, tmp_path: Path) -> None:
    chance = random.Random(7)
    for look in range(25):
        parts: dict[str, list[str]] = {
            "title": ["Red", "Blue", "", "The ferry is back", "&#xD800;"],
            "link": [
                "https://example.org",
                "https://example.org/a b",
                "javascript:x",
                "",
                C1X,
                "/relative",
                "https://e:9999999/",
            ],
            "guid": ["", "1", "2", "https://example.org/", C1X, f"{C1X}#1"],
            "at": ["08:00:00", "09:00:00", "nonsense", "10:00:00 XYZT"],
        }
        count = chance.randrange(30)
        items = [item(**{name: chance.choice(values) for name, values in parts.items()}) for _ in range(count)]
        (report,) = collect(engine, tmp_path, blog=feed(item("Always", "https://example.org/always"), *items))
        stored = report.stored
        told = stored.new + stored.changed + stored.unchanged + stored.held + len(report.refused)
        assert report.read == count + 1 == told, look


def test_rows_of_a_database_are_counted_too(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "site.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE posts (key, url, title, published_at, summary)")
        rows: list[tuple[Any, ...]] = [
            (n, f"https://example.org/{n}", f"Story {n}", "2026-11-20T08:00:00", "") for n in range(9)
        ]
        rows += [
            (10, "javascript:x", "Bad", "2026-11-20T08:00:00", ""),
            (11, "https://example.org/11", "", "2026-11-20", ""),
        ]
        connection.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?)", rows)
    with writing(engine) as connection:
        add_source(connection, "site", "sql", {"url": f"sqlite:///{file}", "table": "posts"}, now=NOW)
    (report,) = collect_sources(engine, Fetcher(), now=NOW)
    assert (report.read, report.stored.new, len(report.refused)) == (11, 9, 2)


def test_a_look_that_loses_something_is_no_value() -> None:
    with pytest.raises(ValueError, match="3 items were read, and it is told of 1"):
        Collected(refused=("one",), read=3)
    with pytest.raises(ValueError, match="of 3 items 1 were stored and 1 refused"):
        CollectReport(source="blog", read=3, stored=Stored(new=1), refused=("one",))
