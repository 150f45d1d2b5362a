"""Expression: a value that a template prints for every reader anew. Question: one it was asked about, with an answer.

render/ makes them while it renders, message/ evaluates them per reader; so they are values of their own.
Facts are what they are evaluated against: {"reader": Reader, "place": Place}.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to a value: an attribute, a filter, a comparison. `name` and `args` tell it from others."""

    name: str
    args: tuple[Hashable, ...] = ()
    call: Callable[[object], object] = field(compare=False, default=lambda value: value)

    def __str__(self) -> str:
        return self.name.replace("{}", ", ".join(map(repr, self.args)))


@dataclass(frozen=True, slots=True)
class Path:
    """`reader.name|upper`: a root and the steps from it."""

    root: str
    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Path:
        return Path(self.root, (*self.steps, step))

    def value(self, facts: Facts) -> object:
        value = facts[self.root]
        for step in self.steps:
            value = step.call(value)
        return value

    def __str__(self) -> str:
        return self.root + "".join(map(str, self.steps))


@dataclass(frozen=True, slots=True)
class Joined:
    """Several texts and expressions in a row, and what was done to the whole.

    join   puts the evaluated parts together (str.join, or markup that escapes what is not markup yet)
    """

    parts: tuple[str | Path | Joined, ...]
    join: Callable[[list[object]], object] = field(compare=False)
    is_markup: bool = False
    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Joined:
        return Joined(self.parts, self.join, self.is_markup, (*self.steps, step))

    def value(self, facts: Facts) -> object:
        value = self.join([part if isinstance(part, str) else part.value(facts) for part in self.parts])
        for step in self.steps:
            value = step.call(value)
        return value

    def __str__(self) -> str:
        return " ~ ".join(map(str, self.parts)) + "".join(map(str, self.steps))


Expression = Path | Joined


@dataclass(frozen=True, slots=True)
class Question:
    """What a template wanted to know while it rendered: "is reader.plan == 'pro'?"."""

    expression: Expression
    test: Step

    def answer(self, facts: Facts) -> Hashable:
        answer = self.test.call(self.expression.value(facts))
        return answer if isinstance(answer, Hashable) else repr(answer)

    def __str__(self) -> str:
        return f"{self.expression}{self.test}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the answer it got, and where the template asked it."""

    question: Question
    answer: Hashable
    template: str = ""
    line: int = 0
