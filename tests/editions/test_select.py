"""What one reader gets of an edition's candidates, and why the rest is left out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.editions.candidates import compose_own
from digest.editions.masks import NOTHING_YET, Past, past_of
from digest.editions.picks import reasons_of, unpack
from digest.editions.select import ASSUMED_MINUTES, Rule, Selector
from digest.model.article import Article, slug
from digest.model.choices import Choices, Kind, Length, choices_from_json, choices_to_json, offered
from digest.model.newsletter import Layout, Offer, Ranking
from tests.editions.values import DUE, make_article, make_newsletter

SINCE = DUE - timedelta(days=28)
TOPICS = ("City", "Health", "Science", "Culture")
PLAIN = make_newsletter(topics=TOPICS, layout=Layout(lead=False), max_items=40)


def make_selector(articles: list[Article], **newsletter: object) -> Selector:
    of = replace(PLAIN, **newsletter)  # type: ignore[arg-type]
    return Selector(compose_own(of, articles), of, since=SINCE, until=DUE)


def titles(selector: Selector, choices: Choices | None = None, past: Past = NOTHING_YET) -> list[str]:
    """Of one reader's copy, in its order, with the kind of each reason: "Story 1 (new)"."""
    made = selector.choose(selector.wish(choices or Choices()), past, selector.published_after(SINCE))
    if not made:
        return []
    by_position = {each.position: each for each in selector.candidates}
    return [
        f"{by_position[position].article.title} ({reasons_of(by_position[position])[reason].kind})"
        for position, reason in unpack(json.loads(made)).chosen
    ]


CITY, HEALTH, SCIENCE = make_article(1, "City"), make_article(2, "Health", "City"), make_article(3, "Science")
PINNED = make_article(4, "Culture", pin=1)
READ = make_article(5, "Culture", reads=900, authors=("Ana Kovač",))
STORIES = [CITY, HEALTH, SCIENCE, PINNED, READ]


@pytest.mark.parametrize(
    ("what", "choices", "newsletter", "expected"),
    [
        (
            "no choices: everything, the pick and its section first, then by section",
            Choices(),
            {},
            ["Story 4 (editor)", "Story 5 (new)", "Story 1 (new)", "Story 2 (new)", "Story 3 (new)"],
        ),
        ("a topic", Choices(follow_topics=("health",)), {}, ["Story 4 (editor)", "Story 2 (topic)"]),
        ("an author", Choices(follow_authors=("ana-kovač",)), {}, ["Story 4 (editor)", "Story 5 (author)"]),
        (
            "the most read, though not followed",
            Choices(follow_topics=("health",)),
            {"ranking": Ranking(popular=1)},
            ["Story 4 (editor)", "Story 5 (popular)", "Story 2 (topic)"],
        ),
        (
            "without what is recommended",
            Choices(follow_topics=("health",), mute_kinds=("editor", "popular")),
            {"ranking": Ranking(popular=1)},
            ["Story 2 (topic)"],
        ),
        ("muting wins over following", Choices(follow_topics=("city",), mute_topics=("health",)), {}, None),
        (
            "a muted topic mutes the editor's pick",
            Choices(mute_topics=("culture", "health", "city")),
            {},
            ["Story 3 (new)"],
        ),
        ("a topic that is gone: as if it were not chosen", Choices(follow_topics=("sport",)), {}, 5),
        (
            "one of two topics is gone",
            Choices(follow_topics=("sport", "science")),
            {},
            ["Story 4 (editor)", "Story 3 (topic)"],
        ),
        (
            "an author who writes no more: nothing but the pick",
            Choices(follow_authors=("nobody",)),
            {},
            ["Story 4 (editor)"],
        ),
        (
            "fewer of a topic",
            Choices(fewer=("city", "culture")),
            {},
            ["Story 4 (editor)", "Story 1 (new)", "Story 3 (new)"],
        ),
        ("a budget", Choices(minutes=2 * ASSUMED_MINUTES), {}, 2),
        ("a budget smaller than any article: one", Choices(minutes=1), {}, ["Story 4 (editor)"]),
        ("a budget of zero is none", Choices(minutes=0), {}, 5),
        ("at most so many", Choices(), {"max_items": 2}, ["Story 4 (editor)", "Story 5 (new)"]),
        ("too few", Choices(follow_topics=("science",), mute_kinds=("editor",)), {"min_items": 2}, []),
        ("nothing matches", Choices(mute_topics=("city", "health", "science", "culture")), {}, []),
    ],
)
def test_what_a_reader_gets(
    what: str, choices: Choices, newsletter: dict[str, object], expected: list[str] | int | None
) -> None:
    found = titles(make_selector(STORIES, **newsletter), choices)
    if expected is None:
        expected = ["Story 4 (editor)", "Story 1 (topic)"]
    assert (len(found) if isinstance(expected, int) else found) == expected, what


def test_the_lead_is_the_best_with_a_picture_unless_the_editor_says_otherwise() -> None:
    stories = [
        make_article(1, "City"),
        make_article(2, "Health", picture=True),
        make_article(3, "Health", picture=True),
    ]
    assert titles(make_selector(stories, layout=Layout())) == ["Story 2 (new)", "Story 1 (new)", "Story 3 (new)"]
    stories[2] = replace(stories[2], pin=1)
    assert titles(make_selector(stories, layout=Layout()))[0] == "Story 3 (editor)"


def test_no_section_has_more_than_its_share_while_others_have_some() -> None:
    stories = [make_article(n, "City") for n in range(1, 7)] + [make_article(n, "Health") for n in (50, 60)]
    chosen = titles(make_selector(stories, max_items=4, ranking=Ranking(per_section=2)))
    assert chosen == ["Story 1 (new)", "Story 2 (new)", "Story 50 (new)", "Story 60 (new)"]
    assert len(titles(make_selector(stories, max_items=6, ranking=Ranking(per_section=2)))) == 6


def test_what_did_not_fit_rises_and_expires() -> None:
    stories = [make_article(n, "City") for n in (1, 2, 3, 300)]
    selector = make_selector(stories, max_items=1, ranking=Ranking(carry=2, reads=0, comments=0))
    everything = selector.published_after(SINCE)
    assert titles(selector) == ["Story 1 (new)"]
    old = selector.mask([each.position for each in selector.candidates if each.article.title == "Story 300"])
    assert titles(selector, past=Past(passed=(old, old))) == ["Story 300 (new)"]
    expired = Past(passed=(old, old, old))
    assert titles(selector, past=expired) == ["Story 1 (new)"]
    rules = {
        each.candidate.article.title: each.rule
        for each in selector.explain(selector.wish(Choices()), expired, everything)
    }
    assert rules == {
        "Story 1": Rule.PICKED,
        "Story 2": Rule.FULL,
        "Story 3": Rule.FULL,
        "Story 300": Rule.EXPIRED,
    }


def test_the_past_is_what_was_had_and_what_was_passed_over() -> None:
    past = past_of([(0b1111, 0b0001), (0b1110, 0b0010), (0b1100, 0)], carry=2)
    assert past.had == 0b0011
    assert past.passed == (0b1110, 0b1100, 0b1100)


def test_five_hundred_candidates_are_chosen_from() -> None:
    stories = [make_article(n, TOPICS[n % 4]) for n in range(1, 501)]
    assert len(titles(make_selector(stories))) == 40


@pytest.mark.parametrize("count", [0, 1])
def test_few_candidates(count: int) -> None:
    assert len(titles(make_selector([make_article(n, "City") for n in range(count)]))) == count


names = st.lists(st.sampled_from([slug(topic) for topic in TOPICS] + ["gone"]), max_size=3, unique=True).map(tuple)
authors = st.lists(st.sampled_from(["ana", "ben", "gone"]), max_size=2, unique=True).map(tuple)
kinds = st.lists(st.sampled_from(["editor", "popular"]), max_size=2, unique=True).map(tuple)
any_choices = st.builds(
    Choices,
    follow_topics=names,
    follow_authors=authors,
    mute_topics=names,
    mute_authors=authors,
    mute_kinds=kinds,
    fewer=names,
    length=st.sampled_from(Length),
    minutes=st.sampled_from([0, 0, 1, 5, 12, 30]),
)
any_articles = st.lists(
    st.builds(
        lambda number, topics, authors, picture, minutes, reads, pin: (
            number,
            topics,
            authors,
            picture,
            minutes,
            reads,
            pin,
        ),
        st.integers(1, 600),
        st.lists(st.sampled_from(TOPICS), max_size=3, unique=True),
        st.lists(st.sampled_from(["Ana", "Ben", "Cleo"]), max_size=2, unique=True),
        st.booleans(),
        st.sampled_from([None, 1, 4, 20]),
        st.sampled_from([None, 0, 10, 500]),
        st.sampled_from([None, None, None, 1, 2]),
    ),
    max_size=25,
    unique_by=lambda each: each[0],
).map(
    lambda rows: [
        make_article(n, *topics, picture=picture, authors=tuple(by), minutes=minutes, reads=reads, pin=pin)
        for n, topics, by, picture, minutes, reads, pin in rows
    ]
)
any_newsletter = st.builds(
    lambda low, more, carry, share, popular, lead: {
        "min_items": low,
        "max_items": low + more,
        "ranking": Ranking(carry=carry, per_section=share, popular=popular),
        "layout": Layout(lead=lead),
    },
    st.integers(1, 3),
    st.integers(0, 9),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
)


@given(any_articles, any_choices, any_newsletter, st.data())
def test_the_rules_hold_for_any_reader(
    articles: list[Article], choices: Choices, newsletter: dict[str, object], data: st.DataObject
) -> None:
    selector = make_selector(articles, **newsletter)
    bits = (1 << len(articles)) - 1
    steps = data.draw(st.lists(st.tuples(st.integers(0, bits), st.integers(0, bits)), max_size=4))
    past = past_of([(held, held & picked) for held, picked in steps], selector._ranking.carry)
    new = selector.published_after(SINCE) & data.draw(st.integers(0, bits) | st.just(bits))
    wish = selector.wish(choices)
    made = selector.choose(wish, past, new)
    picks = unpack(json.loads(made)) if made else None
    chosen = picks.positions if picks else ()
    decisions = selector.explain(wish, past, new)

    # both ways of asking say the same, and every candidate has its rule
    assert len(decisions) == len(articles)
    assert {each.candidate.position for each in decisions if each.rule is Rule.PICKED} == set(chosen)
    assert len(set(chosen)) == len(chosen) <= selector._max
    early = (Rule.HAD, Rule.MUTED, Rule.OTHER, Rule.BEFORE, Rule.EXPIRED)
    new_to_them = sum(each.rule not in early for each in decisions)
    assert bool(chosen) == (new_to_them > 0 and new_to_them >= selector._min)
    if picks:
        assert picks.length is choices.length

    by_position = {each.position: each for each in selector.candidates}
    minutes = sum(by_position[at].article.reading_minutes or ASSUMED_MINUTES for at in chosen)
    assert not choices.minutes or minutes <= choices.minutes or len(chosen) == 1
    for topic in choices.fewer:
        assert sum(topic in {slug(t) for t in by_position[at].article.topics} for at in chosen) <= 1

    # each reason that is shown is true, and its switch takes exactly that kind away
    for position, number in picks.chosen if picks else ():
        candidate = by_position[position]
        reason, article = reasons_of(candidate)[number], candidate.article
        if reason.kind is Kind.TOPIC:
            assert reason.subject in article.topics
            assert slug(reason.subject) in choices.follow_topics
        elif reason.kind is Kind.AUTHOR:
            assert reason.subject in article.authors
            assert slug(reason.subject) in choices.follow_authors
        elif reason.kind is Kind.EDITOR:
            assert article.pin is not None
        elif reason.kind is Kind.POPULAR:
            assert article.reads
        else:
            assert not wish.ways
        if reason.switch:
            switched = _switched(choices, reason.switch)
            after = selector.choose(selector.wish(switched), past, new)
            for at, why in unpack(json.loads(after)).chosen if after else ():
                assert reasons_of(by_position[at])[why].switch != reason.switch


def _switched(choices: Choices, switch: str) -> Choices:
    verb, what, name = switch.split("/")
    assert verb == "mute"
    field = f"mute_{what}"
    return replace(choices, **{field: (*getattr(choices, field), name)})


@given(any_articles, any_newsletter, st.lists(any_choices, min_size=1, max_size=6))
def test_over_many_editions_every_article_comes_once_or_by_a_rule_not_at_all(
    articles: list[Article], newsletter: dict[str, object], each_week: list[Choices]
) -> None:
    selector = make_selector(articles, **newsletter)
    everything = selector.published_after(SINCE)
    steps: list[tuple[int, int]] = []
    had: Counter[int] = Counter()
    for choices in each_week:
        past = past_of(steps, selector._ranking.carry)
        made = selector.choose(selector.wish(choices), past, everything)
        chosen = unpack(json.loads(made)).positions if made else ()
        had.update(chosen)
        steps.append((everything, selector.mask(chosen)))
        for decision in selector.explain(selector.wish(choices), past, everything):
            if not had[decision.candidate.position]:
                assert decision.rule is not Rule.PICKED
            elif decision.candidate.position not in chosen:
                assert decision.rule is Rule.HAD
    assert all(count == 1 for count in had.values())


@given(any_choices)
def test_choices_are_kept_as_they_are(choices: Choices) -> None:
    assert choices_from_json(choices_to_json(choices)) == choices


def test_choices_that_this_version_does_not_know_are_passed_over() -> None:
    found = choices_from_json(
        {"length": "haiku", "minutes": "soon", "follow_topics": "City", "colour": 3, "fewer": ["City"]}
    )
    assert found == Choices(fewer=("city",))


def test_what_is_not_offered_is_not_applied() -> None:
    wanted = Choices(follow_topics=("city",), mute_topics=("health",), length=Length.HEADLINES, minutes=9)
    assert offered(wanted, Offer(cadences=("daily",))) == Choices()
    assert offered(wanted, Offer(reasons=True)) == Choices(mute_topics=("health",))
    assert offered(wanted, Offer(topics=True, lengths=("headlines",), minutes=(9,))) == wanted
