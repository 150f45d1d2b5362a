"""This machine sends: this process, and as many beside it as the settings say.

They share an edition by leases, as any senders do, so nothing is divided beforehand and one that dies is no loss. More
than one is faster where the work of a message is more than one core can do while the mail server takes the next: with
DKIM's RSA above all.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from digest import log
from digest.app import App, make_app
from digest.config import Settings
from digest.flows import dispatch, publish
from digest.stopping import stopped_by_signals

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from digest.flows.dispatch import DispatchReport

LOOK_S = 0.1
GRACE_S = 900.0

Progress = Callable[[int], None]


def send(app: App, edition_id: int, *, stop: threading.Event, progress: Progress = lambda _: None) -> DispatchReport:
    """Send what is due of a planned edition. `stop`: finish what is in flight, take nothing new."""
    helpers = [_Helper(app.settings, edition_id) for _ in range(app.settings.sending.processes - 1)]
    try:
        report = _send_here(app, edition_id, stop, progress)
    finally:
        _wait_for(helpers, stop)
    for helper in helpers:
        if helper.report is not None:
            report = _together(report, helper.report)
    if helpers and not report.is_finished:
        report.is_finished = dispatch.finish(app.engine, edition_id, now=app.clock.now())
    return report


def _send_here(app: App, edition_id: int, stop: threading.Event, progress: Progress) -> DispatchReport:
    maker = publish.open_maker(app.engine, app.press, edition_id)

    async def run() -> DispatchReport:
        halt = asyncio.Event()

        async def watch() -> None:
            while not stop.is_set():
                await asyncio.sleep(LOOK_S)
            halt.set()

        watching = asyncio.create_task(watch())
        try:
            return await dispatch.send(
                app.engine,
                maker,
                app.channels,
                clock=app.clock,
                stop=halt,
                progress=progress,
                limits=app.limits,
            )
        finally:
            watching.cancel()

    return asyncio.run(run())


def _wait_for(helpers: Sequence[_Helper], stop: threading.Event) -> None:
    """They end by themselves when nothing is left; a stop is passed on to all, also one that comes while we wait."""
    waiting = list(helpers)
    deadline = time.monotonic() + GRACE_S
    is_told = False
    while waiting and time.monotonic() < deadline:
        if stop.is_set() and not is_told:
            is_told = True
            for helper in waiting:
                helper.tell_to_stop()
        ready = wait([helper.answer for helper in waiting], LOOK_S)
        for helper in [each for each in waiting if each.answer in ready]:
            helper.hear()
            waiting.remove(helper)
    for helper in helpers:
        helper.join()


class _Helper:
    """One process beside this one. `report`: what it did; None when it died."""

    def __init__(self, settings: Settings, edition_id: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.answer, theirs = context.Pipe(duplex=False)
        self._process: SpawnProcess = context.Process(target=_help, args=(settings, edition_id, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.report: DispatchReport | None = None

    def tell_to_stop(self) -> None:
        self._process.terminate()

    def hear(self) -> None:
        """Its report, or its end."""
        try:
            self.report = self.answer.recv()
        except EOFError:
            log.warn("workers.helper_died", code=self._process.exitcode)

    def join(self) -> None:
        self._process.join(GRACE_S)


def _help(settings: Settings, edition_id: int, answer: Connection) -> None:
    """The life of a helper: as long as there is work, and no longer than who started it."""
    names = [each.name for each in settings.channels]
    log.configure(level=settings.log.level, as_json=settings.log.json_lines, names=names)
    stop = threading.Event()
    parent = os.getppid()

    def watch_parent() -> None:
        while not stop.wait(1.0):
            if os.getppid() != parent:
                stop.set()

    threading.Thread(target=watch_parent, daemon=True).start()
    app = make_app(settings)
    with stopped_by_signals(stop.set):
        answer.send(_send_here(app, edition_id, stop, lambda _: None))
    app.engine.dispose()


def _together(one: DispatchReport, other: DispatchReport) -> DispatchReport:
    one.accepted += other.accepted
    one.deferred += other.deferred
    one.rejected += other.rejected
    one.unknown += other.unknown
    one.is_finished = one.is_finished or other.is_finished
    one.trouble = one.trouble or other.trouble
    return one
