"""Where each pick stands in a copy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.arrange import Arrangement
from digest.editions.candidates import compose
from digest.editions.picks import PLAIN, number_of
from digest.model.choices import Length
from digest.model.newsletter import Layout
from digest.model.place import by_region
from tests.editions.values import make_article, make_newsletter


def regions(layout: Layout, *articles: tuple[str, bool]) -> str:
    """L, R, C or H for each pick; articles are (topic, has a picture), the newest first."""
    newsletter = make_newsletter(topics=("City", "Extra"), layout=layout)
    made = [make_article(n, topic, picture=picture) for n, (topic, picture) in enumerate(articles, 1)]
    return "".join(str(pick.region)[0].upper() for pick in Arrangement(compose(newsletter, made), layout).everything)


CITY, PHOTO, EXTRA, CARD = ("City", False), ("City", True), ("Extra", False), ("Extra", True)
ARTICLES = st.lists(st.sampled_from([CITY, PHOTO, EXTRA, CARD]), max_size=20)
LAYOUTS = st.builds(
    Layout, lead=st.booleans(), cards_topic=st.sampled_from(["", "Extra", "City"]), headlines_after=st.integers(0, 9)
)


@pytest.mark.parametrize(
    ("what", "layout", "articles", "expected"),
    [
        ("nothing", Layout(), [], ""),
        ("one with a picture leads", Layout(), [PHOTO], "L"),
        ("one without is a row", Layout(), [CITY], "R"),
        ("one leads, however many have pictures", Layout(), [PHOTO] * 3, "LRR"),
        ("no lead wanted", Layout(lead=False), [PHOTO] * 2, "RR"),
        ("cards stand in pairs", Layout(cards_topic="Extra"), [PHOTO, CARD, CARD], "LCC"),
        ("a third card is a row", Layout(cards_topic="Extra"), [PHOTO, CARD, CARD, CARD], "LCCR"),
        ("one card alone is a row", Layout(cards_topic="Extra"), [PHOTO, CARD], "LR"),
        ("a card needs a picture", Layout(cards_topic="Extra"), [PHOTO, CARD, EXTRA, CARD], "LCRC"),
        ("the topic as people type it", Layout(cards_topic="extra"), [PHOTO, CARD, CARD], "LCC"),
        ("cards without a lead", Layout(lead=False, cards_topic="Extra"), [CARD, CARD], "CC"),
        ("the first card leads, the rest are rows", Layout(cards_topic="Extra"), [CARD, CARD], "LR"),
        ("after so many only titles", Layout(headlines_after=2), [CITY] * 4, "RRHH"),
        ("the lead counts", Layout(headlines_after=2), [PHOTO, CITY, CITY], "LRH"),
        ("0 is never", Layout(headlines_after=0), [CITY] * 30, "R" * 30),
        ("cards stay cards", Layout(headlines_after=1, cards_topic="Extra"), [PHOTO, CITY, CARD, CARD], "LHCC"),
    ],
)
def test_the_regions_of_a_copy(what: str, layout: Layout, articles: list[tuple[str, bool]], expected: str) -> None:
    assert regions(layout, *articles) == expected, what


@given(ARTICLES, LAYOUTS)
def test_every_candidate_is_picked_once_in_its_order(articles: list[tuple[str, bool]], layout: Layout) -> None:
    newsletter = make_newsletter(topics=("City", "Extra"), layout=layout)
    candidates = compose(newsletter, [make_article(n, t, picture=p) for n, (t, p) in enumerate(articles, 1)])
    picks = Arrangement(candidates, layout).everything
    assert [pick.candidate for pick in picks] == list(candidates)
    found = regions(layout, *articles)
    assert found.count("C") % 2 == 0
    assert found.count("L") <= 1


def test_a_reader_with_a_choice_gets_these_in_this_order_and_shares_them() -> None:
    layout = Layout(headlines_after=2)
    newsletter = make_newsletter(topics=("City", "Extra"), layout=layout)
    candidates = compose(newsletter, [make_article(n, "City", picture=True) for n in range(1, 6)])
    arrangement = Arrangement(candidates, layout)
    picks = arrangement.picks([number_of(at, PLAIN) for at in (1, 3, 4)])
    assert [(pick.candidate.position, pick.region) for pick in picks] == [(1, "lead"), (3, "rows"), (4, "headlines")]
    assert picks[1] is arrangement.picks([number_of(at, PLAIN) for at in (0, 3)])[1]


@given(ARTICLES, LAYOUTS, st.sampled_from(Length))
def test_the_regions_come_as_looking_at_every_pick_finds_them(
    articles: list[tuple[str, bool]], layout: Layout, length: Length
) -> None:
    newsletter = make_newsletter(topics=("City", "Extra"), layout=layout)
    candidates = compose(newsletter, [make_article(n, t, picture=p) for n, (t, p) in enumerate(articles, 1)])
    arrangement = Arrangement(candidates, layout)
    picks, regions = arrangement.by_region([number_of(at, PLAIN) for at in range(len(candidates))], length)
    assert {region: (stand, list(members)) for region, (stand, members) in regions.items()} == by_region(picks)
    assert list(regions) == list(by_region(picks))
