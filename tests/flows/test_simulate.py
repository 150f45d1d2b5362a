"""A simulation says what a real run of the same weeks does, and leaves no trace, on both databases."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from digest.db.engine import reading, writing
from digest.db.tables import delivery, edition, metadata, subscriber, subscription
from digest.delivery.store import plan as plan_rows
from digest.delivery.store import readers as planned_readers
from digest.editions.picks import unpack
from digest.editions.select import Rule
from digest.editions.store.newsletters import change_newsletter, get_newsletter
from digest.editions.tally import Tally, spread
from digest.flows import dispatch, publish, simulate
from digest.flows.publish import Press
from digest.flows.simulate import Simulation
from digest.model.newsletter import Newsletter, Offer, Ranking, Schedule
from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.flows.test_own import EVERYTHING, TOPICS, WEEK, add, choose
from tests.site import NOW, add_articles, add_newsletter, add_readers

WEEKS = 4
SINCE = NOW - WEEKS * WEEK
LONG_AGO = SINCE - 20 * WEEK


def simulated(engine: Engine, press: Press, **options: Any) -> Simulation:
    values = {"weeks": WEEKS, "sample": 0, "now": NOW, **options}
    return simulate.run(engine, press, simulate.outline(engine, "harbour", **values))


def rows(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def really_run(engine: Engine, press: Press, newsletter: Newsletter) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Plan the same weeks, and say of every row that it was accepted. (readers, skipped, nothing new, picks) by edition."""
    with reading(engine) as connection:
        periods = publish.list_due(connection, newsletter, after=SINCE, until=NOW)
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    for period in periods:
        report = publish.build(engine, press, newsletter, period, now=period.due_at)
        if report.result is not publish.Built.APPROVED:
            found[period.cadence, period.key] = (0, 0, 0, [])
            continue
        assert report.edition_id is not None
        dispatch.plan(engine, report.edition_id, now=period.due_at)
        with writing(engine) as connection:
            connection.execute(update(delivery).where(delivery.c.status == "planned").values(status="accepted"))
            connection.execute(update(edition).where(edition.c.status == "sending").values(status="sent"))
            planned = connection.execute(select(delivery).where(delivery.c.edition_id == report.edition_id)).all()
        nothing = sum(row.reason == plan_rows.NOTHING_NEW for row in planned)
        held = sorted(
            report.items if row.picks is None else len(unpack(row.picks).chosen)
            for row in planned
            if row.status == "accepted"
        )
        found[period.cadence, period.key] = (
            *(len(planned), sum(row.status == "skipped" for row in planned) - nothing, nothing),
            held,
        )
    return found


def assert_agree(found: Simulation, real: dict[tuple[str, str], tuple[Any, ...]]) -> None:
    assert [(turn.cadence, turn.period) for turn in found.turns] == list(real)
    for turn in found.turns:
        readers, skipped, nothing, held = real[turn.cadence, turn.period]
        name = (turn.cadence, turn.period)
        assert (turn.readers, turn.skipped, turn.nothing_new) == (readers, skipped, nothing), name
        assert turn.picks == spread({count: held.count(count) for count in set(held)}), name


@pytest.fixture
def audience(engine: Engine) -> Newsletter:
    """Forty readers who chose at random; some six articles a day in three topics, back to the first window."""
    chance = random.Random(7)
    newsletter = add_newsletter(
        engine,
        offer=EVERYTHING,
        topics=TOPICS,
        max_items=6,
        ranking=Ranking(carry=1, popular=1),
        schedule=Schedule(weekdays=("mon",), wall_time=time(7, 0), time_zone="Europe/Berlin"),
    )
    add_readers(engine, newsletter, 40, joined_at=LONG_AGO)
    zones = ("", "Pacific/Auckland", "America/New_York", "No/Where")
    topics = [topic.casefold() for topic in TOPICS]
    with writing(engine) as connection:
        for reader in range(1, 41):
            zone = chance.choice(zones)
            connection.execute(update(subscriber).where(subscriber.c.id == reader).values(time_zone=zone))
    for reader in range(1, 41):
        choose(
            engine,
            reader,
            now=LONG_AGO,
            slot=chance.choice(["", "", "daily", "weekly.thu", "biweekly.mon", "monthly.wed"]),
            hour=chance.choice([None, 7, 18]),
            follow_topics=tuple(chance.sample(topics, chance.randrange(3))),
            mute_topics=tuple(chance.sample(topics, chance.randrange(2))),
            minutes=chance.choice([0, 0, 5, 10]),
            paused_until=chance.choice([None] * 5 + [SINCE + 2 * WEEK]),
        )
    stories = [
        (f"S{number}", chance.choice(TOPICS), NOW - timedelta(minutes=chance.randrange(9 * 7 * 24 * 60)))
        for number in range(150)
    ]
    for reads in (None, 40):
        add(engine, *(story for story in stories if (int(story[0][1:]) % 5 == 0) == bool(reads)), reads=reads)
    return newsletter


@pytest.mark.slow
def test_it_agrees_with_a_real_run_and_leaves_no_trace(engine: Engine, press: Press, audience: Newsletter) -> None:
    before = rows(engine)
    found = simulated(engine, press)
    assert rows(engine) == before
    assert {turn.cadence for turn in found.turns} == {"weekly", "daily", "weekly.thu", "biweekly.mon", "monthly.wed"}
    assert found.articles == found.reached + len(found.never) + len(found.waiting)
    assert_agree(found, really_run(engine, press, audience))


def test_where_all_get_the_same_it_agrees_as_well(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine, max_items=5, topics=("City",))
    add_readers(engine, newsletter, 5, joined_at=LONG_AGO)
    with writing(engine) as connection:
        of = update(subscription).where(subscription.c.id == 2)
        connection.execute(of.values(paused_until=SINCE + 2 * WEEK))
    hours = {0: 1, 1: 30, 2: 31, 3: 32, 4: 33, 5: 34, 6: 35, 7: 500, 8: 501, 9: 900}
    add(engine, *((f"S{n}", "City", NOW - timedelta(hours=back)) for n, back in hours.items()), words=690)
    found = simulated(engine, press)
    assert_agree(found, really_run(engine, press, newsletter))
    last = found.turns[-1]
    assert (last.articles, last.picks, last.cut_short) == (5, spread({5: 5}), None)
    assert last.minutes == spread({15: 5})
    assert (found.articles, found.reached) == (9, 7)
    assert [story.title for story in found.waiting] == ["S1", "S0"]


def test_what_an_edition_held_is_gone_even_if_nobody_could_get_it(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine)
    add_readers(engine, newsletter, 2, joined_at=LONG_AGO, paused_until=SINCE + 2 * WEEK)
    add(engine, *((f"S{n}", "City", NOW - timedelta(hours=back)) for n, back in enumerate((1, 400, 500))))
    found = simulated(engine, press)
    assert_agree(found, really_run(engine, press, newsletter))
    assert [story.title for story in found.never] == ["S2", "S1"]


def test_the_coming_weeks_have_the_articles_of_the_last_ones(
    engine: Engine, press: Press, audience: Newsletter
) -> None:
    past = simulated(engine, press, weeks=2)
    coming = simulated(engine, press, weeks=2, is_coming=True)
    assert (past.moved_weeks, coming.moved_weeks) == (0, 2)
    assert (coming.since, coming.until) == (NOW, NOW + 2 * WEEK)
    assert coming.articles == past.articles
    weekly = [[turn for turn in each.turns if turn.cadence == "weekly"] for each in (past, coming)]
    assert [turn.articles for turn in weekly[0]] == [turn.articles for turn in weekly[1]]
    assert all(SINCE < turn.due_at <= NOW for turn in past.turns)
    assert all(NOW < turn.due_at <= NOW + 2 * WEEK for turn in coming.turns)


def test_a_sample_is_evenly_spread_and_stands_for_all(engine: Engine, press: Press, audience: Newsletter) -> None:
    with reading(engine) as connection:
        by_slot = planned_readers.list_evenly(connection, audience.id, count=10, of=40)
    assert sorted(id_ for ids in by_slot.values() for id_ in ids) == list(range(1, 41, 4))
    found = simulated(engine, press, sample=10)
    assert (found.sampled, found.readers) == (10, 40)
    everybody = {(turn.cadence, turn.period): turn for turn in simulated(engine, press).turns}
    assert all(turn.readers <= everybody[turn.cadence, turn.period].readers for turn in found.turns)
    [*_, turn] = (turn for turn in found.turns if turn.sizes)
    assert turn.sizes is not None
    assert turn.estimate_s is not None
    copies = turn.readers - turn.skipped - turn.nothing_new
    assert turn.estimate_s == pytest.approx(turn.sizes.compile_s + turn.sizes.seconds * copies * 4)


def test_what_nobody_got_has_the_rules_that_left_it_out(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine, offer=EVERYTHING, topics=TOPICS, max_items=2)
    add_readers(engine, newsletter, 3, joined_at=LONG_AGO)
    for reader in (1, 2):
        choose(engine, reader, now=LONG_AGO, mute_topics=("health",))
    choose(engine, 3, now=LONG_AGO, follow_topics=("city",), minutes=5)
    add(engine, *((f"{topic}1", topic, NOW - timedelta(hours=3)) for topic in ("City", "Health")))
    add(engine, ("City2", "City", NOW - timedelta(hours=4)), ("Late", "City", NOW - timedelta(seconds=1)))
    found = simulated(engine, press, weeks=1)
    [turn] = found.turns
    assert turn.picks == spread({2: 2, 1: 1})
    assert turn.cut_short == pytest.approx(1 / 3)
    assert [(story.title, story.rules) for story in turn.nobody] == [("Health1", {"muted": 2, "other": 1})]
    assert [(story.title, story.rules) for story in found.never] == [("Health1", {"muted": 2, "other": 1})]
    assert [story.title for story in found.waiting] == ["Late"]
    assert set(found.never[0].rules) <= set(Rule)


def test_who_joined_later_is_said(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine, offer=Offer(topics=True))
    add_readers(engine, newsletter, 2)
    add_articles(engine, 3, start=NOW - 2 * WEEK)
    found = simulated(engine, press)
    assert found.joined_later == 2
    assert sum(turn.nothing_new for turn in found.turns) == 2 * sum(not turn.is_empty for turn in found.turns)
    assert [set(story.rules) for story in found.never] == [{"before"}] * 3


def test_a_spread_and_a_tally() -> None:
    assert spread({}) is None
    found = spread({3: 1, 1: 2, 9: 1})
    assert found is not None
    assert (found.least, found.median, found.most) == (1, 2, 9)
    empty = Tally(())
    empty.add("[0]", 0)
    assert (empty.copies, empty.summary()) == (0, (None, None, frozenset()))


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def digest(tmp_path: Path, database_url: str) -> Command:
    write_settings(tmp_path, database_url, 1)
    command = Command(tmp_path)
    command("db", "upgrade")
    command(*ADD, "--at", "07:00", "--time-zone", "Europe/Berlin", "--template", "plain")
    return command


def test_the_command_says_what_it_found(digest: Command, engine: Engine, tmp_path: Path) -> None:
    simulation = ("newsletter", "simulate", "harbour", "--weeks", 2)
    assert "no newsletter 'other'" in digest("newsletter", "simulate", "other", code=4)
    assert "harbour has no readers" in digest(*simulation)
    digest("subscriber", "import", write_readers(tmp_path, 30), "--newsletter", "harbour")
    assert "too few articles for any edition" in digest(*simulation)
    at = datetime.now(NOW.tzinfo)
    published = [(at - timedelta(days=back, hours=-1)).isoformat() for back in range(1, 29)]
    digest("article", "import", write_articles(tmp_path, *published))
    digest("newsletter", "offer", "harbour", "--topics")
    before = rows(engine)
    text = digest(*simulation, "--coming", "--sample", 10)
    assert "for 10 of 30 readers, with the articles of the last 2 weeks moved forward by 2 weeks" in text
    assert "an estimate for making the copies alone" in text
    found = digest.json(*simulation, "--coming")
    assert len(found["turns"]) == 2
    assert found["turns"][0]["sizes"]["made"] == 20
    assert found["turns"][0]["sizes"]["median_bytes"] > 1_000
    assert found["turns"][0]["readers"] == 30
    assert found["reached"] + len(found["never"]) + len(found["waiting"]) == found["articles"] == 14
    assert rows(engine) == before, "not even the key that signs links is made"
    with writing(engine) as connection:
        stored = get_newsletter(connection, "harbour")
        never = replace(stored, schedule=replace(stored.schedule, weekdays=()))
        change_newsletter(connection, never, now=NOW)
    assert "harbour has no weekdays, so it is never due" in digest(*simulation)
    assert json.loads(digest(*simulation, "--json"))["turns"] == []
