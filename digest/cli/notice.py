"""digest notice list | test"""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from digest.cli.context import actor, open_app
from digest.cli.output import show_json, show_table
from digest.flows import notices
from digest.model.notice import Notice, NoticeStatus


def list_(
    context: typer.Context,
    before: Annotated[int | None, typer.Option(help="older than this one, by its number")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """List messages that are no newsletter, the newest first, and what became of each. They are kept for 30 days."""
    found = notices.list_notices(open_app(context).engine, before_id=before, limit=limit)
    if as_json:
        show_json([_fields(each) for each in found])
        return
    show_table(
        ("id", "asked for", "kind", "to", "status", "why", "next try"),
        [
            (each.id, each.created_at, each.kind, each.address, each.status, _why(each), each.due_at or "")
            for each in found
        ],
        empty="no such message was asked for",
    )


def test(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="who gets it")],
    language: Annotated[str, typer.Option(help="de, fr, ...; else the first newsletter's")] = "",
) -> None:
    """Send a message that is no newsletter, to see whether such messages arrive, and from whom.

    Example: digest notice test you@example.org
    """
    app = open_app(context)
    assert app.channels  # said before anything starts
    asked = notices.ask_for_test(app.engine, address, language=language, actor=actor(), now=app.clock.now())
    report = app.notice_sender.send_due(threading.Event())
    found = notices.get_notice(app.engine, asked)
    print(f"notice {found.id} to {found.address}: {found.status}" + (f", {_why(found)}" if _why(found) else ""))
    if found.status is not NoticeStatus.ACCEPTED:
        if report.trouble:
            print(report.trouble)
        raise typer.Exit(8)


def _why(notice: Notice) -> str:
    return " ".join(filter(None, (notice.reason, str(notice.code or ""), notice.enhanced)))


def _fields(notice: Notice) -> dict[str, object]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "address": str(notice.address),
        "newsletter_id": notice.newsletter_id,
        "status": notice.status,
        "reason": notice.reason,
        "created_at": notice.created_at,
        "attempts": notice.attempts,
        "next_attempt_at": notice.due_at,
        "finished_at": notice.finished_at,
        "channel": notice.channel,
        "code": notice.code,
        "enhanced": notice.enhanced,
    }
