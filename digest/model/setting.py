"""Setting: what a field of a dataclass is to people, said once, beside the field. Pure.

    max_items: Annotated[int, Setting(help="articles in an edition, at most", least=1, most=100)] = 40

Commands' options, what they show, the check of a value, the JSON Schema, the example of the settings file and the fields of
a form are made from it. A field without one is nobody's to set by itself. A field that is a dataclass is a group, and its
settings are called `pace.hours`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from digest.errors import Fault, Invalid

T = TypeVar("T")

MAX_NUMBER = 2**31 - 1
"""What every database holds."""

_SWITCH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_NONE = (None, "", ())


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is declared, and below it what the field itself says; `settings_of` puts both together.

    help         what it does, in one line; "" where the name says all
    label        its name on a form and in a list; else the field's name
    option       its name in commands, else the field's; of a switch both words: "on/off"
    unit         what a number counts: "days"
    least, most  bounds, both included
    choices      the words that there are
    read         one text -> one value (of a list: one of its values; of a table: all of it); ValueError says what is wrong
    is_needed    an empty one is refused
    is_sorted    a list in the order of its choices, or of its values, each once
    is_secret    no sentence repeats what was given
    example      for one without a default
    """

    help: str = ""
    label: str = ""
    option: str = ""
    unit: str = ""
    least: float = -MAX_NUMBER
    most: float = MAX_NUMBER
    choices: tuple[str, ...] = ()
    read: Callable[[Any], Any] = _as_it_is
    is_needed: bool = False
    is_sorted: bool = False
    is_secret: bool = False
    example: str = ""
    path: str = ""
    of: type = str
    is_list: bool = False
    default: Any = None

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def group(self) -> str:
        return self.path.rpartition(".")[0]

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ")

    @property
    def is_number(self) -> bool:
        return self.of in (int, float)

    @property
    def must_be_given(self) -> bool:
        """There is no default that would do."""
        return self.is_needed and self.default in _NONE

    def value(self, given: Any) -> Any:
        """The value that a text means (a list's with commas between its parts), or that a number or a switch is.

        A value means itself. ValueError says in a sentence what is wrong, without the setting's name.
        """
        if self.is_list:
            return self._list(given)
        found = self._one(given)
        if self.is_needed and found in ("", None):
            raise ValueError("empty, or nothing that can be seen")
        return found

    def text(self, value: Any) -> str:
        """The value as a person would type it."""
        if isinstance(value, tuple):
            return ",".join(map(self.text, value))
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, time):
            return f"{value:%H:%M}"
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _list(self, given: Any) -> tuple[Any, ...]:
        if not isinstance(given, str | tuple | list):
            raise ValueError(f"{self._quoted(given)} is no list")
        parts = [part.strip() for part in given.split(",")] if isinstance(given, str) else given
        found = [value for value in (self._one(part) for part in parts if part != "") if value != ""]
        if self.is_needed and not found:
            raise ValueError(f"{given!r} names none{self._there_are()}")
        return tuple(sorted(set(found), key=self.choices.index if self.choices else None) if self.is_sorted else found)

    def _one(self, given: Any) -> Any:
        if self.of is bool:
            return self._switch(given)
        if self.is_number:
            return self._number(given)
        if self.of is dict:
            return self._table(given)
        if self.of is not str and (given is None or isinstance(given, self.of)):
            return given  # a value already
        if not isinstance(given, str):
            raise ValueError(f"{self._quoted(given)} is no text")
        if self.choices:
            if (found := self.read(given)) not in self.choices:
                raise ValueError(f"{given!r}{self._there_are()}")
            return self.of(found)
        if not given.strip() and not self.is_needed:
            return "" if self.of is str else self.default
        return self.read(given)

    def _switch(self, given: Any) -> bool:
        found = _SWITCH.get(given.strip().lower()) if isinstance(given, str) else given
        if not isinstance(found, bool):
            raise ValueError(f"{given!r} is neither true nor false")
        return found

    def _number(self, given: Any) -> float:
        try:
            found: float = self.of(given) if self.of is float or _is_whole(given) else math.nan
        except (ValueError, TypeError, OverflowError):
            found = math.nan
        if isinstance(given, bool) or not math.isfinite(found) or not self.least <= found <= self.most:
            raise ValueError(f"{given!r} is no {'number' if self.of is float else 'whole number'}{self._bounds()}")
        return found

    def _table(self, given: Any) -> dict[str, str]:
        if not isinstance(given, Mapping) or not all(isinstance(each, str) for pair in given.items() for each in pair):
            raise ValueError(f"{self._quoted(given)} is no table of names and texts")
        found: dict[str, str] = self.read(dict(given))
        return found

    def _quoted(self, given: object) -> str:
        return "what was given" if self.is_secret else repr(given)

    def _there_are(self) -> str:
        return f"; there are: {', '.join(self.choices)}" if self.choices else ""

    def _bounds(self) -> str:
        if self.most == MAX_NUMBER:
            return "" if self.least == -MAX_NUMBER else f" of {self.least:g} or more"
        return f" from {self.least:g} to {self.most:g}"


def _is_whole(given: object) -> bool:
    if isinstance(given, str):
        return re.fullmatch(r"-?\d{1,10}", given, re.ASCII) is not None
    return not isinstance(given, float) or given.is_integer()


_found: dict[type, tuple[Setting, ...]] = {}


def settings_of(of: type) -> tuple[Setting, ...]:
    """All settings of a dataclass and of its groups, in the order of the fields."""
    if of not in _found:
        _found[of] = tuple(_settings_of(of, ""))
    return _found[of]


def _settings_of(of: type, prefix: str) -> Iterator[Setting]:
    hints = get_type_hints(of, include_extras=True)
    for field in dataclasses.fields(of):
        hint = hints[field.name]
        said = next((each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Setting)), None)
        if said is not None:
            yield _joined(said, prefix + field.name, field, get_args(hint)[0])
        elif dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _settings_of(hint, f"{prefix}{field.name}.")


def _joined(said: Setting, path: str, field: dataclasses.Field[Any], kind: Any) -> Setting:
    if isinstance(kind, UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
    is_list = get_origin(kind) is tuple
    kind = get_args(kind)[0] if is_list else get_origin(kind) or kind
    choices = tuple(map(str, kind)) if issubclass(kind, StrEnum) else said.choices
    default = field.default if field.default is not dataclasses.MISSING else None
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    is_needed = said.is_needed or (default is None and field.default is dataclasses.MISSING)
    return replace(said, path=path, of=kind, is_list=is_list, choices=choices, default=default, is_needed=is_needed)


def read_values(of: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that texts, numbers and switches mean, by path; Invalid names each that means none."""
    settings = {each.path: each for each in settings_of(of)}
    values, faults = {}, []
    for path, one in given.items():
        if path not in settings:
            near = difflib.get_close_matches(path, settings, n=1)
            faults.append(Fault(path, "unknown" + (f"; did you mean {near[0]}?" if near else "")))
            continue
        try:
            values[path] = settings[path].value(one)
        except ValueError as cause:
            faults.append(Fault(path, str(cause)))
    if faults:
        raise Invalid(faults)
    return values


def check_values(of: object) -> Iterator[Fault]:
    """What is wrong with the values that it has, each by itself."""
    for setting in settings_of(type(of)):
        try:
            setting.value(get_value(of, setting.path))
        except ValueError as cause:
            yield Fault(setting.path, str(cause))


def get_value(of: object, path: str) -> Any:
    """The value of the setting `path`, "pace.hours"."""
    for name in path.split("."):
        of = getattr(of, name)
    return of


def with_values(of: T, values: Mapping[str, Any]) -> T:
    """A copy with these values, by path."""
    own = {path: value for path, value in values.items() if "." not in path}
    groups: dict[str, dict[str, Any]] = {}
    for path in values.keys() - own.keys():
        group, _, name = path.partition(".")
        groups.setdefault(group, {})[name] = values[path]
    own |= {group: with_values(getattr(of, group), inner) for group, inner in groups.items()}
    return replace(of, **own)  # type: ignore[type-var]


def json_schema(of: type, *, title: str) -> dict[str, Any]:
    """The settings as JSON Schema (draft 2020-12), each group an object of its own. `unit` is a word of ours."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **_object()}
    for setting in settings_of(of):
        inner = schema["properties"].setdefault(setting.group, _object()) if setting.group else schema
        inner["properties"][setting.name] = _property(setting)
        if setting.must_be_given:
            inner.setdefault("required", []).append(setting.name)
    return schema


def _object() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "additionalProperties": False}


_TYPES = {bool: "boolean", int: "integer", float: "number", dict: "object"}


def _property(setting: Setting) -> dict[str, Any]:
    one: dict[str, Any] = {"type": _TYPES.get(setting.of, "string")}
    if setting.choices:
        one["enum"] = list(setting.choices)
    if setting.of is dict:
        one["additionalProperties"] = {"type": "string"}
    if setting.is_number:
        bounds = (("minimum", setting.least, -MAX_NUMBER), ("maximum", setting.most, MAX_NUMBER))
        one |= {key: setting.of(bound) for key, bound, none in bounds if bound != none}
    found: dict[str, Any] = {"title": setting.title, "description": setting.help}
    found |= {"type": "array", "items": one} if setting.is_list else one
    if setting.unit:
        found["unit"] = setting.unit
    if setting.default is not None:
        plain = isinstance(setting.default, bool | int | float | dict)
        default = list(setting.default) if setting.is_list else setting.default
        found["default"] = default if plain or setting.is_list else setting.text(default)
    return found
