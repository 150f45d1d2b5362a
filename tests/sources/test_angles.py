"""What a "<" begins: a tag, or a word."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest

from digest.sources import clean

SPOKEN_OF = [
    "Where to put the <script> tag in a page",
    "How should <dialog> behave?",
    "The <dialog> element",
    "<dialog> is here",
    "A guide to <head> elements",
    "Styles: <style>, <template> and <iframe>",
    "List<String> in Java",
    "Map<String, List<Integer>>",
    "#include <vector> is enough",
    "Tom <tom@example.org>",
    "See <https://example.org/a>",
    "git clone <repo-url>",
    "Use <b> or <strong>?",
    "Use <header>, <main> and <footer>",
    "The <img> and <input> elements",
    "Forgetting </body>",
    "</kubernetes>",
    "Intent to unship: <a> as <area> in image maps",
    "How should <selectedoption> work?",
    "新しい<dialog>要素の使い方",
    "Why <!DOCTYPE html> matters",
    "What does <?php mean?",
    "if a<b and b>c then",
    "5 < 6, I <3 it, </3",
]


@pytest.mark.parametrize("title", SPOKEN_OF)
@pytest.mark.parametrize("escape", [html.escape, lambda text: text], ids=["as HTML says", "not escaped"])
def test_a_title_keeps_the_word_it_is_about(title: str, escape: Callable[[str], str]) -> None:
    assert clean.title(escape(title)) == title


@pytest.mark.parametrize("text", SPOKEN_OF)
def test_a_text_keeps_what_it_says_about_markup(text: str) -> None:
    assert clean.plain_text(f"<p>{html.escape(text)}</p><p>It goes on.</p>") == f"{text} It goes on."
    assert clean.line(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Put the <script> tag at the end of the page",
        "Open a <dialog> and close it",
        "It returns List<String> or Map<K, V>",
        "Write to Tom <tom@example.org> today",
        "Use <b> or <strong> here",
        "x<y",
        "新しい<dialog>要素の使い方",
    ],
)
def test_what_was_not_escaped_in_a_text_is_a_word_where_it_stands_as_one(text: str) -> None:
    assert clean.plain_text(f"<p>{text}</p>") == text
    assert clean.summary(text) == text


@pytest.mark.parametrize(
    ("foreign", "text"),
    [
        ("<p>Some <b>bold words", "Some bold words"),
        ("<p>One <p>Two <li>Three", "One Two Three"),
        ("Text.<section>More", "Text. More"),
        ("One <my-note>two</my-note> <o:p></o:p>three", "One two three"),
        ('One <youtube id="1"> two', "One two"),
        ("<html><body>Text", "Text"),
        ('<iframe src="x" /> Text', "Text"),
        ("Text <iframe src=x>goes on", "Text goes on"),
        ("Text<script>var a = 1 < 2; that is cut", "Text"),
        ("<![CDATA[<p>Text</p>]]>", "Text"),
        ('<a title="a > b" href="/">Text</a>', "Text"),
    ],
)
def test_what_is_a_tag_is_none_of_the_words(foreign: str, text: str) -> None:
    assert clean.plain_text(foreign) == text
