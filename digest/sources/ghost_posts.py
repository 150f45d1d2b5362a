"""A post of Ghost, and what its other tables say of it -> an Article. Pure; ghost.py asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from string import Formatter
from typing import Any

from digest.model.article import Article, Comment, Image
from digest.sources import body, bounds, clean
from digest.sources.checked import checked
from digest.sources.dedupe import is_web_url
from digest.sources.instants import instant_of
from digest.sources.language import language_code, with_languages
from digest.sources.numbers import count_of
from digest.sources.readers import ReaderOptions
from digest.sources.sentences import shortened

_HERE = "__GHOST_URL__"
_PLACES = {"slug", "id", "year", "month", "day", "primary_tag", "primary_author"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ReaderOptions):
    """A Ghost database, read with an account that may only read.

    url               SQLAlchemy URL: mysql://reader:PASSWORD@db.example.org/ghost, sqlite:////var/lib/ghost/data/ghost.db
    home              address of the site; Ghost keeps it in its config, not in the database
    permalink         as in routes.yaml; {slug}, {id}, {year}, {month}, {day}, {primary_tag}, {primary_author}
    visibility        of the posts that are read, comma-separated: public, members, paid, tiers
    topics            added to every article, comma-separated
    comments          how many of the newest are kept of each article
    comment_days      how long after its publication an article is read again for its comments
    overlap_minutes   how far before the cursor each reading starts
    lists             slugs of Ghost's own newsletters whose members are readers, comma-separated; "" is all active ones
    """

    url: str
    home: str
    permalink: str = "/{slug}/"
    visibility: str = "public"
    topics: str = ""
    comments: int = 3
    comment_days: int = 8
    overlap_minutes: int = 60
    lists: str = ""

    def __post_init__(self) -> None:
        self.check_readers()
        if not is_web_url(self.home):
            raise ValueError("home: write https://example.org")
        unknown = [name for _, name, _, _ in Formatter().parse(self.permalink) if name and name not in _PLACES]
        if unknown:
            raise ValueError(f"permalink: there is no {{{unknown[0]}}}; there are: {', '.join(sorted(_PLACES))}")


def read(
    row: Mapping[str, Any],
    authors: Sequence[Any],
    tags: Sequence[Any],
    count: int | None,
    comments: Sequence[Any],
    *,
    options: Options,
    locale: str,
) -> Article:
    """What is done in a child process; ValueError says why it is no article."""
    return with_languages([checked(_article(row, authors, tags, count, comments, options, locale))])[0]


def _article(
    row: Mapping[str, Any],
    authors: Sequence[Any],
    tags: Sequence[Any],
    count: int | None,
    comments: Sequence[Any],
    options: Options,
    locale: str,
) -> Article:
    published_at = instant_of(row["published_at"])
    if published_at is None:
        raise ValueError("has no date")
    home = options.home.rstrip("/")
    own = home + "/" + _path(row, options, published_at, authors, tags).lstrip("/")
    canonical, picture = (_here(row[name], home) for name in ("canonical_url", "feature_image"))
    text, plain = str(row["html"] or ""), str(row["plaintext"] or "")
    summary = body.teaser(
        text or escape(plain), *(escape(str(row.get(name) or "")) for name in ("custom_excerpt", "auto_excerpt"))
    )
    title = clean.line(str(row["title"] or "")) or shortened(summary, 80)
    if not title:
        raise ValueError("has neither a title nor a text")
    return Article(
        key=str(row["id"]),
        url=canonical if is_web_url(canonical) else own,
        title=title[:300],
        published_at=published_at,
        authors=_texts([each.name for each in authors]),
        summary=summary,
        image=Image(src=picture, alt=clean.line(str(row.get("feature_image_alt") or "")))
        if is_web_url(picture)
        else None,
        topics=_texts([*(each.name for each in tags), *options.topics.split(",")]),
        language=language_code(str(row["locale"] or locale)),
        words=body.count_words(text or escape(plain)),
        minutes=count_of(str(row.get("reading_time") or ""), "minutes") or None,
        comment_count=count,
        comments=tuple(
            Comment(
                author=clean.line(str(each.name or "")),
                text=clean.summary(str(each.html or "")),
                url=f"{own}#ghost-comments",
            )
            for each in comments
        ),
    )


def _here(value: object, home: str) -> str:
    """Ghost writes a mark for the site's address; what begins with a slash is of the site too."""
    text = str(value or "").strip().replace(_HERE, home)
    return home + text if text.startswith("/") and not text.startswith("//") else text


def _path(row: Any, options: Options, at: datetime, authors: Sequence[Any], tags: Sequence[Any]) -> str:
    return options.permalink.format(
        slug=row["slug"],
        id=row["id"],
        year=f"{at:%Y}",
        month=f"{at:%m}",
        day=f"{at:%d}",
        primary_tag=tags[0].slug if tags else "all",
        primary_author=authors[0].slug if authors else "all",
    )


def _texts(values: Sequence[str | None]) -> tuple[str, ...]:
    texts = [clean.line(value)[:120] for value in values[: bounds.FEW] if value]
    return tuple(dict.fromkeys(text for text in texts if text))
