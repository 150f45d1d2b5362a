"""digest run-due | serve"""

from __future__ import annotations

import sys
import threading
from typing import Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_json
from digest.cli.words import step
from digest.stopping import stopped_by_signals

NO_LINK = "digest: web.public_url is not set: mails carry no unsubscribe link; set it before the first real send"


def run_due(
    context: typer.Context,
    newsletter: Annotated[list[str] | None, typer.Argument(help="only these newsletters")] = None,
    collect: Annotated[
        bool, typer.Option("--collect/--no-collect", help="read the sources first, and their readers")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Do once what `digest serve` does all the time: collect, build what is due, send what may go. For cron.

    Example, every five minutes: */5 * * * * digest --config /etc/digest.toml run-due
    """
    from digest.cli.sending import send_each, show_dispatch
    from digest.flows import dispatch, publish
    from digest.flows.collect import collect_sources
    from digest.flows.syncing import sync_due
    from digest.workers.notices import NoticeThread

    app = open_app(context)
    assert app.channels  # said before anything starts
    if not app.settings.web.public_url:
        print(NO_LINK, file=sys.stderr)
    now = app.clock.now()
    noticed = app.notice_sender.send_due(threading.Event())  # nobody waits for an edition to get one
    if collect:
        for problem in (
            r
            for r in collect_sources(app.engine, app.fetcher, now=now, at_once=app.settings.collect.at_once)
            if r.error and not as_json
        ):
            print(f"source {problem.source}: {problem.error}")
        for look in (r for r in sync_due(app.engine, now=now) if (r.error or r.held) and not as_json):
            print(f"readers of {look.newsletter} from {look.source}: {look.error or look.held}")
    reports = publish.build_due(app.engine, app.press, now=now, names=newsletter or ())
    if not as_json:
        for report in reports:
            then = f"; {step(report.next)}" if report.next else ""
            print(f"{report.newsletter} {report.period}: {report.message}{then}".replace(" :", ":"))
        if not reports:
            print("no newsletter is due; see: digest newsletter list")
    with NoticeThread(app):
        sent = send_each(app, dispatch.unfinished(app.engine))
    if as_json:
        show_json({"editions": reports, "sent": sent})
    else:
        if noticed.trouble:
            print(f"notices wait: {noticed.trouble}")
        for result in sent:
            show_dispatch(result)
    if any(result.trouble for result in sent):
        raise typer.Exit(8)
    if any(report.result is publish.Built.FAILED for report in reports):
        raise typer.Exit(1)


def serve(context: typer.Context) -> None:
    """Run everything: the readers' pages, and a scheduler that collects, builds and sends what is due.

    Stops on Ctrl-C, SIGTERM or SIGHUP after finishing what is in flight. Several may run on one database.
    """
    from digest import log
    from digest.scheduler import Ticker
    from digest.web.server import Server, bind, raise_file_limit
    from digest.web.site import make_site
    from digest.workers import local
    from digest.workers.notices import NoticeThread

    app = open_app(context)
    assert app.channels  # said before anything starts
    _ = app.press
    if not app.settings.web.public_url:
        print(NO_LINK, file=sys.stderr)
    settings = app.settings.web
    files = raise_file_limit()
    socket = bind(settings.host, settings.port)
    ticker, noticing = Ticker(app, local.send), NoticeThread(app)
    server = Server(make_site(app, is_ticking=ticker.is_ticking), files=files, on_stop=ticker.tell_to_stop)

    def stop() -> None:
        server.should_exit = True

    with stopped_by_signals(stop):
        ticker.start()
        noticing.start()
        print(f"serving http://{settings.host}:{settings.port}; stop with Ctrl-C", flush=True)
        log.event("serve.started", port=settings.port)
        try:
            server.run(sockets=[socket])
        finally:
            noticing.tell_to_stop()
            ticker.stop()
            noticing.stop()
            log.event("serve.stopped")
