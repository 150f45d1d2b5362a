"""Source: where articles come from, and how far we have read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType, Protocol

from digest.model.article import Article

SourceId = NewType("SourceId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a source has been read: the last (date, id), never the date alone (equal time stamps).

    at, key        of the last article stored; None and "" at the beginning
    etag, modified what the server said last (RFC 9110 §8.8), for a conditional GET
    """

    at: datetime | None = None
    key: str = ""
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Usual:
    """How much news a source brings.

    a_day   articles, on average; None before it was read for the first time
    left    how many of today's allowance are left (sources/flood.py)
    """

    a_day: float | None = None
    left: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place that articles come from.

    kind     a name from the registry in sources/__init__.py
    options  that kind's own settings, checked by the kind
    due_at   not before this instant, because the server asked for it
    stopped  why the program itself switched it off; "" where a person did, or nobody
    version  counts the acts of people on it
    """

    id: SourceId
    name: str
    kind: str
    options: Mapping[str, object] = field(default_factory=dict)
    is_enabled: bool = True
    cursor: Cursor = field(default_factory=Cursor)
    last_success_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    errors_in_row: int = 0
    due_at: datetime | None = None
    usual: Usual = Usual()
    stopped: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one look at a source gave. Nothing is lost in silence: ValueError where the parts are not what was read.

    articles   oldest first
    refused    one line for each item that could not become an article, and why
    repeated   so many items say once more what another one here says
    read       so many items were looked at: they are all of these; by default they are counted from them
    cut        one line for each that is longer, or more, than what is read of it
    cursor     to store once `articles` are stored, in the same transaction
    is_unchanged   the server said "not modified"
    moved_to       the address that the server says to use from now on; "" where it said nothing
    is_whole       these are all items that the source has now: whose id is not among them is gone
    is_pages       the key of each is the address that it was read from, whatever it calls itself
    """

    articles: tuple[Article, ...] = ()
    refused: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    cursor: Cursor = field(default_factory=Cursor)
    repeated: int = 0
    read: int | None = None
    is_unchanged: bool = False
    moved_to: str = ""
    is_whole: bool = False
    is_pages: bool = False

    def __post_init__(self) -> None:
        told = len(self.articles) + len(self.refused) + self.repeated
        if self.read is None:
            object.__setattr__(self, "read", told)
        elif self.read != told:
            raise ValueError(f"{self.read} items were read, and it is told of {told} what became of them")


class Ask(Protocol):
    """Puts a question about an option to a person.

    note      what is shown before it
    default   the answer that Enter gives; None: one must be given
    """

    def __call__(self, name: str, note: str = "", *, default: str | None = None, is_secret: bool = False) -> str: ...
