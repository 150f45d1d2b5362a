"""Renderings of one thing, found by the answers that they depend on."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from digest.model.expression import Asked, Facts, Question

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    """Either asks on (question, branches) or holds the value."""

    value: T | None = None
    asked: Asked | None = None
    branches: dict[Hashable, _Node[T]] = field(default_factory=dict)


class Variants(Generic[T]):
    """A tree of questions in the order in which the template asked them.

    A rendering is deterministic: whoever gives the same answers is asked the same next question, so one walk from
    the root finds the rendering that is right for a reader, or says that there is none yet.
    """

    def __init__(self) -> None:
        self._root: _Node[T] | None = None
        self.count = 0

    def find(self, facts: Facts) -> T | None:
        node = self._root
        while node is not None and node.asked is not None:
            node = node.branches.get(node.asked.question.answer(facts))
        return node.value if node is not None else None

    def trail(self, facts: Facts) -> tuple[Hashable, ...]:
        """The answers up to where nothing is known: readers with equal trails may be asked the same next."""
        answers: list[Hashable] = []
        node = self._root
        while node is not None and node.asked is not None:
            answers.append(node.asked.question.answer(facts))
            node = node.branches.get(answers[-1])
        return tuple(answers)

    def add(self, asked: Sequence[Asked], value: T) -> T:
        """Put a rendering under its answers; the one that is there already stays."""
        self._root = node = self._root or _Node()
        for one in asked:
            node.asked = node.asked or one
            node = node.branches.setdefault(one.answer, _Node())
        if node.value is None:
            node.value = value
            self.count += 1
        return node.value

    def questions(self) -> Iterator[Question]:
        """Every question that makes variants."""
        todo = [self._root] if self._root else []
        while todo:
            node = todo.pop()
            if node.asked is not None:
                yield node.asked.question
                todo += node.branches.values()
