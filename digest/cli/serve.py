"""digest serve: the pages, and a scheduler that collects, builds and sends"""

from __future__ import annotations

import sys
import threading

import typer

from digest.cli.context import open_app
from digest.cli.run_due import NO_LINK
from digest.stopping import stopped_by_signals


def serve(context: typer.Context) -> None:
    """Run everything: the readers' pages, and a scheduler that collects, builds and sends what is due.

    Stops on Ctrl-C, SIGTERM or SIGHUP after finishing what is in flight. Several may run on one database.
    """
    from digest import log
    from digest.scheduler import Ticker
    from digest.web.server import Server, bind, raise_file_limit
    from digest.web.site import make_site
    from digest.workers import make_runner
    from digest.workers.notices import NoticeThread

    app = open_app(context)
    assert app.channels  # said before anything starts
    _ = app.press
    if not app.settings.web.public_url:
        print(NO_LINK, file=sys.stderr)
    settings = app.settings.web
    files = raise_file_limit()
    socket = bind(settings.host, settings.port)
    runner, noticing = make_runner(app), NoticeThread(app)
    ticker, ends = Ticker(app, runner), threading.Event()
    running = threading.Thread(target=runner.run, args=[ends], name="runner")

    def begin_to_stop() -> None:
        for tell_to_stop in (ticker.tell_to_stop, noticing.tell_to_stop, ends.set):
            tell_to_stop()

    server = Server(make_site(app, is_ticking=ticker.is_ticking), files=files, on_stop=begin_to_stop)

    def stop() -> None:
        server.should_exit = True

    with stopped_by_signals(stop):
        running.start()
        ticker.start()
        noticing.start()
        print(f"serving http://{settings.host}:{settings.port}; stop with Ctrl-C", flush=True)
        log.event("serve.started", port=settings.port)
        try:
            server.run(sockets=[socket])
        finally:
            begin_to_stop()
            ticker.stop()
            running.join()
            noticing.stop()
            log.event("serve.stopped")
