"""digest run-due: once what `digest serve` does all the time"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_json
from digest.cli.words import step

if TYPE_CHECKING:
    from digest.flows.due import DueReport

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
    from digest.flows import dispatch, due, publish
    from digest.workers.notices import NoticeThread

    app = open_app(context)
    assert app.channels  # said before anything starts
    if not app.settings.web.public_url:
        print(NO_LINK, file=sys.stderr)
    noticed = app.notice_sender.send_due(threading.Event())  # nobody waits for an edition to get one
    report = due.build_due(
        app.engine,
        app.fetcher,
        app.press,
        now=app.clock.now(),
        at_once=app.settings.collect.at_once,
        names=newsletter or (),
        gathers=collect,
    )
    for accident in report.gathered.accidents:
        print(f"digest: {accident}", file=sys.stderr)
    if not as_json:
        _say_built(report)
    with NoticeThread(app):
        sent = send_each(app, dispatch.unfinished(app.engine))
    if as_json:
        show_json({"editions": report.built, "sent": sent})
    else:
        if noticed.trouble:
            print(f"notices wait: {noticed.trouble}")
        for result in sent:
            show_dispatch(result)
    if any(result.trouble for result in sent):
        raise typer.Exit(8)
    if any(each.result is publish.Built.FAILED for each in report.built):
        raise typer.Exit(1)


def _say_built(report: DueReport) -> None:
    for line in (*report.gathered.about_sources, *report.gathered.about_readers):
        print(line)
    for built in report.built:
        then = f"; {step(built.next)}" if built.next else ""
        print(f"{built.newsletter} {built.period}: {built.message}{then}".replace(" :", ":"))
    if not report.built:
        print("no newsletter is due; see: digest newsletter list")
