"""A ticker that no clock can stop or hurry.

It knows no date: every tick asks our own tables what is due (editions/due.py), and a unique row decides who publishes. So
two of these on one database, a restart, a pause of a week and a clock that jumps all end in one edition per period.

When to tick is a wait on the monotonic clock. APScheduler runs the ticks: in a thread of its own, never two at once, and
finished before it ends. Its own intervals and cron wait for a wall time, so a clock that was set back stopped them, and
lose whole weeks at DST: docs/DECISIONS.md "schedule" and "ticks".

Ticks are short: each edition is planned in a thread of its own, and sent by a runner (workers/), here or elsewhere, which is
woken in the transaction that plans. So one that takes hours (a limit, a warm-up) keeps no newsletter waiting.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor as Threads

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from digest.app import App
from digest.errors import Refused, said
from digest.flows import dispatch, due, publish
from digest.workers import Runner
from digest.workers.accidents import Told, tell

EDITIONS_AT_ONCE = 8
LONGEST_TICK_S = 3600.0


class Ticker:
    """Ticks at once and then every `scheduler.tick_s` seconds; a tick that is still running is never doubled."""

    def __init__(self, app: App, runner: Runner) -> None:
        self._app, self._runner = app, runner
        self._stop = threading.Event()
        self._threads = Threads(EDITIONS_AT_ONCE, thread_name_prefix="plan")
        self._planning: dict[int, Future[None]] = {}
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
        """Collect where an edition is due, build it, plan it and wake who sends. What goes wrong in one ends no other."""
        with Told("tick"):
            self._build()
        with Told("tick"):
            self._planning = {each: planning for each, planning in self._planning.items() if not planning.done()}
            for edition_id in dispatch.unfinished(self._app.engine):
                if not self._stop.is_set() and edition_id not in self._planning:
                    self._planning[edition_id] = self._threads.submit(self._plan_one, edition_id)

    def _build(self) -> None:
        """Whatever the sources or the readers' site do, an edition that is due is built from what there is."""
        app, now = self._app, self._app.clock.now()
        if not publish.is_anything_due(app.engine, now=now):
            return
        at_once = app.settings.collect.at_once
        report = due.build_due(app.engine, app.fetcher, app.press, now=now, at_once=at_once)
        for line in (*report.gathered.accidents, *report.gathered.about_readers):
            tell(line)
        for built in report.built:
            if built.result is publish.Built.FAILED:
                tell(f"newsletter {built.newsletter}: {built.message}")

    def _plan_one(self, edition_id: int) -> None:
        """Of an edition that is planned already only the runner is woken: what it was told before may be lost."""
        engine = self._app.engine
        with Told(f"edition {edition_id}"):
            try:
                dispatch.plan(engine, edition_id, now=self._app.clock.now(), on_batch=self._runner.wake)
                dispatch.wake(engine, edition_id, self._runner.wake)
            except Refused:  # another process has sent it, or somebody cancelled it, since we looked
                return
            except Exception as cause:
                dispatch.note_trouble(engine, edition_id, said(cause))
                raise
