"""The copies of one edition, counted: how much is in them, how long they take to read, who got what. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digest.editions.picks import unpack
from digest.editions.select import ASSUMED_MINUTES
from digest.model.edition import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    least: float
    median: float
    most: float


def spread(counted: Mapping[float, int]) -> Spread | None:
    """Of values, each so many times; None where there is none. Of an even number the median lies between the two."""
    total = sum(counted.values())
    if not total:
        return None
    ordered = sorted(value for value, count in counted.items() if count)
    return Spread(
        least=ordered[0],
        median=(_at(ordered, counted, (total - 1) // 2) + _at(ordered, counted, total // 2)) / 2,
        most=ordered[-1],
    )


def _at(ordered: Sequence[float], counted: Mapping[float, int], index: int) -> float:
    """The value at this place, if each stood there as often as it was counted."""
    for value in ordered:
        index -= counted[value]
        if index < 0:
            return value
    raise IndexError(index)


class Tally:
    """Copies as the ledger keeps them (picks.py). Those that are alike are kept once."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._article = {each.position: each.article for each in candidates}
        self._copies = Counter[str]()

    def add(self, packed: str, count: int = 1) -> None:
        if count:
            self._copies[packed] += count

    @property
    def copies(self) -> int:
        return self._copies.total()

    def summary(self) -> tuple[Spread | None, Spread | None, frozenset[int]]:
        """Articles of a copy, minutes that it takes, and the ids of articles that are in any."""
        picks, minutes = Counter[float](), Counter[float]()
        had: set[int] = set()
        for packed, count in self._copies.items():
            inside = [self._article[position] for position in unpack(json.loads(packed)).positions]
            picks[len(inside)] += count
            minutes[sum(each.reading_minutes or ASSUMED_MINUTES for each in inside)] += count
            had.update(each.stored_id for each in inside)
        return spread(picks), spread(minutes), frozenset(had)
