"""Rows of a file -> Articles, or why not. Pure; flows/importing.py reads the file and writes the rows."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from digest.errors import BadInput
from digest.model.article import Article, Comment, Image
from digest.sources import clean
from digest.sources.angles import has_elements
from digest.sources.checked import check_url, checked
from digest.sources.dedupe import canonical_url, is_web_url
from digest.sources.links import joined

FIELDS = (
    "key",
    "url",
    "title",
    "published_at",
    "authors",
    "summary",
    "image",
    "image_alt",
    "topics",
    "language",
    "words",
    "minutes",
    "reads",
    "comment_count",
    "comments",
    "reviewer",
    "reviewed_at",
    "citation",
)
ALIASES = {
    "id": "key",
    "guid": "key",
    "link": "url",
    "published": "published_at",
    "date": "published_at",
    "author": "authors",
}
REQUIRED = ("url", "title", "published_at")


def columns_of(header: Sequence[str]) -> list[str]:
    """Field name for each column; BadInput names an unknown column and what it may have meant."""
    names = [name.strip().lower() for name in header]
    known = [ALIASES.get(name, name) for name in names]
    for name in known:
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            raise BadInput(
                f"unknown column {name!r}; "
                + (f"did you mean {near[0]}?" if near else f"there are: {', '.join(FIELDS)}")
            )
    missing = next((name for name in REQUIRED if name not in known), None)
    if missing is not None:
        raise BadInput(f"the file has no column {missing!r}; an article needs {', '.join(REQUIRED)}")
    return known


def article_of(row: Mapping[str, Any], *, is_typed: bool = False) -> Article:
    """The article of one row; ValueError says which field is wrong, and why.

    is_typed   a person typed it: "<b>" or "&amp;" is what it says, unless an element is closed
    """
    try:
        return checked(_article_of(row, is_typed))
    except RecursionError as cause:
        raise ValueError("is nested too deeply") from cause


def _article_of(row: Mapping[str, Any], is_typed: bool) -> Article:
    for name, cell in row.items():
        if "\0" in str(cell):
            raise ValueError(f"{name}: contains a NUL byte")
    url = joined("", str(row.get("url") or ""))
    if not is_web_url(url):
        check_url("url", url or str(row.get("url") or ""))

    def said(text: str, read: Callable[[str], str] = clean.plain_text) -> str:
        return clean.line(text) if is_typed and not has_elements(text) else read(text)

    title = said(str(row.get("title") or ""), clean.title)
    if not title:
        raise ValueError("title: empty")
    given = row.get("image") or ""
    if isinstance(given, Mapping):
        image, alt = str(given.get("src") or ""), str(given.get("alt") or "")
    else:
        image, alt = str(given), str(row.get("image_alt") or "")
    if image := joined("", image) or image:
        check_url("image", image)
    published_at = _instant(row.get("published_at"), "published_at")
    if published_at is None:
        raise ValueError("published_at: empty")
    return Article(
        key=str(row.get("key") or canonical_url(url)),
        url=url,
        title=title[:300],
        published_at=published_at,
        authors=_texts(row.get("authors"), said),
        summary=clean.summary_of([said(str(row.get("summary") or ""), clean.summary)]),
        image=Image(src=image, alt=said(alt)) if image else None,
        topics=_texts(row.get("topics"), said),
        language=str(row.get("language") or "")[:12],
        words=_number(row.get("words"), "words"),
        minutes=_number(row.get("minutes"), "minutes"),
        reads=_number(row.get("reads"), "reads"),
        comment_count=_number(row.get("comment_count"), "comment_count"),
        comments=_comments(row.get("comments")),
        reviewer=said(str(row.get("reviewer") or "")),
        reviewed_at=_instant(row.get("reviewed_at"), "reviewed_at"),
        citation=said(str(row.get("citation") or "")),
    )


def _instant(value: object, name: str) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        at = datetime.fromisoformat(str(value).strip())
    except ValueError as cause:
        raise ValueError(f"{name}: {str(value)[:40]!r} is no ISO date") from cause
    try:
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except OverflowError as cause:
        raise ValueError(f"{name}: {at.isoformat()} is at the end of the calendar") from cause


def _number(value: object, name: str) -> int | None:
    if value in (None, ""):
        return None
    try:
        number = int(str(value))
    except ValueError as cause:
        raise ValueError(f"{name}: {str(value)[:40]!r} is no whole number") from cause
    if number < 0:
        raise ValueError(f"{name}: {number} is below zero")
    return number


def _texts(value: object, said: Callable[[str], str]) -> tuple[str, ...]:
    """A list, or texts between ";" or ","."""
    if value in (None, ""):
        return ()
    if isinstance(value, str):
        value = value.split(";" if ";" in value else ",")
    if not isinstance(value, list | tuple):
        raise ValueError(f"{str(value)[:40]!r} is no list of texts")
    texts = [said(str(part)) for part in value]
    return tuple(dict.fromkeys(text for text in texts if text))


def _comments(value: object) -> tuple[Comment, ...]:
    """A list of {"author", "text", "url"}, in CSV as JSON."""
    if value in (None, ""):
        return ()
    try:
        parsed: Any = json.loads(value) if isinstance(value, str) else value
        return tuple(
            Comment(
                author=clean.plain_text(str(each.get("author") or "")),
                text=clean.summary(str(each["text"])),
                url=url if is_web_url(url := joined("", str(each.get("url") or ""))) else "",
            )
            for each in parsed
        )
    except (ValueError, TypeError, AttributeError, KeyError) as cause:
        raise ValueError("comments: not a list of {author, text, url}") from cause
