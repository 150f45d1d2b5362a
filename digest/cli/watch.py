"""digest edition watch: how a running send does, from any shell."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import open_app
from digest.cli.output import raw_of, show_json, visible

if TYPE_CHECKING:
    from digest.app import App
    from digest.model.delivery import Balance

VERDICTS = ("accepted", "deferred", "rejected", "unknown")


def watch(
    context: typer.Context,
    edition_id: int,
    every: Annotated[float, typer.Option(min=0.2, help="seconds between two looks")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="one look, then stop")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one look as JSON")] = False,
) -> None:
    """Show how far a send is: rate, time left, and what the receiving domains say. Ends with the send; Ctrl-C ends it too.

    Example: digest edition watch 12
    """
    from rich.console import Console
    from rich.live import Live

    app = open_app(context)
    if as_json or once:
        found = _look(app, edition_id)
        show_json(found) if as_json else Console(width=120, file=raw_of(sys.stdout)).print(_shown(found))
        return
    with Live(_shown(_look(app, edition_id)), refresh_per_second=4, console=Console(file=raw_of(sys.stdout))) as live:
        while True:
            found = _look(app, edition_id)
            live.update(_shown(found))
            if found["status"] not in ("approved", "sending"):
                return
            time.sleep(every)


def _look(app: App, edition_id: int) -> dict[str, Any]:
    from digest.db.engine import reading
    from digest.delivery.store import canary, counts, senders
    from digest.editions.store.editions import get_edition
    from digest.flows.dispatch.report import ALIVE

    now = app.clock.now()
    with reading(app.engine) as connection:
        edition = get_edition(connection, edition_id)
        balance = counts.balance(connection, edition_id)
        states = senders.list_senders(connection, edition_id, now=now, hold=ALIVE)
        first = canary.look(connection, edition_id)
    domains: dict[str, Counter[str]] = {}
    for state in states:
        for domain, counted in state["domains"].items():
            domains.setdefault(domain, Counter()).update(counted)
    rate = sum(state["per_second"] for state in states)
    return {
        "edition": edition_id,
        "status": str(edition.status),
        "why": edition.hold_reason,
        "subject": edition.subject,
        "balance": balance,
        "per_second": rate,
        "seconds_left": round(balance.waiting / rate) if rate else None,
        "senders": [{key: value for key, value in state.items() if key != "domains"} for state in states],
        "domains": {domain: dict(counted) for domain, counted in sorted(domains.items(), key=_size, reverse=True)},
        "slowed": {name: how for state in states for name, how in state["slowed"].items()},
        "canary": first if first.state else None,
    }


def _size(each: tuple[str, Counter[str]]) -> int:
    return each[1].total()


def _shown(found: dict[str, Any]) -> Any:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    balance: Balance = found["balance"]
    done = balance.planned - balance.still_to_do
    left = f", {_span(found['seconds_left'])} left" if found["seconds_left"] is not None else ""
    lines: list[Any] = [
        Text(visible(f"edition {found['edition']}: {found['status']}  {found['subject']}")),
        Text(f"{done:,} of {balance.planned:,}  {found['per_second']:,.0f} a second{left}"),
        ProgressBar(total=max(1, balance.planned), completed=done, width=60),
        Text(
            f"{balance.accepted:,} accepted  {balance.deferred:,} deferred  {balance.rejected:,} rejected  "
            f"{balance.unknown:,} unknown  {balance.skipped:,} skipped  {balance.cancelled:,} cancelled"
        ),
    ]
    if found["why"]:
        lines.append(Text(visible(found["why"])))
    if found["canary"]:
        first = found["canary"]
        until = f" until {first.until:%H:%M} UTC" if first.until else ""
        lines.append(Text(visible(f"canary {first.state}{until}: {first.refused} of {first.tried} refused")))
    if not found["senders"] and found["status"] in ("approved", "sending"):
        lines.append(Text("nobody sends it now: digest serve, digest run-due, or digest edition send"))
    table = Table(box=None, pad_edge=False)
    for column in ("domain", *VERDICTS, "slowed"):
        table.add_column(column, justify="left" if column in ("domain", "slowed") else "right")
    for domain, counted in list(found["domains"].items())[:15]:
        table.add_row(
            *map(visible, (domain, *(f"{counted.get(v, 0):,}" for v in VERDICTS), found["slowed"].get(domain, "")))
        )
    slowed = [Text(visible(f"{name}: {how}")) for name, how in found["slowed"].items() if name.startswith("channel ")]
    troubles = [Text(visible(text)) for state in found["senders"] for text in state["channels"].values()]
    return Group(*lines, *slowed, *troubles, *([table] if found["domains"] else []))


def _span(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
