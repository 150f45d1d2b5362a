"""The argument tree: every command, and the file that it stands in.

A command is imported and built when it is called for, or when help or a shell's completion tells of it: to build all of
them takes longer than most commands do. So a file of this folder imports at its top what its own commands need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from digest import __version__
from digest.cli.arguments import bounded
from digest.cli.context import State

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "explain": ("explain",),
    "source": ("collect",),
    "run_due": ("run-due",),
    "serve": ("serve",),
    "edition": ("audit",),
    "log": ("log",),
    "doctor": ("doctor",),
    "demo": ("demo",),
}
"""The commands without a group, by file. A function is called as its command, or `list_` where Python has the word."""

GROUPS: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "newsletter": (
        "Newsletters: what goes out, when, from whom.",
        {
            "newsletter": ("list", "show", "add", "change", "offer", "settings"),
            "sponsor": ("sponsor",),
            "schedule": ("schedule",),
            "simulate": ("simulate",),
        },
    ),
    "subscriber": (
        "Readers: bring them in, look, change, take out.",
        {
            "subscriber": ("import", "list", "show", "add", "change", "leave", "suppress"),
            "choices": ("choose",),
            "sync": ("sync",),
        },
    ),
    "article": (
        "Articles: bring them in, look, mend, hide.",
        {
            "article": (
                *("import", "add", "list", "show", "change", "hide", "unhide", "pin", "unpin"),
                *("embargo", "held", "release", "discard", "withdraw"),
            ),
        },
    ),
    "source": (
        "Where articles come from.",
        {"source": ("list", "show", "add", "change", "test", "kinds", "discover")},
    ),
    "edition": (
        "Editions: build, look, approve, send, stop.",
        {
            "edition": (
                *("build", "list", "show", "change"),
                *("approve", "send", "pause", "resume", "cancel", "resolve", "correct"),
            ),
            "preview": ("preview", "test"),
            "watch": ("watch",),
            "explain": ("recreate",),
        },
    ),
    "event": ("Events of which editions tell before they begin.", {"event": ("add", "list", "change", "remove")}),
    "sponsor": ("Who pays for a box of a newsletter.", {"sponsor": ("add", "list", "end")}),
    "db": ("The database's schema.", {"db": ("upgrade", "status")}),
    "config": ("The settings file.", {"config": ("example", "check")}),
    "dkim": ("The keys that sign what goes out.", {"dkim": ("keygen", "show")}),
    "notice": ("Messages that are no newsletter, such as a request to confirm.", {"notice": ("list", "test")}),
    "keys": ("The keys that sign readers' links.", {"keys": ("list", "rotate", "retire")}),
}
"""The others: a group's help, and its commands by file."""

_PLAIN: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


class Commands(MutableMapping[str, Any]):
    """What a group calls its commands, each built when it is first looked up: a group needs no more of them than that."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers, self._built = dict(makers), dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = self._makers[name]()
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._makers[name] = lambda: command

    def __delitem__(self, name: str) -> None:
        del self._makers[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@cache
def command() -> TyperGroup:
    """The tree as click knows it."""
    root = typer.Typer(
        name="digest",
        help="Collect new articles, make a digest, mail it to every reader once.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=(
            "Exit codes: 0 done, 1 failed, 2 config or usage, 3 database, 4 not found, 5 refused by a rule, 6 bad input, "
            "7 template or message, 8 no channel, 9 the ledger does not balance."
        ),
        **_PLAIN,
    )
    root.callback()(_main)
    return _group(root, {**_makers(COMMANDS), **{name: _group_maker(name) for name in GROUPS}})


def _group_maker(name: str) -> Callable[[], TyperGroup]:
    help_text, files = GROUPS[name]
    return lambda: _group(typer.Typer(name=name, help=help_text, no_args_is_help=True, **_PLAIN), _makers(files))


def _group(empty: typer.Typer, makers: Mapping[str, Callable[[], Any]]) -> TyperGroup:
    group = get_group(empty)
    group.commands = Commands(makers)
    bounded(group)
    return group


def _makers(files: Mapping[str, tuple[str, ...]]) -> dict[str, Callable[[], Any]]:
    return {name: _command_maker(file, name) for file, names in files.items() for name in names}


def _command_maker(file: str, name: str) -> Callable[[], Any]:
    def make() -> Any:
        module = import_module(f"digest.cli.{file}")
        word = name.replace("-", "_")
        alone = typer.Typer(**_PLAIN)
        alone.command(name)(getattr(module, word, None) or getattr(module, f"{word}_"))
        return bounded(get_command(alone))

    return make


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"digest {__version__}")
        raise typer.Exit


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
