"""This machine sends: this process, and as many beside it as the settings say.

They share an edition by leases, as any senders do, so nothing is divided beforehand and one that dies is no loss. More
than one is faster where the work of a message is more than one core can do while the mail server takes the next: with
DKIM's RSA above all.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor as Threads
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

from digest import log
from digest.app import App, make_app
from digest.config import Settings
from digest.db.engine import reading
from digest.editions.store import editions as edition_store
from digest.errors import said
from digest.flows import dispatch, publish
from digest.model.edition import EditionId, EditionStatus
from digest.stopping import stopped_by_signals
from digest.workers.accidents import Told, tell

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from digest.flows.dispatch import DispatchReport

LOOK_S = 0.1
GRACE_S = 900.0

EDITIONS_AT_ONCE = 8

Progress = Callable[[int], None]


class Send(Protocol):
    """How one edition is sent; `send` below."""

    def __call__(self, app: App, edition_id: int, *, stop: threading.Event) -> DispatchReport: ...


class LocalRunner:
    """This process, until it is stopped: each edition in a thread of its own."""

    def __init__(self, app: App, send: Send | None = None) -> None:
        self._app, self._send = app, send or _send_quietly
        self._woken: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._troubles: dict[int, str] = {}

    def wake(self, connection: Connection, edition_id: EditionId) -> None:
        """It is looked at once the ledger says that all of it is planned; until then the wake is for nothing."""
        del connection
        self._woken.put(edition_id)

    def run(self, stop: threading.Event) -> list[DispatchReport]:
        wanted: dict[int, None] = {}
        sending: dict[int, Future[None]] = {}
        with Threads(EDITIONS_AT_ONCE, thread_name_prefix="edition") as threads:
            while not stop.is_set():
                with contextlib.suppress(queue.Empty):
                    wanted[self._woken.get(timeout=LOOK_S)] = None
                sending = {each: running for each, running in sending.items() if not running.done()}
                for edition_id in [
                    each for each in wanted if each not in sending
                ]:  # the others are looked at once more
                    del wanted[edition_id]
                    sending[edition_id] = threads.submit(self._send_one, edition_id, stop)
        return []

    def _send_one(self, edition_id: int, stop: threading.Event) -> None:
        with Told(f"edition {edition_id}"):
            if stop.is_set():
                return
            if not _is_planned(self._app, edition_id):
                self._troubles.pop(edition_id, None)
                return
            try:
                report = self._send(self._app, edition_id, stop=stop)
            except Exception as cause:
                dispatch.note_trouble(self._app.engine, edition_id, said(cause))
                raise
            before = self._troubles.pop(edition_id, "")
            if report.trouble:
                self._troubles[edition_id] = report.trouble
            if report.trouble != before:  # said once, not with every wake
                waits = f"edition {edition_id} waits: {report.trouble}"
                tell(waits if report.trouble else f"edition {edition_id} goes on")
        gc.collect()  # else editions that are over pile up: Python looks through what is old only after a long while


class LocalRun:
    """This process, once: the editions that it was woken for, one after another, in the thread that asks."""

    def __init__(self, app: App, progress: Progress) -> None:
        self._app, self._progress = app, progress
        self._woken: dict[int, None] = {}

    def wake(self, connection: Connection, edition_id: EditionId) -> None:
        del connection
        self._woken[edition_id] = None

    def run(self, stop: threading.Event) -> list[DispatchReport]:
        reports = []
        while self._woken and not stop.is_set():
            edition_id, _ = self._woken.popitem()
            reports.append(send(self._app, edition_id, stop=stop, progress=self._progress))
        return reports


def _is_planned(app: App, edition_id: int) -> bool:
    """Is all of it planned, and is it to be sent? Its first readers are set apart at the end of planning."""
    with reading(app.engine) as connection:
        status = edition_store.find_status(connection, edition_id)
        return status is EditionStatus.SENDING and edition_store.is_planned(connection, edition_id)


def _send_quietly(app: App, edition_id: int, *, stop: threading.Event) -> DispatchReport:
    return send(app, edition_id, stop=stop)


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


def _help(settings: Settings, edition_id: int, answer: Pipe) -> None:
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
