"""digest subscriber import | list | show | add | change | leave | suppress; choices.py has `choose`, sync.py `sync`"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.arguments import drop_none
from digest.cli.context import actor, open_app
from digest.cli.output import confirm, show_fields, show_json, show_table
from digest.cli.report import DRY, import_file, show_import, show_suppressed
from digest.cli.shapes import person_shape, subscriber_shape
from digest.model.subscriber import SuppressionReason

if TYPE_CHECKING:
    from digest.flows.suppressing import SuppressReport


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV or JSON Lines")],
    newsletter: Annotated[str, typer.Option(help="which newsletter they asked for")],
    encoding: Annotated[str, typer.Option(help="of the file, where it is not UTF-8")] = "",
    subscribed: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: who has this wants the mail")] = None,
    left: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: who has this is kept out")] = None,
    attribute: Annotated[list[str] | None, typer.Option(help="COLUMN: it does not say who wants mail")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Subscribe the people of a file; running it twice changes nothing, and nobody who left comes back.

    Columns: address (or email); and if you have them: name, language, time_zone, joined_at, consent. Any other column is
    kept as an attribute that templates can use: {{ reader.city }}. Exports of other systems are read as they are; whom
    they call unsubscribed, bounced, blocked or not confirmed is kept out.

    Example: digest subscriber import readers.csv --newsletter harbour --dry-run
    """
    from digest.audience.elsewhere import Answers
    from digest.db.engine import reading
    from digest.editions.store.newsletters import get_newsletter
    from digest.flows.importing import import_subscribers

    answers = Answers.of(wants=subscribed or (), left=left or (), other=attribute or ())
    app = open_app(context)
    with reading(app.engine) as connection:
        newsletter_id = get_newsletter(connection, newsletter).id
    report = import_file(
        file,
        lambda advance: import_subscribers(
            app.engine,
            file,
            newsletter_id=newsletter_id,
            now=app.clock.now(),
            encoding=encoding,
            answers=answers,
            dry_run=dry_run,
            progress=advance,
            actor=actor(),
        ),
    )
    show_import(report, dry_run=dry_run, as_json=as_json)


def list_(
    context: typer.Context,
    newsletter: Annotated[str, typer.Option(help="only its readers")] = "",
    search: Annotated[str, typer.Option(help="part of the address")] = "",
    after: Annotated[int, typer.Option(help="continue after this id")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Readers by id, a page at a time."""
    from digest.audience.store.subscribers import list_subscribers
    from digest.db.engine import reading
    from digest.editions.store.newsletters import get_newsletter

    with reading(open_app(context).engine) as connection:
        newsletter_id = get_newsletter(connection, newsletter).id if newsletter else None
        found = list_subscribers(connection, newsletter_id, search=search, after_id=after, limit=limit)
    if as_json:
        show_json([subscriber_shape(each) for each in found])
        return
    show_table(
        ("id", "address", "name", "language", "time zone", "newsletter", "status"),
        [
            (s.id, s.address, s.name, s.language, s.time_zone, each.newsletter, each.status)
            for each in found
            for s in (each.subscriber,)
        ],
        empty="no readers; bring some in: digest subscriber import FILE --newsletter NAME",
    )


def show(context: typer.Context, address: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """One reader, with all subscriptions."""
    from digest.audience.store.subscribers import find_suppression, get_subscriber, list_subscriptions
    from digest.db.engine import reading

    with reading(open_app(context).engine) as connection:
        found = get_subscriber(connection, address)
        subscriptions = list_subscriptions(connection, found.id)
        suppressed = find_suppression(connection, found.address)
    if as_json:
        theirs = [{"newsletter": name, **asdict(each)} for name, each in subscriptions]
        show_json({**person_shape(found), "suppressed": suppressed, "subscriptions": theirs})
        return
    show_fields(
        {
            "id": found.id,
            "address": str(found.address),
            "name": found.name,
            "language": found.language,
            "time zone": found.time_zone,
            **found.attributes,
            "suppressed": suppressed or "no",
        }
    )
    show_table(
        ("newsletter", "status", "joined", "left", "paused until"),
        [(name, each.status, each.joined_at, each.left_at, each.paused_until) for name, each in subscriptions],
        empty="no subscriptions",
    )


def add(
    context: typer.Context,
    address: str,
    newsletter: Annotated[str, typer.Option()],
    name: Annotated[str, typer.Option()] = "",
    language: Annotated[str, typer.Option()] = "",
    time_zone: Annotated[str, typer.Option()] = "",
    consent: Annotated[str, typer.Option(help="what they agreed to, and where that is kept")] = "",
) -> None:
    """Subscribe one person who asked for it.

    Example: digest subscriber add mira@example.org --newsletter harbour --name "Mira" --consent "paper form 2026-11"
    """
    from digest.flows.admin import readers

    texts = {"address": address, "name": name, "language": language, "time_zone": time_zone, "consent": consent}
    app = open_app(context)
    added = readers.add(app.engine, newsletter, texts, actor=actor(), now=app.clock.now())
    print(f"{address}: {'subscribed' if added.new else 'brought up to date' if added.changed else 'was there already'}")


def change(
    context: typer.Context,
    address: str,
    name: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option()] = None,
    time_zone: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Change a reader's name, language or time zone."""
    from digest.flows.admin import readers

    values = drop_none(name=name, language=language, time_zone=time_zone)
    if not values:
        raise typer.BadParameter("say what to change: --name, --language, --time-zone")
    app = open_app(context)
    readers.change(app.engine, address, values, actor=actor(), now=app.clock.now())
    print(f"{address} changed: {', '.join(values)}")


def leave(
    context: typer.Context,
    address: str,
    newsletter: Annotated[str, typer.Option()],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Take a reader out of a newsletter, at once. Only they themselves can come back."""
    from digest.db.engine import reading
    from digest.flows.admin import readers

    app = open_app(context)
    with reading(app.engine) as connection:
        readers.find_subscription(connection, newsletter, address)
    confirm(f"{address} leaves {newsletter}, and no import can bring them back. Go ahead?", yes=yes)
    readers.leave(app.engine, newsletter, address, actor=actor(), now=app.clock.now())
    print(f"{address} has left {newsletter}")


def suppress(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="one address; or a file of them with --file")] = "",
    file: Annotated[Path | None, typer.Option(help="CSV, JSON Lines, or an address a line")] = None,
    reason: Annotated[SuppressionReason, typer.Option(help="of all of them")] = SuppressionReason.ADMIN,
    detail: Annotated[str, typer.Option(help="why, for later")] = "",
    encoding: Annotated[str, typer.Option(help="of the file, where it is not UTF-8")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Never write to these addresses again, whatever newsletter; they need not be subscribers.

    Every address of a file is suppressed, whatever else its rows say; a column reason or detail is kept.

    Example: digest subscriber suppress --file bounced.csv --reason bounce --dry-run
    """
    from digest.flows.admin import readers
    from digest.flows.suppressing import suppress_file

    if bool(address) == (file is not None):
        raise typer.BadParameter("give one address, or --file FILE")
    app = open_app(context)
    if file is None:
        if not dry_run:
            confirm(f"No newsletter of this installation will write to {address} again. Go ahead?", yes=yes)
        is_new = readers.suppress(
            app.engine, address, reason, detail=detail, actor=actor(), now=app.clock.now(), dry_run=dry_run
        )
        print(
            f"{address} {'is suppressed from now on' if is_new else 'was suppressed already'}{DRY if dry_run else ''}"
        )
        return

    def work(is_rehearsal: bool) -> SuppressReport:
        return import_file(
            file,
            lambda advance: suppress_file(
                app.engine,
                file,
                reason,
                detail=detail,
                now=app.clock.now(),
                encoding=encoding,
                dry_run=is_rehearsal,
                progress=advance,
                actor=actor(),
            ),
        )

    if not dry_run and not yes:
        new = work(True).new
        confirm(f"No newsletter of this installation will write to {new:,} more addresses again. Go ahead?", yes=yes)
    show_suppressed(work(dry_run), dry_run=dry_run)
