"""digest subscriber sync: a site's own readers"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import actor, open_app
from digest.cli.output import confirm, progress, show_json

if TYPE_CHECKING:
    from digest.flows.syncing import SyncReport

SHOWN = 20


def sync(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="a source of kind sql, wordpress or ghost")],
    newsletter: Annotated[str, typer.Option(help="whose readers they are")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do it, however much it changes")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Bring a newsletter's readers up to date from the site's own database. Twice changes nothing.

    New ones join with the consent that is recorded there, names and attributes follow, and who is not there any more
    leaves (only those who came from there). Nobody who left here or is suppressed comes back. A change of more than the
    source's max_percent is held: nothing is done until you say so. Exit code 5 when it is held and nobody can be asked.

    Example: digest subscriber sync site --newsletter harbour --dry-run
    """
    from digest.errors import Refused
    from digest.flows.syncing import sync_readers

    app = open_app(context)

    def run(*, is_agreed: bool) -> SyncReport:
        with progress("readers", None) as advance:
            return sync_readers(
                app.engine,
                source,
                newsletter,
                now=app.clock.now(),
                dry_run=dry_run,
                is_agreed=is_agreed,
                progress=advance,
                actor=actor(),
            )

    report = run(is_agreed=yes)
    _show(report, dry_run=dry_run, as_json=as_json)
    if not report.held or dry_run:
        return
    if not sys.stdin.isatty():
        raise Refused("held, nothing was changed; if it is right: say --yes")
    confirm("Do it all the same?", yes=False)
    _show(run(is_agreed=True), dry_run=False, as_json=as_json)


def _show(report: SyncReport, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        show_json(report)
        return
    for key, reason in report.refused[:SHOWN]:
        print(f"reader {key} of the site: {reason}")
    if report.refused_count > SHOWN:
        print(f"... and {report.refused_count - SHOWN:,} more; --json lists the first hundred")
    print(
        f"{report.seen:,} readers on the site: {report.joined:,} new, {report.changed:,} changed, "
        f"{report.moved:,} with another address, {report.left:,} unsubscribed there, {report.gone:,} gone from there, "
        f"{report.kept_out:,} kept out (left or suppressed), {report.refused_count:,} refused"
        + (" (dry run: nothing was changed)" if dry_run else "")
    )
    if report.held:
        print(f"held: {report.held}")
