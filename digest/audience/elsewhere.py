"""A file's rows -> who of them wants no mail any more, by what another system says of them; or a question. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from digest.errors import BadInput, Next, Step
from digest.model.standing import Column, Said, column_of, folded, may_tell, said

MAX_ASKED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a person said that a file means.

    wants, left   (column, value): who has this wants the mail, or has left
    other         columns that are about something else
    """

    wants: frozenset[tuple[str, str]] = frozenset()
    left: frozenset[tuple[str, str]] = frozenset()
    other: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *, wants: Iterable[str] = (), left: Iterable[str] = (), other: Iterable[str] = ()) -> Answers:
        """Of texts "column=value"; BadInput for one without "="."""
        pairs = frozenset(map(_pair, wants)), frozenset(map(_pair, left))
        if both := sorted(pairs[0] & pairs[1]):
            raise BadInput(f"'{'='.join(both[0])}' cannot mean both that they want mail and that they left")
        return cls(wants=pairs[0], left=pairs[1], other=frozenset(map(folded, other)))

    @property
    def decided(self) -> frozenset[str]:
        """Columns of which a value was decided."""
        return frozenset(column for column, _ in self.wants | self.left)

    @property
    def columns(self) -> frozenset[str]:
        return self.decided | self.other

    def about(self, column: str, value: str) -> Said | None:
        pair = folded(column), _value(value)
        return Said.WANTS if pair in self.wants else Said.LEFT if pair in self.left else None


NO_ANSWERS = Answers()


def _pair(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals or not folded(column):
        raise BadInput(f"{text!r} is not COLUMN=VALUE")
    return folded(column), _value(value)


def _value(text: str) -> str:
    return " ".join(text.split()).casefold()


class Standings:
    """What the columns of one file say of its people: looked at once for questions, then asked row by row.

    Rows are by field name, with a field's own columns as columns.py calls them; a JSON row may have others than the last.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._columns: dict[str, Column | None] = {}
        self._decided: set[str] = set()
        self._shape: list[tuple[str, Column]] = []
        self._is_plain = False
        self._unclear: dict[tuple[str, str], _Seen] = {}
        self._silent: dict[tuple[str, str], _Seen] = {}
        self._telling: set[str] = set()

    def must_look(self, names: Sequence[str]) -> bool:
        """May a file, all of whose rows have these columns, hold a question, or say of one person two things?"""
        self._shape = [(name, column) for name in names if (column := self._column(name, names)) is not None]
        kinds = {column for _, column in self._shape}
        self._is_plain = kinds <= {Column.OTHER} and not self._decided
        return not kinds <= {Column.OTHER, Column.CONSENT}

    def why_not(self, row: Mapping[str, object]) -> str:
        """ "status: unsubscribed", or "" for one who wants the mail."""
        if self._is_plain and not may_tell("\n".join([str(row.get(name)) for name, _ in self._shape])):
            return ""
        for name, column in self._shape or self._shape_of(row):
            value = row.get(name)
            if value in (None, "") and name not in self._decided:
                continue
            text = _text(value)
            if self._said(column, name, text) is Said.LEFT:
                return f"{name}: {text[:60] or 'empty'}"
        return ""

    def _shape_of(self, row: Mapping[str, object]) -> list[tuple[str, Column]]:
        return [(name, column) for name in row if (column := self._column(name, row)) is not None]

    def look(self, row: Mapping[str, object], line: int) -> None:
        """Take note of what cannot be told from a row."""
        for name, column in self._shape or self._shape_of(row):
            if column in (Column.OTHER, Column.CONSENT):
                continue
            value = row.get(name)
            text = " ".join(_text(value).split())[:60]
            found = self._said(column, name, text)
            if found is Said.UNCLEAR:
                _count(self._unclear, (name, text), line)
            elif found is Said.NOTHING and column is not Column.LEAVING:
                _count(self._silent, (name, text), line)
            elif found is Said.LEFT or column is not Column.MAYBE or folded(text) in _TELLING:
                self._telling.add(name)

    def question(self) -> tuple[str, Next] | None:
        """What a person has to say before the file can be imported, and how; None when all is clear."""
        asked = {pair: seen for pair, seen in self._unclear.items() if self._is_about_mail(pair[0])}
        asked |= {pair: seen for pair, seen in self._silent.items() if self._asks_for_silence(pair[0])}
        if not asked:
            return None
        shown = [f"{_option(pair)} ({seen.count:,} rows, first in line {seen.line})" for pair, seen in asked.items()]
        if len(shown) > MAX_ASKED:
            shown[MAX_ASKED:] = [f"and {len(shown) - MAX_ASKED:,} more"]
        pair = next(iter(asked))
        said = {"answer": _option(pair), "column": _quoted(pair[0])}
        return f"it is not clear who of these wants mail: {', '.join(shown)}", Next(Step.SAY_WHO_WANTS_MAIL, said)

    def unknown_columns(self) -> list[str]:
        """Columns that a person spoke of and the file does not have."""
        return sorted(self._answers.columns - {folded(name) for name in self._columns})

    def _column(self, name: str, names: Container[str]) -> Column | None:
        """How a column speaks; None: not at all, it is a field, or a person said that it is about something else."""
        if name not in self._columns:
            self._columns[name] = self._kind(name, names)
            if folded(name) in self._answers.decided:
                self._decided.add(name)
        return self._columns[name]

    def _kind(self, name: str, names: Container[str]) -> Column | None:
        if name in _NEVER or folded(name) in self._answers.other:
            return None
        if "email_disabled" in names and name in ("active_subscription", "digest_enabled"):
            return Column.OTHER  # seen: beside "email_disabled" these tell who pays, and who wants a summary as well
        kind = column_of(name)
        if folded(name) in self._answers.decided and kind in (Column.OTHER, *_MAYBE):
            return Column.STATUS  # a person speaks of it, so it is one
        return kind

    def _said(self, column: Column, name: str, text: str) -> Said:
        answer = self._answers.about(name, text) if name in self._decided else None
        return answer or said(column, name, text)

    def _is_about_mail(self, name: str) -> bool:
        return self._columns[name] not in _MAYBE or name in self._telling

    def _asks_for_silence(self, name: str) -> bool:
        """An empty cell among answers is a question: where people tick a box, it is a no."""
        column = self._columns[name]
        if name not in self._telling and not any(unclear == name for unclear, _ in self._unclear):
            return False
        if column is Column.WANTING_SINCE:  # not confirmed, or brought by somebody? Where no other column says it
            return "confirm" in name and self._telling == {name}
        return self._is_about_mail(name)


_MAYBE = (Column.MAYBE, Column.MAYBE_YES)
_NEVER = {"address", "name", "first_name", "last_name", "language", "time_zone", "joined_at"}
_TELLING = {"active", "subscribed", "enabled", "confirmed", "opted in"}


@dataclass(slots=True)
class _Seen:
    """One value of a column: how many rows have it, and the line of the first."""

    count: int
    line: int


def _count(seen: dict[tuple[str, str], _Seen], pair: tuple[str, str], line: int) -> None:
    seen.setdefault(pair, _Seen(0, line)).count += 1


def _option(pair: tuple[str, str]) -> str:
    return _quoted(f"{pair[0]}={pair[1]}")


def _quoted(text: str) -> str:
    """As it can be pasted into a shell."""
    return shlex.quote(text) if shlex.quote(text) != text else f"'{text}'"


def _text(value: object) -> str:
    """A cell, or a JSON value as a person would have written it into one."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).strip()
