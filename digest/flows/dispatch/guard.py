"""Refusals that may be of us and not of the reader (promise P12): they wait here until others' answers tell.

    one accepted after it    it was the reader's own: refused. What is plainly of us (delivery/refusals.py) is tried later
    FEW in a row, of several domains or plainly of us; or MANY in a row
                             it is us: the channel stops, all of them are given back, the next channel is asked
    nothing left to send     as the second, where this channel accepted nobody of the edition; as the first, where it did

Until then the ledger has them as deferred, so that a crash at any moment costs nobody the edition. The same holds for a
deferred delivery whose time for retries is over: whether it ends there is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from digest.model.delivery import About, Outcome, Stage, Verdict

FEW, MANY = 5, 20

H = TypeVar("H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect(Generic[H]):
    """A refusal that waits for a decision. held: whatever the sender needs to go on with the row."""

    delivery_id: int
    attempts: int
    domain: str
    outcome: Outcome
    is_last: bool
    held: H


def is_suspect(outcome: Outcome, *, is_last: bool) -> bool:
    """May this refusal be of us? is_last: the time for retries is over.

    What a server says of us for now (4yz) waits in the ledger like any deferral, until its time is over.
    """
    if outcome.about is About.READER:
        return False
    if outcome.verdict is Verdict.DEFERRED:
        return is_last or outcome.code // 100 == 5
    return outcome.verdict is Verdict.REJECTED


class Guard(Generic[H]):
    """Of one run. Suspects are counted by channel, since it last accepted a message."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, list[Suspect[H]]] = defaultdict(list)
        self._accepted: set[str] = set()
        self.refusals: dict[str, str] = {}

    @property
    def count(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def channels(self) -> list[str]:
        """Those at which somebody waits for a decision."""
        return [name for name, waiting in self._waiting.items() if waiting]

    def add(self, channel: str, suspect: Suspect[H]) -> None:
        self._waiting[channel].append(suspect)

    def is_us(self, channel: str) -> bool:
        """Do those in a row at this channel show that it is us that are refused?"""
        waiting = self._waiting[channel]
        if channel in self.refusals or len(waiting) >= MANY:
            return bool(waiting)
        plain = [each for each in waiting if each.outcome.about is About.US]
        several = len({each.domain for each in waiting}) > 1
        return len(plain) >= FEW or (len(waiting) >= FEW and several)

    def is_us_at_the_end(self, channel: str, *, is_trusted: bool) -> bool:
        """The same when no further answer will come.

        is_trusted   it accepted a message of this edition before, in this run or another; or there is but one reader
        """
        if not is_trusted:
            return True
        plain = [each for each in self._waiting[channel] if each.outcome.about is About.US and not each.is_last]
        return bool(plain) and channel not in self._accepted

    def accepted(self, channel: str) -> list[Suspect[H]]:
        """The channel took a message: what waited there was not of us."""
        self._accepted.add(channel)
        return self._waiting.pop(channel, []) if self._waiting else []

    def give_up(self, channel: str) -> list[Suspect[H]]:
        """No further answer will come, and some were accepted."""
        return self._waiting.pop(channel, [])

    def refused(self, channel: str) -> list[Suspect[H]]:
        """It is us: the channel stops. They are to be given back."""
        waiting = self._waiting.pop(channel, [])
        if channel not in self.refusals:
            self.refusals[channel] = _said(waiting)
        return waiting

    def was_accepted_in_run(self, channel: str) -> bool:
        return channel in self._accepted


def _said(waiting: Sequence[Suspect[H]]) -> str:
    """What the server says of us, without its own words: they quote addresses."""
    last = next((each for each in reversed(waiting) if each.outcome.why), waiting[-1]).outcome
    answer = " ".join(filter(None, (str(last.code or ""), last.enhanced)))
    where = "our own look at it" if last.stage is Stage.LOCAL else f"answered {answer} at {last.stage}"
    readers = "one reader" if len(waiting) == 1 else f"{len(waiting)} readers in a row"
    is_content = last.stage in (Stage.DATA, Stage.BODY)
    why = last.why or ("what the messages say is refused" if is_content else "every reader is refused")
    return f"{why} ({where}, for {readers})"
