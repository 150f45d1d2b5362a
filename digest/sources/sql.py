"""Any database that SQLAlchemy reads, by a query or a table -> Articles. Read-only, in pages, with a (date, id) cursor."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    column,
    inspect,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.exc import NoSuchTableError

from digest.errors import SourceMalformed
from digest.model import standing
from digest.model.article import Article, Comment, Image
from digest.model.registration import Registration
from digest.model.source import Collected, Cursor
from digest.sources import clean, database
from digest.sources.dedupe import is_web_url
from digest.sources.fetch import Fetcher
from digest.sources.readers import ReaderOptions

PAGE = 1_000

KEYS = 250
"""So many articles' rows are in memory at once."""

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
    "reviewer",
    "reviewed_at",
    "citation",
)
"""What a column can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ReaderOptions):
    """A database and what to read there.

    url               SQLAlchemy URL of the site's database; use an account that may only read
    query             a SELECT that gives the columns below; or
    table             a table or view, with `columns` saying which of its columns is which: {"title": "headline"}
    url_format        "https://example.org/{slug}" where no column holds the whole address; any column may stand in it
    separator         between authors, and between topics, in one text column; JSON lists are understood as they are
    time_zone         of dates that come without one
    overlap_minutes   how far before the cursor each reading starts: posts may appear with an earlier date
    topics_query      a SELECT of `key` (the article's) and `topic`, where topics are rows of their own
    comments_query    a SELECT of `key`, `author`, `text`, and if you have them `at` and `url`
    comments          how many of them are kept of each article: the newest by `at`
    readers_query     a SELECT of `address`, and if you have them the other columns of a file of readers, `key` and
                      `subscribed`

    The first two may hold `IN :keys`, which makes sure that only some articles' rows are looked at; a query without it
    becomes a subquery.
    """

    url: str
    query: str = ""
    table: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    url_format: str = ""
    separator: str = ","
    time_zone: str = "UTC"
    overlap_minutes: int = 60
    topics_query: str = ""
    comments_query: str = ""
    comments: int = 3
    readers_query: str = ""

    def __post_init__(self) -> None:
        self.check_readers()
        if bool(self.query) == bool(self.table) and (self.query or not self.readers_query):
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
    if not options.query and not options.table:  # it is there for its readers
        return
    hint = f"check the {'query' if options.query else 'table and columns'} of the source"
    with database.opened(options.url, hint=hint) as connection:
        yield from _pages(connection, options, cursor, now)


def columns_of(connection: Connection, table: str) -> list[str]:
    """Of a table or a view, "schema.name" or "name"; SourceMalformed when there is none of that name."""
    schema, _, name = table.rpartition(".")
    try:
        return [each["name"] for each in inspect(connection).get_columns(name, schema=schema or None)]
    except NoSuchTableError:
        there = inspect(connection)
        names = sorted([*there.get_table_names(schema or None), *there.get_view_names(schema or None)])
        raise SourceMalformed(f"there is no table {table!r}; there are: {', '.join(names) or 'none'}") from None


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
        articles = _with_rows_of_their_own(connection, articles, due, options)
        if articles and (reached.at is None or articles[-1].published_at >= reached.at):
            reached = Cursor(at=articles[-1].published_at, key=articles[-1].key)
        if articles or refused:
            yield Collected(articles=tuple(articles), refused=tuple(refused), cursor=reached)
        if len(due) < PAGE:
            return
        last = (rows[-1][options.column_of("published_at")], rows[-1][options.column_of("key")])


def _with_rows_of_their_own(
    connection: Connection, articles: Sequence[Article], rows: Sequence[Mapping[str, Any]], options: Options
) -> list[Article]:
    """Topics and comments from queries of their own, for one page of articles at a time."""
    keys = [row[options.column_of("key")] for row in rows]
    topics: dict[str, list[str]] = {}
    if options.topics_query and articles:
        for row in _rows_of(connection, options.topics_query, ("key", "topic"), keys, "topics_query"):
            topics.setdefault(str(row["key"]), []).append(clean.plain_text(str(row["topic"] or "")))
    counts, comments = _comments(connection, keys, options) if options.comments_query and articles else ({}, {})
    if not options.topics_query and not options.comments_query:
        return list(articles)
    return [
        replace(
            each,
            topics=tuple(dict.fromkeys(filter(None, (*each.topics, *topics.get(each.key, ()))))),
            comments=comments.get(each.key, ()),
            comment_count=counts.get(each.key, 0)
            if each.comment_count is None and options.comments_query
            else each.comment_count,
        )
        for each in articles
    ]


def _comments(
    connection: Connection, keys: Sequence[Any], options: Options
) -> tuple[dict[str, int], dict[str, tuple[Comment, ...]]]:
    """How many there are, and the newest ones: by `at` where there is one, else the first ones as they come."""
    counts: dict[str, int] = {}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in _rows_of(connection, options.comments_query, ("key", "author", "text"), keys, "comments_query"):
        key = str(row["key"])
        counts[key] = counts.get(key, 0) + 1
        kept = found.setdefault(key, [])
        kept.append(row)
        if len(kept) > 10 * max(options.comments, 1):  # an article may have ten thousand
            found[key] = _newest(kept, options)
    comments = {
        key: tuple(
            Comment(
                author=clean.plain_text(str(row["author"] or "")),
                text=clean.summary(str(row["text"] or "")),
                url=url if is_web_url(url := str(row.get("url") or "")) else "",
            )
            for row in _newest(kept, options)
        )
        for key, kept in found.items()
    }
    return counts, comments


def _newest(rows: Sequence[Mapping[str, Any]], options: Options) -> list[Mapping[str, Any]]:
    if rows and "at" in rows[0]:
        rows = sorted((row for row in rows if row["at"] is not None), key=lambda row: row["at"], reverse=True)
    return list(rows[: max(options.comments, 0)])


def _rows_of(
    connection: Connection, query: str, wanted: Sequence[str], keys: Sequence[Any], name: str
) -> Iterator[Mapping[str, Any]]:
    """Rows of an admin's query for these keys; SourceMalformed when a column is missing."""
    bare = query.rstrip().rstrip(";")
    for start in range(0, len(keys), KEYS):
        part = {"keys": list(keys[start : start + KEYS])}
        if ":keys" in bare:
            statement: Any = text(bare).bindparams(bindparam("keys", expanding=True))
        else:
            found = text(bare).columns(column("key")).subquery("rows_of")
            chosen = found.c.key.in_(bindparam("keys", expanding=True))
            statement = select(literal_column("*")).select_from(found).where(chosen)
        result = connection.execute(statement, part).mappings()
        missing = [each for each in wanted if each not in result.keys()]  # noqa: SIM118  no mapping, but its columns
        if missing:
            raise SourceMalformed(f"{name}: there is no column {missing[0]!r}; there are: {', '.join(result.keys())}")
        yield from map(dict, result)


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
        reads=_number(value("reads")),
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
            raise SourceMalformed(f"{value!r} is no ISO date") from cause
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


# --- readers ---------------------------------------------------------------------------------------------------------

_OWN = {"key", "subscribed", "consent", "consent_at", "joined_at", "consent_origin", "name", "language", "time_zone"}


def readers(options: Options, *, now: datetime) -> Iterator[list[Registration]]:
    """Rows of readers_query by their key, else by their address, in pages."""
    del now
    if not options.readers_query:
        raise SourceMalformed("this source has no readers_query; it says where its readers are")
    with database.opened(options.url, hint="check the readers_query of the source") as connection:
        yield from _readers(connection, options)


def _readers(connection: Connection, options: Options) -> Iterator[list[Registration]]:
    bare = options.readers_query.rstrip().rstrip(";")
    names = set(connection.execute(select(literal_column("*")).select_from(_sub(bare)).limit(0)).keys())
    if "address" not in names:
        raise SourceMalformed(f"readers_query: there is no column 'address'; there are: {', '.join(sorted(names))}")
    found = _sub(bare, "key", "address")
    key = found.c["key" if "key" in names else "address"]
    last: Any = None
    while True:
        every: Select[Any] = select(literal_column("*")).select_from(found).where(key.is_not(None)).order_by(key)
        query = every.limit(database.PEOPLE)
        rows = connection.execute(query if last is None else query.where(key > last)).mappings().all()
        if rows:
            yield [_registration(dict(row), key.name, options) for row in rows]
            last = rows[-1][key.name]
        if len(rows) < database.PEOPLE:
            return


def _sub(query: str, *names: str) -> Any:
    # the admin's own SQL, from the config: it is meant to be run as it is
    return text(query).columns(*map(column, names)).subquery("readers")


def _wants(text: str) -> bool:
    """Nothing is a no; SourceMalformed for a word that nobody knows: it is never guessed to be a yes."""
    found = standing.said(standing.Column.WANTING, "subscribed", text)
    if found is standing.Said.UNCLEAR:
        raise SourceMalformed(f"readers_query: subscribed is {text[:60]!r}; let the query make it 1 or 0")
    return found is standing.Said.WANTS


def _registration(row: Mapping[str, Any], key: str, options: Options) -> Registration:
    def said(name: str) -> str:
        value = row.get(name)
        return "" if value is None else str(value)

    since = row.get("consent_at") or row.get("joined_at")
    return Registration(
        key=said(key),
        address=said("address"),
        wants="subscribed" not in row or _wants(said("subscribed")),
        name=said("name"),
        language=said("language"),
        time_zone=said("time_zone"),
        consent=said("consent"),
        consent_at=_instant(since, options) if since else None,
        consent_origin=said("consent_origin"),
        attributes={name: value for name, value in row.items() if name not in _OWN and name != "address"},
    )
