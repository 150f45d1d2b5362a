"""When a newsletter is due, as the command says it: whatever the day on which it is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from digest.db.engine import make_engine, writing
from digest.editions.store.newsletters import add_newsletter, get_newsletter
from tests.command import ADD, Command, write_settings

SCHEDULE = ("newsletter", "schedule", "harbour")


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A newsletter that is due on Mondays at 07:00 in Berlin; and `never`, which has no weekdays. Only looked at."""
    folder = tmp_path_factory.mktemp("schedule")
    url = f"sqlite:///{folder / 'digest.sqlite'}"
    write_settings(folder, url, 1)
    digest = Command(folder)
    digest("db", "upgrade")
    digest(*ADD, "--at", "07:00", "--time-zone", "Europe/Berlin")
    engine = make_engine(url)
    with writing(engine) as connection:
        found = get_newsletter(connection, "harbour")
        never = replace(found, name="never", schedule=replace(found.schedule, weekdays=()))
        add_newsletter(connection, never, now=datetime.now(UTC))
    engine.dispose()
    return digest


def test_the_next_twelve_are_shown_there_and_in_utc(digest: Command) -> None:
    heading, _, *lines = digest(*SCHEDULE).splitlines()
    assert heading.split() == ["period", "zone", "there", "UTC"]
    assert len(lines) == 12
    assert all(re.search(r"Europe/Berlin +Mon 20\d\d-\d\d-\d\d 07:00 CES?T ", line) for line in lines), lines


def test_a_year_has_two_changes_of_the_clocks(digest: Command) -> None:
    rows = digest.json(*SCHEDULE, "--count", 53)
    assert {row["local"][11:16] for row in rows} == {"07:00"}
    instants = [datetime.fromisoformat(row["utc"]) for row in rows]
    assert {row["local"] for row in rows} == {at.astimezone(ZoneInfo("Europe/Berlin")).isoformat() for at in instants}
    assert timedelta(0) < instants[0] - datetime.now(UTC) <= timedelta(days=8)
    assert all(timedelta(days=6) < later - earlier < timedelta(days=8) for earlier, later in pairwise(instants))
    assert {
        "clocks changed: 05:00 UTC, before 06:00",
        "clocks changed: 06:00 UTC, before 05:00",
        "",
    } == {row["note"] for row in rows}
    assert 2 <= sum(bool(row["note"]) for row in rows) <= 3


def test_other_zones_see_the_same_instants_at_hours_of_their_own(digest: Command) -> None:
    rows = digest.json(*SCHEDULE, "--zone", "America/New_York", "--zone", "Asia/Tokyo", "--count", 53)
    seen = {zone: [row["utc"] for row in rows if row["zone"] == zone] for zone in (row["zone"] for row in rows)}
    assert list(seen) == ["Europe/Berlin", "America/New_York", "Asia/Tokyo"]
    assert seen["Europe/Berlin"] == seen["America/New_York"] == seen["Asia/Tokyo"]
    tokyo = {row["note"] for row in rows if row["zone"] == "Asia/Tokyo"}
    assert tokyo == {"", "14:00 there, before 15:00", "15:00 there, before 14:00"}
    new_york = {row["local"][11:16] for row in rows if row["zone"] == "America/New_York"}
    assert new_york == {"01:00", "02:00"}  # a few weeks a year its clocks differ from Berlin's


def test_a_reader_has_the_hour_of_his_own_zone(digest: Command) -> None:
    zones = ("--zone", "Pacific/Auckland", "--zone", "America/New_York")
    rows = digest.json(*SCHEDULE, "--slot", "weekly.thu", "--at", "06:30", *zones)
    assert len(rows) == 24
    for row in rows:
        local = datetime.fromisoformat(row["local"])
        assert (f"{local:%a %H:%M}", local) == ("Thu 06:30", datetime.fromisoformat(row["utc"]))
    assert {row["local"][11:16] for row in digest.json(*SCHEDULE, "--slot", "monthly.mon")} == {"07:00"}


def test_a_time_that_is_skipped_and_one_that_comes_twice_are_named(digest: Command) -> None:
    lines = digest(*SCHEDULE, "--slot", "daily", "--at", "02:30", "--count", 366).splitlines()
    [skipped] = [line for line in lines if "02:30 does not exist that day" in line]
    assert "03:30 CEST" in skipped
    [twice] = [line for line in lines if "02:30 comes twice, the first counts" in line]
    assert "02:30 CEST" in twice
    assert sum("clocks changed" in line for line in lines) == 2


def test_a_newsletter_without_weekdays_says_so(digest: Command) -> None:
    never = ("newsletter", "schedule", "never")
    assert "never has no weekdays, so it is never due" in digest(*never)
    assert digest.json(*never) == []
    assert len(digest.json(*never, "--slot", "daily")) == 12


def test_what_cannot_be_read_is_said(digest: Command) -> None:
    for options, said in (
        (("--slot", "weekly.thursday"), "--slot: 'weekly.thursday': the weekday is one of mon, tue, wed"),
        (("--slot", "daily", "--at", "7 o'clock"), "is no wall time like 07:00"),
        (("--at", "07:00"), "--at is a reader's hour: it goes with --slot"),
        (("--zone", "Europe/Berlinn"), "--zone: 'Europe/Berlinn' is no IANA zone"),
    ):
        assert said in digest(*SCHEDULE, *options, code=6)


def test_there_is_no_such_newsletter(digest: Command) -> None:
    assert "there is no newsletter" in digest("newsletter", "schedule", "harbor", code=4)


def test_the_help_has_an_example(digest: Command) -> None:
    assert "Example: digest newsletter schedule harbour --slot weekly.thu" in digest("newsletter", "schedule", "--help")
