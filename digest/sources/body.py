"""A post's whole text -> its teaser and its length: "read more", paragraphs. Pure."""

from __future__ import annotations

import re

from digest.sources import bounds, clean
from digest.sources.markup import without_elements, without_pairs
from digest.sources.shortcodes import ADDRESS, without_embeds, without_shortcodes

OPENING = 1_000
"""Characters in which the first paragraph is looked for; one that is cut off there is looked for in all of the text."""

_MORE = re.compile(r"<!--more(?:\s[^<>]*)?-->")
_NO_TEXT = re.compile(r"<(figure|h[1-6]|script|style|table|pre|iframe|form|svg|aside|noscript)\b[^<>]*>", re.I)
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*>", re.I)
_INLINE = re.compile(r"</?(?:a|abbr|b|cite|code|em|i|mark|small|span|strong|sub|sup|u)\b[^<>]*>", re.I)
_TAG = re.compile(r"<[^<>]*>")
_COMMENTS = {"<!--": "-->"}


def before_more(text: str) -> str:
    """What a writer put before "read more"; "" where there is none."""
    found = _MORE.search(text)
    return text[: found.start()] if found else ""


def first_paragraph(text: str) -> str:
    """The first one with words in it; headings, pictures, scripts and a film's address are none."""
    text = without_elements(text[: bounds.TEXT], _NO_TEXT, "\n\n")
    for length in (OPENING, bounds.TEXT):  # most begin at once, and need not be read to their end
        found = [*filter(_says_something, clean.paragraphs(text[:length]))]
        if len(found) > 1 or len(text) <= length:
            return found[0] if found else ""
    return found[0] if found else ""


def _says_something(paragraph: str) -> bool:
    return re.search(r"\w", paragraph) is not None and not ADDRESS.fullmatch(paragraph)


def teaser(text: str, *excerpts: str) -> str:
    """The first excerpt that says something, else what stands before "read more", else the first paragraph."""
    for excerpt in excerpts:
        if excerpt and (found := clean.summary(without_shortcodes(excerpt))):
            return found
    bare = without_embeds(without_shortcodes(text[: bounds.TEXT]))
    opening = before_more(bare)
    found = clean.summary(without_elements(opening, _NO_TEXT)) if opening else ""
    return found or clean.summary_of([first_paragraph(bare)])


def count_words(text: str) -> int | None:
    """Of an HTML text; None for an empty one."""
    bare = _INLINE.sub("", without_embeds(without_shortcodes(without_elements(text[: bounds.TEXT], _SCRIPT))))
    return clean.count_words(_bare(bare)) or None


def _bare(text: str) -> str:
    return _TAG.sub(" ", without_pairs(text, _COMMENTS))
