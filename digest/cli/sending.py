"""Sending from a shell: a bar, Ctrl-C that loses nothing, and a summary."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from digest.cli.output import progress

if TYPE_CHECKING:
    from digest.app import App
    from digest.flows.dispatch import DispatchReport


def send_edition(app: App, edition_id: int) -> DispatchReport:
    """Plan, if that was not done, and send what is due. Ctrl-C and SIGTERM finish what is in flight and stop."""
    from digest.db.engine import reading
    from digest.delivery.store import balance
    from digest.flows import dispatch, publish

    maker = publish.open_maker(app.engine, app.press, edition_id)
    with progress("planning", None) as advance:
        dispatch.plan(app.engine, edition_id, now=app.clock.now(), progress=advance)
    with reading(app.engine) as connection:
        todo = balance(connection, edition_id).still_to_do
    with progress("sending", todo) as advance:

        async def run() -> DispatchReport:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for signal_ in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(signal_, stop.set)
            return await dispatch.send(app.engine, maker, app.channels, clock=app.clock, stop=stop, progress=advance)

        return asyncio.run(run())


def show_dispatch(report: DispatchReport) -> None:
    print(
        f"edition {report.edition_id}: {report.accepted:,} accepted, {report.deferred:,} deferred, "
        f"{report.rejected:,} rejected, {report.unknown:,} unknown"
    )
    if report.trouble:
        print(f"stopped: {report.trouble}; nothing is lost, run it again when that is mended")
    elif report.waiting_until is not None:
        print(
            f"the rest waits until {report.waiting_until:%Y-%m-%d %H:%M} UTC; `digest serve` or `digest run-due` goes on"
        )
    elif report.is_finished:
        print("all done")
