"""Ways out: one file each. A new one is a file here and a line in KINDS.

The whole seam: a channel opens one conversation and takes messages from the desk until the desk has none, or until
the channel cannot go on. It tells the desk before it hands a message over and right after it knows what became of it.
"""

from __future__ import annotations

from typing import Protocol

from digest.model.delivery import Outcome
from digest.model.envelope import Outgoing


class Desk(Protocol):
    """Where a conversation gets its messages, and where it reports. flows/dispatch.py is behind it."""

    async def take(self) -> Outgoing | None:
        """The next message, marked `attempting` and committed; None when there is none, or when sending must stop."""
        ...

    async def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        """What became of it. Returns once it is queued for the next commit, not when it is on the disk."""
        ...


class Channel(Protocol):
    name: str
    connections: int

    async def converse(self, desk: Desk) -> None:
        """One connection's life. ChannelUnavailable: could not even begin, nothing was taken from the desk."""
        ...
