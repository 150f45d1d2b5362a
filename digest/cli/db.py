"""digest db upgrade | status"""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_fields, show_json


def upgrade(context: typer.Context) -> None:
    """Make or update the tables. Safe to run at any time; a backup first never hurts."""
    from digest.db import migrate

    done = migrate.upgrade(open_app(context).unchecked_engine)
    print("\n".join(f"ran {revision}" for revision in done) or "the schema is current; nothing to do")


def status(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show which schema the database has and which one this program needs."""
    from digest.db import migrate, sqlite

    engine = open_app(context).unchecked_engine
    found = migrate.status(engine)
    if as_json:
        show_json(found)
        return
    if engine.dialect.name == "sqlite":
        version, is_sound = sqlite.library(engine)
        show_fields({"SQLite": version if is_sound else f"{version}: {sqlite.FAULT}"})
    state = "current" if found.is_current else "newer than this program" if found.is_newer else "run: digest db upgrade"
    show_fields({"database": found.current or "(empty)", "program": found.wanted, "state": state})
