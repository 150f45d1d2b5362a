"""digest config example | check"""

from __future__ import annotations

import typer

from digest.cli.context import State


def example() -> None:
    """Print a settings file with every key, its default and what it is for.

    Example: digest config example > digest.toml
    """
    from digest.config import sample

    print(sample.example(), end="")


def check(context: typer.Context) -> None:
    """Read the settings and say what is wrong with them, if anything."""
    from digest import config
    from digest.app import make_app

    state: State = context.obj
    file = config.find_file(state.config_file)
    _ = make_app(config.load(file)).dkim_keys
    print(f"{file or 'the environment and the defaults'}: fine")
