"""digest doctor: what is wrong, or will be."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_json, show_table


def doctor(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Look at settings, database, sources, newsletters and editions, and say what needs a person. Exit code 1 if any."""
    from digest.app import look_around

    found = look_around(open_app(context))
    if as_json:
        show_json(found)
    else:
        show_table(("what", "how it stands", "what to do"), found, empty="all is well")
    if found:
        raise typer.Exit(1)
