"""The ticker and the workers, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sqlite3
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Connection, Engine, insert, select

from digest.app import App, make_app
from digest.db.engine import reading, writing
from digest.db.tables import secret
from digest.delivery.store import counts
from digest.demo.catcher import SmtpThread
from digest.flows import dispatch
from digest.flows.dispatch import DispatchReport
from digest.model.delivery import Balance
from digest.model.edition import EditionId
from digest.scheduler import Ticker
from digest.sources.store.sources import add_source
from digest.workers import Runner, local, make_runner, make_single_run
from digest.workers.local import LocalRunner
from tests.flows.test_dispatch import build
from tests.site import NOW, Recorder, SmtpServer, add_articles, add_newsletter


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextlib.contextmanager
def ticking(app: App, runner: Runner) -> Iterator[None]:
    """A ticker, and a runner in a thread beside it."""
    ticker, ends = Ticker(app, runner), threading.Event()
    running = threading.Thread(target=runner.run, args=[ends])
    running.start()
    ticker.start()
    try:
        yield
    finally:
        ends.set()
        ticker.stop()
        running.join()


def test_an_edition_that_takes_hours_does_not_keep_the_next_newsletter_waiting(app: App, engine: Engine) -> None:
    build(engine, app.press, readers=1, name="slow")
    add_newsletter(engine, name="quick")
    began: list[int] = []

    def send(_: App, edition_id: int, *, stop: threading.Event) -> DispatchReport:
        began.append(edition_id)
        stop.wait(20)
        return DispatchReport(edition_id=edition_id)

    with ticking(app, LocalRunner(app, send)):
        wait_for(lambda: len(began) == 2)
        time.sleep(1.2)
    assert sorted(began) == sorted(set(began))


def test_what_an_edition_was_made_of_is_gone_when_it_is_sent(app: App, engine: Engine) -> None:
    """Also where it refers to itself, as compiled templates do, and has become old on the way."""
    build(engine, app.press, readers=1)
    left: list[weakref.ref[threading.Event]] = []

    def send(_: App, edition_id: int, *, stop: threading.Event) -> DispatchReport:
        del stop
        if not left:
            made = threading.Event()
            made.itself = made  # type: ignore[attr-defined]
            left.append(weakref.ref(made))
            gc.collect()
        return DispatchReport(edition_id=edition_id)

    with ticking(app, LocalRunner(app, send)):
        wait_for(lambda: bool(left) and left[0]() is None)


def test_a_tick_sends_what_is_due_and_stops_when_told(app: App, engine: Engine, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, app.press, readers=5)
    with ticking(app, make_runner(app)):
        wait_for(lambda: len(smtp_server.recorder.accepted) == 5)
    with reading(engine) as connection:
        assert counts.balance(connection, edition_id) == Balance(planned=5, accepted=5)


def test_a_tick_brings_readers_up_to_date_before_it_builds(
    app: App, engine: Engine, smtp_server: SmtpServer, tmp_path: Path
) -> None:
    add_newsletter(engine)
    add_articles(engine, 2)
    with contextlib.closing(sqlite3.connect(tmp_path / "site.db")) as site, site:
        site.execute("CREATE TABLE people (mail TEXT)")
        site.execute("INSERT INTO people VALUES ('reader1@example.org'), ('reader2@example.org')")
    query = "SELECT mail AS address FROM people"
    options = {"url": f"sqlite:///{tmp_path / 'site.db'}", "readers_query": query, "newsletters": "harbour"}
    with writing(engine) as connection:
        add_source(connection, "site", "sql", options, now=NOW)
    with ticking(app, make_runner(app)):
        wait_for(lambda: len(smtp_server.recorder.accepted) == 2)


def test_several_processes_share_an_edition_and_are_counted_together(
    app: App, engine: Engine, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, app.press, readers=60)
    app.settings.sending.processes = 3
    dispatch.plan(engine, edition_id, now=NOW)
    report = local.send(app, edition_id, stop=threading.Event())
    accepted = [address for address, _ in smtp_server.recorder.accepted]
    assert len(accepted) == len(set(accepted)) == 60
    assert (report.accepted, report.is_finished) == (60, True)


class SlowRecorder(Recorder):
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(0.05)
        return await super().handle_DATA(server, session, envelope)


def test_a_stop_reaches_a_process_that_goes_on_after_this_one_has_ended(app: App, engine: Engine) -> None:
    """This one finds its channel dead and ends at once; the other, with a server that is slow, has a minute's work."""
    edition_id = build(engine, app.press, readers=2_000)
    dispatch.plan(engine, edition_id, now=NOW)
    recorder = SlowRecorder()
    app.settings.sending.processes = 2
    channels = app.settings.channels
    with SmtpThread(recorder) as server, socket.create_server(("127.0.0.1", 0)) as dead:
        channels[0] = replace(channels[0], port=dead.getsockname()[1])  # type: ignore[call-arg]
        dead.close()
        assert app.channels  # made for this process
        channels[0] = replace(channels[0], port=server.port)  # type: ignore[call-arg]
        stop = threading.Event()
        running = threading.Thread(target=local.send, args=[app, edition_id], kwargs={"stop": stop})
        running.start()
        wait_for(lambda: len(recorder.accepted) > 5)
        stop.set()
        running.join(20)
        assert not running.is_alive()
    with reading(engine) as connection:
        found = counts.balance(connection, edition_id)
    assert found.unknown == found.attempting == 0
    assert found.accepted == len(recorder.accepted) < 2_000


def test_processes_stop_when_they_are_told_to(app: App, engine: Engine, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, app.press, readers=3)
    app.settings.sending.processes = 2
    stop = threading.Event()
    stop.set()
    dispatch.plan(engine, edition_id, now=NOW)
    report = local.send(app, edition_id, stop=stop)
    with reading(engine) as connection:
        found = counts.balance(connection, edition_id)
    assert found.unknown == found.attempting == 0
    assert report.accepted + found.waiting == 3


class Elsewhere:
    """A runner that keeps in the database which editions there is work in, for others to send; as an engine would."""

    def wake(self, connection: Connection, edition_id: EditionId) -> None:
        connection.execute(insert(secret).values(name=f"job {uuid.uuid4()}", value=str(edition_id), created_at=NOW))

    def run(self, stop: threading.Event) -> list[DispatchReport]:
        stop.wait()
        return []


def jobs(engine: Engine) -> list[int]:
    with reading(engine) as connection:
        return [int(each) for each in connection.execute(select(secret.c.value)).scalars() if each.isdigit()]


def test_who_ticks_need_not_be_who_sends(app: App, engine: Engine, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, app.press, readers=5)
    with ticking(app, Elsewhere()):
        wait_for(lambda: len(jobs(engine)) >= 3)  # one for the batch, and one with each tick
    assert set(jobs(engine)) == {edition_id}
    assert smtp_server.recorder.accepted == []
    other = make_app(app.settings, app.clock)
    runner = make_runner(other)
    with reading(other.engine) as connection:
        runner.wake(connection, EditionId(edition_id))
    ends = threading.Event()
    running = threading.Thread(target=runner.run, args=[ends])
    running.start()
    wait_for(lambda: len(smtp_server.recorder.accepted) == 5)
    ends.set()
    running.join()
    other.engine.dispose()
    with reading(engine) as connection:
        assert counts.balance(connection, edition_id) == Balance(planned=5, accepted=5)


def test_a_runner_sends_nothing_before_all_is_planned(app: App, engine: Engine, smtp_server: SmtpServer) -> None:
    """Its first readers are set apart at the end; and a wake that comes too early costs nothing."""
    edition_id = build(engine, app.press, readers=5)
    runner = make_runner(app)
    ends = threading.Event()
    running = threading.Thread(target=runner.run, args=[ends])
    running.start()

    def wake_and_wait(connection: Connection, of: EditionId) -> None:
        runner.wake(connection, of)
        time.sleep(0.05)

    dispatch.plan(engine, edition_id, now=NOW, batch_size=1, on_batch=wake_and_wait)
    with reading(engine) as connection:
        runner.wake(connection, EditionId(edition_id))
    wait_for(lambda: len(smtp_server.recorder.accepted) == 5)
    ends.set()
    running.join()
    assert len(smtp_server.recorder.accepted) == 5


def test_a_single_run_ends_by_itself_and_says_what_it_did(app: App, engine: Engine, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, app.press, readers=5)
    seen: list[int] = []
    runner = make_single_run(app, seen.append)
    dispatch.plan(engine, edition_id, now=NOW, on_batch=runner.wake)
    (report,) = runner.run(threading.Event())
    assert (report.edition_id, report.accepted, report.is_finished) == (edition_id, 5, True)
    assert sum(seen) == 5
    assert runner.run(threading.Event()) == []
