"""Expressions and questions as plain functions of the facts: a million readers are asked the same ones.

What a template says of `reader` and `place` is mostly an attribute or two; those become one call in C instead of a
walk over steps. Whatever else an expression does stays as it was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter

from digest.message.cut import Context, Hole, written
from digest.message.encode import encode_piece
from digest.model.expression import Expression, Facts, Path, Question
from digest.model.place import Place
from digest.model.subscriber import Has, Reader

Evaluator = Callable[[Facts], object]
Filler = Callable[[Facts], bytes]

_FIELDS: dict[type, set[str]] = {of: {field.name for field in fields(of)} for of in (Reader, Has, Place)}
_FIELDS[Reader] = _FIELDS[Reader] - {"make_picks"} | {"picks"}  # what templates see of it
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
    if not isinstance(expression, Path) or not (names := _attributes(expression)):
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


def _attributes(path: Path) -> list[str]:
    """The attributes that a path begins with."""
    names: list[str] = []
    of = _ROOTS.get(path.root)
    for step in path.steps:
        name = step.name.removeprefix(".")
        if of is None or step.args or step.name == name or name not in _FIELDS[of]:
            break
        names.append(name)
        of = Has if of is Reader and name == "has" else None
    return names


def _reader_attribute(expression: Expression) -> str:
    """ "has.lead" for `reader.has.lead`; "" for what is more than an attribute of the reader."""
    if not isinstance(expression, Path) or expression.root != "reader":
        return ""
    names = _attributes(expression)
    return ".".join(names) if len(names) == len(expression.steps) else ""


def truths(questions: Sequence[Question]) -> Callable[[Facts], tuple[bool, ...]] | None:
    """The answers to several questions at once, where each is whether the reader has something; None where one is not."""
    names = [_reader_attribute(each.expression) if each.test.call is bool else "" for each in questions]
    if len(names) < 2 or not all(names):
        return None
    get = attrgetter(*names)
    return lambda facts: tuple(map(bool, get(facts["reader"])))


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

    def encoded(value: object) -> bytes:
        text = "" if value is None else str(value)
        if not text:
            return b""
        if untouched(text) and "  " not in text:
            return text.encode() + b"=\r\n"
        return _encoded(text, context)

    if name := _reader_attribute(hole.expression):
        get = attrgetter(name)
        return lambda facts: encoded(get(facts["reader"]))
    if place is None:
        return lambda facts: encoded(value_of(facts))
    return lambda facts: encoded(value_of({**facts, "place": place}))


@lru_cache(maxsize=4096)
def _encoded(text: str, context: Context) -> bytes:
    """What is long or not plain is mostly not one reader's alone: titles, names of cities."""
    return encode_piece(written(text, context))


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
