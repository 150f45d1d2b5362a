"""Place: where a pick stands within its region; the template's `place`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import ne

from digest.model.edition import Pick, Region
from digest.model.subscriber import Has


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where a pick stands within its region, and why it is there.

    number, count      from 1; how many there are
    opens_section      the first of a run of picks with the same section; closes_section: the last
    section_number     counts these runs, from 1
    reason, subject, switch   why this reader has the article (model.edition.Reason); "" where it is not shown
    """

    number: int
    count: int
    first: bool
    last: bool
    opens_section: bool
    closes_section: bool
    section_number: int
    reason: str = ""
    subject: str = ""
    switch: str = ""

    def of(self, pick: Pick) -> Place:
        """This place with the reason of the pick that stands there."""
        why = pick.reason
        return replace(self, reason=why.kind.value, subject=why.subject, switch=why.switch) if why else self


@dataclass(slots=True, eq=False)
class Stand:
    """The places of a region, without anybody's reason. There is one object for all regions whose sections change at the
    same picks, so that a copy's places are found by it."""

    places: tuple[Place, ...]


Regions = Mapping[Region, tuple[Stand, Sequence[Pick]]]
"""The picks of a copy by region, and where they stand there."""


def arrange(picks: Sequence[Pick]) -> dict[str, list[tuple[Pick, Place]]]:
    """Picks by region, each with its place; the order within a region is the order of `picks`."""
    return {
        region: [(pick, place.of(pick)) for pick, place in zip(members, stand.places, strict=True)]
        for region, (stand, members) in by_region(picks).items()
    }


def by_region(picks: Sequence[Pick]) -> Regions:
    """The same, for a million readers."""
    regions: dict[Region, list[Pick]] = {}
    for pick in picks:
        members = regions.get(pick.region)
        if members is None:
            regions[pick.region] = [pick]
        else:
            members.append(pick)
    return {
        region: (stand_of([pick.candidate.section for pick in members]), members) for region, members in regions.items()
    }


def stand_of(sections: Sequence[object]) -> Stand:
    """Where picks of these sections stand."""
    return _stand(tuple(map(ne, sections, (None, *sections))))


@lru_cache(maxsize=4096)
def _stand(opens: tuple[bool, ...]) -> Stand:
    """opens   for each pick of a region: has it another section than the one before?"""
    count, section_number, places = len(opens), 0, []
    for number, (is_opening, is_closing) in enumerate(zip(opens, (*opens[1:], True), strict=True), 1):
        section_number += is_opening
        places.append(_place(number, count, is_opening, is_closing, section_number))
    return Stand(tuple(places))


@lru_cache(maxsize=50_000)
def _place(number: int, count: int, is_opening: bool, is_closing: bool, section_number: int) -> Place:
    return Place(
        number=number,
        count=count,
        first=number == 1,
        last=number == count,
        opens_section=is_opening,
        closes_section=is_closing,
        section_number=section_number,
    )


def has(regions: Iterable[Region]) -> Has:
    """Which regions hold anything; one object for each answer."""
    return _has(tuple(regions))


@lru_cache(maxsize=256)
def _has(regions: tuple[Region, ...]) -> Has:
    return Has(**{region.value: region in regions for region in Region})
