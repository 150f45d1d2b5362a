"""What an article may hold, by type and bound: the one place that says so, for every kind of source and every import. Pure.

What passes here every column, calendar, encoding and parser behind it can take; so nothing that one item says stops another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from digest.model.article import Article
from digest.sources.dedupe import MAX_URL, canonical_url, is_web_url

MAX_KEY = 2_000
"""Octets. PostgreSQL's index takes 2,704 with what stands beside it."""

MAX_CANONICAL = 2_500
MAX_NUMBER = 2**31 - 1
FIRST_YEAR, LAST_YEAR = 1000, 9000
"""Four digits, and room on both sides for zones and windows."""

_LENGTHS = {"title": 300, "summary": 2_000, "language": 12, "reviewer": 2_000, "citation": 10_000, "section": 300}
_LONGEST_NAME = 1_000
_MOST_NAMES = 500
_LANGUAGE = re.compile(r"[A-Za-z0-9_-]*")

T = TypeVar("T")


def checked(article: Article) -> Article:
    """The same; ValueError names the field that cannot be stored or shown, and says why."""
    _check_text("key", article.key, octets=MAX_KEY)
    if "\ufffd" in article.key:
        raise ValueError(f"key: {article.key[:40]!r} holds what is no character")
    check_url("url", article.url)
    for name, longest in _LENGTHS.items():
        _check_text(name, getattr(article, name), characters=longest)
    if not article.key or not article.title:
        raise ValueError(f"{'title' if article.key else 'key'}: empty")
    if not _LANGUAGE.fullmatch(article.language):
        raise ValueError(f"language: {article.language!r} is none")
    for name, texts in (("authors", article.authors), ("topics", article.topics)):
        _check_names(name, texts)
    for name in ("words", "minutes", "reads", "comment_count"):
        _check_number(name, getattr(article, name))
    _check_instant("published_at", article.published_at)
    if article.reviewed_at is not None:
        _check_instant("reviewed_at", article.reviewed_at)
    if article.image is not None:
        check_url("image", article.image.src)
        _check_text("image_alt", article.image.alt, characters=2_000)
    for comment in article.comments[:_MOST_NAMES]:
        _check_text("comments", comment.author, characters=_LONGEST_NAME)
        _check_text("comments", comment.text, characters=2_000)
        if comment.url:
            check_url("comments", comment.url)
    return article


def sifted(
    items: Iterable[T], article_of: Callable[[T], Article | None], name_of: Callable[[T], str]
) -> tuple[list[Article], list[str]]:
    """The articles of those that can be one, and a line for each of the others. None from `article_of`: neither."""
    articles: list[Article] = []
    refused: list[str] = []
    for item in items:
        try:
            if (found := article_of(item)) is not None:
                articles.append(checked(found))
        except Exception as cause:  # whatever one item does to a parser, the next one is read
            refused.append(f"{name_of(item)}: {reason_of(cause)}")
    return articles, refused


def reason_of(cause: Exception) -> str:
    """For people: what is wrong with an item, or that it is our fault."""
    if isinstance(cause, ValueError) and not isinstance(cause, UnicodeError):
        return str(cause)
    return f"digest stumbled over it: {type(cause).__name__}: {cause}"


def storable(text: str) -> str:
    """A line for people that every database, terminal and file can take, whatever it quotes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def check_url(name: str, url: str) -> None:
    if not is_web_url(url):
        long = len(url.encode("utf-8", "replace")) > MAX_URL
        raise ValueError(
            f"{name}: " + (f"longer than {MAX_URL:,} bytes" if long else f"{url[:80]!r} is no web address")
        )
    if len(canonical_url(url).encode()) > MAX_CANONICAL:
        raise ValueError(f"{name}: longer than {MAX_CANONICAL:,} bytes once it is encoded")


def _check_text(name: str, text: str, *, characters: int | None = None, octets: int | None = None) -> None:
    if not text.isprintable():
        for character in text:
            if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r":
                raise ValueError(f"{name}: holds the character {character!r}")
    if characters is not None and len(text) > characters:
        raise ValueError(f"{name}: longer than {characters:,} characters")
    if octets is not None and len(text.encode()) > octets:
        raise ValueError(f"{name}: longer than {octets:,} bytes")


def _check_names(name: str, texts: Sequence[str]) -> None:
    if len(texts) > _MOST_NAMES:
        raise ValueError(f"{name}: more than {_MOST_NAMES}")
    for text in texts:
        _check_text(name, text, characters=_LONGEST_NAME)


def _check_number(name: str, number: int | None) -> None:
    if number is not None and not (isinstance(number, int) and 0 <= number <= MAX_NUMBER):
        raise ValueError(f"{name}: {str(number)[:40]} is not from 0 to {MAX_NUMBER:,}")


def _check_instant(name: str, at: datetime) -> None:
    if at.tzinfo is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"{name}: {at.isoformat()} is not from {FIRST_YEAR} to {LAST_YEAR}")
