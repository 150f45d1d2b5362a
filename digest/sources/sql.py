"""Any database that SQLAlchemy reads, by a query or a table -> Articles. Read-only, in pages, with a (date, id) cursor."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    column,
    create_engine,
    literal_column,
    make_url,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from digest.errors import SourceMalformed, SourceUnreachable
from digest.model.article import Article, Image
from digest.model.source import Collected, Cursor
from digest.sources import clean
from digest.sources.dedupe import is_web_url
from digest.sources.fetch import Fetcher

PAGE = 1_000

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
    "comment_count",
    "reviewer",
    "reviewed_at",
    "citation",
)
"""What a column can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A database and what to read there.

    url               SQLAlchemy URL of the site's database; use an account that may only read
    query             a SELECT that gives the columns below; or
    table             a table or view, with `columns` saying which of its columns is which: {"title": "headline"}
    url_format        "https://example.org/{slug}" where no column holds the whole address; any column may stand in it
    separator         between authors, and between topics, in one text column; JSON lists are understood as they are
    time_zone         of dates that come without one
    overlap_minutes   how far before the cursor each reading starts: posts may appear with an earlier date
    """

    url: str
    query: str = ""
    table: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    url_format: str = ""
    separator: str = ","
    time_zone: str = "UTC"
    overlap_minutes: int = 60

    def __post_init__(self) -> None:
        if bool(self.query) == bool(self.table):
            raise ValueError("give either query or table")
        unknown = [name for name in self.columns if name not in FIELDS]
        if unknown:
            raise ValueError(f"columns: there is no field {unknown[0]!r}; there are: {', '.join(FIELDS)}")
        ZoneInfo(self.time_zone)

    def column_of(self, name: str) -> str:
        return self.columns.get(name, name)


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """Rows from the cursor, less the overlap, up to `now`, oldest first, a thousand at a time."""
    del fetcher
    place = _place(options)
    try:
        engine = create_engine(options.url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as cause:
        raise SourceUnreachable(f"{place}: {cause}") from cause
    try:
        with engine.connect() as connection:
            yield from _pages(connection, options, cursor, now)
    except SQLAlchemyError as cause:
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        raise SourceUnreachable(
            f"{place}: {reason}; check the {'query' if options.query else 'table and columns'} of the source"
        ) from cause
    finally:
        engine.dispose()


def _pages(connection: Connection, options: Options, cursor: Cursor, now: datetime) -> Iterator[Collected]:
    source, at, key = _source(options)
    first = connection.execute(select(at).select_from(source).where(at.is_not(None)).limit(1)).scalar()
    if first is None:
        return
    start = cursor.at - timedelta(minutes=options.overlap_minutes) if cursor.at else None
    last: tuple[Any, Any] | None = None
    reached = cursor
    while True:
        query: Select[Any] = (
            select(literal_column("*")).select_from(source).where(at.is_not(None)).order_by(at, key).limit(PAGE)
        )
        if start is not None:
            query = query.where(at >= _like(first, start, options))
        if last is not None:
            query = query.where(or_(at > last[0], and_(at == last[0], key > last[1])))
        rows = [dict(row) for row in connection.execute(query).mappings()]
        due = [row for row in rows if _instant_of(row, options) <= now]
        articles, refused = _articles(due, options)
        if articles and (reached.at is None or articles[-1].published_at >= reached.at):
            reached = Cursor(at=articles[-1].published_at, key=articles[-1].key)
        if articles or refused:
            yield Collected(articles=tuple(articles), refused=tuple(refused), cursor=reached)
        if len(due) < PAGE:
            return
        last = (rows[-1][options.column_of("published_at")], rows[-1][options.column_of("key")])


def _source(options: Options) -> tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]:
    names = options.column_of("published_at"), options.column_of("key")
    if options.query:
        # the admin's own SQL, from the config: it is meant to be run as it is
        found: FromClause = text(options.query.rstrip().rstrip(";")).columns(*map(column, names)).subquery("articles")
    else:
        schema, _, name = options.table.rpartition(".")
        found = table(name, *map(column, names), schema=schema or None)
    return found, found.c[names[0]], found.c[names[1]]


def _like(first: object, at: datetime, options: Options) -> object:
    """A lower bound of the same type as the dates in that column; a text is compared by its day."""
    local = at.astimezone(ZoneInfo(options.time_zone))
    if isinstance(first, str):
        return local.date().isoformat()
    if isinstance(first, datetime):
        return at if first.tzinfo else local.replace(tzinfo=None)
    return local.date()


def _articles(rows: Sequence[Mapping[str, Any]], options: Options) -> tuple[list[Article], list[str]]:
    articles: list[Article] = []
    refused: list[str] = []
    for row in rows:
        try:
            articles.append(_article(row, options))
        except (ValueError, KeyError) as cause:
            refused.append(f"row {row.get(options.column_of('key'), '?')}: {cause}")
    return articles, refused


def _article(row: Mapping[str, Any], options: Options) -> Article:
    def value(name: str) -> Any:
        found = row.get(options.column_of(name))
        return "" if found is None else found

    url = options.url_format.format_map(dict(row)) if options.url_format else str(value("url"))
    title = clean.title(str(value("title")))
    if not is_web_url(url):
        raise ValueError(f"its url {url[:80]!r} is no web address")
    if not title:
        raise ValueError("has no title")
    image = str(value("image"))
    return Article(
        key=str(value("key") or url),
        url=url,
        title=title[:300],
        published_at=_instant_of(row, options),
        authors=_texts(value("authors"), options.separator),
        summary=clean.summary(str(value("summary"))),
        image=Image(src=image, alt=clean.plain_text(str(value("image_alt")))) if is_web_url(image) else None,
        topics=_texts(value("topics"), options.separator),
        language=str(value("language")).lower()[:12],
        words=_number(value("words")),
        minutes=_number(value("minutes")),
        comment_count=_number(value("comment_count")),
        reviewer=clean.plain_text(str(value("reviewer"))),
        reviewed_at=_instant(value("reviewed_at"), options) if value("reviewed_at") else None,
        citation=clean.plain_text(str(value("citation"))),
    )


def _instant_of(row: Mapping[str, Any], options: Options) -> datetime:
    name = options.column_of("published_at")
    if name not in row:
        raise SourceMalformed(f"there is no column {name!r}; there are: {', '.join(row)}")
    return _instant(row[name], options)


def _instant(value: object, options: Options) -> datetime:
    """Aware UTC from a datetime, a date, ISO text, or seconds since 1970."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError as cause:
            raise SourceMalformed(f"{value!r} in {options.column_of('published_at')!r} is no ISO date") from cause
    if not isinstance(value, datetime):
        if not isinstance(value, date):
            raise SourceMalformed(f"{value!r} is no date")
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  the zone follows
    return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(options.time_zone))).astimezone(UTC)


def _texts(value: object, separator: str) -> tuple[str, ...]:
    """A list, a JSON list, or texts between separators."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    parts = value if isinstance(value, list | tuple) else str(value).split(separator)
    texts = [clean.plain_text(str(part)) for part in parts if part is not None]
    return tuple(dict.fromkeys(text for text in texts if text))


def _number(value: object) -> int | None:
    try:
        return int(str(value)) if value not in ("", None) else None
    except ValueError:
        return None


def _place(options: Options) -> str:
    try:
        return make_url(options.url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the database URL"
