"""Renderings of one thing, found by the answers that they depend on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from digest.message.evaluate import asker, truths
from digest.model.expression import Asked, Facts, Question

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    """Either asks on (question, branches) or holds the value."""

    value: T | None = None
    asked: Asked | None = None
    ask: Callable[[Facts], Hashable] | None = None
    branches: dict[Hashable, _Node[T]] = field(default_factory=dict)


class Variants(Generic[T]):
    """A tree of questions in the order in which the template asked them.

    A rendering is deterministic: whoever gives the same answers is asked the same next question, so one walk from
    the root finds the rendering that is right for a reader, or says that there is none yet.
    """

    def __init__(self) -> None:
        self._root: _Node[T] | None = None
        self._usual: tuple[Question, ...] = ()
        self._answers: Callable[[Facts], tuple[bool, ...]] | None = None
        self._known: dict[tuple[Hashable, ...], T] = {}
        self.count = 0

    def find(self, facts: Facts) -> T | None:
        if self._answers is not None and (found := self._known.get(self._answers(facts))) is not None:
            return found  # all questions of the first rendering at once: most readers are asked the same ones
        node = self._root
        while node is not None and node.ask is not None:
            node = node.branches.get(node.ask(facts))
        return node.value if node is not None else None

    def trail(self, facts: Facts) -> tuple[Hashable, ...]:
        """The answers up to where nothing is known: readers with equal trails may be asked the same next."""
        answers: list[Hashable] = []
        node = self._root
        while node is not None and node.ask is not None:
            answers.append(node.ask(facts))
            node = node.branches.get(answers[-1])
        return tuple(answers)

    def add(self, asked: Sequence[Asked], value: T) -> T:
        """Put a rendering under its answers; the one that is there already stays."""
        self._root = node = self._root or _Node()
        for one in asked:
            if node.asked is None:
                node.asked, node.ask = one, asker(one.question)
            node = node.branches.setdefault(one.answer, _Node())
        if node.value is None:
            node.value = value
            self.count += 1
            self._learn(asked, value)
        return node.value

    def _learn(self, asked: Sequence[Asked], value: T) -> None:
        questions = tuple(one.question for one in asked)
        if self.count == 1:
            self._usual, self._answers = questions, truths(questions)
        if self._answers is not None and questions == self._usual:
            self._known[tuple(one.answer for one in asked)] = value

    def values(self) -> Iterator[T]:
        """Every rendering."""
        todo = [self._root] if self._root else []
        while todo:
            node = todo.pop()
            if node.value is not None:
                yield node.value
            todo += node.branches.values()

    def asked(self) -> Iterator[tuple[Asked, set[Hashable]]]:
        """Every question that makes variants, wherever it stands in the tree, with the answers that it got there."""
        todo = [self._root] if self._root else []
        while todo:
            node = todo.pop()
            if node.asked is not None:
                yield node.asked, set(node.branches)
                todo += node.branches.values()
