"""What the commands share: the settings file that was asked for, and the app made from it."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from digest.model.actor import Actor, ActorKind

if TYPE_CHECKING:
    from digest.app import App


@dataclass
class State:
    config_file: Path | None = None


def open_app(context: typer.Context) -> App:
    """Settings, log and wiring; every problem of the config is said before anything starts."""
    from digest import config, log
    from digest.app import make_app

    state: State = context.obj
    file = config.find_file(state.config_file)
    settings = config.load(file)
    names = [each.name for each in settings.channels]
    log.configure(level=settings.log.level, as_json=settings.log.json_lines, names=names)
    return make_app(settings, config_file=file)


def actor() -> Actor:
    """Who is at the shell, for the record of who did what."""
    try:
        return Actor(ActorKind.CLI, getpass.getuser())
    except (KeyError, OSError):
        return Actor(ActorKind.CLI)
