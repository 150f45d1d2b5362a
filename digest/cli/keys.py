"""digest keys list | rotate | retire"""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.context import actor, open_app
from digest.cli.output import confirm, show_json, show_table
from digest.flows import keys


def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the keys, without their secrets: which one signs, and what links of the others still open."""
    app = open_app(context)
    found = keys.list_keys(app.engine, app.settings.web.token_keys)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            each.name,
            each.fingerprint,
            each.origin,
            each.made_at or "",
            "yes" if each.signs else "",
            ", ".join(each.opens),
        )
        for each in found
    ]
    empty = "no key yet; the first one is made when the first link is"
    show_table(("name", "fingerprint", "kept in", "made", "signs", "opens"), rows, empty=empty)


def rotate(context: typer.Context) -> None:
    """Make a new key, which signs from now on. Links in mails that are out go on working.

    Links that were to be used soon and once, to confirm or to sign in, end: whoever has one asks for another.
    """
    app = open_app(context)
    made = keys.rotate(app.engine, app.settings.web.token_keys, actor=actor(), now=app.clock.now())
    print(
        f"{made.name} ({made.fingerprint}) signs from now on; the older ones hold until they are retired: digest keys list"
    )


def retire(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="as in: digest keys list")],
    at_once: Annotated[
        bool, typer.Option("--at-once", help="although a sender may still sign with it: somebody else has the key")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """End an old key: all links that it signed stop working, those to leave too.

    A law may ask that a link to leave works for months: keep a key that long, unless somebody else has it.
    """
    app = open_app(context)
    confirm(f"Links in mails that {name} signed will open nothing, not even to leave. Go ahead?", yes=yes)
    keys.retire(app.engine, app.settings.web.token_keys, name, actor=actor(), now=app.clock.now(), at_once=at_once)
    print(f"{name} is gone")
