"""Actor: who does something to the installation, for the record of who did what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """Through which door somebody came, or which part of the program acts by itself."""

    CLI = "cli"  # a shell on this machine
    DESK = "desk"
    API = "api"
    READER = "reader"  # a reader's own page or link
    SCHEDULER = "scheduler"  # what is due: `digest serve`, `digest run-due`
    SENDER = "sender"  # the process that sends an edition


@dataclass(frozen=True, slots=True)
class Actor:
    """kind, and the name of a person or of a key; "" where there is none"""

    kind: ActorKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    @classmethod
    def parse(cls, text: str) -> Actor:
        """The actor that `str` writes so; ValueError for a kind that there is not."""
        kind, _, name = text.partition(":")
        return cls(ActorKind(kind), name)


SCHEDULER = Actor(ActorKind.SCHEDULER)
SENDER = Actor(ActorKind.SENDER)
