"""How many new articles of a source may pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.model.source import Usual
from digest.sources import flood

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_the_first_look_at_a_source_is_not_limited() -> None:
    assert flood.allowed(Usual(), None, NOW) is None


def test_what_is_usual_is_taken_from_the_dates_of_the_first_look() -> None:
    busy = flood.at_first([NOW - HOUR * number for number in range(48)], NOW)
    assert 23 < (busy.a_day or 0) < 26
    archive = flood.at_first([NOW - timedelta(days=900 + number) for number in range(3_000)], NOW)
    assert archive == Usual(0.0, flood.FLOOR)


def test_a_quiet_blog_may_publish_a_few_at_once_and_not_its_archive() -> None:
    usual = flood.at_first([NOW - 3 * DAY, NOW - 10 * DAY], NOW)
    assert flood.allowed(usual, NOW, NOW + DAY) == flood.FLOOR


def test_an_agency_may_bring_what_it_always_brings() -> None:
    usual = Usual(a_day=200.0, left=1_000.0)
    assert flood.allowed(usual, NOW, NOW + HOUR) == 1_000


def test_after_an_outage_all_of_the_news_may_come() -> None:
    usual = flood.after(Usual(a_day=30.0, left=150.0), 30, NOW - DAY, NOW)
    assert (flood.allowed(usual, NOW, NOW + 20 * DAY) or 0) >= 20 * 30


@given(st.lists(st.integers(min_value=0, max_value=500), min_size=24, max_size=24))
def test_asking_every_hour_lets_no_more_pass_than_asking_once(offered: list[int]) -> None:
    usual, passed = Usual(a_day=2.0, left=float(flood.FLOOR)), 0
    for number, new in enumerate(offered):
        before, now = NOW + number * HOUR, NOW + (number + 1) * HOUR
        taken = min(new, flood.allowed(usual, before, now) or 0)
        usual = Usual(2.0, flood.after(usual, taken, before, now).left)
        passed += taken
    assert passed <= 2 * flood.FLOOR


def test_a_site_that_grows_is_let_grow() -> None:
    usual, at = flood.at_first([NOW - number * DAY for number in range(1, 20)], NOW), NOW
    for day in range(60):
        new = min(4 + day // 2, flood.allowed(usual, at, at + DAY) or 0)
        assert new == 4 + day // 2
        usual, at = flood.after(usual, new, at, at + DAY), at + DAY
    assert (usual.a_day or 0) > 15
