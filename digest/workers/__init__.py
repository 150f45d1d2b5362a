"""workers: who runs the batches. local.py: this process, and others beside it on the same machine. An engine that wakes
other machines goes here too, as another Runner.

Any number of runners, on any number of machines, may work on one database: they share an edition by the leases of its
batches, and the ledger alone says what there is to do. To wake a runner says "look", never "send this batch", so a wake that
is lost costs time and nothing else, and one that comes twice does nothing.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from digest.app import App
    from digest.flows.dispatch import DispatchReport
    from digest.model.edition import EditionId


class Runner(Protocol):
    """Who sends. Who ticks has one, and knows no more of it than this: it may send in this process or elsewhere."""

    def wake(self, connection: Connection, edition_id: EditionId) -> None:
        """There is work in this edition. It must not wait.

        It is called in the transaction that wrote the work, for each batch, and again with every tick as long as there is
        some. What it writes through `connection` is there exactly if the work is; what it does besides must bear that the
        work is not there yet, or never will be.
        """
        ...

    def run(self, stop: threading.Event) -> list[DispatchReport]:
        """Send what there is until `stop` is set; then finish what is in flight, and return.

        One that was made to end by itself returns when nothing is left that could be sent now, with what it did for each
        edition.
        """
        ...


def make_runner(app: App) -> Runner:
    """As the settings say: this machine. It sends until it is stopped."""
    from digest.workers.local import LocalRunner

    return LocalRunner(app)


def make_single_run(app: App, progress: Callable[[int], None] = lambda _: None) -> Runner:
    """One that sends what it was woken for here and now, and ends: for somebody who waits for it."""
    from digest.workers.local import LocalRun

    return LocalRun(app, progress)
