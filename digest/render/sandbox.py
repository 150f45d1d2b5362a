"""What a template may reach and call: a list of what is allowed, the same for both ways of rendering.

    a reader, a place       its fields and free columns; names with "_" in front and methods are not there
    a text, list, mapping   the methods of METHODS, and nothing else
    anything else           what it holds; no method, no class, no module

Python's own methods never get into a template: it has a Method instead, which only the environment can run. So no way leads
from a value to the function behind it and on from there. Values of a reader are no code: `format`, which looks up
attributes that its text names, is there for a text that stands in the template itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.utils import Cycler, Joiner, Namespace

from digest.render import limits

# fmt: off
TEXT_METHODS = frozenset(
    {
        "capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "index", "isalnum",
        "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace",
        "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
        "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines",
        "startswith", "strip", "striptags", "swapcase", "title", "unescape", "upper", "zfill"
    }
)
# fmt: on

METHODS: Sequence[tuple[type, frozenset[str]]] = (
    (str, TEXT_METHODS),
    (list, frozenset({"append", "count", "extend", "index", "insert", "pop"})),
    (tuple, frozenset({"count", "index"})),
    (dict, frozenset({"get", "items", "keys", "pop", "setdefault", "update", "values"})),
    (Mapping, frozenset({"get", "items", "keys", "values"})),
    (LoopContext, frozenset({"cycle", "changed"})),
    (Cycler, frozenset({"next", "reset"})),
)

_CALLABLE = (Macro, BlockReference, LoopContext, Joiner, Undefined)
"""What a template itself defines and calls; Undefined says what is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """`owner.name`, not called yet."""

    owner: object
    name: str

    def __str__(self) -> str:
        return f"<method {self.name}>"

    __repr__ = __str__

    def run(self, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        if (growth := limits.METHODS.get(self.name)) and isinstance(self.owner, str | list):
            limits.fitting(growth(self.owner, *args, **named))
        found = getattr(self.owner, self.name)(*args, **named)
        return list(found) if self.name in ("items", "keys", "values") else found


class Space(Namespace):
    """Jinja's namespace; one that holds others twice would print without end."""

    def __repr__(self) -> str:
        return "<namespace>"


class Literal(Formatter):
    """`"...".format(...)` of a text in the template: names and numbers of fields, no attribute and no index of one."""

    def __init__(self, text: str) -> None:
        self.text, self.size = text, len(text)

    def run(self, args: Sequence[Any], named: Mapping[str, Any]) -> str:
        return self.vformat(self.text, args, named)

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if "." in field_name or "[" in field_name:
            raise SecurityError(f"{{{field_name}}}: a field of format is a name or a number, nothing of it")
        return super().get_field(field_name, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> Any:
        width = sum(map(limits.number, re.findall("[0-9]+", format_spec)))
        self.size = limits.fitting(self.size + width + limits.weight(value))
        return super().format_field(value, format_spec)


def methods_of(value: object) -> frozenset[str]:
    """The names of what may be called on a value."""
    return next((names for of, names in METHODS if isinstance(value, of)), frozenset())


def may_call(value: object) -> bool:
    return isinstance(value, _CALLABLE)


def may_hold(owner: object, value: object) -> bool:
    """May a template have `value`, which is an attribute of `owner`?"""
    return not isinstance(owner, type) and (not callable(value) or isinstance(value, _CALLABLE))


def is_function(value: object) -> bool:
    """Something to call, which prints where it is in memory, or nothing that a reader wants to see."""
    return not isinstance(value, Undefined) and (callable(value) or isinstance(value, Method | Literal | Cycler))
