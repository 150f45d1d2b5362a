"""Which sponsor an edition shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from digest.model.newsletter import Sponsor


def sponsor_on(sponsors: Sequence[Sponsor], day: date, shown: Mapping[str, int]) -> Sponsor | None:
    """The one whose days these are, and whose editions are not used up.

    shown   editions that showed each, by its key
    """
    at = day.isoformat()
    for each in sponsors:
        in_time = (not each.since or each.since <= at) and (not each.until or at <= each.until)
        if in_time and not (each.most_editions and shown.get(each.key, 0) >= each.most_editions):
            return each
    return None


def overlapping(sponsors: Sequence[Sponsor], new: Sponsor) -> Sponsor | None:
    """Another one that has some of the same days. One with a limit of editions may end earlier, and counts all the same."""
    for each in sponsors:
        begins_before = not new.until or not each.since or each.since <= new.until
        ends_after = not new.since or not each.until or each.until >= new.since
        if each.key != new.key and begins_before and ends_after:
            return each
    return None
