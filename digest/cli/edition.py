"""digest edition build | list | show | preview | test | change | approve | send | ..., and digest audit"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.arguments import drop_none
from digest.cli.context import actor, open_app
from digest.cli.output import confirm, show_fields, show_json, show_table

if TYPE_CHECKING:
    from digest.model.edition import Edition

_JSON = Annotated[bool, typer.Option("--json")]
_YES = Annotated[bool, typer.Option("--yes", help="do not ask")]


def build(
    context: typer.Context,
    newsletter: str,
    collect: Annotated[bool, typer.Option("--collect/--no-collect", help="read the sources first")] = True,
    as_json: _JSON = False,
) -> None:
    """Build an extra edition now, outside the schedule, from everything that is new. It waits for approval.

    Example: digest edition build harbour
    """
    from dataclasses import replace

    from digest.db.engine import reading
    from digest.editions.store.newsletters import get_newsletter
    from digest.flows import due, publish

    app = open_app(context)
    now = app.clock.now()
    if collect:
        gathered = due.gather(app.engine, app.fetcher, now=now, at_once=app.settings.collect.at_once)
        for line in (*gathered.about_readers, *gathered.accidents):
            print(line, file=sys.stderr)
    with reading(app.engine) as connection:
        found = get_newsletter(connection, newsletter)
    report = publish.build(
        app.engine,
        app.press,
        replace(found, needs_review=True),
        publish.extra_period(now),
        now=now,
        actor=actor(),
    )
    if as_json:
        show_json(report)
        return
    print(f"{newsletter}: {report.result}, {report.items} articles, {report.message}")
    if report.result == "draft":
        print(f"next: digest edition preview {report.edition_id}, then digest edition send {report.edition_id}")


def list_(
    context: typer.Context,
    newsletter: Annotated[str, typer.Option()] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    as_json: _JSON = False,
) -> None:
    """The newest editions first."""
    from digest.flows.overview import list_editions

    found = list_editions(open_app(context).engine, newsletter, limit=limit)
    if as_json:
        show_json(found)
        return
    show_table(
        ("id", "newsletter", "period", "status", "subject", "readers", "accepted", "to do", "why it waits"),
        [
            (
                each.edition.id,
                each.newsletter,
                each.edition.period,
                each.edition.status,
                each.edition.subject if each.edition.status != "empty" else "",
                each.balance.planned,
                each.balance.accepted,
                each.balance.still_to_do,
                each.edition.hold_reason,
            )
            for each in found
        ],
        empty="no editions yet; build one: digest edition build NEWSLETTER, or digest run-due",
    )


def show(context: typer.Context, edition_id: int, as_json: _JSON = False) -> None:
    """One edition: its articles, its balance, and why deliveries were not accepted."""
    from digest.db.engine import reading
    from digest.delivery.store import counts as ledger
    from digest.editions.store.editions import get_edition

    with reading(open_app(context).engine) as connection:
        edition = get_edition(connection, edition_id)
        counted = ledger.count(connection, edition_id)
        counts = ledger.balance(connection, edition_id, counted)
    reasons = ledger.reasons(counted)
    if as_json:
        show_json({"edition": edition, "balance": counts, "reasons": reasons})
        return
    show_fields(
        {
            "edition": f"{edition.id} ({edition.period})",
            "status": edition.status + (f": {edition.hold_reason}" if edition.hold_reason else ""),
            "subject": edition.subject,
            "preheader": edition.preheader,
            "due": edition.due_at,
            "articles from": edition.window_from,
            "articles until": edition.window_until,
            "sponsor": f"{edition.sponsor.name}: {edition.sponsor.title}" if edition.sponsor else "",
            "events": "; ".join(event.title for event in edition.events),
        }
    )
    show_table(
        ("", "section", "title", "published", "reason"),
        [(c.position + 1, c.section, c.article.title, c.article.published_at, c.reason) for c in edition.candidates],
        empty="no articles",
    )
    _show_balance(counts, reasons)
    if counts.unknown:
        print(f"{counts.unknown} unknown: settle them with digest edition resolve {edition.id} --leave or --resend")


def change(
    context: typer.Context,
    edition_id: int,
    subject: Annotated[str | None, typer.Option()] = None,
    preheader: Annotated[str | None, typer.Option()] = None,
    note: Annotated[str | None, typer.Option(help="the editor's words at the top; empty for none")] = None,
    note_author: Annotated[str, typer.Option()] = "",
    note_role: Annotated[str, typer.Option()] = "",
) -> None:
    """Change the texts of a draft."""
    from digest.flows.admin.editions import change_texts

    texts = drop_none(subject=subject, preheader=preheader, note=note)
    if not texts:
        raise typer.BadParameter("say what to change: --subject, --preheader, --note")
    texts |= {"note_author": note_author, "note_role": note_role}
    app = open_app(context)
    changed = change_texts(app.engine, edition_id, texts, actor=actor(), now=app.clock.now())
    print(f"edition {edition_id} changed: {', '.join(changed)}")


def approve(context: typer.Context, edition_id: int) -> None:
    """Let a draft go: the next run of the scheduler, or of digest run-due, sends it."""
    from digest.flows import publish

    app = open_app(context)
    for said in publish.approve(app.engine, app.press, edition_id, now=app.clock.now(), actor=actor()):
        print(said)
    print(f"edition {edition_id} is approved; send it now: digest edition send {edition_id}")


def send(context: typer.Context, edition_id: int, yes: _YES = False, as_json: _JSON = False) -> None:
    """Show what will happen, ask, and send. Two sends at the same moment send each message once.

    Example: digest edition send 12 --yes
    """
    from digest.cli.sending import send_edition, show_dispatch
    from digest.db.engine import reading
    from digest.delivery.store.counts import balance
    from digest.editions.store.editions import get_edition
    from digest.editions.store.newsletters import get_newsletter_by_id
    from digest.errors import Refused
    from digest.flows import publish
    from digest.flows.dispatch.planning import count_edition_audience

    app = open_app(context)
    channels = app.channels
    with reading(app.engine) as connection:
        edition = get_edition(connection, edition_id)
        newsletter = get_newsletter_by_id(connection, edition.newsletter_id)
        audience = count_edition_audience(connection, edition, newsletter, now=app.clock.now())
        counts = balance(connection, edition_id)
    if edition.status in ("sent", "cancelled", "empty", "paused"):
        raise Refused(_cannot_send(edition))
    readers = audience.pop("", 0)
    if not as_json:
        show_fields(
            {
                "newsletter": newsletter.title,
                "subject": edition.subject,
                "articles": len(edition.candidates),
                "from": f"{newsletter.sender_name or newsletter.title} <{newsletter.sender}>",
                "channel": ", ".join(channel.name for channel in channels),
                "unsubscribe link": app.settings.web.public_url or "NONE: set web.public_url before a real send",
                "readers": counts.still_to_do if counts.planned else readers,
                **{f"left out, {reason}": count for reason, count in audience.items()},
            }
        )
    confirm(f"Send edition {edition_id} to these readers?", yes=yes)
    if edition.status == "draft":
        publish.approve(app.engine, app.press, edition_id, now=app.clock.now(), actor=actor())
    report = send_edition(app, edition_id)
    if as_json:
        show_json(report)
    else:
        show_dispatch(report)
    if report.trouble:
        raise typer.Exit(8)


def pause(context: typer.Context, edition_id: int) -> None:
    """Stop a running send, in whatever process it runs; nothing is lost. Go on: digest edition resume"""
    from digest.flows.admin import editions

    app = open_app(context)
    editions.pause(app.engine, edition_id, now=app.clock.now(), actor=actor())
    print(f"edition {edition_id} is paused; go on with: digest edition resume {edition_id}")


def resume(context: typer.Context, edition_id: int) -> None:
    """Let a paused edition go on; a running `digest serve` takes it up by itself."""
    from digest.flows.admin import editions

    app = open_app(context)
    editions.resume(app.engine, edition_id, now=app.clock.now(), actor=actor())
    print(f"edition {edition_id} goes on; send it from here: digest edition send {edition_id}")


def cancel(context: typer.Context, edition_id: int, yes: _YES = False) -> None:
    """No further copy goes out. This cannot be undone; what was accepted stays accepted."""
    from digest.flows.admin import editions

    app = open_app(context)
    confirm(f"Cancel edition {edition_id} for all who do not have it yet? This cannot be undone.", yes=yes)
    count = editions.cancel(app.engine, edition_id, now=app.clock.now(), actor=actor())
    print(f"edition {edition_id} is cancelled; {count:,} readers will not get it")


def resolve(
    context: typer.Context,
    edition_id: int,
    leave: Annotated[bool, typer.Option("--leave", help="leave them: at most one copy each")] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="send again, with the same Message-ID: at least one")
    ] = False,
) -> None:
    """Settle deliveries whose answer was lost: the server may have taken them, or not (RFC 1047)."""
    from digest.flows.admin import editions

    if leave == resend:
        raise typer.BadParameter("say either --leave or --resend")
    app = open_app(context)
    count = editions.resolve(app.engine, edition_id, resend=resend, now=app.clock.now(), actor=actor())
    print(f"{count:,} unknown deliveries {'will be sent again' if resend else 'stay as they are'}")


def correct(
    context: typer.Context,
    edition_id: int,
    article: Annotated[int, typer.Option(help="its number in the edition: digest edition show")],
    subject: Annotated[str, typer.Option(help='"Correction: ..."')],
    note: Annotated[str, typer.Option(help="what was wrong and what is right")],
) -> None:
    """Make a correction for exactly those whose copy of an edition held this article. It waits for you to send it.

    It shows the article as it is now: mend it first, with digest article change.

    Example: digest edition correct 12 --article 3 --subject "Correction: the ferry" --note "It leaves at 6:40, not at 7."
    """
    from digest.flows import publish
    from digest.flows.values import line
    from digest.model.newsletter import Note

    app = open_app(context)
    found = publish.correct(
        app.engine,
        edition_id,
        article - 1,
        subject=line("subject", subject),
        note=Note(text=line("note", note, most=5_000)),
        now=app.clock.now(),
        actor=actor(),
    )
    print(f"edition {found} corrects edition {edition_id}")
    print(f"next: digest edition preview {found}, then digest edition send {found}")


def audit(context: typer.Context, edition_id: int, as_json: _JSON = False) -> None:
    """Recount an edition from its rows: planned = accepted + rejected + skipped + unknown + cancelled + still to do.

    Exit code 9 when it does not balance.
    """
    from digest.db.engine import reading
    from digest.delivery.store import counts as ledger
    from digest.editions.store.editions import get_edition

    with reading(open_app(context).engine) as connection:
        get_edition(connection, edition_id)
        counted = ledger.recount(connection, edition_id)
        counts = ledger.balance(connection, edition_id, counted)
        twice = ledger.count_double(connection, edition_id)
    reasons = ledger.reasons(counted)
    if as_json:
        show_json({"balance": counts, "balanced": counts.is_balanced and not twice, "reasons": reasons})
    else:
        _show_balance(counts, reasons)
        print("balanced" if counts.is_balanced and not twice else "DOES NOT BALANCE: please report this")
    if not counts.is_balanced or twice:
        raise typer.Exit(9)


def _show_balance(counts: Any, reasons: Any) -> None:
    from dataclasses import asdict

    print("  ".join(f"{name} {value:,}" for name, value in asdict(counts).items() if value or name == "planned"))
    if reasons:
        show_table(
            ("status", "reason", "count"),
            [(status, reason or "-", count) for status, reason, count in reasons],
            empty="",
        )


def _cannot_send(edition: Edition) -> str:
    return {
        "sent": f"edition {edition.id} was sent already",
        "cancelled": f"edition {edition.id} was cancelled",
        "empty": f"edition {edition.id} is empty: there was nothing new",
        "paused": f"edition {edition.id} is paused; first: digest edition resume {edition.id}",
    }[edition.status]
