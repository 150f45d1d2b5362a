"""One item, one row, one line of an import: whatever it says, it stops nothing but itself, and an edition can be made."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.flows.collect import CollectReport, collect_sources
from digest.flows.importing import import_articles
from digest.flows.publish import Press, build_due, open_maker
from digest.sources.fetch import Fetcher
from digest.sources.store.sources import add_source
from tests.site import NOW, add_newsletter, add_readers

BAD_URLS = (
    *(
        "https://e.example:99999/x",
        "https://e.example:abc/x",
        "https://user:pass@e.example/",
        "https://[::1/",
        "https:///x",
    ),
    *(
        "https://e.example\\@evil.example/",
        "javascript:alert(1)",
        "https://e.example/" + "a" * 3_000,
        "https://e.example/\ud800",
    ),
    *(
        "https://e.example/a b",
        "https://e.example/\x1b[2J",
        "https://e.example/\u202egnp",
        "http://",
        "x",
        "",
        "https://e_\x9b/",
    ),
    "https://e.example/?q=" + "é" * 900,
)
BAD_NUMBERS = (10**30, -1, 2**31, 2**63, "9" * 5_000, "²", "1e9", 1.5, True, [], {}, "NaN")
BAD_DATES = (
    *(
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30",
        "99999-01-01",
        "\ud800",
        "x" * 10_000,
        10**30,
    ),
    *(
        "30 Nov 2026 10:00:00 America/Argentina",
        "Mon, 16 Nov 2026 08:00:00 America/Indiana",
        [],
        {},
        None,
        True,
        "0000-00-00",
    ),
)
BAD_TEXTS = (
    *(
        "\ud800",
        "\x00",
        "a\x00b",
        "&#xD800;",
        "&#9999999999999;",
        "&#" + "1" * 5_000 + ";",
        "<" * 5_000,
        "<ul>" * 5_000,
    ),
    *(
        "\u202e" * 10,
        "\x1b]0;x\x07",
        5,
        [],
        {},
        ["a"],
        {"a": "b"},
        "x" * 300_000,
        "[" * 5_000,
        "e\u0301" * 1_000,
        "\U0010ffff",
    ),
)


def row(number: int, **values: Any) -> dict[str, Any]:
    return {
        "key": f"key-{number}",
        "url": f"https://e.example/{number}",
        "title": f"Story {number} of the harbour",
        "published_at": "2026-11-20T08:00:00+00:00",
        "summary": f"What happened on day {number}, and why.",
        **values,
    }


def bad_rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, values in (
        *(("url", BAD_URLS), ("image", BAD_URLS), ("published_at", BAD_DATES), ("reviewed_at", BAD_DATES)),
        *((name, BAD_NUMBERS) for name in ("words", "minutes", "reads", "comment_count")),
        *(
            (name, BAD_TEXTS)
            for name in ("key", "title", "summary", "authors", "topics", "language", "citation", "comments")
        ),
    ):
        found += [row(1_000 + len(found) + number, **{name: value}) for number, value in enumerate(values)]
    nested: Any = []
    for _ in range(50):
        nested = [nested]
    return [*found, row(1, title=nested), row(2, comments=[{"text": "\ud800", "url": "https://e.example:99999/"}])]


def stored(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(article.c.title)).scalars())


def edition_is_built(engine: Engine, press: Press) -> bool:
    add_readers(engine, add_newsletter(engine), 2)
    (report,) = build_due(engine, press, now=NOW)
    return report.edition_id is not None and "harbour" in open_maker(engine, press, report.edition_id).web_view()


def sources(engine: Engine, **found: tuple[str, dict[str, object]]) -> dict[str, CollectReport]:
    with writing(engine) as connection:
        for name, (kind, options) in found.items():
            add_source(connection, name, kind, options, now=NOW)
    return {report.source: report for report in collect_sources(engine, Fetcher(), now=NOW)}


GOOD = (
    "<item><title>Good story {0}</title><link>https://good.example/{0}</link><guid>{0}</guid>"
    "<pubDate>Fri, 20 Nov 2026 08:00:00 GMT</pubDate><description>Of the harbour.</description></item>"
)
TEN_AND_ONE_MORE = "".join(GOOD.format(number) for number in range(10))


def feed_of(item: str) -> str:
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><channel>'
        f"<title>B</title>{TEN_AND_ONE_MORE}<item>{item}</item></channel></rss>"
    )


ITEM = "<title>Bad</title><link>https://e.example/bad</link><guid>bad</guid><pubDate>Fri, 20 Nov 2026 08:00:00 GMT</pubDate>"


@pytest.mark.parametrize(
    "item",
    [
        ITEM + "<slash:comments>99999999999999999999</slash:comments>",
        ITEM + f"<slash:comments>{'9' * 6_000}</slash:comments>",
        *(ITEM.replace("https://e.example/bad", url) for url in ("https://e.example:99999/", "https://e.example:abc/")),
        ITEM.replace("/bad", "/&#xD800;"),
        ITEM.replace("<guid>bad", "<guid>&#xD800;"),
        ITEM.replace("/bad", "/" + "a" * 3_000),
        ITEM.replace("<guid>bad", "<guid>" + "a" * 3_000),
        ITEM.replace("<title>Bad", "<title>&#99999999999;").replace("https://e.example", "ftp://e.example"),
    ],
)
def test_a_bad_item_of_a_feed_is_refused_and_the_others_are_stored(item: str, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(feed_of(item))
    report = sources(engine, blog=("feed", {"file": str(tmp_path / "feed.xml")}))["blog"]
    assert not report.error
    assert len(report.refused) == 1, report.refused
    assert report.stored.new == 10


@pytest.mark.parametrize(
    "date", ["30 Nov 2026 10:00:00 America/Argentina", "Fri, 20 Nov 2026 08:00:00 America/Indiana", "a" * 40_000]
)
def test_a_date_costs_its_item_at_most(date: str, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(feed_of(ITEM.replace("Fri, 20 Nov 2026 08:00:00 GMT", date)))
    report = sources(engine, blog=("feed", {"file": str(tmp_path / "feed.xml")}))["blog"]
    assert not report.error
    assert report.stored.new >= 10


@pytest.mark.parametrize(
    "charset", ["zlib", "undefined", "idna", "hex", "rot13", "punycode", "unicode_escape", "base64"]
)
def test_what_is_no_encoding_of_a_text_is_passed_over(charset: str, engine: Engine, tmp_path: Path) -> None:
    text = (
        feed_of(ITEM).replace('version="1.0"?', f'version="1.0" encoding="{charset}"?').encode() + b"<!-- \xff\xfe -->"
    )
    (tmp_path / "feed.xml").write_bytes(text)
    assert sources(engine, blog=("feed", {"file": str(tmp_path / "feed.xml")}))["blog"].stored.new == 11


def json_feed() -> str:
    names = {"key": "id", "published_at": "date_published", "summary": "content_html", "topics": "tags"}
    bad = [{names.get(name, name): value for name, value in each.items()} for each in bad_rows()]
    bad += [row(1, attachments=value) for value in (5, "x", {}, [5], [{"url": []}])]
    bad += [row(2, authors=value) for value in (5, "x", {}, [5], [{"name": []}])]
    good = {"id": "good", "url": "https://e.example/good", "title": "Good", "date_published": "2026-11-20T08:00:00Z"}
    items = [5, None, "x", [], *bad, good]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "B", "items": items})


def site_of(file: Path) -> dict[str, object]:
    """A table whose columns take everything, as SQLite's do."""
    names = (
        "key",
        "url",
        "title",
        "published_at",
        "summary",
        "authors",
        "topics",
        "image",
        "words",
        "reads",
        "language",
    )
    with sqlite3.connect(file) as connection:
        connection.execute(f"CREATE TABLE posts ({', '.join(names)})")
        for each in (row(7), *bad_rows(), row(8, title=b"\xff\xfe"), row(9)):
            values = [each.get(name) for name in names]
            plain = [v if isinstance(v, str | bytes | float | None) else json.dumps(v) for v in values]
            numbers = [v if isinstance(v, int) and abs(v) < 2**63 else p for v, p in zip(values, plain, strict=True)]
            try:
                connection.execute(f"INSERT INTO posts VALUES ({', '.join('?' * len(names))})", numbers)
            except UnicodeEncodeError:
                continue
        connection.execute("UPDATE posts SET title = CAST(x'fffe41' AS TEXT) WHERE key = 'key-8'")
    return {"url": f"sqlite:///{file}", "table": "posts"}


def test_of_every_kind_the_good_items_come_and_an_edition_is_built(
    engine: Engine, press: Press, tmp_path: Path
) -> None:
    (tmp_path / "good.xml").write_text(feed_of(ITEM))
    (tmp_path / "feed.json").write_text(json_feed())
    folder = tmp_path / "site"
    folder.mkdir()
    for number, each in enumerate(bad_rows()):
        said = {"title": each["title"], "date": each["published_at"], "url": each["url"], "tags": each.get("topics")}
        (folder / f"{number}.md").write_bytes(
            f"---\n{json.dumps(said)}\n---\n{each['summary']}".encode("utf-8", "backslashreplace")
        )
    (folder / "good.md").write_text("---\ntitle: Good file\ndate: 2026-11-20\n---\nOf the harbour.")
    found = sources(
        engine,
        a_json=("feed", {"file": str(tmp_path / "feed.json")}),
        b_table=("sql", site_of(tmp_path / "site.sqlite")),
        c_folder=("folder", {"path": str(folder), "base_url": "https://folder.example/"}),
        d_good=("feed", {"file": str(tmp_path / "good.xml")}),
    )
    assert {name: report.error for name, report in found.items()} == dict.fromkeys(found, "")
    assert all(found[name].refused for name in ("a_json", "b_table", "c_folder"))
    assert {"Good", "Good file", "Bad", "Good story 3", "Story 7 of the harbour", "Story 9 of the harbour"} <= set(
        stored(engine)
    )
    assert edition_is_built(engine, press)


@pytest.mark.parametrize("name", ["articles.jsonl", "articles.csv"])
def test_of_an_import_bad_lines_are_refused_with_their_number(
    name: str, engine: Engine, press: Press, tmp_path: Path
) -> None:
    import csv

    rows = [row(1), *bad_rows(), row(2)]
    file = tmp_path / name
    if name.endswith("jsonl"):
        file.write_text("".join(json.dumps(each) + "\n" for each in rows))
    else:
        columns = sorted({key for each in rows for key in each})
        with file.open("w", newline="", encoding="utf-8", errors="replace") as out:
            writer = csv.DictWriter(out, columns)
            writer.writeheader()
            writer.writerows({k: str(v).replace("\x00", "") for k, v in each.items()} for each in rows)
    report = import_articles(engine, file, now=NOW)
    assert report.refused_count > 20
    assert all(line > 1 and reason for line, reason in report.refused)
    assert {"Story 1 of the harbour", "Story 2 of the harbour"} <= set(stored(engine))
    assert edition_is_built(engine, press)


def test_whatever_is_put_together_nothing_is_a_fault_of_ours(engine: Engine, tmp_path: Path) -> None:
    chance = random.Random(26)
    bad: tuple[tuple[str, tuple[Any, ...]], ...] = (
        *(
            ("url", BAD_URLS),
            ("title", BAD_TEXTS),
            ("published_at", BAD_DATES),
            ("summary", BAD_TEXTS),
            ("reads", BAD_NUMBERS),
        ),
        *(("authors", BAD_TEXTS), ("comments", BAD_TEXTS), ("image", (*BAD_URLS, *BAD_TEXTS)), ("key", BAD_TEXTS)),
    )
    one: Callable[[int], dict[str, Any]] = lambda n: row(  # noqa: E731
        n, **{name: chance.choice(values) for name, values in chance.sample(bad, chance.randint(1, 4))}
    )
    file = tmp_path / "articles.jsonl"
    file.write_text("".join(json.dumps(one(number)) + "\n" for number in range(300)))
    report = import_articles(engine, file, now=NOW)
    assert report.refused_count + report.new + report.changed + report.unchanged + report.duplicates == 300
    assert not [reason for _, reason in report.refused if "stumbled" in reason]
