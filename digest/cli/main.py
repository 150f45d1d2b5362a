"""The argument tree, and where errors become one line and an exit code.

Commands import what they need when they run: `digest --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from digest import __version__
from digest.cli import (
    article,
    choices,
    config,
    curate,
    db,
    demo,
    dkim,
    doctor,
    edition,
    event,
    explain,
    newsletter,
    paid,
    recall,
    running,
    schedule,
    simulate,
    source,
    subscriber,
    sync,
    watch,
)
from digest.cli.arguments import bounded
from digest.cli.context import State
from digest.cli.output import guard_streams
from digest.errors import DigestError

tree = typer.Typer(
    name="digest",
    help="Collect new articles, make a digest, mail it to every reader once.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 done, 1 failed, 2 config or usage, 3 database, 4 not found, 5 refused by a rule, 6 bad input, "
        "7 template or message, 8 no channel, 9 the ledger does not balance."
    ),
)

tree.add_typer(newsletter.tree, name="newsletter")
tree.add_typer(subscriber.tree, name="subscriber")
tree.add_typer(article.tree, name="article")
tree.add_typer(source.tree, name="source")
tree.add_typer(edition.tree, name="edition")
tree.add_typer(event.tree, name="event")
tree.add_typer(db.tree, name="db")
tree.add_typer(config.tree, name="config")
tree.add_typer(dkim.tree, name="dkim")
edition.tree.command("watch")(watch.watch)
newsletter.tree.command("sponsor")(paid.sponsor)
newsletter.tree.command("schedule")(schedule.schedule)
newsletter.tree.command("offer")(choices.offer)
newsletter.tree.command("simulate")(simulate.simulate)
subscriber.tree.command("choose")(choices.choose)
subscriber.tree.command("sync")(sync.sync)
article.tree.command("change")(curate.change)
article.tree.command("embargo")(curate.embargo)
article.tree.command("held")(curate.held)
article.tree.command("release")(curate.release)
article.tree.command("discard")(curate.discard)
article.tree.command("withdraw")(recall.withdraw)
article.tree.command("pin")(recall.pin)
article.tree.command("unpin")(recall.unpin)
edition.tree.command("correct")(recall.correct)
edition.tree.command("recreate")(explain.recreate)
tree.command("explain")(explain.explain)
tree.command("collect")(source.collect)
tree.command("run-due")(running.run_due)
tree.command("serve")(running.serve)
tree.command("audit")(edition.audit)
tree.command("doctor")(doctor.doctor)
tree.command("demo")(demo.demo)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"digest {__version__}")
        raise typer.Exit


@tree.callback()
def _main(
    context: typer.Context,
    config_file: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file; else $DIGEST_CONFIG, else ./digest.toml.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    del version
    context.obj = State(config_file)


def run() -> None:
    """The command `digest`."""
    guard_streams()
    os.umask(0o077)  # addresses, tokens and keys are in what it writes: nobody else of this machine reads them
    try:
        bounded(command())()
    except DigestError as error:
        for line in str(error).splitlines():
            print(f"digest: {line}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("digest: stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        if hint := _storage_trouble(error):
            print(f"digest: {hint}", file=sys.stderr)
            raise SystemExit(3) from None
        raise


def _storage_trouble(error: Exception) -> str:
    """A full disk or a lost database is no bug: say what it is."""
    from sqlalchemy.exc import DBAPIError

    if isinstance(error, DBAPIError):
        return f"the database: {str(error.orig).splitlines()[0]}; nothing that was recorded is lost, run it again"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror}"
    return ""


@cache
def command() -> Any:
    """The tree as click knows it. Making it takes longer than most commands do."""
    return typer.main.get_command(tree)
