"""What a database refused -> a sentence for people, and whether it is the place or the question that is wrong. Pure.

Numbers are MySQL's and MariaDB's (Server Error Message Reference), states PostgreSQL's (Appendix A of its manual); SQLite
and drivers that have neither are known by their words. The first rule that fits says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from digest.errors import SourceError, SourceMalformed, SourceUnreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """words   are looked for in what the server says; hint: does it go behind the sentence?"""

    sentence: str
    numbers: frozenset[int] = frozenset()
    states: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None
    error: type[SourceError] = SourceUnreachable
    has_hint: bool = False

    def fits(self, number: int, state: str, text: str) -> bool:
        return (
            number in self.numbers or state in self.states or (self.words is not None and bool(self.words.search(text)))
        )


_RULES = (
    _Rule(
        sentence="the user name or the password is wrong, or may not do this",
        numbers=frozenset({1044, 1045, 1698}),
        words=re.compile("password authentication failed"),
    ),
    _Rule(sentence="there is no such database", numbers=frozenset({1049})),
    _Rule(
        sentence="there is no such table",
        numbers=frozenset({1146}),
        states=frozenset({"42P01"}),
        words=re.compile(r"\Ano such table"),
        error=SourceMalformed,
        has_hint=True,
    ),
    _Rule(
        sentence="there is no such column",
        numbers=frozenset({1054}),
        states=frozenset({"42703"}),
        words=re.compile(r"\Ano such column"),
        error=SourceMalformed,
        has_hint=True,
    ),
    _Rule(sentence="the account may not read this", numbers=frozenset({1142, 1143}), states=frozenset({"42501"})),
    _Rule(sentence="the server cannot be reached", numbers=frozenset({2002, 2003, 2005, 2013})),
)
_NOT_REACHED = _RULES[-1]


def explain(cause: SQLAlchemyError, url: URL, *, hint: str = "") -> SourceError:
    """The error to raise; no secret of the URL is in it.

    hint   what to look at when a statement is refused
    """
    number, state, text = _said(getattr(cause, "orig", None), str(cause) or type(cause).__name__)
    reason = without_passwords(text.partition("\n")[0], url)
    behind = f"; {hint}" if hint else ""
    rule = next((each for each in _RULES if each.fits(number, state, text)), None)
    if rule is None and not state and "connect" in reason and url.get_backend_name() != "sqlite":
        rule = _NOT_REACHED
    if rule is None:
        return SourceUnreachable(f"{place_of(url)}: {reason}{behind}")
    return rule.error(f"{place_of(url)}: {rule.sentence} ({reason}){behind if rule.has_hint else ''}")


def _said(original: Any, otherwise: str) -> tuple[int, str, str]:
    """The number, the state and the words of a driver's error, as far as it has them."""
    arguments: tuple[Any, ...] = getattr(original, "args", ())
    if len(arguments) > 1 and isinstance(arguments[0], int):  # PyMySQL: (number, text)
        return arguments[0], "", str(arguments[1]).strip()
    number = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    return number, str(getattr(original, "sqlstate", "") or ""), str(original or otherwise).strip()


def place_of(url: URL) -> str:
    """Where it is, and nothing else of the URL: a password may also stand in its query."""
    user = f"{url.username}@" if url.username else ""
    host = f"{url.host or ''}{f':{url.port}' if url.port else ''}"
    return f"{url.get_backend_name()}://{user}{host}/{url.database or ''}"


def without_passwords(text: str, url: URL) -> str:
    secrets = [str(url.password or ""), *(str(value) for key, value in url.query.items() if "pass" in key)]
    for secret in secrets:
        if len(secret) > 2:
            text = text.replace(secret, "***")
    return text
