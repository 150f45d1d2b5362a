"""What a post's text says: teaser and length."""

from __future__ import annotations

import time

import pytest

from digest.sources import body, shortcodes


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("no brackets", "no brackets"),
        ("He [sic] said [1] that [the mayor] left", "He [sic] said [1] that [the mayor] left"),
        ('a [gallery ids="1,2"] b', "a b"),
        ("a [gallery] b", "a b"),
        ("a [contact-form] b [ninja_form] c", "a b c"),
        ("[vc_row][vc_column]kept[/vc_column][/vc_row]", "kept"),
        ("[highlight]kept[/highlight]", "kept"),
        ('[caption id="a" width="3"]<img src="x"/> under it[/caption] text', "text"),
        ("[embed]https://video.example/1[/embed] text", "text"),
        ("write [[gallery]] for a gallery", "write [gallery] for a gallery"),
        ("[one /] text", "text"),
        ("an [open bracket", "an [open bracket"),
    ],
)
def test_shortcodes_go_and_a_writer_s_brackets_stay(text: str, wanted: str) -> None:
    assert " ".join(shortcodes.without_shortcodes(text).split()) == wanted


def test_a_long_text_of_brackets_takes_no_time() -> None:
    started = time.process_time()
    for text in ("[" * 50_000, "[a " * 20_000, "[caption]" * 5_000, "<p" * 50_000, "[a" + " b" * 50_000):
        assert shortcodes.without_shortcodes(text) is not None
        assert body.first_paragraph(text[:20_000]) is not None
        body.count_words(text)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("One.<!--more-->Two.", "One."),
        ("One.<!--more Read on, please-->Two.", "One."),
        ("<!-- wp:more -->\n<!--more-->\n<!-- /wp:more --><p>One.</p><p>Two.</p>", "One."),
        ("<h1>Head</h1><p></p><p>&nbsp;</p><p>One.</p><p>Two.</p>", "One."),
        ("<script>var a;</script><p>One.</p>", "One."),
        ("<div>One.</div><div>Two.</div>", "One."),
        ("One\nstill one.\n\nTwo.", "One still one."),
        ("", ""),
        ("<p><img src='x'></p>", ""),
    ],
)
def test_a_teaser_is_what_stands_before_more_or_the_first_paragraph(text: str, wanted: str) -> None:
    assert body.teaser(text) == wanted


def test_an_excerpt_goes_before_the_text_unless_it_says_nothing() -> None:
    assert body.teaser("<p>Text.</p>", "", "<p>Excerpt.</p>") == "Excerpt."
    assert body.teaser("<p>Text.</p>", "<p> </p>", "[gallery]") == "Text."


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ("<p></p>", None),
        ("one two", 2),
        ("<p>one</p><p>two</p>", 2),
        ("o<b>n</b>e", 1),
        ("<style>a b c</style>one", 1),
        ("<!-- wp:x {} -->one", 1),
    ],
)
def test_words_are_counted_without_markup(text: str, wanted: int | None) -> None:
    assert body.count_words(text) == wanted
