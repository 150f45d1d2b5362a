"""digest log: who did what, when"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.arguments import in_bounds
from digest.cli.context import open_app
from digest.cli.output import show_json, show_table
from digest.flows.history import Asked, list_acts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digest.audit import Entry


def log(
    context: typer.Context,
    newsletter: Annotated[str, typer.Option(help="acts on it, its editions, its events")] = "",
    edition: Annotated[int | None, typer.Option(help="acts on this edition, by its number")] = None,
    subscriber: Annotated[str, typer.Option(help="acts on this reader, by address")] = "",
    actor: Annotated[str, typer.Option(help='"cli:anna"; "scheduler"; "anna" at any door')] = "",
    action: Annotated[str, typer.Option(help='"edition.approve"')] = "",
    since: Annotated[str, typer.Option(help="ISO date or instant; without a zone in UTC")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Who did what, when, the newest first; what was before, and what is after.

    Example: digest log --newsletter harbour --since 2026-12-01
    """
    asked = Asked(
        newsletter=newsletter,
        edition=edition,
        subscriber=subscriber,
        actor=actor,
        action=action,
        since=_instant(since) if since else None,
    )
    found = list_acts(open_app(context).engine, asked, limit=limit)
    if as_json:
        show_json([_fields(each) for each in found])
        return
    show_table(
        ("when", "who", "what", "to", "changed"),
        [(each.at, each.actor, each.action, _target(each), "; ".join(_changes(each))) for each in found],
        empty="nothing was done that fits",
    )


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as cause:
        raise typer.BadParameter(f"--since {text!r}: no ISO date or instant; write 2026-12-01") from cause
    return in_bounds("--since", at).replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _target(entry: Entry) -> str:
    return f"{entry.target.noun} {entry.target.id or ''}".rstrip()


def _changes(entry: Entry) -> list[str]:
    """One text for each field: "max_items: 40 -> 12"."""
    fields = [*entry.before, *(each for each in entry.after if each not in entry.before)]
    changes = [f"{name}: {_short(entry.before, name)} -> {_short(entry.after, name)}".strip() for name in fields]
    return [*changes, *(f"{name} {value}" for name, value in entry.detail.items())]


def _short(values: Mapping[str, object], name: str) -> str:
    text = str(values.get(name, ""))
    return text if len(text) <= 60 else f"{text[:60]}..."


def _fields(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": {"kind": entry.actor.kind, "name": entry.actor.name},
        "action": entry.action,
        "noun": entry.target.noun,
        "noun_id": entry.target.id,
        "newsletter_id": entry.target.newsletter_id,
        "version": entry.target.version,
        "before": entry.before,
        "after": entry.after,
        "detail": entry.detail,
    }
