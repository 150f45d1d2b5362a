"""A row of somebody's database -> an Article. Pure; sql.py asks for the rows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from string import Formatter
from typing import Annotated, Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from digest.errors import SourceMalformed
from digest.model.article import Article, Comment, Image
from digest.model.setting import Setting
from digest.sources import bounds, clean, importing
from digest.sources.checked import checked
from digest.sources.dedupe import is_web_url
from digest.sources.language import language_code, with_languages
from digest.sources.links import joined
from digest.sources.readers import ReaderOptions

FIELDS = tuple(field for field in importing.FIELDS if field != "comments")  # they have a query of their own
"""What a column can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ReaderOptions):
    """A database and what to read there.


    The first two may hold `IN :keys`, which makes sure that only some articles' rows are looked at; a query without it
    becomes a subquery.
    """

    url: Annotated[
        str, Setting(help="SQLAlchemy URL of the site's database; use an account that may only read", is_secret=True)
    ]
    query: Annotated[str, Setting(help="a SELECT that gives the columns below; or")] = ""
    table: Annotated[str, Setting(help="a table or view, with `columns` saying which of its columns is which")] = ""
    columns: Annotated[
        dict[str, str], Setting(help='of the table, by what they are called here: {"title": "headline"}')
    ] = field(default_factory=dict)
    url_format: Annotated[
        str,
        Setting(
            help='"https://example.org/{slug}" where no column holds the whole address; any column may stand in it'
        ),
    ] = ""
    separator: Annotated[
        str,
        Setting(help="between authors, and between topics, in one text column; JSON lists are understood as they are"),
    ] = ","
    time_zone: Annotated[str, Setting(help="of dates that come without one")] = "UTC"
    overlap_minutes: Annotated[
        int,
        Setting(
            help="how far before the cursor each reading starts: posts may appear with an earlier date",
            unit="minutes",
            least=0,
        ),
    ] = 60
    topics_query: Annotated[
        str, Setting(help="a SELECT of `key` (the article's) and `topic`, where topics are rows of their own")
    ] = ""
    comments_query: Annotated[
        str, Setting(help="a SELECT of `key`, `author`, `text`, and if you have them `at` and `url`")
    ] = ""
    comments: Annotated[int, Setting(help="how many of them are kept of each article: the newest by `at`", least=0)] = 3
    readers_query: Annotated[
        str,
        Setting(
            help="a SELECT of `address`, and if there are the other columns of a file of readers, `key` and `subscribed`"
        ),
    ] = ""

    def __post_init__(self) -> None:
        if bool(self.query) == bool(self.table) and (self.query or not self.readers_query):
            raise ValueError("give either query or table")
        unknown = [name for name in self.columns if name not in FIELDS]
        if unknown:
            raise ValueError(f"columns: there is no field {unknown[0]!r}; there are: {', '.join(FIELDS)}")
        if self.time_zone not in available_timezones():
            raise ValueError(f"time_zone: there is no {self.time_zone!r}; write Europe/Berlin")

    def column_of(self, name: str) -> str:
        return self.columns.get(name, name)


Said = tuple[str, str, str]
"""Author, text and address of a comment."""


def read(
    row: Mapping[str, Any], topics: Sequence[str], comments: Sequence[Said], count: int | None, *, options: Options
) -> Article:
    """What is done in a child process.

    topics, comments   of queries of their own
    count              of comments, where the row does not say
    """
    article = _article(row, options)
    if topics:
        more = [clean.title(topic) for topic in topics[: bounds.FEW]]
        article = replace(article, topics=tuple(dict.fromkeys(filter(None, (*article.topics, *more)))))
    if comments:
        article = replace(
            article,
            comments=tuple(
                Comment(
                    author=clean.title(author),
                    text=clean.summary(text),
                    url=there if is_web_url(there := joined("", url)) else "",
                )
                for author, text, url in comments
            ),
        )
    if count is not None and article.comment_count is None:
        article = replace(article, comment_count=count)
    return with_languages([checked(article)])[0]


def _article(row: Mapping[str, Any], options: Options) -> Article:
    def value(name: str) -> Any:
        found = row.get(options.column_of(name))
        return "" if found is None else found

    url = _formatted(options.url_format, row) if options.url_format else joined("", str(value("url")))
    title = clean.title(str(value("title")))
    if not is_web_url(url):
        raise ValueError(f"its url {(url or str(value('url')))[:80]!r} is no web address")
    if not title:
        raise ValueError("has no title")
    image = joined("", str(value("image")))
    return Article(
        key=str(value("key") or url),
        url=url,
        title=title[:300],
        published_at=instant_of(row, options),
        authors=_texts(value("authors"), options.separator),
        summary=clean.summary(str(value("summary"))),
        image=Image(src=image, alt=clean.title(str(value("image_alt")))) if is_web_url(image) else None,
        topics=_texts(value("topics"), options.separator),
        language=language_code(str(value("language"))),
        words=_number(value("words")),
        minutes=_number(value("minutes")),
        reads=_number(value("reads")),
        comment_count=_number(value("comment_count")),
        reviewer=clean.plain_text(str(value("reviewer"))),
        reviewed_at=instant(value("reviewed_at"), options) if value("reviewed_at") else None,
        citation=clean.plain_text(str(value("citation"))),
    )


class _Quoting(Formatter):
    """What stands in an address for a column cannot end its host, or hold a space."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            raise ValueError("url_format: one of its columns is empty")
        return quote(str(super().format_field(value, format_spec)), safe="/%?=&#~:@!$'()*+,;")


@lru_cache(maxsize=64)
def _parts(pattern: str) -> tuple[tuple[str, str | None], ...] | None:
    """The texts of a pattern, and the column behind each; None for one that is more than names in braces."""
    parts = [*Formatter().parse(pattern)]
    is_plain = all(name is None or (name.isidentifier() and not form and not way) for _, name, form, way in parts)
    return tuple((text, name) for text, name, _, _ in parts) if is_plain else None


def _formatted(pattern: str, row: Mapping[str, Any]) -> str:
    quoting, parts = _Quoting(), _parts(pattern)
    if parts is None:
        url = quoting.vformat(pattern, (), row)
    else:  # in a fifth of the time
        url = "".join(text if name is None else text + quoting.format_field(row[name], "") for text, name in parts)
    host = pattern.partition("://")[2].partition("/")[0]
    first, last = host.partition("{")[0], host.rpartition("}")[2]
    found = urlsplit(url).netloc
    is_there = (
        found == first if first and (not last or last == host) else found.startswith(first) and found.endswith(last)
    )
    if not is_there:
        raise ValueError(f"its url {url[:80]!r} leads away from {first or last}")
    return url


def instant_of(row: Mapping[str, Any], options: Options) -> datetime:
    name = options.column_of("published_at")
    if name not in row:
        raise SourceMalformed(f"there is no column {name!r}; there are: {', '.join(row)}")
    return instant(row[name], options)


def instant(value: object, options: Options) -> datetime:
    """Aware UTC from a datetime, a date, ISO text, or seconds since 1970."""
    if isinstance(value, int | float | Decimal):
        try:
            return datetime.fromtimestamp(float(value), UTC)
        except (ValueError, OverflowError, OSError) as cause:
            raise ValueError(f"{str(value)[:40]} is no instant in seconds since 1970") from cause
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError as cause:
            raise ValueError(f"{str(value)[:80]!r} is no ISO date") from cause
    if not isinstance(value, datetime):
        if not isinstance(value, date):
            raise ValueError(f"{str(value)[:80]!r} is no date")
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  the zone follows
    try:
        return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(options.time_zone))).astimezone(UTC)
    except OverflowError as cause:
        raise ValueError(f"{value.isoformat()} is at the end of the calendar") from cause


def _texts(value: object, separator: str) -> tuple[str, ...]:
    """A list, a JSON list, or texts between separators."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value[: bounds.TEXT])
    parts = value if isinstance(value, list | tuple) else str(value).split(separator)
    texts = [clean.title(str(part)) for part in parts[: bounds.FEW] if part is not None]
    return tuple(dict.fromkeys(text for text in texts if text))


def _number(value: object) -> int | None:
    """None for what is no number, or stands for none: -1."""
    try:
        number = int(str(value)[:41]) if value not in ("", None) else None
    except ValueError:
        return None
    return number if number is None or number >= 0 else None
