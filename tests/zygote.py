"""The command `digest` without the second that its imports take: a process that has them, and forks for each command.

`python -m tests.zygote` reads a line of JSON for each: {"arguments": [...], "folder": "...", "env": {...}, "output": file,
"errors": file}, and answers with a line, the exit code; minus the signal, if one ended it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

TIMEOUT_S = 120

WARM = (
    *("digest.app", "digest.cli.main", "digest.db.migrate", "digest.flows.collect", "digest.flows.dispatch"),
    *(
        "digest.flows.publish",
        "digest.sources.page",
        "digest.workers",
        "babel.numbers",
        "rich._emoji_codes",
        "rich.live",
    ),
    *("rich.progress", "sqlalchemy.dialects.sqlite", "psycopg", "aiosmtplib", "email.headerregistry"),
    "email.contentmanager",
)


class Zygote:
    """Runs one command at a time; threads wait for each other."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def run(self, arguments: list[str], *, folder: Path, env: dict[str, str]) -> CompletedProcess[str]:
        with self._turn, tempfile.TemporaryDirectory(prefix="digest-command-") as scratch:
            output, errors = Path(scratch, "output"), Path(scratch, "errors")
            asked = {"arguments": arguments, "folder": str(folder), "env": env}
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({**asked, "output": str(output), "errors": str(errors)}) + "\n")
            process.stdin.flush()
            code = int(process.stdout.readline())
            return CompletedProcess(arguments, code, output.read_text("utf-8"), errors.read_text("utf-8"))

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            line = [sys.executable, "-m", "tests.zygote"]
            self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            atexit.register(self._process.kill)
        return self._process


ZYGOTE = Zygote()


def _import_what_commands_need() -> None:
    for name in WARM:
        importlib.import_module(name)
    with contextlib.suppress(ImportError):
        importlib.import_module("pysqlite3")
    for each in importlib.import_module("digest.cli.tree").command().commands.values():  # looking at one builds it
        list(getattr(each, "commands", {}).values())
    from digest.render.environment import TemplateEnvironment
    from digest.render.files import BUILT_IN, read_files
    from digest.words import Words

    for template in ("plain", "weekly"):
        files = read_files(template, [BUILT_IN])
        environment = TemplateEnvironment(files, Words())
        for name in files:
            if name.endswith((".html", ".txt")):
                environment.get_template(name)


def _become(asked: dict[str, Any]) -> None:
    """In the child: the folder, the environment and the streams of the command; nobody waits for it for ever."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    for number, name in ((0, os.devnull), (1, asked["output"]), (2, asked["errors"])):
        file = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    signal.alarm(TIMEOUT_S)
    sys.argv = ["digest", *asked["arguments"]]


def _serve() -> dict[str, Any] | None:
    """None at the end of the input; in a child what it is to do."""
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            return dict(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201
    return None


if __name__ == "__main__":
    _import_what_commands_need()
    gc.freeze()  # else a child that ends looks through all that it has from here: a third of a second
    if asked := _serve():
        _become(asked)
        from digest.__main__ import main

        main()
