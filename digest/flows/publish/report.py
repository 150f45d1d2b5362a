"""What became of a period, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from digest.errors import Next
from digest.model.edition import EditionId


class Built(StrEnum):
    APPROVED = "approved"
    DRAFT = "draft"
    EMPTY = "empty"
    THERE = "there already"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What became of one newsletter's period, in words for people."""

    newsletter: str
    period: str
    result: Built
    edition_id: EditionId | None = None
    items: int = 0
    message: str = ""
    next: Next | None = None
