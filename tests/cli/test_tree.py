"""The argument tree: every command is found, and one that is called costs no more than it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digest.cli.tree import COMMANDS, GROUPS, command

NEEDLESS = {
    *("alembic", "aiosmtplib", "email_validator", "fastapi", "httpx2", "jinja2", "lxml", "premailer", "structlog"),
    *(
        "digest.audience.store.subscribers",
        "digest.cli.subscriber",
        "digest.cli.run_due",
        "digest.cli.simulate",
        "digest.flows.publish",
        "digest.render.html",
        "digest.flows.collect",
    ),
}
"""What takes long to import, and no list needs."""


def test_every_command_of_the_table_is_a_function() -> None:
    tables = [COMMANDS, *(files for _help, files in GROUPS.values())]
    wanted = sorted(name for files in tables for names in files.values() for name in names)
    groups = [command(), *(command().commands[name] for name in GROUPS)]
    every = [(group, name, each) for group in groups for name, each in group.commands.items()]
    found = [(name, each) for group, name, each in every if group is not command() or name not in GROUPS]

    assert sorted(name for name, _ in found) == wanted
    assert all(each.help for _, each in found)


@pytest.mark.parametrize("words", [(noun, "list") for noun in ("newsletter", "edition", "source", "article")])
def test_a_command_that_lists_imports_no_more_than_it_needs(tmp_path: Path, words: tuple[str, ...]) -> None:
    env = {"DIGEST_DATABASE__URL": f"sqlite:///{tmp_path}/digest.sqlite"}
    script = (
        "import sys; from digest.cli.tree import command\n"
        "command()(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    )
    for line in (("db", "upgrade"), words):
        run = [sys.executable, "-c", script, *line]
        done = subprocess.run(run, cwd=tmp_path, env=env, check=True, stdout=subprocess.PIPE, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())

    assert {"sqlalchemy", f"digest.cli.{words[0]}"} <= loaded
    assert not NEEDLESS & loaded


@pytest.mark.parametrize(("words", "hint"), [(["newslettr"], "newsletter"), (["newsletter", "lisst"], "list")])
def test_a_mistyped_command_is_told_the_nearest(words: list[str], hint: str) -> None:
    root: Any = command()
    with pytest.raises(Exception, match=f"No such command .* Did you mean '{hint}'"):
        root(words, standalone_mode=False)
