"""What stands between the marks at the top of a file: YAML, TOML or JSON, and what its values mean. Pure.

Formats     `---` YAML (all generators), `+++` TOML (Hugo, Zola), `{ ... }` JSON (Hugo)
Tables      Hugo's [params], Zola's [extra] and [taxonomies] are read as if they stood at the top; what does stand there wins
Names       small and capital letters are one, as Hugo has it: `publishdate` is `publishDate`

source      gohugo.io/content-management/front-matter, getzola.org/documentation/content/page
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

import yaml

from digest.sources import bounds, clean
from digest.sources.dates import FIRST_YEAR, LAST_YEAR, read_date

Said = Mapping[str, Any]
"""Names in small letters."""

_YAML = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$\n?", re.S | re.M)
_TOML = re.compile(r"\A\ufeff?\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*\r?$\n?", re.S | re.M)
_JSON = re.compile(r'\A\ufeff?\s*(?=\{\s*")')
_TABLES = ("params", "extra", "taxonomies")

_SPACE_BEFORE_OFFSET = re.compile(r"[ \t]+(?=[+-]\d{2}:?\d{2}$)")
_NAMED_ZONE = re.compile(r"(?:[+-]\d{1,2}:?\d{2}|\b[A-Z]{1,4}|[A-Za-z]+/[A-Za-z_]+)\s*$")


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it refers to itself")  # a few such lines can stand for gigabytes
        return super().compose_node(parent, index)


def _read_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader


def split(text: str) -> tuple[Said, str]:
    """What is said at the top, and the text below; ValueError says what is wrong."""
    for pattern, parse in ((_YAML, _read_yaml), (_TOML, tomllib.loads)):
        if found := pattern.match(text):
            if len(found[1]) > bounds.FRONT_MATTER:
                raise ValueError(f"its front matter is longer than {bounds.FRONT_MATTER:,} characters")
            return _flat(_parsed(parse, found[1])), text[found.end() :]
    if found := _JSON.match(text):
        said, end = _parsed(json.JSONDecoder().raw_decode, text[found.end() : found.end() + bounds.FRONT_MATTER])
        return _flat(said), text[found.end() + end :]
    raise ValueError("has no front matter")


def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except (yaml.YAMLError, ValueError, RecursionError) as cause:
        reason = " ".join(str(cause).split())[:120]
        raise ValueError(f"its front matter is damaged: {reason}") from cause


def _flat(said: Any) -> Said:
    if not isinstance(said, dict):
        raise ValueError("its front matter is no list of names and values")
    top = {str(name).lower(): value for name, value in said.items()}
    found: dict[str, Any] = {}
    for table in _TABLES:
        if isinstance(more := top.get(table), dict):
            found |= {str(name).lower(): value for name, value in more.items()}
    return {**found, **top}


# --- values ----------------------------------------------------------------------------------------------------------


def first_date(said: Said, names: tuple[str, ...], zone: tzinfo) -> datetime | None:
    """The first of these that is a date, as it is written: with its own offset, else in the zone of the site."""
    return next(filter(None, (date_of(said.get(name), zone) for name in names)), None)


def date_of(value: object, zone: tzinfo) -> datetime | None:
    """Aware, with the offset that it was written with; None for what is no date."""
    if isinstance(value, str):
        value = _written(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return None
    try:
        at = value if value.tzinfo else value.replace(tzinfo=zone)
        return at if FIRST_YEAR <= at.astimezone(UTC).year <= LAST_YEAR else None
    except OverflowError:
        return None


def _written(text: str) -> datetime | None:
    """Without a zone where the text names none; YAML takes "2026-11-30 00:30:00 +0100" for a text."""
    text = text.strip()[: bounds.DATE + 1]
    try:
        return datetime.fromisoformat(_SPACE_BEFORE_OFFSET.sub("", text))
    except ValueError:
        at = read_date(text)
    return at if at is None or _NAMED_ZONE.search(text) else at.replace(tzinfo=None)


def names_in(value: object, *, by_spaces: bool = False) -> list[str]:
    """A list, or a text with commas, or with spaces where its site has it so; a name may be a table with a name."""
    if isinstance(value, list):
        given = value
    elif isinstance(value, dict):
        given = [value]
    else:
        text = str(value or "")
        given = [*(text.split() if by_spaces and "," not in text else text.split(","))]
    names = [
        clean.title(str(each.get("name") or "") if isinstance(each, dict) else str(each))
        for each in given[: bounds.FEW]
    ]
    return [name for name in names if name]


def text_of(said: Said, *names: str) -> str:
    """The first of them that is a text with something in it; "" where none is."""
    return next(_texts(said, names), "")


def _texts(said: Said, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if isinstance(value := said.get(name), str) and value.strip():
            yield value


def is_true(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "yes")


def is_false(value: object) -> bool:
    return value is False or str(value).lower() in ("false", "no")
