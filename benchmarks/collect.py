"""Collecting: python -m benchmarks.collect [--feeds 500] [--articles 100000]

Feeds come from a server of its own process on loopback, each under a name of its own; they are collected twice, the second
time with nothing new. Beside it the loop that everybody writes first: urllib and feedparser, one feed after the other,
nothing cleaned and nothing stored. Articles of a site's database are read through the kind `sql`, a tenth of them first, so
that it shows whether memory grows; beside it the same rows copied as they are, in as many transactions.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import feedparser
from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, create_engine, func, insert, select

from benchmarks.memory import peak_mb
from benchmarks.site import NOW, sqlite_url
from digest import log
from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.db.tables import article
from digest.demo import content
from digest.flows.collect import collect_sources
from digest.sources.fetch import Fetcher
from digest.sources.store import sources as source_store

ITEMS = 20
"""In a feed."""

WORDS = " ".join(story["summary"] for story in content.articles(NOW) if "summary" in story).split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument(
        "--answer-ms", type=int, default=0, help="how long the server of the feeds waits before it answers"
    )
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--run", nargs="+", help="used by itself")
    chosen = parser.parse_args()
    log.configure(level="warning")
    match chosen.run:
        case ["serve", wait_ms]:
            serve(int(wait_ms))
        case ["sql", own, site, summary]:
            print(json.dumps(collect_database(own, site, summary)))
        case ["copy", own, site]:
            print(json.dumps(copy_database(own, site)))
        case _:
            with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
                print(measure_feeds(Path(folder), chosen.feeds, chosen.answer_ms), flush=True)
                print(measure_database(Path(folder), chosen.articles))


# --- feeds -----------------------------------------------------------------------------------------------------------


def measure_feeds(folder: Path, feeds: int, answer_ms: int) -> str:
    names = [f"paper-{number}.example.org" for number in range(feeds)]
    engine = make_engine(sqlite_url(folder / "feeds.sqlite"))
    migrate.upgrade(engine)
    fetcher = Fetcher(allow_hosts=frozenset(names), resolve=lambda _host, _port: ["127.0.0.1"])
    with served(answer_ms) as port:
        with writing(engine) as connection:
            for name in names:
                source_store.add_source(connection, name, "feed", {"url": f"http://{name}:{port}/feed"}, now=NOW)
        seconds = []
        for later in (timedelta(), timedelta(hours=1)):
            started = time.perf_counter()
            reports = collect_sources(engine, fetcher, now=NOW + later)
            seconds.append(time.perf_counter() - started)
            assert not [report.error for report in reports if report.error], reports
        started = time.perf_counter()
        entries = sum(plain_loop(port, name) for name in names)
        loop = time.perf_counter() - started
    with reading(engine) as connection:
        stored = connection.scalar(select(func.count()).select_from(article))
    engine.dispose()
    assert stored == entries == feeds * ITEMS, (stored, entries)
    return (
        f"{feeds:,} feeds of {ITEMS} articles, {answer_ms} ms until an answer: {seconds[0]:.1f} s; goal 30 s\n"
        f"again, with nothing new: {seconds[1]:.1f} s\n"
        f"urllib and feedparser alone, one after the other: {loop:.1f} s; collecting is {seconds[0] / loop:.2f} of it"
    )


def plain_loop(port: int, name: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/feed", headers={"Host": f"{name}:{port}"})
    with urllib.request.urlopen(request) as answer:
        return len(feedparser.parse(answer.read()).entries)


@contextlib.contextmanager
def served(answer_ms: int) -> Iterator[int]:
    """The feeds' server in a process of its own; its port."""
    line = [sys.executable, "-m", "benchmarks.collect", "--run", "serve", str(answer_ms)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def serve(answer_ms: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(answer_ms / 1000)
            body = feed(self.headers["Host"].split(":")[0])
            mark = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            is_known = self.headers["If-None-Match"] == mark
            self.send_response(304 if is_known else 200)
            self.send_header("ETag", mark)
            if not is_known:
                self.send_header("Content-Type", "application/rss+xml")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not is_known:
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


@cache
def feed(name: str) -> bytes:
    """RSS 2.0 of a site of that name: the same bytes each time."""
    chance = random.Random(name)  # a measurement must be repeatable
    items = "".join(
        f"<item><title>{title(chance)}</title><link>https://{name}/{number}</link><guid>https://{name}/{number}</guid>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=number))}</pubDate><category>City</category>"
        f"<description><![CDATA[<p>{text(chance, 60)}</p>]]></description>"
        f"<content:encoded><![CDATA[{body(chance)}]]></content:encoded></item>"
        for number in range(ITEMS)
    )
    head = f"<title>{name}</title><link>https://{name}/</link><description>News</description>"
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel>{head}{items}</channel></rss>"
    ).encode()


# --- a site's database -----------------------------------------------------------------------------------------------


def posts() -> Table:
    texts = (Column(name, Text) for name in ("slug", "headline", "published", "tags", "excerpt", "body"))
    return Table("posts", MetaData(), Column("id", Integer, primary_key=True), *texts, Index(None, "published", "id"))


def measure_database(folder: Path, articles: int) -> str:
    found = {}
    for count in (articles // 10, articles):
        site = sqlite_url(folder / f"site-{count}.sqlite")
        _fill(site, count)
        found[count] = _apart("sql", sqlite_url(folder / f"own-{count}.sqlite"), site, "excerpt")
        assert found[count]["articles"] == count, found
    whole = _apart("sql", sqlite_url(folder / "whole.sqlite"), site, "body")
    copied = _apart("copy", sqlite_url(folder / "copied.sqlite"), site)
    small, large = found[articles // 10], found[articles]
    return (
        f"{articles:,} articles from a site's database: {large['seconds']:.1f} s; goal 30 s for 100,000\n"
        f"with whole texts of 350 words in place of excerpts of 60: {whole['seconds']:.1f} s\n"
        f"memory: {small['memory_mb']:.0f} MB with {articles // 10:,}, {large['memory_mb']:.0f} MB with {articles:,}\n"
        f"copying the same rows as they are: {copied['seconds']:.1f} s; "
        f"collecting is {large['seconds'] / copied['seconds']:.0f} times as much"
    )


def collect_database(own: str, site: str, summary: str) -> dict[str, float]:
    engine = make_engine(own)
    migrate.upgrade(engine)
    columns = {"key": "id", "title": "headline", "published_at": "published", "topics": "tags", "summary": summary}
    options = {"url": site, "table": "posts", "columns": columns, "url_format": "https://site.example/{slug}"}
    with writing(engine) as connection:
        source_store.add_source(connection, "site", "sql", options, now=NOW)
    started = time.perf_counter()
    [report] = collect_sources(engine, Fetcher(), now=NOW)
    seconds = time.perf_counter() - started
    assert not report.error, report
    assert not report.refused, report.refused[:3]
    return {"seconds": seconds, "articles": report.stored.new, "memory_mb": peak_mb()}


def copy_database(own: str, site: str) -> dict[str, float]:
    there, here, table = create_engine(site), make_engine(own), posts()
    table.create(here)
    started = time.perf_counter()
    with there.connect().execution_options(stream_results=True) as connection:
        for page in connection.execute(select(table)).mappings().partitions(500):
            with writing(here) as into:
                into.execute(insert(table), [dict(row) for row in page])
    return {"seconds": time.perf_counter() - started, "memory_mb": peak_mb()}


def _fill(site: str, count: int) -> None:
    engine, table, chance = create_engine(site), posts(), random.Random(5)
    table.create(engine)
    for start in range(0, count, 5_000):
        with engine.begin() as connection:
            connection.execute(
                insert(table),
                [
                    {
                        "slug": f"story-{number}",
                        "headline": title(chance),
                        "published": f"{NOW - timedelta(minutes=30 * (count - number)):%Y-%m-%d %H:%M:%S}",
                        "tags": "City, Culture",
                        "excerpt": f"<p>{text(chance, 60)}</p>",
                        "body": body(chance),
                    }
                    for number in range(start, min(start + 5_000, count))
                ],
            )
    engine.dispose()


def _apart(*run: str) -> dict[str, float]:
    line = [sys.executable, "-m", "benchmarks.collect", "--run", *run]
    found: dict[str, float] = json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


# --- what they are filled with ---------------------------------------------------------------------------------------


def title(chance: random.Random) -> str:
    return text(chance, 8).replace(".", "").capitalize()


def text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).replace("&", "and").replace("<", "")


def body(chance: random.Random) -> str:
    return "".join(f"<p>{text(chance, 70)} <a href='https://example.org/'>more</a></p>" for _ in range(5))


if __name__ == "__main__":
    main()
