"""The kinds of source. A new one is a file in this folder and a line in KINDS."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from digest import isolation, log
from digest.errors import BadInput, DigestError, Invalid, SourceMalformed
from digest.model.registration import Registration
from digest.model.setting import Setting, read_values, settings_of
from digest.model.source import Ask, Collected, Cursor
from digest.sources import clean, feed, folder, ghost, page, sql, wordpress
from digest.sources.checked import sifted, storable

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher


class Kind(Protocol):
    """What a module in this folder offers."""

    Options: type[Any]

    def pages(self, options: Any, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
        """Articles in pages, oldest first, each page with the cursor to store with it."""
        ...


class ReaderKind(Protocol):
    """What a module offers whose sites have readers too; its Options are ReaderOptions (readers.py)."""

    def readers(self, options: Any, *, now: datetime) -> Iterator[list[Registration]]:
        """Everybody whom the site knows, in pages."""
        ...


class AskingKind(Protocol):
    """What a module offers that can only ask a person for the rest once it has looked."""

    def complete(self, options: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        """The options, with what was answered; nothing is asked where all was given."""
        ...


KINDS: Mapping[str, Kind] = {
    "feed": feed,
    "page": page,
    "folder": folder,
    "sql": sql,
    "wordpress": wordpress,
    "ghost": ghost,
}
READER_KINDS: Mapping[str, ReaderKind] = {"sql": sql, "wordpress": wordpress, "ghost": ghost}
ASKING_KINDS: Mapping[str, AskingKind] = {"sql": sql}


_ONE_OF = {"feed": ("url", "file"), "page": ("sitemap", "url"), "sql": ("table", "query", "readers_query")}
"""What a kind cannot do without in one form or another; the first is the usual one."""


def settings_of_kind(kind: str) -> dict[str, Setting]:
    """The options of a kind, by name; BadInput where there is no such kind."""
    if kind not in KINDS:
        raise BadInput(f"there is no kind {kind!r}; there are: {', '.join(KINDS)}", field="kind")
    return {each.path: each for each in settings_of(KINDS[kind].Options)}


def needed(kind: str, given: Mapping[str, object]) -> list[Setting]:
    """The options without which a source of this kind cannot be, as far as they were not given."""
    options = settings_of_kind(kind)
    missing = [each for name, each in options.items() if each.must_be_given and name not in given]
    forms = _ONE_OF.get(kind, ())
    return missing if not forms or set(forms) & set(given) else [*missing, options[forms[0]]]


def complete(kind: str, given: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """The options, with those that the kind needs and that a person gives now."""
    options = dict(given)
    for each in needed(kind, given):
        options[each.path] = ask(each.path, each.help, is_secret=each.is_secret)
    return ASKING_KINDS[kind].complete(options, ask) if kind in ASKING_KINDS else options


def to_store(kind: str, given: Mapping[str, object]) -> dict[str, object]:
    """Numbers and switches as such, whatever they came as. What is wrong stays as it is: `options_of` says it."""
    options = settings_of_kind(kind)
    found = dict(given)
    for name, value in given.items():
        if name in options and options[name].of in (int, float, bool) and isinstance(value, str):
            with contextlib.suppress(ValueError):
                found[name] = options[name].value(value)
    return found


def read(kind: str, options: Any, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """The pages of a source, with nothing in them that cannot be stored; what goes wrong is a DigestError, always.

    A parser that stumbles over one source is no reason to read no other.
    """
    pages = KINDS[kind].pages(options, cursor, now=now, fetcher=fetcher)
    while True:
        try:
            page = next(pages, None)
        except DigestError as cause:
            _make_storable(cause)
            raise
        except Exception as cause:
            log.warn("collect.stumbled", kind=kind, error=type(cause).__name__)
            text = str(cause) if isinstance(cause, isolation.Stumbled) else f"{type(cause).__name__}: {cause}"
            raise SourceMalformed(storable(f"digest stumbled over it: {text}")) from cause
        if page is None:
            return
        articles, refused = sifted(page.articles, lambda each: each, lambda each: clean.line(each.title)[:60] or "?")
        yield replace(
            page,
            articles=tuple(articles),
            refused=tuple(map(storable, (*page.refused, *refused))),
            cut=tuple(map(storable, page.cut)),
        )


def read_readers(kind: str, options: Any, *, now: datetime) -> Iterator[list[Registration]]:
    """Everybody whom the site knows, in pages; what goes wrong is a DigestError, always."""
    try:
        yield from READER_KINDS[kind].readers(options, now=now)
    except DigestError as cause:
        _make_storable(cause)
        raise
    except Exception as cause:
        log.warn("sync.stumbled", kind=kind, error=type(cause).__name__)
        raise SourceMalformed(storable(f"digest stumbled over it: {type(cause).__name__}: {cause}")) from cause


def _make_storable(cause: DigestError) -> None:
    cause.args = tuple(storable(each) if isinstance(each, str) else each for each in cause.args)


def options_of(kind: str, values: Mapping[str, object], *, name: str) -> Any:
    """The checked options of a source; BadInput names the source and the key."""
    try:
        settings = settings_of_kind(kind)
    except BadInput as cause:
        raise BadInput(f"source {name}: {cause}", field=cause.field) from cause
    values = _with_secrets(values, name)
    if missing := [each.path for each in settings.values() if each.must_be_given and each.path not in values]:
        raise BadInput(f"source {name}: option {missing[0]} is missing", field=missing[0])
    try:
        return KINDS[kind].Options(**read_values(KINDS[kind].Options, values))
    except Invalid as cause:
        first = cause.faults[0]
        text = f"option {first.field}: {first.text}"
        if first.field not in settings:
            near = first.text.partition("; ")[2] or f"there are: {', '.join(settings)}"
            text = f"unknown option {first.field!r}; {near}"
        raise BadInput(f"source {name}: {text}", field=first.field) from cause
    except ValueError as cause:
        raise BadInput(f"source {name}: {cause}") from cause


def _with_secrets(values: Mapping[str, object], name: str) -> dict[str, object]:
    """With what stands elsewhere: `env:NAME` in the environment, the password of `url` in the file `password_file`.

    So neither the database nor the list of processes has it.
    """
    found = {key: _from_environment(f"source {name}: option {key}", value) for key, value in values.items()}
    if (file := found.pop("password_file", None)) is None:
        return found
    login = re.fullmatch(r"(\w[\w+.-]*://[^:/@?#]+)@(.*)", str(found.get("url", "")))
    if login is None:
        raise BadInput(f"source {name}: option password_file: the url has to name the user: DRIVER://USER@HOST/NAME")
    try:
        password = Path(str(file)).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise BadInput(f"source {name}: option password_file: {file} cannot be read") from cause
    return {**found, "url": f"{login[1]}:{quote(password, safe='')}@{login[2]}"}


def _from_environment(option: str, value: object) -> object:
    if not isinstance(value, str) or not value.startswith("env:"):
        return value
    variable = value.removeprefix("env:")
    if not (found := os.environ.get(variable)):
        raise BadInput(f"{option}: the environment has no {variable}")
    return found
