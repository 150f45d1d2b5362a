"""`reader` and `place` as recording values: holes, deferred filters, observed dependencies.

Printing a recording leaves a hole. Asking it anything (a test, a comparison, a filter that has no deferred form)
answers with the true value of the reader at hand and writes down what was asked: readers who would have answered
the same may share the rendering. So every template is right, and one that only prints is rendered once.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Hashable, Iterator
from types import FrameType
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup

from digest.model.expression import Asked, Expression, Facts, Joined, Path, Question, Step
from digest.model.rendering import Marks
from digest.model.subscriber import Reader

MAX_STEPS = 50


class Missing(Undefined):
    """An attribute that this reader does not have: prints nothing, is false, and `default` replaces it."""


def look_up(value: object, name: str) -> object:
    """`value.name` of a reader, a place or a `has`: a reader's free attributes stand beside the fixed ones."""
    if name.startswith("_"):
        return Missing(name=name)
    if isinstance(value, Reader) and name in value.attributes and not hasattr(Reader, name):
        return value.attributes[name]
    found = getattr(value, name, Missing(obj=value, name=name))
    if isinstance(found, dict):
        return dict(found)  # a template may change its own
    return Missing(obj=value, name=name) if callable(found) else found  # what they can do is for the program


def printed(value: object) -> str:
    """What printing a value gives: Missing and None leave nothing behind."""
    return "" if value is None or isinstance(value, Undefined) else str(value)


def _where() -> tuple[str, int]:
    """Template and line that are being rendered: the nearest compiled template on the stack."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            return str(template.name), int(template.get_corresponding_lineno(frame.f_lineno))
        frame = frame.f_back
    return "", 0


class Recorder:
    """Holds the facts of the reader at hand and writes down what a rendering asks.

    holes   every expression that was ever printed, in the order of their numbers
    """

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.holes: list[Expression] = []
        self._numbers: dict[Expression, int] = {}
        self._facts: Facts = {}
        self._asked: dict[Question, Asked] = {}
        self._eager = 0
        self._is_html = False
        self._forced: set[Expression] = set()
        self._token = re.compile(f"@@{marks.nonce}h([0-9]+)@@")

    def begin(self, facts: Facts, *, is_html: bool) -> None:
        self._facts, self._asked, self._eager, self._is_html = facts, {}, 0, is_html

    def go_on(self, *, is_html: bool) -> None:
        """The next template of the same frame: what was asked so far stays."""
        self._eager, self._is_html = 0, is_html

    def end(self) -> tuple[Asked, ...]:
        return tuple(self._asked.values())

    def root(self, name: str) -> Recording:
        return Recording(self, Path(name))

    # --- what recordings call -------------------------------------------------------------------------------------

    def ask(self, expression: Expression, test: Step) -> Any:
        """The true answer, written down."""
        question = Question(expression, test)
        value = test.call(expression.value(self._facts))
        if question not in self._asked:
            answer = value if isinstance(value, Hashable) else repr(value)
            self._asked[question] = Asked(question, answer, *_where())
        return value

    def print(self, expression: Expression, *, escaping: bool) -> str:
        """The token of a hole; or the true value where a hole would not be right.

        In HTML a hole stands for an escaped value and in text for a bare one; whatever prints the other way round
        (`autoescape false`, "%s" % value) gets the value itself.
        """
        if self._eager or escaping != self._is_html or expression in self._forced or _must_be_settled(expression):
            value = self.ask(expression, _VALUE)
            return printed(value) if not escaping else str(Markup.escape(_printable(value)))
        if isinstance(expression, Joined) and not expression.steps:
            return "".join(
                part if isinstance(part, str) else self.print(part, escaping=escaping)
                for part in (_escaped(expression) if escaping else expression.parts)
            )
        number = self._numbers.setdefault(expression, len(self._numbers))
        if number == len(self.holes):
            self.holes.append(expression)
        return self.marks.hole(number)

    def force(self, number: int) -> None:
        """This hole stands where a value cannot be filled in later (a class, a style): render it from now on."""
        self._forced.add(self.holes[number])

    def eager(self, by: int) -> None:
        """Inside `{% set %}...{% endset %}` and `{% filter %}`, where Jinja hands on a bare string."""
        self._eager += by

    def captured(self, value: Any) -> Any:
        """A string that came out of a macro or a filter: a recording if it holds holes, else itself."""
        if not isinstance(value, str) or self.marks.nonce not in value:
            return value
        parts: list[str | Path | Joined] = []
        for index, part in enumerate(self._token.split(value)):
            if index % 2:
                parts.append(self.holes[int(part)])
            elif part:
                parts.append(Markup(part) if isinstance(value, Markup) else part)  # noqa: S704
        return Recording(self, _joined(tuple(parts), is_markup=isinstance(value, Markup)))

    def concat(self, values: tuple[Any, ...], *, autoescape: bool) -> Any:
        """Jinja's `~` where one of the values is a recording."""
        if not any(isinstance(value, Recording) for value in values):
            return None
        is_markup = autoescape and any(map(_is_markup, values))
        parts = tuple(
            value.expression_ if isinstance(value, Recording) else Markup.escape(value) if is_markup else str(value)
            for value in values
        )
        return Recording(self, _joined(parts, is_markup=is_markup))


class Recording:
    """Stands for a value of the reader or of the place. Names end in "_" so that templates cannot meet them."""

    __slots__ = ("expression_", "recorder_")

    def __init__(self, recorder: Recorder, expression: Expression) -> None:
        self.recorder_ = recorder
        self.expression_ = expression

    def attribute_(self, name: str) -> Recording | None:
        """An attribute of the reader, of the place or of `reader.has`; None for one of a text, which is asked now."""
        expression = self.expression_
        if isinstance(expression, Path) and (not expression.steps or expression.steps == _HAS):
            return Recording(self.recorder_, expression.then(Step(f".{name}", (), lambda value: look_up(value, name))))
        return None

    def then_(self, step: Step) -> Any:
        """A filter that can wait; not without end."""
        if len(self.expression_.steps) >= MAX_STEPS:
            return step.call(self.value_())
        return Recording(self.recorder_, self.expression_.then(step))

    def weight_(self) -> int:
        """See limits.weight: a text of many parts prints as many marks."""
        return _PART * _parts(self.expression_)

    def value_(self) -> Any:
        return self.recorder_.ask(self.expression_, _VALUE)

    def _ask(self, name: str, call: Callable[[Any], object], *args: object) -> Any:
        """Ask with constant arguments; an argument that is a recording, or has no hash, makes it a plain look."""
        if any(isinstance(arg, Recording) or not isinstance(arg, Hashable) for arg in args):
            return call(self.value_())
        return self.recorder_.ask(self.expression_, Step(name, args, call))

    def __html__(self) -> str:
        return self.recorder_.print(self.expression_, escaping=True)

    def __str__(self) -> str:
        return self.recorder_.print(self.expression_, escaping=False)

    def told_(self) -> str:
        """Printed as it is: markup as markup."""
        return self.__html__() if _is_markup(self) else str(self)

    def __bool__(self) -> bool:
        return bool(self._ask(" is true", bool))

    def __eq__(self, other: object) -> bool:
        return bool(self._ask(" == {}", lambda value: value == settled(other), other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.value_())

    def __contains__(self, item: object) -> bool:
        return bool(self._ask(" contains {}", lambda value: settled(item) in value, item))

    def __len__(self) -> int:
        return int(self._ask("|length", len))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value_())

    def __getitem__(self, key: object) -> Any:
        return self.value_()[settled(key)]

    def __int__(self) -> int:
        return int(self.value_())

    def __float__(self) -> float:
        return float(self.value_())

    def __index__(self) -> int:
        return operator.index(self.value_())


def _arithmetic(name: str, function: Callable[[Any, Any], Any]) -> None:
    def forward(self: Recording, other: object) -> Any:
        return function(self.value_(), settled(other))

    def backward(self: Recording, other: object) -> Any:
        return function(settled(other), self.value_())

    setattr(Recording, f"__{name}__", forward)
    setattr(Recording, f"__r{name}__", backward)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _arithmetic(_name, getattr(operator, _name))


def _comparison(name: str, sign: str, function: Callable[[Any, Any], Any]) -> None:
    def compare(self: Recording, other: object) -> Any:
        return self._ask(f" {sign} {{}}", lambda value: function(value, settled(other)), other)

    setattr(Recording, f"__{name}__", compare)


for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">=")):
    _comparison(_name, _sign, getattr(operator, _name))


def settled(value: Any) -> Any:
    """The true value of a recording, however deep in lists and tuples; anything else as it is."""
    if isinstance(value, Recording):
        return value.value_()
    if isinstance(value, list | tuple):
        return type(value)([settled(item) for item in value])
    if isinstance(value, dict):
        return {key: settled(item) for key, item in value.items()}
    return value


def holds_recording(value: object, nonce: str) -> bool:
    """Is there a recording, or the token of a hole, anywhere in this value?"""
    if isinstance(value, Recording):
        return True
    if isinstance(value, str):
        return nonce in value
    if isinstance(value, list | tuple):
        return any(holds_recording(item, nonce) for item in value)
    return isinstance(value, dict) and any(holds_recording(item, nonce) for item in value.values())


_VALUE = Step("")
_HAS = (Step(".has"),)
_PART = 32


def _parts(expression: Expression) -> int:
    if isinstance(expression, Path):
        return 1
    return sum(1 if isinstance(part, str) else _parts(part) for part in expression.parts)


def _printable(value: object) -> object:
    return "" if value is None or isinstance(value, Undefined) else value


def _joined(parts: tuple[str | Path | Joined, ...], *, is_markup: bool) -> Joined:
    if is_markup:
        return Joined(parts, lambda values: Markup("").join(map(_printable, values)), is_markup=True)  # type: ignore[arg-type]
    return Joined(parts, lambda values: "".join(map(printed, values)))


def _must_be_settled(expression: Expression) -> bool:
    """Changed markup cannot be escaped later, and a value of both reader and place is at hand only now."""
    if not isinstance(expression, Joined) or not expression.steps:
        return False
    return expression.is_markup or len(_roots(expression)) > 1


def _roots(expression: Expression) -> set[str]:
    if isinstance(expression, Path):
        return {expression.root}
    return {root for part in expression.parts if not isinstance(part, str) for root in _roots(part)}


def _is_markup(value: object) -> bool:
    """Would the true value be markup? A recording itself always has `__html__`, a plain text never."""
    if isinstance(value, Recording):
        return isinstance(value.expression_, Joined) and value.expression_.is_markup
    return hasattr(value, "__html__")


def _escaped(joined: Joined) -> list[str | Path | Joined]:
    """The parts as they are to be printed in HTML: bare texts of a bare join are escaped by what prints them."""
    return [
        str(Markup.escape(part)) if isinstance(part, str) and not joined.is_markup else part for part in joined.parts
    ]
