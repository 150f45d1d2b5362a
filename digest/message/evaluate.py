"""Expressions and questions as plain functions of the facts: a million readers are asked the same ones.

What a template says of `reader` and `place` is mostly an attribute or two; those become one call in C instead of a
walk over steps. Whatever else an expression does stays as it was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import fields
from operator import attrgetter

from digest.message.cut import Context, Hole, written
from digest.message.encode import encode_piece
from digest.model.expression import Expression, Facts, Path, Question
from digest.model.place import Place
from digest.model.subscriber import Has, Reader

Evaluator = Callable[[Facts], object]
Filler = Callable[[Facts], bytes]

_FIELDS: dict[type, set[str]] = {of: {field.name for field in fields(of)} for of in (Reader, Has, Place)}
_ROOTS: dict[str, type] = {"reader": Reader, "place": Place}
_SIMPLE_TYPES = frozenset({bool, str, int, type(None)})

# Values that no escaping and no encoding changes; a URL may hold no space besides
_UNTOUCHED = {
    Context.BARE: re.compile(r"(?!\.|From )[!-<>-~ ]{1,75}"),
    Context.TEXT: re.compile(r"(?!\.|From )[!#-%'-;?-~ ]{1,75}"),
    Context.ATTRIBUTE: re.compile(r"(?!\.|From )[!#-%'-;?-~ ]{1,75}"),
    Context.URL: re.compile(r"(?!\.)[!#-%'-;?-~]{1,75}"),
    Context.COMMENT: re.compile(r"(?!\.|From )[!#-%(-;?-~ ]{1,75}"),
}


def evaluator(expression: Expression) -> Evaluator:
    """`expression.value`, faster where it begins with attributes of the reader or the place."""
    if not isinstance(expression, Path) or expression.root not in _ROOTS:
        return expression.value
    names: list[str] = []
    of: type | None = _ROOTS[expression.root]
    for step in expression.steps:
        name = step.name.removeprefix(".")
        if of is None or step.args or step.name == name or name not in _FIELDS[of]:
            break
        names.append(name)
        of = Has if of is Reader and name == "has" else None
    if not names:
        return expression.value
    root, get, rest = expression.root, attrgetter(".".join(names)), expression.steps[len(names) :]
    if not rest:
        return lambda facts: get(facts[root])

    def walk(facts: Facts) -> object:
        value: object = get(facts[root])
        for step in rest:
            value = step.call(value)
        return value

    return walk


def asker(question: Question) -> Callable[[Facts], Hashable]:
    """`question.answer`, faster in the same way."""
    value_of, test = evaluator(question.expression), question.test.call

    def ask(facts: Facts) -> Hashable:
        answer = test(value_of(facts))
        if type(answer) in _SIMPLE_TYPES or isinstance(answer, Hashable):
            return answer
        return repr(answer)

    return ask


def filler(hole: Hole, place: Place | None = None) -> Filler:
    """What goes into a hole, encoded. `place`: where the hole stands, for an expression that asks it too."""
    value_of, context, untouched = evaluator(hole.expression), hole.context, _UNTOUCHED[hole.context].fullmatch

    def fill(facts: Facts) -> bytes:
        value = value_of(facts)
        text = "" if value is None else str(value)
        if untouched(text) and "  " not in text:
            return text.encode() + b"=\r\n"
        return encode_piece(written(text, context)) if text else b""

    if place is None:
        return fill
    return lambda facts: fill({**facts, "place": place})


def is_of_reader(expression: Expression) -> bool:
    if isinstance(expression, Path):
        return expression.root == "reader"
    return any(is_of_reader(part) for part in expression.parts if not isinstance(part, str))


def place_attributes(expression: Expression) -> set[str]:
    """What of the place an expression looks at: places that agree on it are the same to it."""
    if not isinstance(expression, Path):
        return {name for part in expression.parts if not isinstance(part, str) for name in place_attributes(part)}
    if expression.root != "place":
        return set()
    name = expression.steps[0].name.removeprefix(".") if expression.steps else ""
    return {name} if name in _FIELDS[Place] else set(_FIELDS[Place])
