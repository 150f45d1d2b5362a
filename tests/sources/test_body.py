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
        ("[youtube https://www.youtube.com/watch?v=a1] text", "text"),
        ("[vimeo 12345] text", "text"),
        ("[vimeo 12345 400 300] [soundcloud https://s.example/1] [tweet 1] text", "text"),
        ("[somewhere https://video.example/1] text", "text"),
        ("[vc_raw_html]JTNDZGl2JTNF[/vc_raw_html] text", "text"),
        (f"[own_code]{'JTNDZGl2' * 6}[/own_code] text", "text"),
        ("[vc_column_text]kept[/vc_column_text]", "kept"),
        ("[efn_note]So they say.[/efn_note] text", "text"),
        ("[the video of it] [see 12] [ted talks here]", "[the video of it] [see 12] [ted talks here]"),
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
        (
            "https://www.youtube.com/watch?v=abc123\n\nTonight we walk along the quay.",
            "Tonight we walk along the quay.",
        ),
        ("https://youtu.be/abc\r\nTonight we walk.", "Tonight we walk."),
        ("<p>https://youtu.be/abc</p><p>Tonight we walk.</p>", "Tonight we walk."),
        ('<p><a href="https://youtu.be/abc">https://youtu.be/abc</a></p>\n<p>Tonight we walk.</p>', "Tonight we walk."),
        ("<p>https://youtu.be/abc</p><p>Tonight.</p><!--more--><p>Rest.</p>", "Tonight."),
        ("https://youtu.be/abc", ""),
        ("See https://example.org/1 for it.", "See https://example.org/1 for it."),
        ("[vimeo 1]\n\nTonight. [vc_raw_html]JTNDZGl2JTNF[/vc_raw_html]", "Tonight."),
        ('<div id="ez-toc-container"><p>Contents</p><nav><ul><li>A</ul></nav></div><p>Tonight.</p>', "Tonight."),
        ('<div class="wp-block-button"><a>Book now</a></div><p>Tonight.</p>', "Tonight."),
        ("<p>Use &lt;dialog&gt; and &amp;amp;.</p>", "Use <dialog> and &amp;."),
        ("One<br>still one.<p>Two.</p>", "One still one."),
    ],
)
def test_a_teaser_is_what_stands_before_more_or_the_first_paragraph(text: str, wanted: str) -> None:
    assert body.teaser(text) == wanted


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("[:en]The ferry[:de]Die Fähre[:]", "de", "Die Fähre"),
        ("[:en]The ferry[:de]Die Fähre[:]", "en-gb", "The ferry"),
        ("[:en]The ferry[:de]Die Fähre[:]", "fr", "The ferry"),
        ("[:en] [:de]Die Fähre[:]", "en", "Die Fähre"),
        ("A [:en]ferry[:de]Fähre[:] B", "de", "A Fähre B"),
        ("<!--:en-->The ferry<!--:--><!--:de-->Die Fähre<!--:-->", "de-at", "Die Fähre"),
        ("{:en}The ferry{:}{:de}Die Fähre{:}", "de", "Die Fähre"),
        ("[:pt-br]Barca[:pt]Barco[:]", "pt", "Barco"),
        ("no marks: none", "de", "no marks: none"),
    ],
)
def test_of_a_text_in_several_languages_one_is_taken(text: str, language: str, wanted: str) -> None:
    assert shortcodes.in_language(text, language) == wanted


def test_the_language_of_what_was_taken_is_known() -> None:
    assert shortcodes.language_in("[:en]The ferry[:de]Die Fähre[:]", "de-at") == "de-at"
    assert shortcodes.language_in("[:en]The ferry[:de]Die Fähre[:]", "fr") == "en"
    assert shortcodes.language_in("The ferry", "fr") == ""


def test_a_long_first_paragraph_is_found_whole_behind_much_that_is_none() -> None:
    first = "The ferry crosses the harbour. " * 60
    text = f"<div class='toc'>{'<p>Contents</p>' * 200}</div><p>{first}</p><p>Later.</p>"
    assert body.first_paragraph(text) == first.strip()


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
