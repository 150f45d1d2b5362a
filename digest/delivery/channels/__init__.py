"""Ways out: one file each, with its own Options. A new one is a file here and a line in kinds.py.

The whole seam: a channel opens one conversation and takes messages from the desk until the desk has none, or until
the channel cannot go on. Before it writes a message's last byte it asks the desk, and right after it knows what became
of the message it says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Protocol

from digest.model import parse
from digest.model.delivery import Outcome
from digest.model.envelope import Outgoing
from digest.model.setting import Setting, get_value, settings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOptions:
    """What every kind has. What may not be together is a ValueError when they are made."""

    kind: ClassVar[str]
    name: Annotated[str, Setting(help="letters, digits, hyphens; must be unique", is_needed=True)]
    limits: Annotated[
        tuple[str, ...],
        Setting(help='how fast at most, all senders together: ["50/second", "20000/day"]', read=parse.limit),
    ] = ()

    def list_risks(self) -> Iterator[tuple[str, str]]:
        """What lets others read along on the way out: how it stands, and what to do."""
        yield from ()

    @property
    def secret_files(self) -> dict[str, Path]:
        """The files that hold a secret each, by the setting that holds it once it is read: "password"."""
        files = {each.name.removesuffix("_file"): get_value(self, each.path) for each in _files_of(type(self))}
        return {name: file for name, file in files.items() if file is not None}

    @property
    def inline_secrets(self) -> list[str]:
        """Settings whose secret stands in the settings themselves."""
        secret = [each.path for each in settings_of(type(self)) if each.is_secret and get_value(self, each.path)]
        return [path for path in secret if path not in self.secret_files]


def _files_of(options: type[ChannelOptions]) -> list[Setting]:
    return [each for each in settings_of(options) if each.of is Path and each.name.endswith("_file")]


class Desk(Protocol):
    """Where a conversation gets its messages, and where it reports. flows/dispatch is behind it.

    A message that was taken is either refused by `may_send`, or settled exactly once.
    """

    def offer(self) -> Outgoing | None:
        """A message that is ready at this moment; its mark `attempting` is on its way to the ledger."""
        ...

    async def take(self) -> Outgoing | None:
        """The same, but wait for it; None when the conversation should end."""
        ...

    async def may_send(self, outgoing: Outgoing) -> bool:
        """Once `attempting` is committed: True. False: nothing of the message may be completed, and it is not ours
        any more (its reader has left, the edition was paused or cancelled, the ledger cannot be written)."""
        ...

    def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        """What became of it; returns once it is queued for the next commit."""
        ...


class Channel(Protocol):
    name: str
    connections: int

    async def converse(self, desk: Desk) -> None:
        """One connection's life. ChannelUnavailable: cannot be used now; whatever was taken is settled."""
        ...
