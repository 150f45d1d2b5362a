"""A digest of one's own for every reader, from the build to the inbox, on both databases."""

from __future__ import annotations

import asyncio
import email
import email.policy
import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from threading import Thread
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.audience.store import subscribers as subscriber_store
from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.db.tables import article, delivery, edition, subscriber, subscription
from digest.delivery.store import counts
from digest.editions.picks import unpack
from digest.editions.select import Rule
from digest.editions.store.newsletters import change_newsletter, get_newsletter
from digest.errors import BadInput, Refused
from digest.flows import dispatch, membership, publish
from digest.flows.admin import articles as articles_admin
from digest.flows.explain import explain, recreate
from digest.flows.publish import Built, Press
from digest.model.choices import Choices, Length
from digest.model.newsletter import Note, Offer, Pace, Ranking, Schedule
from tests.site import ADMIN, NOW, SmtpServer, add_newsletter, add_readers

EVERYTHING = Offer(
    topics=True,
    authors=True,
    cadences=("daily", "weekly", "biweekly", "monthly"),
    hours=(7, 18),
    lengths=("headlines",),
    minutes=(5, 10),
    reasons=False,
)
DUE = NOW.replace(second=0)
WEEK = timedelta(weeks=1)
TOPICS = ("City", "Health", "Science")


def add(engine: Engine, *stories: tuple[str, str, datetime], **values: object) -> None:
    """(title, topic, published)"""
    with writing(engine) as connection:
        connection.execute(
            insert(article),
            [
                {
                    "key": title,
                    "url": f"https://harbourpost.example/{title}",
                    "canonical_url": f"https://harbourpost.example/{title}",
                    "title": title,
                    "published_at": at,
                    "ready_at": at,
                    "authors": ["Ana"],
                    "topics": [topic],
                    "comments": [],
                    "content_hash": "x",
                    "first_seen_at": at,
                    "updated_at": at,
                    **values,
                }
                for title, topic, at in stories
            ],
        )


def choose(engine: Engine, subscription_id: int, *, now: datetime = NOW, **wanted: Any) -> None:
    choices = {key: wanted.pop(key) for key in list(wanted) if key in Choices.__dataclass_fields__}
    membership.choose(
        engine,
        subscription_id,
        lambda before: replace(before, choices=replace(before.choices, **choices), **wanted),
        now=now,
    )


def run(engine: Engine, press: Press, smtp_server: SmtpServer, now: datetime) -> list[int]:
    """What the scheduler does at that instant; the editions that it sent from."""
    reports = publish.build_due(engine, press, now=now)
    assert not [report for report in reports if report.result is Built.DRAFT], reports
    clock = FixedClock(now)
    sent = []
    for edition_id in dispatch.unfinished(engine):
        dispatch.plan(engine, edition_id, now=now)
        maker = publish.open_maker(engine, press, edition_id)
        report = asyncio.run(dispatch.send(engine, maker, [smtp_server.channel()], clock=clock))
        assert not report.trouble
        sent.append(edition_id)
    return sent


def titles(raw: bytes) -> list[str]:
    """Of the articles of a mail, in its order."""
    parsed: Any = email.message_from_bytes(raw, policy=email.policy.default)
    lines = parsed.get_body(("plain",)).get_content().splitlines()
    return [line.rpartition("/")[2] for line in lines if line.startswith("https://harbourpost.example/")]


def inbox(smtp_server: SmtpServer) -> dict[str, list[list[str]]]:
    """The mails of each reader, as the titles in them."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    for address, raw in smtp_server.recorder.accepted:
        found[address.partition("@")[0]].append(titles(raw))
    return dict(found)


@pytest.fixture
def three(engine: Engine) -> Engine:
    """Three readers of a newsletter that offers everything; two stories of each topic."""
    newsletter = add_newsletter(engine, offer=EVERYTHING, topics=TOPICS, max_items=4, ranking=Ranking(carry=1))
    add_readers(engine, newsletter, 3)
    hours = iter(range(1, 99))
    add(engine, *((f"{topic}{n}", topic, DUE - timedelta(hours=next(hours))) for topic in TOPICS for n in (1, 2)))
    return engine


def test_each_reader_gets_what_they_chose_and_nothing_twice(
    three: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    choose(three, 2, follow_topics=("health",))
    choose(three, 3, mute_topics=("city", "health", "science"))
    run(three, press, smtp_server, NOW)
    assert inbox(smtp_server) == {
        "reader1": [["City1", "City2", "Health1", "Health2"]],
        "reader2": [["Health1", "Health2"]],
    }
    subjects = {
        address: str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])
        for address, raw in smtp_server.recorder.accepted
    }
    assert subjects == {"reader1@example.org": "City1", "reader2@example.org": "Health1"}
    with reading(three) as connection:
        rows = connection.execute(select(delivery.c.status, delivery.c.reason).order_by(delivery.c.id)).all()
    assert [tuple(row) for row in rows] == [("accepted", ""), ("accepted", ""), ("skipped", "nothing new")]

    add(three, ("Health3", "Health", DUE + timedelta(days=1)))
    smtp_server.recorder.accepted.clear()
    run(three, press, smtp_server, NOW + WEEK)
    assert inbox(smtp_server) == {"reader1": [["Health3", "Science1", "Science2"]], "reader2": [["Health3"]]}
    smtp_server.recorder.accepted.clear()
    run(three, press, smtp_server, NOW + 2 * WEEK)
    assert inbox(smtp_server) == {}


def test_what_did_not_fit_expires_after_the_editions_that_it_may_wait(
    three: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    with writing(three) as connection:
        newsletter = get_newsletter(connection, "harbour")
        newest_first = replace(newsletter, ranking=Ranking(carry=1, recency=9))  # a week is more than an edition lifts
        change_newsletter(connection, newest_first, now=NOW)
    run(three, press, smtp_server, NOW)  # four of six
    for week in (1, 2):
        add(three, *((f"New{week}{n}", "City", NOW + week * WEEK - timedelta(hours=n)) for n in range(1, 7)))
        run(three, press, smtp_server, NOW + week * WEEK)
    mine = inbox(smtp_server)["reader1"]
    assert sorted(mine[0]) == ["City1", "City2", "Health1", "Health2"]
    everything = [title for mail in mine for title in mail]
    assert len(everything) == len(set(everything)) == 12
    rules = {
        each.candidate.article.title: each.rule for each in explain(three, 3, "reader1@example.org", now=NOW).decisions
    }
    left = {"Science1", "Science2", *(f"New{week}{n}" for week in (1, 2) for n in range(1, 7))} - set(everything)
    assert {"Science1", "Science2"} <= left
    assert {title: rules[title] for title in left} == {
        title: Rule.FULL if title.startswith("New") else Rule.EXPIRED for title in left
    }


def test_a_reader_s_own_day_hour_and_zone(three: Engine, press: Press, smtp_server: SmtpServer) -> None:
    """NOW is a Monday, 07:00 UTC. Thursday 18:00 in Auckland is 05:00 UTC of that day, in New York 23:00 UTC."""
    with writing(three) as connection:
        for id_, zone in ((1, "Pacific/Auckland"), (2, "America/New_York"), (3, "No/Where")):
            connection.execute(update(subscriber).where(subscriber.c.id == id_).values(time_zone=zone))
    for reader in (1, 2, 3):
        choose(three, reader, slot="weekly.thu", hour=18)
    run(three, press, smtp_server, NOW)
    assert inbox(smtp_server) == {}  # the newsletter's own Monday is nobody's
    thursday = datetime(2026, 11, 26, tzinfo=UTC)
    seen = []
    for hour in range(-24, 30):
        run(three, press, smtp_server, thursday + timedelta(hours=hour, minutes=1))
        seen += [(address, hour) for address in sorted(set(inbox(smtp_server)) - {who for who, _ in seen})]
    assert seen == [("reader1", 5), ("reader3", 18), ("reader2", 23)]
    assert all(len(mails) == 1 for mails in inbox(smtp_server).values())
    with reading(three) as connection:
        periods = connection.execute(select(edition.c.cadence, edition.c.period, edition.c.status)).all()
    assert sorted(map(tuple, periods)) == [("weekly", "2026-W48.1", "sent"), ("weekly.thu", "2026-W48", "sent")]


def test_who_changes_in_mid_week_has_one_edition_of_that_week(
    three: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    run(three, press, smtp_server, NOW)
    choose(three, 1, slot="weekly.thu", now=NOW + timedelta(days=1))
    choose(three, 2, slot="daily", now=NOW + timedelta(days=1))
    smtp_server.recorder.accepted.clear()
    add(three, ("Fresh", "City", NOW + timedelta(days=1)))
    for hour in range(24, 24 * 6, 4):
        run(three, press, smtp_server, NOW + timedelta(hours=hour))
    mails = inbox(smtp_server)
    assert "reader1" not in mails
    assert sorted(title for mail in mails["reader2"] for title in mail) == ["Fresh", "Science1", "Science2"]
    with reading(three) as connection:
        reasons = set(connection.execute(select(delivery.c.reason).where(delivery.c.subscription_id == 1)).scalars())
    assert "has edition 1 of the same period" in reasons


def test_lengths_and_what_is_not_offered(three: Engine, press: Press, smtp_server: SmtpServer) -> None:
    choose(three, 1, length=Length.HEADLINES)
    with pytest.raises(BadInput, match="does not offer the length summaries; it offers full, headlines"):
        choose(three, 1, length=Length.SUMMARIES)
    with pytest.raises(BadInput, match="does not offer 7 minutes"):
        choose(three, 1, minutes=7)
    with pytest.raises(BadInput, match="the weekday is one of"):
        choose(three, 1, slot="weekly.thursday")
    choose(three, 2, minutes=5)
    run(three, press, smtp_server, NOW)
    with reading(three) as connection:
        packed = dict(connection.execute(select(delivery.c.subscription_id, delivery.c.picks)).all())  # type: ignore[arg-type]
    assert unpack(packed[1]).length is Length.HEADLINES
    assert inbox(smtp_server)["reader2"] == [["City1"]]  # three minutes each, where nothing is known


def test_a_paused_reader_gets_what_was_missed_up_to_one_edition(
    three: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    choose(three, 1, paused_until=NOW + timedelta(days=10))
    run(three, press, smtp_server, NOW)
    add(three, ("Late", "City", NOW + timedelta(days=1)))
    run(three, press, smtp_server, NOW + WEEK)
    assert "reader1" not in inbox(smtp_server)
    run(three, press, smtp_server, NOW + 2 * WEEK)
    (mail,) = inbox(smtp_server)["reader1"]
    assert len(mail) == 4  # max_items of seven
    assert "Late" in mail
    returned, others = (
        [raw for address, raw in smtp_server.recorder.accepted if address.startswith(name)]
        for name in ("reader1", "reader2")
    )
    assert all(said_missed(raw) for raw in returned)
    assert not any(said_missed(raw) for raw in others)
    copy = recreate(three, publish.open_maker(three, press, 3), 3, "reader1@example.org")
    assert copy.replace(b"\r\n", b"\n") == returned[0].replace(b"\r\n", b"\n")
    add(three, ("Next", "City", NOW + 2 * WEEK + timedelta(days=1)))
    run(three, press, smtp_server, NOW + 3 * WEEK)
    _, last = smtp_server.recorder.accepted[-1]
    assert "Next" in titles(last)
    assert not said_missed(last)


def test_after_an_outage_everybody_hears_what_they_missed(three: Engine, press: Press, smtp_server: SmtpServer) -> None:
    run(three, press, smtp_server, NOW)
    assert not any(said_missed(raw) for _, raw in smtp_server.recorder.accepted)
    smtp_server.recorder.accepted.clear()
    add(three, ("Late", "City", NOW + timedelta(days=20)))
    run(three, press, smtp_server, NOW + 3 * WEEK)
    assert len(smtp_server.recorder.accepted) == 3
    assert all(said_missed(raw) for _, raw in smtp_server.recorder.accepted)


def said_missed(raw: bytes) -> bool:
    """In both parts, or in none."""
    parsed: Any = email.message_from_bytes(raw, policy=email.policy.default)
    parts = ["What you missed" in parsed.get_body((kind,)).get_content() for kind in ("plain", "html")]
    assert len(set(parts)) == 1
    return parts[0]


def test_the_same_bytes_again_whatever_was_changed_since(three: Engine, press: Press, smtp_server: SmtpServer) -> None:
    choose(three, 1, follow_topics=("health",))
    run(three, press, smtp_server, NOW)
    sent = dict(smtp_server.recorder.accepted)
    choose(three, 1, follow_topics=("science",), now=NOW + timedelta(hours=1))
    with writing(three) as connection:
        person = subscriber_store.get_subscriber(connection, "reader1@example.org").id
        subscriber_store.change_subscriber(connection, person, now=NOW + timedelta(hours=1), name="Another Name")
        subscriber_store.change_subscriber(connection, person, now=NOW + timedelta(hours=2), name="A Third")
    maker = publish.open_maker(three, press, 1)
    for address in ("reader1@example.org", "reader2@example.org"):
        assert recreate(three, maker, 1, address).replace(b"\r\n", b"\n") == sent[address].replace(b"\r\n", b"\n")
    found = explain(three, 1, "reader1@example.org", now=NOW + timedelta(hours=2))
    assert found.changed_since
    assert found.choices.follow_topics == ("health",)
    choose(three, 3, mute_topics=("city", "health", "science"), now=NOW + timedelta(hours=1))
    run(three, press, smtp_server, NOW + WEEK)
    with pytest.raises(Refused, match="no message was made"):
        recreate(three, publish.open_maker(three, press, 2), 2, "reader3@example.org")


def test_explain_says_what_became_of_everybody(three: Engine, press: Press, smtp_server: SmtpServer) -> None:
    choose(three, 2, follow_topics=("health",), mute_topics=("science",))
    choose(three, 3, slot="daily")
    smtp_server.recorder.answers = {"reader1@example.org": ["550 5.1.1 no such user"]}
    run(three, press, smtp_server, NOW)
    refused = explain(three, 1, "reader1@example.org", now=NOW)
    assert refused.why.startswith("rejected: refused at rcpt")
    assert "550 5.1.1" in refused.why
    assert [attempt.code for attempt in refused.attempts] == [550]
    got = explain(three, 1, "reader2@example.org", now=NOW)
    assert got.why.startswith("accepted at 2026-11-23 07:00:05 UTC")
    rules = {each.candidate.article.title: each.rule for each in got.decisions}
    assert rules == {
        "Health1": Rule.PICKED,
        "Health2": Rule.PICKED,
        "City1": Rule.OTHER,
        "City2": Rule.OTHER,
        "Science1": Rule.MUTED,
        "Science2": Rule.MUTED,
    }
    other = explain(three, 1, "reader3@example.org", now=NOW)
    assert other.why == "this edition is for readers of weekly; this reader chose daily"


# --- nobody is starved, and nothing is lost without a rule ---------------------------------------------------------------


def test_an_article_behind_five_hundred_newer_ones_reaches_who_follows_its_topic(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    add_readers(engine, add_newsletter(engine, offer=EVERYTHING, topics=("City", "Rare")), 2)
    add(engine, ("Rare1", "Rare", DUE - timedelta(days=5)))
    add(engine, *((f"City{n}", "City", DUE - timedelta(minutes=n)) for n in range(1, 700)))
    choose(engine, 1, follow_topics=("rare",))
    run(engine, press, smtp_server, NOW)
    assert inbox(smtp_server)["reader1"] == [["Rare1"]]
    rules = {
        each.candidate.article.title: each.rule for each in explain(engine, 1, "reader2@example.org", now=NOW).decisions
    }
    assert rules["Rare1"] is Rule.FULL


def test_few_articles_wait_until_there_are_enough_and_none_expires_meanwhile(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    """Daily, five at least, one a day."""
    newsletter = add_newsletter(engine, offer=EVERYTHING, topics=TOPICS, min_items=5, ranking=Ranking(carry=1))
    add_readers(engine, newsletter, 1)
    choose(engine, 1, slot="daily", now=NOW - timedelta(days=1))
    for day in range(14):
        now = NOW + timedelta(days=day)
        add(engine, (f"Day{day}", "City", now - timedelta(hours=1)))
        run(engine, press, smtp_server, now)
    assert [sorted(mail) for mail in inbox(smtp_server)["reader1"]] == [
        sorted(f"Day{day}" for day in days) for days in (range(5), range(5, 10))
    ]


def test_what_would_be_in_no_later_edition_goes_though_it_is_little(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    """Three at least; other readers' topics fill the editions, this reader's has one article and no more."""
    newsletter = add_newsletter(engine, offer=EVERYTHING, topics=TOPICS, min_items=3, ranking=Ranking(carry=1))
    add_readers(engine, newsletter, 1)
    choose(engine, 1, follow_topics=("health",))
    add(engine, ("Only", "Health", DUE - timedelta(days=1)))
    for week in range(12):
        now = NOW + week * WEEK
        add(engine, *((f"City{week}.{n}", "City", now - timedelta(hours=n)) for n in range(1, 4)))
        run(engine, press, smtp_server, now)
    assert inbox(smtp_server) == {"reader1": [["Only"]]}


def test_a_budget_with_a_minimum_starves_nobody(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    add_readers(engine, add_newsletter(engine, offer=EVERYTHING, topics=TOPICS, min_items=2), 1)
    choose(engine, 1, minutes=5)
    add(engine, *((f"Long{n}", "City", DUE - timedelta(hours=n)) for n in (1, 2, 3)), minutes=5)
    run(engine, press, smtp_server, NOW)
    assert inbox(smtp_server)["reader1"] == [["Long1"]]


def test_one_that_is_too_long_comes_only_when_none_fits(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    add_readers(engine, add_newsletter(engine, offer=EVERYTHING, topics=TOPICS), 1)
    choose(engine, 1, minutes=5)
    add(engine, ("Long", "City", DUE - timedelta(hours=1)), minutes=12)
    add(engine, ("Short", "City", DUE - timedelta(hours=2)), minutes=4)
    run(engine, press, smtp_server, NOW)
    run(engine, press, smtp_server, NOW + WEEK)
    assert inbox(smtp_server)["reader1"] == [["Short"], ["Long"]]


@pytest.mark.parametrize(
    ("zone", "hour", "at"),
    [
        ("Europe/London", 18, "2026-11-23T18:00"),
        ("Pacific/Honolulu", 18, "2026-11-24T04:00"),
        ("Asia/Tokyo", 18, "2026-11-23T09:00"),
        ("Asia/Tokyo", 7, "2026-11-23T22:00"),  # seven there was over when the edition was built
        ("", 7, "2026-11-23T07:00"),
    ],
)
def test_an_hour_is_obeyed_also_without_a_cadence_of_ones_own(
    zone: str, hour: int, at: str, engine: Engine, press: Press
) -> None:
    add_readers(engine, add_newsletter(engine, offer=EVERYTHING, topics=TOPICS), 2)
    add(engine, ("One", "City", DUE - timedelta(hours=1)))
    choose(engine, 1, hour=hour)
    if zone:
        with writing(engine) as connection:
            subscriber_store.change_subscriber(connection, audience_id(1), now=NOW, time_zone=zone)
    publish.build_due(engine, press, now=NOW)
    dispatch.plan(engine, 1, now=NOW)
    found = [explain(engine, 1, f"reader{reader}@example.org", now=NOW).arrives_at for reader in (1, 2)]
    assert found == [datetime.fromisoformat(at).replace(tzinfo=UTC), DUE]


def test_a_pause_is_judged_when_the_copy_would_arrive(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    """It is over on Tuesday where the reader lives; the edition is built on Monday, and the copy comes on Tuesday."""
    add_readers(engine, add_newsletter(engine, offer=EVERYTHING, topics=TOPICS), 2)
    add(engine, ("One", "City", DUE - timedelta(hours=1)))
    for reader, until in ((1, DUE + timedelta(hours=20)), (2, DUE + timedelta(hours=22))):
        choose(engine, reader, hour=18, paused_until=until)
        with writing(engine) as connection:
            subscriber_store.change_subscriber(connection, audience_id(reader), now=NOW, time_zone="Pacific/Honolulu")
    run(engine, press, smtp_server, NOW)
    run(engine, press, smtp_server, DUE + timedelta(hours=21, minutes=1))
    assert inbox(smtp_server) == {"reader1": [["One"]]}
    assert explain(engine, 1, "reader2@example.org", now=NOW).why == "skipped: paused by the reader"


def test_explain_tells_of_copies_that_were(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    add_readers(engine, add_newsletter(engine, offer=EVERYTHING, topics=TOPICS), 4)
    add(engine, ("One", "City", DUE - timedelta(hours=1)))
    choose(engine, 2, slot="daily")
    choose(engine, 3, paused_until=DUE + timedelta(days=9))
    publish.build_due(engine, press, now=NOW)
    assert explain(engine, 1, "reader1@example.org", now=NOW).decisions == ()  # nobody has a copy of a draft
    dispatch.plan(engine, 1, now=NOW)
    with writing(engine) as connection:
        connection.execute(update(subscription).where(subscription.c.id == 4).values(status="left", left_at=NOW))
    maker = publish.open_maker(engine, press, 1)
    asyncio.run(dispatch.send(engine, maker, [smtp_server.channel()], clock=FixedClock(NOW)))
    said = {
        n: [str(d.rule) for d in explain(engine, 1, f"reader{n}@example.org", now=NOW).decisions] for n in range(1, 5)
    }
    assert said == {1: ["picked"], 2: [], 3: [], 4: ["unsent"]}


def test_a_copy_of_which_nothing_is_left_stops_no_other(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    """Its only article is withdrawn while it waits for its hour; all others of the edition go."""
    newsletter = add_newsletter(engine, offer=EVERYTHING, topics=TOPICS)
    add_readers(engine, newsletter, 6)
    add(engine, ("Wrong", "City", DUE - timedelta(hours=1)), ("Right", "Health", DUE - timedelta(hours=2)))
    for reader in (1, 3, 5):
        choose(engine, reader, mute_topics=("health",))
    publish.build_due(engine, press, now=NOW)
    dispatch.plan(engine, 1, now=NOW)
    articles_admin.withdraw(engine, press, 1, now=NOW, actor=ADMIN)
    maker = publish.open_maker(engine, press, 1)
    report = asyncio.run(dispatch.send(engine, maker, [smtp_server.channel()], clock=FixedClock(NOW)))
    assert (report.accepted, report.trouble, report.is_finished) == (3, "", True)
    assert {tuple(titles(raw)) for _, raw in smtp_server.recorder.accepted} == {("Right",)}
    with reading(engine) as connection:
        reasons = connection.execute(select(delivery.c.reason).where(delivery.c.status == "skipped")).scalars().all()
    assert reasons == ["all of its articles were withdrawn"] * 3


def test_a_withdrawn_article_is_in_no_later_copy_and_its_correction_reaches_those_who_have_it(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    slow = Pace(limits=("100/second",))  # or all are sent before somebody can withdraw anything
    newsletter = add_newsletter(engine, offer=EVERYTHING, topics=TOPICS, pace=slow)
    add_readers(engine, newsletter, 300)
    add(engine, ("Wrong", "City", DUE - timedelta(hours=1)), ("Right", "Health", DUE - timedelta(hours=2)))
    for reader in range(1, 300, 10):
        choose(engine, reader, follow_topics=("health",))
    publish.build_due(engine, press, now=NOW)
    dispatch.plan(engine, 1, now=NOW)
    maker = publish.open_maker(engine, press, 1)
    running = Thread(
        target=lambda: asyncio.run(dispatch.send(engine, maker, [smtp_server.channel()], clock=FixedClock(NOW)))
    )
    running.start()
    while len(smtp_server.recorder.accepted) < 20:
        sleep(0.001)
    assert articles_admin.withdraw(engine, press, 1, now=NOW, actor=ADMIN) == [1]
    with reading(engine) as connection:
        after = {
            row[0]
            for row in connection.execute(
                select(delivery.c.subscription_id).where(delivery.c.status.in_(["planned", "deferred"]))
            )
        }
    running.join(timeout=60)
    got = {address: titles(raw) for address, raw in smtp_server.recorder.accepted}
    assert len(smtp_server.recorder.accepted) == len(got) == 300
    with_it = {address for address, found in got.items() if "Wrong" in found}
    assert with_it
    late = {f"reader{number}@example.org" for number in after} & with_it
    assert len(late) <= 4  # whose marks were being written at that very moment: two connections, two messages each
    with reading(engine) as connection:
        revisions = dict(connection.execute(select(delivery.c.subscription_id, delivery.c.revision)).all())  # type: ignore[arg-type]
    assert not {f"reader{number}@example.org" for number, revision in revisions.items() if revision} & with_it
    assert set(revisions.values()) == {0, 1}
    with reading(engine) as connection:
        assert counts.balance(connection, 1).accepted == 300
    for address in (
        min(with_it),
        min(set(got) - with_it - {f"reader{reader}@example.org" for reader in range(1, 300, 10)}),
    ):
        rules = {each.candidate.article.title: each.rule for each in explain(engine, 1, address, now=NOW).decisions}
        assert rules == {"Wrong": Rule.PICKED if address in with_it else Rule.WITHDRAWN, "Right": Rule.PICKED}
    for address in sorted(got)[:40]:
        raw = dict(smtp_server.recorder.accepted)[address]
        assert recreate(engine, maker, 1, address).replace(b"\r\n", b"\n") == raw.replace(b"\r\n", b"\n")

    smtp_server.recorder.accepted.clear()
    correction = publish.correct(
        engine, 1, 0, subject="Correction", note=Note(text="It was wrong."), now=NOW, actor=ADMIN
    )
    publish.approve(engine, press, correction, now=NOW, actor=ADMIN)
    run(engine, press, smtp_server, NOW + timedelta(minutes=1))
    assert {address for address, _ in smtp_server.recorder.accepted} == with_it
    assert len(smtp_server.recorder.accepted) == len(with_it)
    assert all(titles(raw) == ["Wrong"] for _, raw in smtp_server.recorder.accepted)


def test_two_editions_that_plan_the_same_readers_at_once_give_nobody_an_article_twice(
    three: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    publish.build_due(three, press, now=NOW)
    with reading(three) as connection:
        newsletter = get_newsletter(connection, "harbour")
    publish.build(three, press, newsletter, publish.extra_period(NOW), now=NOW)
    threads = [Thread(target=lambda of=of: dispatch.plan(three, of, now=NOW)) for of in (1, 2)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run(three, press, smtp_server, NOW)
    for mails in inbox(smtp_server).values():
        everything = [title for mail in mails for title in mail]
        assert sorted(everything) == sorted(set(everything))
        assert len(everything) == 6


@pytest.mark.parametrize("seed", range(2))
def test_p3_p4_random_walks_of_readers_and_editors(
    engine: Engine, press: Press, smtp_server: SmtpServer, seed: int
) -> None:
    """Three weeks, looked at every eight hours: at the end every reader has every article once, or a rule that says why."""
    chance = random.Random(seed)
    newsletter = add_newsletter(
        engine,
        offer=EVERYTHING,
        topics=TOPICS,
        max_items=3,
        ranking=Ranking(carry=chance.randrange(3), popular=chance.randrange(2)),
        schedule=Schedule(weekdays=("mon",), wall_time=time(7, 0), time_zone="Europe/Berlin", is_local=bool(seed % 2)),
    )
    add_readers(engine, newsletter, 8)
    zones = ["", "Pacific/Auckland", "America/New_York", "Asia/Kathmandu", "No/Where"]
    numbers = iter(range(1, 10_000))
    now = NOW - timedelta(days=2)
    outage_until = now
    while now < NOW + 3 * WEEK:
        for _ in range(chance.randrange(2)):
            number = next(numbers)
            back = timedelta(days=chance.choice([0, 0, 0, 3]), minutes=chance.randrange(300))
            story = (f"S{number}", chance.choice(TOPICS), now - back)
            add(
                engine,
                story,
                first_seen_at=now,
                reads=chance.choice([None, 5, 80]),
                pin=chance.choice([None] * 9 + [1]),
            )
        if chance.random() < 0.4:
            _change(engine, chance, zones, now)
        if chance.random() < 0.02:
            outage_until = now + timedelta(days=chance.randrange(1, 4))
        if now >= outage_until:
            for report in publish.build_due(engine, press, now=now):
                if report.result is Built.DRAFT and report.edition_id is not None:  # late: an editor lets it go
                    publish.approve(engine, press, report.edition_id, now=now, actor=ADMIN)
            run(engine, press, smtp_server, now)
        now += timedelta(hours=8)

    had = {name: Counter(title for mail in mails for title in mail) for name, mails in inbox(smtp_server).items()}
    assert had
    for counter in had.values():
        assert set(counter.values()) == {1}
    _every_article_has_its_rule(engine, had, now)


def _change(engine: Engine, chance: random.Random, zones: list[str], now: datetime) -> None:
    reader = chance.randrange(1, 9)
    slots = ["", "daily", "weekly.thu", "weekly.sun", "biweekly.mon", "monthly.wed"]
    topics = [topic.casefold() for topic in TOPICS]
    kind = chance.randrange(6)
    if kind == 0:
        choose(engine, reader, slot=chance.choice(slots), now=now)
    elif kind == 1:
        choose(engine, reader, follow_topics=tuple(chance.sample(topics, chance.randrange(3))), now=now)
    elif kind == 2:
        choose(engine, reader, mute_topics=tuple(chance.sample(topics, chance.randrange(2))), now=now)
    elif kind == 3:
        choose(engine, reader, paused_until=chance.choice([None, now + timedelta(days=9)]), now=now)
    elif kind == 4:
        choose(engine, reader, hour=chance.choice([None, 7, 18]), minutes=chance.choice([0, 5, 10]), now=now)
    else:
        with writing(engine) as connection:
            subscriber_store.change_subscriber(connection, audience_id(reader), now=now, time_zone=chance.choice(zones))


def audience_id(reader: int) -> Any:
    return reader


def _every_article_has_its_rule(engine: Engine, had: dict[str, Counter[str]], now: datetime) -> None:
    with reading(engine) as connection:
        rows = connection.execute(
            select(delivery.c.edition_id, delivery.c.subscription_id, delivery.c.status)
            .where(delivery.c.picks.is_not(None) | delivery.c.reason.startswith("nothing new"))
            .order_by(delivery.c.id)
        ).all()
        windows = {row.id: row for row in connection.execute(select(edition))}
        articles = connection.execute(select(article)).all()
    seen: dict[int, set[str]] = defaultdict(set)
    last: dict[int, int] = {}
    lost: dict[int, set[str]] = defaultdict(set)  # in a copy that waits, or was not sent after all: its row says why
    for edition_id, reader, status in rows:
        found = explain(engine, edition_id, f"reader{reader}@example.org", now=now)
        mine = had.get(f"reader{reader}", Counter())
        for each in found.decisions:
            title = each.candidate.article.title
            seen[reader].add(title)
            if each.rule is Rule.UNSENT or (each.rule is Rule.PICKED and status == "planned"):
                lost[reader].add(title)
            elif each.rule in (Rule.PICKED, Rule.HAD):
                assert title in mine or title in lost[reader], (edition_id, reader, title, each.rule)
        last[reader] = edition_id
    for reader, edition_id in last.items():
        until, built = windows[edition_id].window_until, windows[edition_id].created_at
        missed = {each.title for each in articles if each.published_at <= until and each.first_seen_at < built}
        missed -= seen[reader]
        assert not missed, f"reader {reader} never had a chance of {missed}"
