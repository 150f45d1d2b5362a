"""Which articles make an edition, in which order, under which heading and subject."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.candidates import (
    PREHEADER_LIMIT,
    SUBJECT_LIMIT,
    Window,
    compose,
    covers,
    preheader_of,
    section_of,
    subject_of,
    used,
    window,
)
from digest.model.article import Article, ArticleId
from digest.model.newsletter import Layout
from tests.editions.values import DUE, make_article, make_newsletter

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("what", "previous", "waiting", "since"),
    [
        ("the first one looks back a week", None, None, DUE - 7 * DAY),
        ("a later one begins a week before the last one ended", DUE - 7 * DAY, None, DUE - 14 * DAY),
        ("after an outage it reaches back further", DUE - 35 * DAY, None, DUE - 42 * DAY),
        ("empty weeks before the first one are kept", None, DUE - 28 * DAY, DUE - 28 * DAY),
        ("an empty period of yesterday narrows nothing", None, DUE - DAY, DUE - 7 * DAY),
        ("one that ended later is no reason to look ahead", DUE + DAY, None, DUE - 7 * DAY),
    ],
)
def test_the_window_of_an_edition(what: str, previous: object, waiting: object, since: object) -> None:
    found = window(
        make_newsletter(),
        due_at=DUE,
        previous_until=previous,  # type: ignore[arg-type]
        waiting_since=waiting,  # type: ignore[arg-type]
    )
    assert found == Window(since=since, until=DUE), what  # type: ignore[arg-type]


def test_a_window_that_was_cut_ends_at_the_newest_article_that_was_kept() -> None:
    whole = Window(since=DUE - 7 * DAY, until=DUE)
    kept = compose(make_newsletter(), [make_article(3), make_article(5)])
    assert used(whole, kept, is_cut=True) == Window(since=DUE - 7 * DAY, until=DUE - timedelta(hours=3))
    assert used(whole, kept, is_cut=False) == whole


@pytest.mark.parametrize(
    ("printed", "topics", "expected"),
    [
        ((), (), True),
        ((), ("Sport",), True),
        (("City",), ("City",), True),
        (("City",), ("city",), True),
        (("Long weekend",), ("long-weekend",), True),
        (("City",), ("Sport", "City"), True),
        (("City",), ("Sport",), False),
        (("City",), (), False),
    ],
)
def test_a_newsletter_prints_its_topics(printed: tuple[str, ...], topics: tuple[str, ...], expected: bool) -> None:
    assert covers(make_newsletter(topics=printed), make_article(1, *topics)) is expected


def test_the_section_is_the_newsletter_s_first_topic_that_the_article_has() -> None:
    newsletter = make_newsletter(topics=("Culture", "City"))
    assert section_of(newsletter, make_article(1, "city", "culture")) == "Culture"
    assert section_of(make_newsletter(), make_article(1, "city", "culture")) == "city"
    assert section_of(make_newsletter(), make_article(1)) == ""


def order(articles: list[Article], **values: object) -> list[ArticleId]:
    return [candidate.article_id for candidate in compose(make_newsletter(**values), articles)]


def test_the_newest_article_with_a_picture_leads() -> None:
    assert order([make_article(1), make_article(2, picture=True), make_article(3, picture=True)]) == [2, 1, 3]


def test_without_a_picture_nothing_leads() -> None:
    assert order([make_article(2), make_article(1)]) == [1, 2]


def test_a_layout_without_a_lead_keeps_the_order() -> None:
    assert order([make_article(1), make_article(2, picture=True)], layout=Layout(lead=False)) == [1, 2]


def test_sections_stand_in_the_newsletter_s_order_and_the_newest_first_within() -> None:
    articles = [
        make_article(1, "City"),
        make_article(2, "Culture"),
        make_article(3, "City"),
        make_article(4, "Culture"),
    ]
    assert order(articles, topics=("Culture", "City")) == [2, 4, 1, 3]


def test_sections_that_nobody_ordered_follow_their_newest_article_and_no_topic_comes_last() -> None:
    articles = [make_article(1), make_article(2, "City"), make_article(3, "Culture"), make_article(4, "City")]
    assert order(articles) == [2, 4, 3, 1]


def test_of_too_many_the_oldest_are_kept() -> None:
    assert order([make_article(number) for number in range(1, 7)], max_items=2) == [5, 6]


@given(st.permutations(range(1, 9)), st.integers(1, 9))
def test_the_order_in_which_articles_come_changes_nothing(numbers: list[int], most: int) -> None:
    topics = ("City", "Culture", "")
    made = {n: make_article(n, *filter(None, [topics[n % 3]]), picture=n % 4 == 0, published_at=DUE) for n in numbers}
    shuffled = order([made[n] for n in numbers], max_items=most)
    assert shuffled == order([made[n] for n in sorted(numbers)], max_items=most)
    assert len(set(shuffled)) == min(most, 8)


def test_positions_count_from_zero_and_every_candidate_has_its_reason() -> None:
    articles = [make_article(number, "City") for number in range(1, 6)]
    random.shuffle(articles)
    candidates = compose(make_newsletter(topics=("City",)), articles)
    assert [candidate.position for candidate in candidates] == [0, 1, 2, 3, 4]
    assert {candidate.reason for candidate in candidates} == {"new in City"}


def test_the_subject_is_the_title_of_the_first_article() -> None:
    newsletter = make_newsletter()
    assert subject_of(newsletter, compose(newsletter, [make_article(2), make_article(1)])) == "Story 1"
    assert subject_of(newsletter, ()) == "The Harbour Post"


def test_the_preheader_says_what_else_there_is() -> None:
    several = compose(make_newsletter(), [make_article(number) for number in range(1, 7)])
    assert preheader_of(several) == "Story 2 · Story 3 · Story 4"
    assert preheader_of(compose(make_newsletter(), [make_article(1, summary="What happened.")])) == "What happened."
    assert preheader_of(()) == ""


@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=5))
def test_subject_and_preheader_are_never_too_long(titles: list[str]) -> None:
    candidates = compose(make_newsletter(), [make_article(n, title=title) for n, title in enumerate(titles, 1)])
    assert len(subject_of(make_newsletter(), candidates)) <= SUBJECT_LIMIT
    assert len(preheader_of(candidates)) <= PREHEADER_LIMIT


def test_a_long_subject_ends_at_a_word() -> None:
    candidates = compose(make_newsletter(), [make_article(1, title="The ferry, " * 12)])
    assert subject_of(make_newsletter(), candidates).endswith("The ferry…")
