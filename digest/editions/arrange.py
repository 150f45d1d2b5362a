"""The articles of one copy, in their order -> where each of them stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from digest.editions.picks import PLAIN, REASONS, number_of, position_of, reasons_of
from digest.model.article import slug
from digest.model.choices import Length
from digest.model.edition import Candidate, Pick, Reason, Region
from digest.model.newsletter import Layout


class Arrangement:
    """The candidates of an edition, looked at once for all readers.

    Readers with the same articles get the same tuple's worth of Pick objects: what is alike in their copies is found by
    that (message/splice.py).

    shows_reasons   whether a pick says why it is there
    """

    def __init__(self, candidates: Sequence[Candidate], layout: Layout, *, shows_reasons: bool = False) -> None:
        self._layout = layout
        self._is_card = [_is_card(candidate, layout) for candidate in candidates]
        self._has_cards = any(self._is_card)
        self._has_image = [candidate.article.image is not None for candidate in candidates]
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
        tables = self._in_region
        if length is not Length.FULL:
            return tuple(
                map(tables[Region.BRIEFS if length is Length.SUMMARIES else Region.HEADLINES].__getitem__, numbers)
            )
        layout = self._layout
        picks = list(map(tables[Region.ROWS].__getitem__, numbers))
        cards = self._cards(numbers) if self._has_cards else []
        for index in cards:
            picks[index] = tables[Region.CARDS][numbers[index]]
        if layout.headlines_after and len(picks) > layout.headlines_after:
            for index in range(layout.headlines_after, len(picks)):
                if index not in cards:
                    picks[index] = tables[Region.HEADLINES][numbers[index]]
        if picks and layout.lead and self._has_image[position_of(numbers[0])]:
            picks[0] = tables[Region.LEAD][numbers[0]]
        return tuple(picks)

    def _cards(self, numbers: Sequence[int]) -> list[int]:
        """Which of them stand two by two."""
        first = 1 if self._layout.lead else 0
        found = [index for index in range(first, len(numbers)) if self._is_card[position_of(numbers[index])]]
        return found[: len(found) // 2 * 2]


def _is_card(candidate: Candidate, layout: Layout) -> bool:
    return bool(layout.cards_topic and slug(candidate.section) == slug(layout.cards_topic) and candidate.article.image)
