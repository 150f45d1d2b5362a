"""digest doctor: what is wrong, or will be."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_json, show_table
from digest.cli.words import advice
from digest.flows.doctor import look_around


def doctor(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Look at settings, database, sources, newsletters and editions, and say what needs a person. Exit code 1 if any."""
    app = open_app(context)
    found = look_around(
        app.settings,
        app.engine,
        now=app.clock.now(),
        load_keys=lambda: app.dkim_keys,
        config_file=app.config_file,
    )
    rows = [(each.what, each.stands, advice(each.advice, each.next)) for each in found]
    if as_json:
        show_json(rows)
    else:
        show_table(("what", "how it stands", "what to do"), rows, empty="all is well")
    if found:
        raise typer.Exit(1)
