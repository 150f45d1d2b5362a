"""A thread that sends notices, beside whatever else this process does."""

from __future__ import annotations

import threading
import time

from digest import log
from digest.app import App

LOOK_S = 0.25
"""A notice is to be handed over within two seconds, whichever process asked for it: so this one looks often. A look is one
read of an index that holds what is open."""

PRUNE_S = 3_600.0


class NoticeThread:
    """Sends what is due, from `start` until `stop`. Several processes may have one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tell_to_stop(self) -> None:
        """Nothing new is begun; returns at once."""
        self._stop.set()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Returns when what is in flight is recorded."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pruned_at = -PRUNE_S
        while not self._stop.wait(LOOK_S):
            try:
                sender = self._app.notice_sender
                if sender.has_due():
                    sender.send_due(self._stop)
                if time.monotonic() - pruned_at > PRUNE_S:
                    pruned_at = time.monotonic()
                    sender.prune()
            except Exception as cause:  # the next look tries again
                log.warn("notices.failed", error=type(cause).__name__)
                self._stop.wait(5.0)
