"""The articles of one copy, in their order -> where each of them stands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from digest.editions.picks import PLAIN, REASONS, number_of, reasons_of
from digest.model.article import slug
from digest.model.choices import Length
from digest.model.edition import Candidate, Pick, Reason, Region
from digest.model.newsletter import Layout
from digest.model.place import Regions, Stand, stand_of


class Arrangement:
    """The candidates of an edition, looked at once for all readers.

    Readers with the same articles get the same tuple's worth of Pick objects: what is alike in their copies is found by
    that (message/splice.py).

    shows_reasons   whether a pick says why it is there
    """

    def __init__(self, candidates: Sequence[Candidate], layout: Layout, *, shows_reasons: bool = False) -> None:
        self._layout = layout
        images = [candidate.article.image is not None for candidate in candidates]
        self._leads = _numbers(images) if layout.lead else frozenset()
        self._cards = _numbers([_is_card(candidate, layout) for candidate in candidates])
        known: dict[str, int] = {}
        sections = [known.setdefault(candidate.section, len(known)) for candidate in candidates]
        self._section = [section for section in sections for _ in range(REASONS)]
        self._in_region: dict[Region, dict[int, Pick]] = {
            region: self._table(candidates, region, shows_reasons=shows_reasons) for region in Region
        }
        self.everything = self.picks([number_of(position, PLAIN) for position in range(len(candidates))])

    @staticmethod
    def _table(candidates: Sequence[Candidate], region: Region, *, shows_reasons: bool) -> dict[int, Pick]:
        """By number (editions/picks.py): a pick for each reason that is shown, else one for all of them."""
        table: dict[int, Pick] = {}
        for position, candidate in enumerate(candidates):
            reasons: Mapping[int, Reason | None] = reasons_of(candidate) if shows_reasons else {PLAIN: None}
            picks = {number: Pick(candidate=candidate, region=region, reason=why) for number, why in reasons.items()}
            for number in reasons if shows_reasons else range(REASONS):
                table[number_of(position, number)] = picks[number if shows_reasons else PLAIN]
        return table

    def picks(self, numbers: Sequence[int], length: Length = Length.FULL) -> tuple[Pick, ...]:
        """These candidates, in this order, each put into the region where it stands.

        numbers   editions/picks.py
        """
        return self.by_region(numbers, length)[0]

    def by_region(self, numbers: Sequence[int], length: Length = Length.FULL) -> tuple[tuple[Pick, ...], Regions]:
        """The same, and the picks of each region. Looks at tables alone: articles and picks of a million copies would drive
        each other out of the processor's cache."""
        if length is not Length.FULL:
            return self._alone(numbers, Region.BRIEFS if length is Length.SUMMARIES else Region.HEADLINES)
        has_lead = bool(numbers) and numbers[0] in self._leads
        cards = () if self._cards.isdisjoint(numbers) else self._two_by_two(numbers)
        pattern = _pattern(len(numbers), has_lead, cards, self._layout.headlines_after)
        picks: list[Pick] = []
        regions: dict[Region, tuple[Stand, Sequence[Pick]]] = {}
        for region, members_of in pattern.regions:
            members = members_of(numbers)
            those = list(map(self._in_region[region].__getitem__, members))
            regions[region] = stand_of(list(map(self._section.__getitem__, members))), those
            picks += those
        return tuple(picks) if pattern.in_order is None else pattern.in_order(picks), regions

    def _alone(self, numbers: Sequence[int], region: Region) -> tuple[tuple[Pick, ...], Regions]:
        """All of them in one region."""
        picks = tuple(map(self._in_region[region].__getitem__, numbers))
        if not picks:
            return picks, {}
        return picks, {region: (stand_of(list(map(self._section.__getitem__, numbers))), picks)}

    def _two_by_two(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Indices of those that are cards."""
        first = 1 if self._layout.lead else 0
        found = [index for index in range(first, len(numbers)) if numbers[index] in self._cards]
        return tuple(found[: len(found) // 2 * 2])


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Which of a copy's articles stand in which region.

    regions    those that hold any, with what takes their members out of the copy
    in_order   puts the members of all regions, one region after the other, back into the order of the copy; None where
               they are in it already
    """

    regions: tuple[tuple[Region, Callable[[Sequence[int]], Sequence[int]]], ...]
    in_order: Callable[[Sequence[Pick]], tuple[Pick, ...]] | None


@lru_cache(maxsize=4096)
def _pattern(count: int, has_lead: bool, cards: tuple[int, ...], headlines_after: int) -> _Pattern:
    """headlines_after   0: never"""
    where = [Region.ROWS] * count
    if headlines_after:
        where[headlines_after:] = [Region.HEADLINES] * (count - headlines_after)
    for index in cards:
        where[index] = Region.CARDS
    if has_lead:
        where[0] = Region.LEAD
    indices = {region: [at for at, each in enumerate(where) if each is region] for region in dict.fromkeys(where)}
    flat = [at for those in indices.values() for at in those]
    back = sorted(range(count), key=flat.__getitem__)
    return _Pattern(
        regions=tuple((region, _taking(those)) for region, those in indices.items()),
        in_order=itemgetter(*back) if flat != sorted(flat) else None,
    )


def _taking(indices: Sequence[int]) -> Callable[[Sequence[int]], Sequence[int]]:
    if indices[-1] - indices[0] == len(indices) - 1:
        return itemgetter(slice(indices[0], indices[-1] + 1))
    return itemgetter(*indices)


def _numbers(is_one: Sequence[bool]) -> frozenset[int]:
    """All numbers (editions/picks.py) of the candidates of which it is true."""
    return frozenset(
        number_of(position, reason) for position, is_so in enumerate(is_one) if is_so for reason in range(REASONS)
    )


def _is_card(candidate: Candidate, layout: Layout) -> bool:
    return bool(layout.cards_topic and slug(candidate.section) == slug(layout.cards_topic) and candidate.article.image)
