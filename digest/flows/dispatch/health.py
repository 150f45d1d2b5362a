"""How the channels of a sender do: which one is tried next, when one rests, and at which readers the line breaks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest import log
from digest.delivery.channels import Channel
from digest.delivery.store.rows import Due
from digest.model.delivery import ChannelHealth, Outcome, Stage, Verdict

REST_S = 60.0
MISSES_BEFORE_REST = 5
BREAKS_BEFORE_DEFERRED = 3
LONGEST_BREAKING = timedelta(hours=1)


@dataclass(slots=True)
class _State:
    """How a channel does. `rests_until`: on the monotonic clock; infinite where a person must look."""

    misses: int = 0
    rests_until: float = 0.0
    trouble: str = ""


class Health:
    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels
        self._states = {channel.name: _State() for channel in channels}

    def healthy_channel(self) -> Channel | None:
        now = time.monotonic()
        return next((channel for channel in self._channels if self._states[channel.name].rests_until <= now), None)

    def is_well(self, name: str) -> bool:
        """May a message be given to it now?"""
        state = self._states[name]
        return not state.rests_until or state.rests_until <= time.monotonic()

    def breaks_every_conversation(self, name: str) -> bool:
        return self._states[name].misses >= MISSES_BEFORE_REST

    def rest(self, name: str, trouble: str, health: ChannelHealth) -> None:
        """The next channel takes over; this one is tried again after a while, or in the next run."""
        state = self._states[name]
        if state.rests_until <= time.monotonic():
            log.warn("channel.resting", channel=name, health=health)
        state.rests_until = float("inf") if health is ChannelHealth.STOP else time.monotonic() + REST_S
        state.trouble, state.misses = trouble, 0

    def count(self, name: str, outcome: Outcome) -> bool:
        """True when the server gave an answer, whatever it was: it works."""
        if outcome.health is ChannelHealth.CROWDED:  # it works for the connections that it has
            return False
        state = self._states[name]
        is_answered = outcome.verdict not in (Verdict.UNTRIED, Verdict.UNKNOWN)
        if outcome.health is ChannelHealth.RECONNECT and outcome.code // 100 not in (4, 5):
            is_answered = False  # deferred, because the line broke at one reader time after time
        state.misses = 0 if is_answered else state.misses + 1
        return is_answered

    @property
    def troubles(self) -> dict[str, str]:
        return {name: state.trouble for name, state in self._states.items() if state.trouble}


class Breaks:
    """At which readers the line breaks, as far as this run has seen."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def bounded(self, due: Due, outcome: Outcome, *, now: datetime) -> Outcome:
        """A line that breaks at one reader's envelope time after time is that reader's: deferred, so that it ends.

        Counted for this run only. Readers of whom each run meets fewer breaks, since the channel rests first, are known by
        the age of their first try.
        """
        if outcome.verdict is not Verdict.UNTRIED:
            self._counts.pop(due.delivery_id, None)
            return outcome
        if outcome.health is not ChannelHealth.RECONNECT or outcome.stage not in (Stage.MAIL, Stage.RCPT, Stage.DATA):
            return outcome
        self._counts[due.delivery_id] += 1
        times = self._counts[due.delivery_id]
        if times < BREAKS_BEFORE_DEFERRED and now - (due.first_attempt_at or now) < LONGEST_BREAKING:
            return outcome
        del self._counts[due.delivery_id]
        text = f"time after time the line broke before the answer: {outcome.text}"
        return replace(outcome, verdict=Verdict.DEFERRED, text=text)
