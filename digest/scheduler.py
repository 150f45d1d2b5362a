"""APScheduler 3 as a stateless ticker.

It holds no job store and knows no date: every tick asks our own tables what is due (editions/due.py), and a unique row
decides who publishes. So two of these on one database, a restart, a pause of a week and a clock that jumps all end in
one edition per period. APScheduler's own cron loses whole weeks at DST: docs/DECISIONS.md "schedule".
"""

from __future__ import annotations

import asyncio
import sys
import threading

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from digest import log
from digest.app import App
from digest.errors import DigestError
from digest.flows import dispatch, publish
from digest.flows.collect import collect_sources


def tick(app: App, stop: threading.Event) -> None:
    """Collect where an edition is due, build it, send what may go. Nothing that goes wrong ends the next tick."""
    now = app.clock.now()
    try:
        if publish.is_anything_due(app.engine, now=now):
            collect_sources(app.engine, app.fetcher, now=now)
            publish.build_due(app.engine, app.press, now=now)
        for edition_id in dispatch.unfinished(app.engine):
            if not stop.is_set():
                _send(app, edition_id, stop)
    except DigestError as error:
        log.warn("tick.failed", error=type(error).__name__)
        _say(str(error))
    except Exception as error:
        log.warn("tick.failed", error=type(error).__name__)
        _say(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")


def _send(app: App, edition_id: int, stop: threading.Event) -> None:
    dispatch.plan(app.engine, edition_id, now=app.clock.now())
    maker = publish.open_maker(app.engine, app.press, edition_id)

    async def run() -> dispatch.DispatchReport:
        halt = asyncio.Event()

        async def watch() -> None:
            while not stop.is_set():
                await asyncio.sleep(0.2)
            halt.set()

        watching = asyncio.create_task(watch())
        try:
            return await dispatch.send(app.engine, maker, app.channels, clock=app.clock, stop=halt)
        finally:
            watching.cancel()

    report = asyncio.run(run())
    if report.trouble:
        _say(f"edition {edition_id} waits: {report.trouble}")


def _say(text: str) -> None:
    """For the person at the machine; an error may name a file or a host, so it is no log event."""
    print(f"digest: {text}", file=sys.stderr, flush=True)  # noqa: T201


def make_ticker(app: App, stop: threading.Event) -> BackgroundScheduler:
    """Ticks at once and then every `scheduler.tick_s` seconds; a tick that is still running is never doubled."""
    ticker = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone="UTC")
    ticker.add_job(
        tick,
        "interval",
        seconds=app.settings.scheduler.tick_s,
        args=[app, stop],
        next_run_time=app.clock.now(),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
    )
    return ticker
