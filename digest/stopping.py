"""Signals that ask a process to stop: what is in flight is finished and recorded, nothing new is begun."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a service manager, a terminal that is closed."""

PATIENCE = 10
"""So many do not end what is in flight: an impatient hand would make deliveries unknown. Whoever sends more means it."""


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop`, once, at the first signal. One that is ignored (nohup, a job in the background) stays so.

    Only in the main thread. What was before is restored at the end; but who was told to stop ends, and the next signal of
    the same impatient hand is not to kill what writes its summary.
    """
    count = 0

    def handle(number: int, _frame: object) -> None:
        nonlocal count
        count += 1
        if count == 1:  # a second signal may come while `stop` still holds a lock
            stop()
        elif count > PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    before = {each: found for each in SIGNALS if (found := signal.getsignal(each)) is not signal.SIG_IGN}
    for each in before:
        signal.signal(each, handle)
    try:
        yield
    finally:
        for each, handler in before.items():  # Python itself takes its handlers away at the end, but not this one
            signal.signal(each, signal.SIG_IGN if count else handler)
