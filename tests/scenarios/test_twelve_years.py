"""A real site's twelve years, read from its own database and replayed week by week through a real SMTP server."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, create_engine, insert

from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.delivery.store.counts import balance
from digest.editions.store import editions as edition_store
from digest.flows import dispatch
from digest.flows.collect import collect_sources
from digest.flows.publish import Built, Press, build_due, open_maker
from digest.model.newsletter import Cadence, Schedule
from digest.sources.fetch import Fetcher
from digest.sources.store.sources import add_source
from tests.site import SmtpServer, add_newsletter, add_readers

FIRST, LAST = datetime(2014, 9, 15, 7, tzinfo=UTC), datetime(2026, 8, 31, 7, tzinfo=UTC)
READERS = 3


def weeks(last: datetime) -> Iterator[datetime]:
    at = FIRST
    while at <= last:
        yield at
        at += timedelta(weeks=1)


@pytest.fixture(scope="module")
def posts(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "articles" / "rust-blog.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def site_url(posts: list[dict[str, Any]], tmp_path: Path) -> str:
    """The site's own database: its table, its column names, none of ours."""
    url = f"sqlite:///{tmp_path / 'site.sqlite'}"
    engine = create_engine(url)
    names = ("url", "title", "published", "authors", "section", "summary")
    table = Table("post", MetaData(), Column("id", Integer, primary_key=True), *(Column(n, Text) for n in names))
    table.create(engine)
    rows = [{**{name: post[name] for name in ("id", *names)}, "authors": json.dumps(post["authors"])} for post in posts]
    with engine.begin() as connection:
        connection.execute(insert(table), rows)
    engine.dispose()
    return url


def test_every_post_reaches_every_reader_once_in_its_week(
    engine: Engine, press: Press, smtp_server: SmtpServer, posts: list[dict[str, Any]], site_url: str
) -> None:
    last = LAST
    if engine.dialect.name == "postgresql" and not os.environ.get(
        "DIGEST_REPLAY_READERS"
    ):  # make replay does all of it
        last = FIRST + timedelta(weeks=4 * 52)
        posts = [post for post in posts if datetime.fromisoformat(post["published"]).replace(tzinfo=UTC) <= last]
    newsletter = add_newsletter(engine, schedule=Schedule(since_at=FIRST))
    readers = add_readers(engine, newsletter, READERS)
    columns = {"key": "id", "published_at": "published", "topics": "section"}
    with writing(engine) as connection:
        options = {"url": site_url, "table": "post", "columns": columns}
        add_source(connection, "site", "sql", options, now=FIRST)
    channel = smtp_server.channel(connections=1)
    editions: dict[str, int] = {}
    quiet = 0
    for at in weeks(last):
        now = at + timedelta(seconds=5)
        [collected] = collect_sources(engine, Fetcher(), now=now)
        assert (collected.error, collected.refused) == ("", ())
        before = len(smtp_server.recorder.accepted)
        [built] = build_due(engine, press, now=now)
        if built.result is Built.EMPTY:
            quiet += 1
            assert "nothing new: no mail" in built.message
            assert len(smtp_server.recorder.accepted) == before
            continue
        assert built.result is Built.APPROVED
        assert built.edition_id is not None
        dispatch.plan(engine, built.edition_id, now=now)
        maker = open_maker(engine, press, built.edition_id)
        report = asyncio.run(dispatch.send(engine, maker, [channel], clock=FixedClock(now)))
        assert report.is_finished
        assert len(smtp_server.recorder.accepted) == before + READERS
        editions[built.period] = built.edition_id
    assert quiet > 0

    got: dict[str, dict[str, list[datetime]]] = {reader: defaultdict(list) for reader in readers}
    for recipient, content in smtp_server.recorder.accepted:
        message = message_from_bytes(content)
        [text] = [part for part in message.walk() if part.get_content_type() == "text/plain"]
        payload = text.get_payload(decode=True)
        assert isinstance(payload, bytes)
        sent_at = datetime.strptime(message["Date"], "%a, %d %b %Y %H:%M:%S %z")
        for url in re.findall(r"https://blog\.example\.org/\S+", payload.decode()):
            got[recipient][url].append(sent_at)
    for reader in readers:
        assert set(got[reader]) == {post["url"] for post in posts}
        for post in posts:
            [sent_at] = got[reader][post["url"]]
            published = datetime.fromisoformat(post["published"]).replace(tzinfo=UTC)
            assert timedelta(0) < sent_at - published <= timedelta(weeks=1, seconds=5), post["url"]

    with reading(engine) as connection:
        for period, edition_id in editions.items():
            counted = balance(connection, edition_id)
            assert counted.is_balanced, period
            assert counted.still_to_do == 0
        there = edition_store.find_period(connection, newsletter.id, Cadence.WEEKLY, "2014-W38.1")
    assert there is not None


def test_a_week_that_was_run_already_sends_nothing(
    engine: Engine, press: Press, smtp_server: SmtpServer, site_url: str
) -> None:
    newsletter = add_newsletter(engine, schedule=Schedule(since_at=FIRST))
    add_readers(engine, newsletter, 1)
    columns = {"key": "id", "published_at": "published", "topics": "section"}
    with writing(engine) as connection:
        add_source(connection, "site", "sql", {"url": site_url, "table": "post", "columns": columns}, now=FIRST)
    now = FIRST + timedelta(seconds=5)
    collect_sources(engine, Fetcher(), now=now)
    [first] = build_due(engine, press, now=now)
    [second] = build_due(engine, press, now=now + timedelta(minutes=1))
    assert (first.result, second.result) == (Built.APPROVED, Built.THERE)
    assert second.edition_id == first.edition_id
    assert "nothing to do" in second.message
