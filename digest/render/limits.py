"""How much a template may do: turns, characters, time. A slip of a template must not hang a send or take the memory.

Every value that a template makes is weighed, what would grow is refused before it does, and the sum of all of it ends too.
The weight of a text is its length; a list weighs what is in it, as often as it is in it, so that a list of lists of the same
list is as heavy as it prints.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

MAX_RANGE = 10_000
CALL = 4
MAX_TURNS = 100_000
MAX_FACTOR = 100_000
MAX_TEXT = 1_000_000
MAX_WORK = 50_000_000
MAX_DOCUMENT = 3_000_000
MAX_SECONDS = 20.0

_ITEM = 10
_SLOW = 100_000
"""Characters for what takes more than linear time: 100,000 of the worst kind are about half a second."""
_BITS = 4_096

_LISTS = (list, tuple, set, frozenset, range)
_LISTS_AND_MORE = (*_LISTS, Mapping)
_SIZED = (str, *_LISTS_AND_MORE)


class Meter:
    """What one run of a template has done so far."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.turns, self.work, self.until = 0, 0, time.thread_time() + MAX_SECONDS

    def turn(self, turns: int = 1) -> None:
        """A turn of a loop, a filter; a macro takes as long as several: an endless template must end."""
        self.turns += turns
        if self.turns > MAX_TURNS:
            raise OverflowError(f"more than {MAX_TURNS:,} turns of its loops, filters and macros")
        if self.turns % 256 < turns and time.thread_time() > self.until:
            raise OverflowError(f"more than {MAX_SECONDS:.0f} seconds")

    def spend(self, weight: int) -> None:
        self.work += weight
        if self.work > MAX_WORK:
            raise OverflowError(f"more than {MAX_WORK:,} characters in all")

    def weigh(self, value: Any) -> None:
        """OverflowError where a value is too large to be handed on."""
        self.spend(fitting(weight(value)))


def weight(value: object) -> int:
    """About the number of characters that a value prints; counts no further than a little over MAX_TEXT."""
    if isinstance(value, str):
        return len(value)
    if value is None or not isinstance(value, _LISTS_AND_MORE):
        return _single(value)
    total = 0
    waiting: list[Any] = [value]
    while waiting and total <= MAX_TEXT:
        each = waiting.pop()
        total += _ITEM * len(each)
        if total <= MAX_TEXT:
            parts = [*each.keys(), *each.values()] if isinstance(each, Mapping) else each
            for part in parts:
                if isinstance(part, str):
                    total += len(part)
                elif type(part) is not int:
                    if isinstance(part, _LISTS_AND_MORE):
                        waiting.append(part)
                    else:
                        total += _single(part)
    return total


def _single(value: object) -> int:
    """Of what is neither a text nor a list: a recording says it (recording.py). An Undefined has none to ask."""
    weigh = getattr(type(value), "weight_", None)
    return 1 if weigh is None else int(weigh(value))


def fitting(weight: int) -> int:
    if weight > MAX_TEXT:
        raise OverflowError(f"a value of more than {MAX_TEXT:,} characters")
    return weight


# --- what would grow, by the name of what is done -------------------------------------------------------------------------


def _wide(text: object, width: Any = 80, *_: object, **__: object) -> int:
    return weight(text) + abs(int(width))


def _filled(value: object, count: Any = 0, *_: object, **named: Any) -> int:
    return weight(value) + _ITEM * abs(int(named.get("linecount", named.get("slices", count))))


def _indented(text: object, width: Any = 4, *_: object, **__: object) -> int:
    step = weight(width) if isinstance(width, str) else abs(int(width))
    return weight(text) + (1 + str(text).count("\n")) * step


def _wrapped(text: object, width: Any = 79, _long: object = True, wrapstring: object = None, **_: object) -> int:
    return slow(text) * (1 + weight(wrapstring or ""))


def _joined(items: object, between: object = "", attribute: object = None, **named: object) -> int:
    count = len(items) if isinstance(items, _SIZED) else 0
    return weight(items) + count * weight(named.get("d", between))


def _replaced(text: object, old: object = "", new: object = "", *_: object, **__: object) -> int:
    times = str(text).count(str(old))  # of an empty text there is one before each character and one at the end
    return weight(text) + times * weight(new)


def _with_tabs(text: str, tabsize: Any = 8) -> int:
    return len(text) + text.count("\t") * abs(int(tabsize))


def _linked(text: object, *values: object, **named: object) -> int:
    return slow(text) + (1 + weight(text) // 4) * (weight(values) + weight(named))


def _rounded(_value: object, precision: Any = 0, *_: object, **__: object) -> int:
    return MAX_TEXT + 1 if abs(int(precision)) > 100 else 1  # it raises 10 to that power


def _as_json(value: object, indent: Any = None) -> int:
    return weight(value) * (1 + abs(int(indent or 0)))


def _formatted(text: object, *values: object, **named: object) -> int:
    return percent(str(text), named or values)


def slow(text: object, *_: object, **__: object) -> int:
    if weight(text) > _SLOW:
        raise OverflowError(f"a text of more than {_SLOW:,} characters")
    return weight(text)


_CONVERSION = re.compile(r"%(?:\((?P<key>[^)]*)\))?[#0\- +]*(?P<width>\*|\d*)(?:\.(?P<precision>\*|\d*))?")


def percent(text: str, values: object) -> int:
    """At most how many characters `text % values` makes."""
    total = len(text) + weight(values)
    numbers = values if isinstance(values, tuple) else ()
    widest = max((abs(value) for value in numbers if isinstance(value, int)), default=0)
    for found in _CONVERSION.finditer(text):
        if "(" in (found["key"] or ""):
            raise OverflowError("a parenthesis in the name of a %(name)s")  # Python counts them, the pattern does not
        if found["key"] is not None:
            total += weight(values)
        for digits in (found["width"], found["precision"]):
            total += widest if digits == "*" else number(digits or "")
    return total


def number(digits: str) -> int:
    """What they say, or one that is too large for anything."""
    digits = digits.lstrip("0")
    return int(digits or 0) if len(digits) < 10 else 10**9


FILTERS: Mapping[str, Callable[..., int]] = {
    "center": _wide,
    "batch": _filled,
    "slice": _filled,
    "indent": _indented,
    "wordwrap": _wrapped,
    "join": _joined,
    "replace": _replaced,
    "urlize": _linked,
    "round": _rounded,
    "tojson": _as_json,
    "format": _formatted,
    "striptags": slow,
    "pprint": slow,
}

METHODS: Mapping[str, Callable[..., int]] = {
    "center": _wide,
    "ljust": _wide,
    "rjust": _wide,
    "zfill": _wide,
    "expandtabs": _with_tabs,
    "replace": _replaced,
    "join": lambda between, items=(): _joined(items, between),
    "striptags": slow,
    "extend": lambda items, more=(): weight(items) + weight(more),
}


def growth_of_operator(operator: str, left: Any, right: Any) -> int:
    """At most how much `left operator right` weighs; OverflowError for numbers that no mail needs."""
    if operator == "%":
        return percent(left, right) if isinstance(left, str) else 0
    if operator == "+":
        return weight(left) + weight(right) if isinstance(left, _SIZED) else 0
    if any(isinstance(value, int) and abs(value) > MAX_FACTOR for value in (left, right)):
        raise OverflowError(f"{operator} by a number over {MAX_FACTOR:,}")
    if operator == "**":
        is_whole = isinstance(left, int) and isinstance(right, int)
        if is_whole and left.bit_length() * abs(right) > _BITS:
            raise OverflowError(f"a number of more than {_BITS:,} bits")
        return 0
    sized, times = (left, right) if isinstance(left, _SIZED) else (right, left)
    return weight(sized) * max(0, times) if isinstance(sized, _SIZED) and isinstance(times, int) else 0
