"""Sending from a shell: a bar, Ctrl-C that loses nothing, and a summary."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from digest.cli.output import progress
from digest.stopping import stopped_by_signals

if TYPE_CHECKING:
    from digest.app import App
    from digest.flows.dispatch import DispatchReport


def send_edition(app: App, edition_id: int, *, stop: threading.Event | None = None) -> DispatchReport:
    """Plan, if that was not done, and send what is due. Ctrl-C, SIGTERM and SIGHUP finish what is in flight and stop.

    stop   of a caller who minds the signals, and does something else when they come

    An edition that another process sent, or somebody cancelled, since the caller looked is no trouble: nothing is left.
    """
    from digest.db.engine import reading
    from digest.delivery.store.counts import balance
    from digest.editions.store.editions import get_edition
    from digest.errors import Refused
    from digest.flows import dispatch
    from digest.model.edition import EditionId, EditionStatus
    from digest.workers import make_single_run

    try:
        with progress("planning", None) as advance:
            dispatch.plan(app.engine, edition_id, now=app.clock.now(), progress=advance)
    except Refused:
        with reading(app.engine) as connection:
            status = get_edition(connection, edition_id).status
        if status not in (EditionStatus.SENT, EditionStatus.CANCELLED):
            raise
        return dispatch.DispatchReport(edition_id=edition_id, is_finished=status is EditionStatus.SENT)
    with reading(app.engine) as connection:
        todo = balance(connection, edition_id).still_to_do
    own = threading.Event()
    minding = stopped_by_signals(own.set) if stop is None else contextlib.nullcontext()
    with progress("sending", todo) as advance, minding:
        runner = make_single_run(app, advance)
        with reading(app.engine) as connection:
            runner.wake(connection, EditionId(edition_id))
        reports = runner.run(stop or own)
    return reports[0] if reports else dispatch.DispatchReport(edition_id=edition_id)


def send_each(app: App, edition_ids: Iterable[int]) -> list[DispatchReport]:
    """One edition after another. What goes wrong in one ends no other: it is that edition's trouble, and kept with it.

    A signal to stop is for all of them: the next one is not begun.
    """
    stop = threading.Event()
    with stopped_by_signals(stop.set):
        return _send_each(app, itertools.takewhile(lambda _: not stop.is_set(), edition_ids), stop)


def _send_each(app: App, edition_ids: Iterable[int], stop: threading.Event) -> list[DispatchReport]:
    from digest import log
    from digest.errors import DatabaseError, said
    from digest.flows import dispatch

    reports = []
    for edition_id in edition_ids:
        try:
            reports.append(send_edition(app, edition_id, stop=stop))
        except DatabaseError:
            raise
        except Exception as cause:
            log.warn("dispatch.failed", edition_id=edition_id, error=type(cause).__name__)
            dispatch.note_trouble(app.engine, edition_id, said(cause))
            reports.append(dispatch.DispatchReport(edition_id=edition_id, trouble=said(cause)))
    return reports


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
