"""Place: where a pick stands within its region; the template's `place`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest.model.edition import Pick, Region
from digest.model.subscriber import Has


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a pick stands within its region.

    number, count      from 1; how many there are
    opens_section      the first of a run of picks with the same section; closes_section: the last
    section_number     counts these runs, from 1
    """

    number: int
    count: int
    first: bool
    last: bool
    opens_section: bool
    closes_section: bool
    section_number: int
    reason: str = ""


def arrange(picks: Sequence[Pick]) -> dict[str, tuple[tuple[Pick, Place], ...]]:
    """Picks by region, each with its place; the order within a region is the order of `picks`."""
    regions: dict[str, list[Pick]] = {}
    for pick in picks:
        regions.setdefault(pick.region, []).append(pick)
    return {region: tuple(_places(members)) for region, members in regions.items()}


def _places(picks: Sequence[Pick]) -> Iterator[tuple[Pick, Place]]:
    sections = [pick.candidate.section for pick in picks]
    number_of_section = 0
    for index, pick in enumerate(picks):
        opens = index == 0 or sections[index - 1] != sections[index]
        number_of_section += opens
        yield (
            pick,
            Place(
                number=index + 1,
                count=len(picks),
                first=index == 0,
                last=index == len(picks) - 1,
                opens_section=opens,
                closes_section=index == len(picks) - 1 or sections[index + 1] != sections[index],
                section_number=number_of_section,
                reason=pick.reason,
            ),
        )


def has(picks: Sequence[Pick]) -> Has:
    """Which regions hold anything."""
    regions = {pick.region for pick in picks}
    return Has(**{region.value: region in regions for region in Region})
