"""A real site's posts as digests of one's own: every edition that is due, planned with a clock that moves, on SQLite.

Readers choose at random and change their minds on the way. By default there are 10 of them over the last 12 weeks; with
DIGEST_REPLAY_READERS=1000 DIGEST_REPLAY_WEEKS=0 (`make replay`) a thousand over all twelve years. Rows that are planned
are called accepted without a mail: sending has tests of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.db.tables import article, delivery, edition, edition_article, subscriber
from digest.editions.periods import turn
from digest.editions.picks import unpack
from digest.editions.select import Rule
from digest.flows import dispatch, membership, publish
from digest.flows.explain import explain
from digest.flows.publish import Built, Press
from digest.model.choices import Choices
from digest.model.newsletter import Newsletter, Offer, Ranking, Schedule
from tests.site import add_newsletter, add_readers, make_press, write_thin_template

READERS = int(os.environ.get("DIGEST_REPLAY_READERS", "10"))
WEEKS = int(os.environ.get("DIGEST_REPLAY_WEEKS", "12"))
"""0: all."""

FIRST, LAST = datetime(2014, 9, 8, tzinfo=UTC), datetime(2026, 8, 31, 12, tzinfo=UTC)
START = max(FIRST, LAST - timedelta(weeks=WEEKS)) if WEEKS else FIRST
EXPLAINED = 100
"""Pairs of a reader and an article that did not reach them."""

TOPICS = ("Compiler", "Community", "Tools")
SLOTS = ("", "", "", "daily", "weekly.thu", "weekly.sun", "biweekly.mon", "monthly.wed")
ZONES = ("", "UTC", "Pacific/Auckland", "America/New_York", "Asia/Kathmandu", "Europe/Berlin", "No/Where")
OFFER = Offer(topics=True, cadences=("daily", "weekly", "biweekly", "monthly"), hours=(7, 12, 18), minutes=(5, 10, 20))


@dataclass
class Replayed:
    """editions   that were planned; turns: of each reader, with the copies in each"""

    engine: Engine
    newsletter: Newsletter
    editions: int = 0
    instants: int = 0
    held: dict[int, Counter[int]] = field(default_factory=dict)
    turns: dict[int, Counter[str]] = field(default_factory=dict)
    chances: dict[int, set[int]] = field(default_factory=dict)
    looked_at: dict[int, dict[int, int]] = field(default_factory=dict)  # reader: article: the last edition with it


@pytest.fixture(scope="module")
def replayed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    folder = tmp_path_factory.mktemp("replay")
    engine = make_engine(f"sqlite:///{folder / 'digest.sqlite'}")
    migrate.upgrade(engine)
    press = make_press(write_thin_template(folder / "templates"))
    lines = (shared / "articles" / "rust-blog.jsonl").read_text(encoding="utf-8").splitlines()
    _add_posts(engine, [json.loads(line) for line in lines])
    found = Replayed(engine, _add_audience(engine))
    _replay(found, press)
    _look(found)
    yield found
    engine.dispose()


def _add_posts(engine: Engine, posts: list[dict[str, Any]]) -> None:
    rows = []
    for post in posts:
        number = int.from_bytes(hashlib.sha256(post["url"].encode()).digest()[:4])
        at = datetime.fromisoformat(post["published"]).replace(tzinfo=UTC)
        rows.append(
            {
                "key": post["url"],
                "url": post["url"],
                "canonical_url": post["url"],
                "title": post["title"],
                "summary": post["summary"],
                "published_at": at,
                "ready_at": at,
                "authors": post["authors"],
                "topics": [TOPICS[number % 3]],
                "words": post["words"],
                "reads": number % 1_000,
                "comments": [],
                "content_hash": "x",
                "first_seen_at": at,
                "updated_at": at,
            }
        )
    with writing(engine) as connection:
        connection.execute(insert(article), rows)


def _add_audience(engine: Engine) -> Newsletter:
    chance = random.Random(12)
    newsletter = add_newsletter(
        engine,
        offer=OFFER,
        topics=TOPICS,
        max_items=6,
        ranking=Ranking(carry=2, popular=1),
        schedule=Schedule(weekdays=("mon",), wall_time=time(7), time_zone="Europe/Berlin", late_hours=2_000),
    )
    add_readers(engine, newsletter, READERS, joined_at=START)
    with writing(engine) as connection:
        for reader in range(1, READERS + 1):
            zone = chance.choice(ZONES)
            connection.execute(update(subscriber).where(subscriber.c.id == reader).values(time_zone=zone))
    for reader in range(1, READERS + 1):
        for what in ("slot", "topics", "reading"):
            _change(engine, chance, reader, what, START)
    return newsletter


def _change(engine: Engine, chance: random.Random, reader: int, what: str, now: datetime) -> None:
    topics = [topic.casefold() for topic in TOPICS]
    choices: dict[str, Any] = {}
    wanted: dict[str, Any] = {}
    if what == "slot":
        wanted = {"slot": chance.choice(SLOTS), "hour": chance.choice([None, *OFFER.hours])}
    elif what == "pause":
        wanted = {"paused_until": now + timedelta(days=chance.randrange(1, 28))}
    elif what == "topics":
        choices["follow_topics"] = tuple(chance.sample(topics, chance.choice([0, 0, 1, 2])))
        choices["mute_topics"] = tuple(chance.sample(topics, chance.choice([0, 0, 0, 1])))
    else:
        choices["minutes"] = chance.choice([0, 0, *OFFER.minutes])
    membership.choose(
        engine,
        reader,
        lambda before: replace(before, choices=replace(before.choices or Choices(), **choices), **wanted),
        now=now,
    )


def _replay(found: Replayed, press: Press) -> None:
    """From one instant at which something is due to the next; before every tenth some readers choose anew."""
    engine, chance, now = found.engine, random.Random(2026), START
    while True:
        with reading(engine) as connection:
            due = publish.list_due(connection, found.newsletter, after=now, until=now + timedelta(days=8))
        if due[0].due_at > LAST:
            return
        if chance.random() < 0.1:
            for reader in chance.sample(range(1, READERS + 1), max(1, READERS // 100)):
                what = chance.choice(["slot", "pause", "topics", "reading"])
                _change(engine, chance, reader, what, now + (due[0].due_at - now) * chance.random())
        now = due[0].due_at
        found.instants += 1
        for report in publish.build_due(engine, press, now=now):
            assert report.result is not Built.DRAFT, report
        for edition_id in dispatch.unfinished(engine):
            dispatch.plan(engine, edition_id, now=now)
            with writing(engine) as connection:
                rows = update(delivery).where(delivery.c.edition_id == edition_id, delivery.c.status == "planned")
                connection.execute(rows.values(status="accepted"))
                connection.execute(update(edition).where(edition.c.id == edition_id).values(status="sent"))
            found.editions += 1


def _look(found: Replayed) -> None:
    with reading(found.engine) as connection:
        articles: dict[int, dict[int, int]] = defaultdict(dict)
        for row in connection.execute(select(edition_article)):
            articles[row.edition_id][row.position] = row.article_id
        turns = {
            row.id: turn(row.cadence, row.period)
            for row in connection.execute(select(edition.c.id, edition.c.cadence, edition.c.period))
        }
        columns = (delivery.c.subscription_id, delivery.c.edition_id, delivery.c.status, delivery.c.picks)
        for reader, edition_id, status, picks in connection.execute(select(*columns).order_by(delivery.c.id)):
            inside = articles[edition_id]
            found.chances.setdefault(reader, set()).update(inside.values())
            found.looked_at.setdefault(reader, {}).update(dict.fromkeys(inside.values(), edition_id))
            held = found.held.setdefault(reader, Counter())
            if status == "accepted":
                held.update(inside[position] for position in unpack(picks).positions)
                found.turns.setdefault(reader, Counter())[turns[edition_id]] += 1


def say(text: str) -> None:
    """For whoever runs it with -s."""
    sys.stdout.write(f"\n{text}\n")


def articles_between(engine: Engine, after: datetime, until: datetime) -> set[int]:
    of = article.c.published_at
    with reading(engine) as connection:
        return set(connection.execute(select(article.c.id).where(of > after, of <= until)).scalars())


def test_something_was_replayed(replayed: Replayed) -> None:
    copies = sum(counter.total() for counter in replayed.turns.values())
    picks = sum(counter.total() for counter in replayed.held.values())
    say(
        f"{READERS} readers from {START:%Y-%m-%d} on: {replayed.instants} instants, {replayed.editions} editions, "
        f"{copies} copies with {picks} articles in them"
    )
    assert len(replayed.held) == READERS
    assert replayed.editions > 20
    assert copies > replayed.editions / 2


def test_no_reader_gets_an_article_twice(replayed: Replayed) -> None:
    twice = {
        reader: [article_id for article_id, times in held.items() if times > 1]
        for reader, held in replayed.held.items()
    }
    assert not {reader: ids for reader, ids in twice.items() if ids}


def test_one_edition_per_turn(replayed: Replayed) -> None:
    for reader, turns in replayed.turns.items():
        assert set(turns.values()) == {1}, (reader, [of for of, times in turns.items() if times > 1])


def test_every_article_of_a_reader_s_time_was_looked_at_for_them(replayed: Replayed) -> None:
    """Up to the last edition of the slowest cadence, 35 days before the end."""
    of_their_time = articles_between(replayed.engine, START, LAST - timedelta(days=36))
    assert of_their_time
    for reader, chances in replayed.chances.items():
        assert of_their_time <= chances, (reader, of_their_time - chances)


def test_what_did_not_reach_a_reader_has_a_rule_that_says_why(replayed: Replayed) -> None:
    """The last edition that held it for them: a rule for the article, or a reason for the whole copy."""
    of_their_time = articles_between(replayed.engine, START, LAST)
    missed = [
        (reader, article_id, edition_id)
        for reader, looked_at in replayed.looked_at.items()
        for article_id, edition_id in looked_at.items()
        if article_id in of_their_time and article_id not in replayed.held[reader]
    ]
    chance = random.Random(5)
    said: Counter[str] = Counter()
    for reader, article_id, edition_id in chance.sample(missed, min(EXPLAINED, len(missed))):
        found = explain(replayed.engine, edition_id, f"reader{reader}@example.org", now=LAST)
        if not found.decisions:
            assert found.delivery is not None
            assert found.delivery.reason.startswith(("paused by the reader", "has edition ")), found.why
            said[found.delivery.reason.split(" ")[0]] += 1
            continue
        [rule] = [each.rule for each in found.decisions if each.candidate.article_id == article_id]
        assert rule not in (Rule.PICKED, Rule.HAD), (reader, article_id, edition_id, rule)
        said[rule] += 1
    say(f"{len(missed)} did not reach their reader; of {said.total()} that were explained: {dict(said)}")
    assert {Rule.OTHER, Rule.MUTED} <= set(said)
