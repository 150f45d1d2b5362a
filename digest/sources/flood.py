"""How much news of a source is too much to be true. Pure.

A re-import, a move to new addresses and ids, a hacked site: all of a sudden a source has many times its usual news. What
is beyond that waits for an editor. The allowance is a bucket that fills with time, so that asking more often lets no more
pass, and that holds more after an outage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from digest.model.source import Usual

FLOOR = 20
"""So much may come from any source within a day: on a quiet blog five new articles are no flood."""

TIMES = 5
"""So many times its usual news."""

MEMORY = timedelta(days=14)
"""Of what came before so long ago, a third still counts."""

FIRST_LOOK = timedelta(days=28)


def allowed(usual: Usual, since: datetime | None, now: datetime) -> int | None:
    """How many new articles may pass now; None: no limit, because nothing is known of the source yet.

    since   when it was read last
    """
    if usual.a_day is None or since is None:
        return None
    return int(_filled(usual, usual.a_day, now - since))


def after(usual: Usual, new: int, since: datetime | None, now: datetime) -> Usual:
    """What is known once `new` articles came; those that are held are not news."""
    if usual.a_day is None or since is None:
        raise ValueError("a source that was never read has nothing usual yet")
    passed = max(now - since, timedelta(hours=1))
    weight = 1 - math.exp(-passed / MEMORY)
    a_day = usual.a_day + weight * (new / (passed / timedelta(days=1)) - usual.a_day)
    return Usual(a_day, max(0.0, _filled(usual, usual.a_day, now - since) - new))


def at_first(published: Sequence[datetime], now: datetime) -> Usual:
    """From the dates of what a source had when it was read for the first time."""
    recent = [at for at in published if now - FIRST_LOOK <= at <= now]
    oldest = min(recent, default=now)
    days = max((now - oldest) / timedelta(days=1), 1.0)  # a feed shows its last twenty, and they may be of this week
    a_day = len(recent) / days
    return Usual(a_day, max(float(FLOOR), TIMES * a_day))


def _filled(usual: Usual, a_day: float, passed: timedelta) -> float:
    """A day's allowance comes within a day; so many days' are kept as nobody looked."""
    days = max(0.0, passed / timedelta(days=1))
    daily = max(float(FLOOR), TIMES * a_day)
    return min(usual.left + daily * days, daily * max(1.0, days))
