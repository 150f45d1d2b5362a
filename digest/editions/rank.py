"""How candidates stand among each other before anybody's choices: how new, how much read, how much talked about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from digest.model.edition import Candidate
from digest.model.newsletter import Newsletter


def scores_of(candidates: Sequence[Candidate], newsletter: Newsletter, since: datetime, until: datetime) -> list[float]:
    """0 or more; shares are of the edition's own extremes, so that no site's numbers are better than another's."""
    ranking, span = newsletter.ranking, max(1.0, (until - since).total_seconds())
    reads = max((each.article.reads or 0 for each in candidates), default=0) or 1
    comments = max((each.article.comment_count or 0 for each in candidates), default=0) or 1
    return [
        ranking.recency * max(0.0, 1 - max(0.0, (until - each.article.published_at).total_seconds()) / span)
        + ranking.reads * (each.article.reads or 0) / reads
        + ranking.comments * (each.article.comment_count or 0) / comments
        for each in candidates
    ]


def most_read(candidates: Sequence[Candidate], count: int) -> list[int]:
    """Bits of those that were read most; what nobody read is not among them."""
    read = [bit for bit, each in enumerate(candidates) if each.article.reads]
    return sorted(read, key=lambda bit: -(candidates[bit].article.reads or 0))[:count]
