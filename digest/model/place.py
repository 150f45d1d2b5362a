"""Place: where a pick stands within its region; the template's `place`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from digest.model.edition import Pick, Reason, Region
from digest.model.subscriber import Has


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where a pick stands within its region. There is one object for each place, so that places compare by identity.

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


@lru_cache(maxsize=100_000)
def _place(number: int, count: int, opens: bool, closes: bool, section_number: int, why: Reason | None) -> Place:
    return Place(
        number=number,
        count=count,
        first=number == 1,
        last=number == count,
        opens_section=opens,
        closes_section=closes,
        section_number=section_number,
        reason=why.kind.value if why else "",
        subject=why.subject if why else "",
        switch=why.switch if why else "",
    )


def arrange(picks: Sequence[Pick]) -> dict[str, list[tuple[Pick, Place]]]:
    """Picks by region, each with its place; the order within a region is the order of `picks`."""
    regions: dict[str, list[Pick]] = {}
    for pick in picks:
        members = regions.get(pick.region)
        if members is None:
            regions[pick.region] = [pick]
        else:
            members.append(pick)
    return {region: _placed(members) for region, members in regions.items()}


def _placed(picks: Sequence[Pick]) -> list[tuple[Pick, Place]]:
    count, found = len(picks), []
    sections = [pick.candidate.section for pick in picks]
    before, section_number = None, 0
    for number, (pick, section, after) in enumerate(zip(picks, sections, [*sections[1:], None], strict=True), 1):
        opens = section != before
        before = section
        section_number += opens
        found.append((pick, _place(number, count, opens, section != after, section_number, pick.reason)))
    return found


def has(picks: Sequence[Pick]) -> Has:
    """Which regions hold anything; one object for each answer."""
    return _has(frozenset([pick.region for pick in picks]))


@lru_cache(maxsize=64)
def _has(regions: frozenset[Region]) -> Has:
    return Has(**{region.value: region in regions for region in Region})
