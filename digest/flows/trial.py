"""Test copies to a few addresses: through the same channels, beside the ledger."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from digest.delivery.channels import Channel
from digest.errors import ChannelUnavailable
from digest.model.delivery import Outcome
from digest.model.envelope import Outgoing


class _TrialDesk:
    def __init__(self, copies: Sequence[Outgoing]) -> None:
        self._waiting = deque(copies)
        self.outcomes: list[Outcome] = []

    def offer(self) -> Outgoing | None:
        return self._waiting.popleft() if self._waiting else None

    async def take(self) -> Outgoing | None:
        return self.offer()

    async def may_send(self, outgoing: Outgoing) -> bool:
        del outgoing
        return True

    def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        del outgoing
        self.outcomes.append(outcome)


async def send_trial(channels: Sequence[Channel], copies: Sequence[Outgoing]) -> list[Outcome]:
    """Hand the copies over, in order; ChannelUnavailable when no channel can."""
    trouble: ChannelUnavailable | None = None
    for channel in channels:
        desk = _TrialDesk(copies)
        try:
            while len(desk.outcomes) < len(copies):
                before = len(desk.outcomes)
                await channel.converse(desk)
                if len(desk.outcomes) == before:
                    raise ChannelUnavailable(f"channel {channel.name}: took nothing")
            return desk.outcomes
        except ChannelUnavailable as cause:
            trouble = cause
    raise trouble or ChannelUnavailable("no channel is configured")
