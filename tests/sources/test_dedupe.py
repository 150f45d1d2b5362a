"""One story from several places is one article, and two stories are two."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest.model.article import Article
from digest.model.source import SourceId
from digest.sources.dedupe import canonical_url, is_same, is_web_url, story_of

AT = datetime(2026, 11, 20, 7, 30, 5, tzinfo=UTC)
BLOG, PAPER = SourceId(1), SourceId(2)
FERRY = Article(
    key="tag:example.org,2026:ferry",
    url="https://example.org/2026/11/ferry",
    title="The ferry is back in service",
    published_at=AT,
    summary="After nine weeks in dry dock the ferry crosses the harbour again, every half hour and with new seats.",
)


@pytest.mark.parametrize(
    "twin",
    [
        "http://example.org/2026/11/ferry",
        "https://EXAMPLE.org:443/2026/11/ferry/",
        "https://www.example.org/2026/11/ferry#comments",
        "https://example.org/2026/11/ferry?utm_source=mail&utm_medium=feed&fbclid=x",
        *(
            f"https://example.org/2026/11/ferry?{query}"
            for query in (
                *(
                    "pk_campaign=rss",
                    "mtm_source=x",
                    "CMP=rss",
                    "srsltid=AfmBO",
                    "_gl=1*a",
                    "xtor=RSS-1",
                    "wt_mc=rss.red",
                ),
                *("ns_mchannel=rss&ns_campaign=1", "__twitter_impression=true", "vero_id=7", "sc_cid=1", "ftag=YHF"),
                *(
                    "hss_channel=tw-1",
                    "ref=rss",
                    "source=rss----4f3a---4",
                    "partner=rss&emc=rss",
                    "rss=1",
                    "at_medium=RSS",
                ),
            )
        ),
        "https://m.example.org/2026/11/ferry",
        "https://amp.example.org/2026/11/ferry",
        "https://example.org/2026/11/ferry/amp/",
        "https://example.org/2026/11/ferry?amp=1",
        "https://example-org.cdn.ampproject.org/c/s/example.org/2026/11/ferry",
        "https://www.google.com/amp/s/www.example.org/2026/11/ferry",
    ],
)
def test_addresses_of_one_page_are_one(twin: str) -> None:
    assert canonical_url(twin) == canonical_url(FERRY.url)


@pytest.mark.parametrize(
    "other",
    [
        "https://example.org/2026/11/ferries",
        "https://blog.example.org/2026/11/ferry",
        "https://example.org/2026/11/ferry?page=2",
        *(
            f"https://example.org/2026/11/ferry?{query}"
            for query in (
                "source=agency",
                "ref=main",
                "id=rss",
                "session=2",
                "keyword=tide",
                "campaign=7",
                "at=7",
                "rss=2",
            )
        ),
        "https://example.org:8080/2026/11/ferry",
        "https://example.org/amp/ferry",
        "https://example.com/2026/11/ferry",
        "https://m.org/2026/11/ferry",
    ],
)
def test_addresses_of_other_pages_are_others(other: str) -> None:
    assert canonical_url(other) != canonical_url(FERRY.url)


def test_the_order_of_a_query_makes_no_difference_its_values_do() -> None:
    assert canonical_url("https://example.org/?b=2&a=1") == canonical_url("https://example.org/?a=1&b=2")
    assert canonical_url("https://example.org/?p=12") != canonical_url("https://example.org/?p=13")


def same(one: Article, other: Article, *, source: SourceId = BLOG) -> bool:
    return is_same(story_of(other, source), story_of(one, BLOG))


MOVED = {"url": "https://news.example.org/ferry-back", "key": "https://news.example.org/?p=77"}


@pytest.mark.parametrize(
    "edited",
    [
        {"title": "Ferry: all you need to know", "summary": "Another text.", "url": "https://example.org/elsewhere"},
        {"key": "new", "title": "The ferry is back in service, at last"},
        {"key": "new", "title": "What nobody expected"},  # its text is the same
        {"key": "new", "summary": "Another text."},
        {"key": "new", "published_at": AT + timedelta(days=9)},
        MOVED,
        {**MOVED, "summary": "Another text."},  # the same title at the same instant
        {**MOVED, "published_at": AT + timedelta(hours=13)},  # a zone forgotten
    ],
)
def test_a_story_that_was_edited_or_moved_is_itself(edited: dict[str, object]) -> None:
    assert same(FERRY, replace(FERRY, **edited))  # type: ignore[arg-type]


def test_a_story_that_another_paper_prints_too_is_the_same() -> None:
    printed = replace(FERRY, **MOVED, published_at=AT + timedelta(hours=2), summary=FERRY.summary[:80])
    assert same(FERRY, printed, source=PAPER)
    assert not same(
        FERRY, replace(printed, summary="Another text about it, which that paper wrote by itself, with a view.")
    )


THREAD = Article(
    key="thread-1",
    url="https://example.org/t/1",
    title="Open thread",
    published_at=AT,
    summary="Talk about anything here.",
)


@pytest.mark.parametrize(
    ("one", "changes"),
    [
        (THREAD, {"key": "thread-2", "url": "https://example.org/t/2", "published_at": AT + timedelta(days=1)}),
        (
            replace(THREAD, summary=FERRY.summary),
            {"key": "thread-2", "url": "https://example.org/t/2", "published_at": AT + timedelta(days=1)},
        ),
        (
            THREAD,
            {"key": "n", "url": "https://example.org/n", "title": "Minutes", "summary": ""},
        ),  # at the same instant
        (  # an id that is used again and again
            replace(THREAD, key="latest"),
            {"url": "https://example.org/b", "title": "Bread prices", "published_at": AT + timedelta(days=2)},
        ),
        (  # several stories on one page
            replace(THREAD, url="https://example.org/live#1"),
            {"key": "2", "url": "https://example.org/live#2", "title": "Bread", "published_at": AT + timedelta(days=2)},
        ),
        (
            replace(THREAD, title="Minutes, week 12", url="https://example.org/minutes"),
            {"key": "2", "title": "Minutes, week 13", "summary": "", "published_at": AT + timedelta(days=7)},
        ),
    ],
)
def test_two_stories_are_two(one: Article, changes: dict[str, object]) -> None:
    assert not same(one, replace(one, **changes))  # type: ignore[arg-type]


def test_a_thread_of_another_site_on_the_same_day_is_another_story() -> None:
    assert not same(THREAD, replace(THREAD, key="x", url="https://example.com/x"), source=PAPER)


def test_a_series_that_begins_with_the_same_words_on_the_same_day_is_several_stories() -> None:
    assert not same(FERRY, replace(FERRY, key="n", url="https://example.org/n", title="The bridge is open"))


@pytest.mark.parametrize(
    "url",
    [
        "https://bank.example@evil.example/",
        "https://user:pass@e.example/",
        "https://example.org\\@evil.example/",
        "https://evil.example\\.example.org/",
        "https://e.example:99999/",
        "https://e.example:abc/",
        "https://[::1/",
        "https://e.example/\ud800",
        "https://e.example/\x9b",
        "https://e.example/\u202e",
        "https://e.example/" + "a" * 2_000,
        "https://e example/",
        "//e.example/",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_of_an_article(url: str) -> None:
    assert not is_web_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://e.example",
        "http://e.example:8080/a?b=c#d",
        "https://münchen.example/straße",
        "http://[2001:db8::1]/",
        "http://a_b.e/",
    ],
)
def test_what_is_one(url: str) -> None:
    assert is_web_url(url)
