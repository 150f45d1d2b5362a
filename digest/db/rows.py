"""Many rows in one statement: they travel as one JSON parameter that the database takes apart.

A bound value each costs more than the row's own work (100,000 rows: 19 s with executemany, see benchmarks/). Both
databases can do it, in two spellings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Connection,
    CursorResult,
    Select,
    Text,
    cast,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.types import Json


def upsert(connection: Connection, into: Any) -> Any:
    """INSERT ... ON CONFLICT, in the words of this database."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(into)


def unpacked(connection: Connection, rows: Sequence[Sequence[object]], *types: Any) -> tuple[list[Any], Any]:
    """A table of `rows` inside the database: its columns, typed, and the FROM that they come from."""
    return taken_apart(connection.dialect.name, literal(json.dumps(rows, ensure_ascii=False), Text), *types)


def taken_apart(dialect: str, packed: ColumnElement[str], *types: Any) -> tuple[list[Any], Any]:
    """The same from a JSON text, for a statement that is built once."""
    if dialect == "postgresql":
        source = func.jsonb_array_elements(cast(packed, postgresql.JSONB)).table_valued("value").alias("packed")
        cell = type_coerce(source.c.value, postgresql.JSONB)
        columns: list[Any] = [
            cell[number] if of is Json else cast(cell[number].astext, of) for number, of in enumerate(types)
        ]
        return columns, source
    source = func.json_each(packed).table_valued("value").alias("packed")
    extracted = (func.json_extract(source.c.value, f"$[{number}]") for number in range(len(types)))
    return [type_coerce(each, of) for each, of in zip(extracted, types, strict=True)], source


def numbers(dialect: str, packed: ColumnElement[str]) -> Any:
    """SELECT of the numbers in a JSON array, for `column.in_(...)`: one statement however many there are."""
    if dialect == "postgresql":
        source = func.jsonb_array_elements_text(cast(packed, postgresql.JSONB)).table_valued("value").alias("packed")
        return select(cast(source.c.value, BigInteger))
    return select(func.json_each(packed).table_valued("value").alias("packed").c.value)


def read_at_once(connection: Connection, query: Select[Any]) -> list[list[Any]]:
    """The rows of a query as one JSON text, in the order of its first column: a third of the price of row after row, and a
    thread that reads holds up the others once and not for every row.

    returns   rows of plain values: JSON columns as what they hold, instants as texts for `instant`
    """
    source = query.subquery()
    if connection.dialect.name == "postgresql":
        rows: Any = cast(func.json_agg(func.json_build_array(*source.c)), Text)
    else:
        columns = (type_coerce(func.json(each), Text) if each.type is Json else each for each in source.c)
        rows = func.json_group_array(func.json_array(*columns))
    found: list[list[Any]] = json.loads(connection.execute(select(rows)).scalar() or "[]")
    found.sort(key=itemgetter(0))
    return found


def instant(text: str) -> datetime:
    """An instant as `read_at_once` gives it."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class Prepared:
    """A statement that runs with many rows and very often: compiled once for each kind of database.

    Values go to the driver as they are, which halves the cost of a row; so an instant must be given as `stored` gives
    it, and an enum as its value.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Sequence[str] | None, dict[str, object]]] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> int:
        """Returns how many rows of the table it changed."""
        return self._execute(connection, rows).rowcount

    def column(self, connection: Connection, row: Mapping[str, object]) -> list[Any]:
        """Returns the first column of what the statement returns."""
        return [found[0] for found in self._execute(connection, [row]).cursor.fetchall()]

    def _execute(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> CursorResult[Any]:
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            compiled: Any = self._statement.compile(dialect=dialect)
            constants = {
                name: getattr(value, "value", value) for name, value in compiled.params.items() if value is not None
            }
            self._compiled[dialect.name] = str(compiled), compiled.positiontup, constants
        sql, order, constants = self._compiled[dialect.name]
        values = [{**constants, **row} for row in rows]
        parameters: Any = values if order is None else list(map(itemgetter(*order), values))
        return connection.exec_driver_sql(sql, parameters if len(values) > 1 else parameters[0])


def stored(connection: Connection, at: datetime) -> str:
    """An instant as this database reads it from text: for SQLite, the text that it keeps (db/types.py)."""
    at = at.astimezone(UTC)
    return (
        at.replace(tzinfo=None).isoformat(" ", "microseconds")
        if connection.dialect.name == "sqlite"
        else at.isoformat()
    )
