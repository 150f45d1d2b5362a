"""A ticker that no clock can stop or hurry.

It knows no date: every tick asks our own tables what is due (editions/due.py), and a unique row decides who publishes. So
two of these on one database, a restart, a pause of a week and a clock that jumps all end in one edition per period.

When to tick is a wait on the monotonic clock. APScheduler runs the ticks: in a thread of its own, never two at once, and
finished before it ends. Its own intervals and cron wait for a wall time, so a clock that was set back stopped them, and
lose whole weeks at DST: docs/DECISIONS.md "schedule" and "ticks".

Ticks are short: each edition is sent in a thread of its own, so that one that takes hours (a limit, a warm-up) does not
keep the next newsletter waiting.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Collection
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor as Threads
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from digest import log
from digest.app import App
from digest.errors import Refused, said
from digest.flows import dispatch, due, publish
from digest.flows.dispatch import DispatchReport

EDITIONS_AT_ONCE = 8
LONGEST_TICK_S = 3600.0


class Send(Protocol):
    """Who sends: workers/local.py, or whatever else the door that starts the ticker has."""

    def __call__(self, app: App, edition_id: int, *, stop: threading.Event) -> DispatchReport: ...


class Ticker:
    """Ticks at once and then every `scheduler.tick_s` seconds; a tick that is still running is never doubled."""

    def __init__(self, app: App, send: Send) -> None:
        self._app, self._send = app, send
        self._stop = threading.Event()
        self._threads = Threads(EDITIONS_AT_ONCE, thread_name_prefix="edition")
        self._sending: dict[int, Future[None]] = {}
        self._troubles: dict[int, str] = {}
        self._scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone="UTC")
        self._beating = threading.Thread(target=self._beat, name="ticker", daemon=True)
        self._beat_at = self._began_at = time.monotonic()
        self._is_busy = False

    def start(self) -> None:
        self._scheduler.start()
        self._beating.start()

    def tell_to_stop(self) -> None:
        """Nothing new is begun; returns at once."""
        self._stop.set()

    def stop(self) -> None:
        """Finish what is in flight; returns when it is recorded."""
        self._stop.set()
        self._beating.join()
        self._scheduler.shutdown(wait=True)
        self._threads.shutdown(wait=True)

    def is_ticking(self) -> bool:
        """Does it beat, and has no tick been at work for longer than any should?"""
        now = time.monotonic()
        has_hung = self._is_busy and now - self._began_at > LONGEST_TICK_S
        return now - self._beat_at < 3 * self._app.settings.scheduler.tick_s + 30 and not has_hung

    def _beat(self) -> None:
        while not self._stop.is_set():
            self._beat_at = time.monotonic()
            if not self._is_busy:
                self._scheduler.add_job(self._tick_once, id="tick", replace_existing=True, misfire_grace_time=None)
            self._stop.wait(self._app.settings.scheduler.tick_s)

    def _tick_once(self) -> None:
        self._is_busy, self._began_at = True, time.monotonic()
        try:
            self.tick()
        finally:
            self._is_busy = False

    def tick(self) -> None:
        """Collect where an edition is due, build it, send what may go. What goes wrong in one ends no other."""
        with _Said("tick"):
            self._build()
        with _Said("tick"):
            unfinished = dispatch.unfinished(self._app.engine)
            self._forget_others(unfinished)
            for edition_id in unfinished:
                if not self._stop.is_set() and edition_id not in self._sending:
                    self._sending[edition_id] = self._threads.submit(self._send_one, edition_id)

    def _forget_others(self, unfinished: Collection[int]) -> None:
        """A process that runs for years keeps nothing of editions that are over."""
        for edition_id in [each for each, running in self._sending.items() if running.done()]:
            del self._sending[edition_id]
        for edition_id in self._troubles.keys() - unfinished:
            self._troubles.pop(edition_id, None)

    def _build(self) -> None:
        """Whatever the sources or the readers' site do, an edition that is due is built from what there is."""
        app, now = self._app, self._app.clock.now()
        if not publish.is_anything_due(app.engine, now=now):
            return
        at_once = app.settings.collect.at_once
        report = due.build_due(app.engine, app.fetcher, app.press, now=now, at_once=at_once)
        for line in (*report.gathered.accidents, *report.gathered.about_readers):
            _say(line)
        for built in report.built:
            if built.result is publish.Built.FAILED:
                _say(f"newsletter {built.newsletter}: {built.message}")

    def _send_one(self, edition_id: int) -> None:
        with _Said(f"edition {edition_id}"):
            try:
                dispatch.plan(self._app.engine, edition_id, now=self._app.clock.now())
                report = self._send(self._app, edition_id, stop=self._stop)
            except Refused:  # another process has sent it, or somebody cancelled it, since we looked
                return
            except Exception as cause:
                dispatch.note_trouble(self._app.engine, edition_id, said(cause))
                raise
            if report.trouble != self._troubles.get(edition_id, ""):  # said once, not with every tick
                _say(
                    f"edition {edition_id} waits: {report.trouble}"
                    if report.trouble
                    else f"edition {edition_id} goes on"
                )
            self._troubles[edition_id] = report.trouble
        gc.collect()  # else editions that are over pile up: Python looks through what is old only after a long while


class _Said:
    """An accident is told to the person at the machine, and goes no further: the next tick tries again."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, Exception):
            return error is None
        log.warn("tick.failed", error=type(error).__name__)
        _say(f"{self._what}: {said(error)}")
        return True


def _say(text: str) -> None:
    """For the person at the machine; an error may name a file or a host, so it is no log event."""
    print(f"digest: {text}", file=sys.stderr, flush=True)  # noqa: T201
