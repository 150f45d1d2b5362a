"""Limit: so many messages in a second, a minute, an hour or a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

PERIODS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Limit:
    count: int
    per: Literal["second", "minute", "hour", "day"]

    @classmethod
    def parse(cls, text: str) -> Limit:
        """ "20/second"; ValueError for anything else."""
        found = re.fullmatch(r"\s*(\d{1,9})\s*(?:/|per)\s*(second|minute|hour|day)s?\s*", text.lower())
        if not found or int(found[1]) < 1:
            raise ValueError(f"{text!r} is no limit like 20/second, 600/minute, 5000/hour or 20000/day")
        return cls(int(found[1]), found[2])  # type: ignore[arg-type]

    @property
    def is_counted(self) -> bool:
        """By hour or day: shared with other senders and kept in the database."""
        return self.per in ("hour", "day")

    def __str__(self) -> str:
        return f"{self.count}/{self.per}"
