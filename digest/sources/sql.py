"""Any database that SQLAlchemy reads, by a query or a table -> Articles. Read-only, in pages, with a (date, id) cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
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

from digest import isolation
from digest.errors import SourceMalformed
from digest.model import standing
from digest.model.article import Article
from digest.model.registration import Registration
from digest.model.source import Ask, Collected, Cursor
from digest.sources import bounds, database
from digest.sources.sql_rows import FIELDS, Options, Said, instant, instant_of, read

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

__all__ = ["FIELDS", "Options", "columns_of", "complete", "pages", "readers"]

PAGE = 1_000

KEYS = 250
"""So many articles' rows are in memory at once."""


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


def complete(options: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """Which column of the table is which; a column that is called as we call it is the answer that Enter gives."""
    found = dict(options)
    if "table" not in found or {"columns", "url_format"} & found.keys():
        return found
    with database.opened(str(found["url"]), hint="check the table of the source") as connection:
        there = columns_of(connection, str(found["table"]))
    note, columns = f"its columns: {', '.join(there)}; Enter for none", {}
    for name in FIELDS[:7]:
        answer = ask(name, note, default=name if name in there else "")
        note = ""
        if answer and answer != name:
            columns[name] = answer
        if name == "url" and not answer:
            found["url_format"] = ask("url_format", "the address with columns in it, https://example.org/{slug}")
    return {**found, "columns": columns} if columns else found


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
        due, undated, is_over = _dated(rows, options, now)
        if undated and not due and not is_over and cursor.at is None and last is None:
            raise SourceMalformed(undated[0].partition(": ")[2])  # not one row: it is the wrong column
        articles, refused = _articles(connection, due, options)
        if articles and (reached.at is None or articles[-1].published_at >= reached.at):
            reached = Cursor(at=articles[-1].published_at, key=articles[-1].key)
        if articles or refused or undated:
            cut = tuple(line for row in due for line in _cuts_of(row, options))
            yield Collected(articles=tuple(articles), refused=(*undated, *refused), cut=cut, cursor=reached)
        if len(rows) < PAGE or is_over:
            return
        last = (rows[-1][options.column_of("published_at")], rows[-1][options.column_of("key")])


def _dated(
    rows: Sequence[dict[str, Any]], options: Options, now: datetime
) -> tuple[list[dict[str, Any]], list[str], bool]:
    """The rows up to `now`, a line for each whose date is none, and: does one of them lie in the future?"""
    due: list[dict[str, Any]] = []
    undated: list[str] = []
    is_over = False
    for row in rows:
        try:
            is_due = instant_of(row, options) <= now
        except (ValueError, OverflowError) as cause:
            undated.append(f"row {row.get(options.column_of('key'), '?')}: {cause}")
            continue
        due += [row] if is_due else []
        is_over = is_over or not is_due
    return due, undated, is_over


def _articles(
    connection: Connection, rows: Sequence[Mapping[str, Any]], options: Options
) -> tuple[list[Article], list[str]]:
    """Topics and comments come from queries of their own; texts are cleaned in child processes."""
    keys = [row[options.column_of("key")] for row in rows]
    topics: dict[str, list[str]] = {}
    if options.topics_query and rows:
        for row in _rows_of(connection, options.topics_query, ("key", "topic"), keys, "topics_query"):
            topics.setdefault(str(row["key"]), []).append(str(row["topic"] or ""))
    counts, comments = _comments(connection, keys, options) if options.comments_query and rows else ({}, {})
    count = 0 if options.comments_query else None
    jobs = [
        (
            {name: database.plain(value) for name, value in row.items()},
            topics.get(str(key), ()),
            comments.get(str(key), ()),
            counts.get(str(key), count),
        )
        for row, key in zip(rows, keys, strict=True)
    ]
    found = isolation.each(read, jobs, options=options)
    named = zip((f"row {key}" for key in keys), found, strict=True)
    return database.parted(named)


def _cuts_of(row: Mapping[str, Any], options: Options) -> Iterator[str]:
    """What of a row is longer than what is read of it."""
    for name, limit in (("title", bounds.TITLE), ("summary", bounds.TEXT)):
        if isinstance(text := row.get(options.column_of(name)), str) and (line := bounds.said(text, limit, name)):
            yield f"row {row.get(options.column_of('key'))}: {line}"


def _comments(
    connection: Connection, keys: Sequence[Any], options: Options
) -> tuple[dict[str, int], dict[str, list[Said]]]:
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
        key: [
            (str(row["author"] or ""), str(row["text"] or ""), str(row.get("url") or ""))
            for row in _newest(kept, options)
        ]
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


def _when(value: object, options: Options) -> datetime | None:
    """None for a date that cannot be read: that is no reason to leave all readers as they were."""
    try:
        return instant(value, options)
    except ValueError:
        return None


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
        consent_at=_when(since, options) if since else None,
        consent_origin=said("consent_origin"),
        attributes={name: value for name, value in row.items() if name not in _OWN and name != "address"},
    )
