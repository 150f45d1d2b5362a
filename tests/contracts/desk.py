"""A desk with a list in it: what a channel sees of the sender, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from digest.model.delivery import DeliveryId, Outcome
from digest.model.envelope import Envelope, Outgoing


class ListDesk:
    """Gives what it was given, in order, and keeps what it is told.

    stops_after   from then on it has nothing more, as when an edition is paused
    refuses       deliveries whose mark is refused, as when a reader leaves at the last moment
    """

    def __init__(
        self, waiting: list[Outgoing], *, stops_after: int | None = None, refuses: Collection[int] = ()
    ) -> None:
        self._waiting = waiting[:stops_after]
        self._refuses = refuses
        self.taken: list[Outgoing] = []
        self.settled: list[tuple[Outgoing, Outcome]] = []

    def offer(self) -> Outgoing | None:
        if not self._waiting:
            return None
        self.taken.append(self._waiting.pop(0))
        return self.taken[-1]

    async def take(self) -> Outgoing | None:
        return self.offer()

    async def may_send(self, outgoing: Outgoing) -> bool:
        await asyncio.sleep(0)
        return outgoing.delivery_id not in self._refuses

    def settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        self.settled.append((outgoing, outcome))

    @property
    def verdicts(self) -> list[str]:
        return [str(outcome.verdict) for _, outcome in self.settled]


def make_outgoing(number: int, *, address: str = "", size: int = 400) -> Outgoing:
    address = address or f"reader{number}@example.org"
    content = f"To: {address}\r\nSubject: {number}\r\n\r\n".encode() + b"The week in the city.\r\n" * (size // 23)
    envelope = Envelope(mail_from="news@harbourpost.example", rcpt_to=address)
    return Outgoing(delivery_id=DeliveryId(number), envelope=envelope, parts=[content])
