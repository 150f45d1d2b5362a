"""What an edition keeps as JSON comes back as it was, whatever it was."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from digest.editions.snapshot import (
    article_from_json,
    article_to_json,
    made,
    newsletter_from_json,
    newsletter_to_json,
    written,
)
from digest.editions.store.calendar import events_from_json, events_to_json
from digest.model.address import EmailAddress
from digest.model.article import Article, ArticleId, Comment, Image
from digest.model.choices import Choices, Length, choices_from_json, choices_to_json
from digest.model.event import Event
from digest.model.newsletter import (
    Layout,
    Look,
    Newsletter,
    NewsletterId,
    Note,
    Offer,
    Pace,
    Ranking,
    Schedule,
    Sponsor,
    UnknownPolicy,
)

TEXT = st.text(max_size=8)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
NUMBER = st.integers(-5, 2**40)
NUMBERS = st.lists(NUMBER, max_size=3).map(tuple)
INSTANT = st.datetimes(timezones=st.just(UTC))
ADDRESS = st.sampled_from(["news@example.org", "Ana.Kova+x@example.org", "ü@xn--bcher-kva.example"]).map(
    EmailAddress.parse
)


def some(of: type, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any values for any of the fields; those that have a default may be left to it."""
    needed = {name: value for name, value in values.items() if name in _required(of)}
    return st.fixed_dictionaries(
        needed, optional={name: value for name, value in values.items() if name not in needed}
    ).map(lambda chosen: of(**chosen))


def _required(of: Any) -> set[str]:

    return {
        each.name
        for each in dataclasses.fields(of)
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    }


def texts(*names: str) -> dict[str, st.SearchStrategy[str]]:
    return dict.fromkeys(names, TEXT)


COMMENT = some(Comment, **texts("author", "text", "url"))
IMAGE = some(Image, **texts("src", "alt", "lead", "row", "card"))
ARTICLE = some(
    Article,
    **texts("key", "url", "title", "summary", "language", "reviewer", "citation", "section"),
    published_at=INSTANT,
    reviewed_at=st.none() | INSTANT,
    id=st.none() | NUMBER.map(ArticleId),
    authors=TEXTS,
    topics=TEXTS,
    image=st.none() | IMAGE,
    comments=st.lists(COMMENT, max_size=2).map(tuple),
    **dict.fromkeys(("words", "minutes", "reads", "comment_count", "pin"), st.none() | NUMBER),
)
SPONSOR = some(
    Sponsor,
    **texts("name", "url", "title", "text", "logo", "cta", "label", "image", "since", "until"),
    most_editions=NUMBER,
)
NOTE = some(Note, **texts("text", "author", "role", "avatar"))
EVENT = some(
    Event,
    **texts("title", "time_zone", "place", "url", "text"),
    starts_at=INSTANT,
    ends_at=st.none() | INSTANT,
    is_all_day=st.booleans(),
)
LOOK = some(
    Look, **texts("mark", "accent", "accent_ink", "accent_dark", "accent_dark_ink", "note_tint", "sponsor_tint")
)
PACE = some(
    Pace,
    **texts("hours", "hours_of", "warm_up_since"),
    limits=TEXTS,
    blackout=TEXTS,
    warm_up_first=NUMBER,
    warm_up_factor=st.floats(0, 9),
    canary_readers=NUMBER,
    canary_percent=st.floats(0, 9),
)
OFFER = some(
    Offer,
    **dict.fromkeys(("topics", "authors", "reasons"), st.booleans()),
    cadences=TEXTS,
    lengths=TEXTS,
    hours=NUMBERS,
    minutes=NUMBERS,
)
SCHEDULE = some(
    Schedule,
    weekdays=TEXTS,
    wall_time=st.integers(0, 1439).map(lambda minutes: time(minutes // 60, minutes % 60)),
    time_zone=TEXT,
    since_at=st.none() | INSTANT,
    late_hours=NUMBER,
    is_local=st.booleans(),
)
NEWSLETTER = some(
    Newsletter,
    **texts("name", "title", "sender_name", "tagline", "url", "subscribe_url", "section_url", "postal_address"),
    **texts("language", "template"),
    id=NUMBER.map(NewsletterId),
    sender=ADDRESS,
    reply_to=st.none() | ADDRESS,
    languages=TEXTS,
    topics=TEXTS,
    **dict.fromkeys(("min_items", "max_items", "window_days", "retry_hours", "event_days", "max_events"), NUMBER),
    **dict.fromkeys(("needs_review", "is_enabled"), st.booleans()),
    unknown_policy=st.sampled_from(UnknownPolicy),
    schedule=SCHEDULE,
    sponsors=st.lists(SPONSOR, max_size=2).map(tuple),
    look=LOOK,
    layout=some(Layout, lead=st.booleans(), cards_topic=TEXT, headlines_after=NUMBER),
    pace=PACE,
    offer=OFFER,
    ranking=some(Ranking, recency=st.floats(0, 9), popular=NUMBER, carry=NUMBER),
)


def kept(values: Any) -> Any:
    """As a database gives it back."""
    return json.loads(json.dumps(values))


@given(ARTICLE)
def test_an_article_comes_back(article: Article) -> None:
    assert article_from_json(kept(article_to_json(article))) == article


@given(NEWSLETTER)
def test_a_newsletter_comes_back(newsletter: Newsletter) -> None:
    assert newsletter_from_json(kept(newsletter_to_json(newsletter))) == newsletter


@given(st.lists(EVENT, max_size=3).map(tuple))
def test_events_come_back(events: tuple[Event, ...]) -> None:
    assert events_from_json(kept(events_to_json(events))) == events


@given(SPONSOR, NOTE)
def test_a_sponsor_and_a_note_come_back(sponsor: Sponsor, note: Note) -> None:
    assert made(Sponsor, kept(written(sponsor))) == sponsor
    assert made(Note, kept(written(note))) == note


@given(TEXTS, st.sampled_from(Length), st.integers(0, 900))
def test_choices_come_back(names: tuple[str, ...], length: Length, minutes: int) -> None:
    choices = Choices(follow_topics=names, fewer=names, length=length, minutes=minutes)
    once = choices_from_json(kept(choices_to_json(choices)))
    assert choices_from_json(kept(choices_to_json(once))) == once
    assert (once.length, once.minutes) == (length, minutes)


def test_what_an_older_version_wrote_is_read() -> None:
    written_before = {"comments": [{"text": "Well said"}], "published_at": "2026-11-23T07:00:00+00:00", "title": "T"}
    assert article_from_json(written_before).comments == (Comment(text="Well said"),)
    assert made(Sponsor, {"name": "Bank", "url": "https://bank.example/", "colour": "red"}).title == ""
