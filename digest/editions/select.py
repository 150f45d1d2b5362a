"""Edition x one reader -> that reader's picks: what, where, why. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from digest.model.article import slug
from digest.model.edition import Candidate, Pick, Region
from digest.model.newsletter import Layout


def select(candidates: Sequence[Candidate], layout: Layout) -> tuple[Pick, ...]:
    """Every candidate, in the order of the edition, each put into the region where it stands.

    The same tuple serves all readers of a broadcast; a reader's own choices are taken into account by passing only
    the candidates that match them.
    """
    picks: list[Pick] = []
    full = 0
    cards = [c for c in candidates[1 if layout.lead else 0 :] if _is_card(c, layout)]
    for candidate in candidates:
        if not picks and layout.lead and candidate.article.image:
            region = Region.LEAD
        elif len(cards) > 1 and candidate in cards[: len(cards) // 2 * 2]:
            region = Region.CARDS  # they stand two by two
        elif layout.headlines_after and full >= layout.headlines_after:
            region = Region.HEADLINES
        else:
            region = Region.ROWS
        full += region is not Region.HEADLINES
        picks.append(Pick(candidate=candidate, region=region, reason=candidate.reason))
    return tuple(picks)


def _is_card(candidate: Candidate, layout: Layout) -> bool:
    return bool(layout.cards_topic and slug(candidate.section) == slug(layout.cards_topic) and candidate.article.image)
