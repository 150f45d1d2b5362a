"""The command `digest` as people run it: a process of its own, in a folder of its own.

A command that ends is forked from one that has done its imports (zygote.py); one that is started and goes on, and those
that the README's shell lines run, begin from nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.zygote import ZYGOTE


class Command:
    """env   has no DIGEST_ setting from outside, so that nobody's own database is touched"""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        self.env = {**kept, "NO_COLOR": "1", **env}
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: object, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        """Standard output, then standard error; the exit code must be `code`."""
        done = ZYGOTE.run([*map(str, arguments)], folder=self.folder, env={**self.env, **(env or {})})
        output = done.stdout + done.stderr
        assert done.returncode == code, f"{arguments}: exit code {done.returncode}\n{output}"
        assert "Traceback" not in output, output
        return output

    def json(self, *arguments: object) -> Any:
        done = ZYGOTE.run([*map(str, arguments), "--json"], folder=self.folder, env=self.env)
        done.check_returncode()
        return json.loads(done.stdout)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "digest", *map(str, arguments)],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            preexec_fn=_hear_signals,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """A test that failed leaves no process behind that works on the next one's database."""
        for process in self._started:
            with process:
                process.kill()


def _hear_signals() -> None:
    """Whoever runs the tests with nohup or in the background has them ignored, and a child would too."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def write_settings(folder: Path, database_url: str, smtp_port: int, *, web_port: int = 8025) -> None:
    (folder / "digest.toml").write_text(
        f'[database]\nurl = "{database_url}"\n'
        f'[web]\npublic_url = "http://127.0.0.1:{web_port}"\nport = {web_port}\n'
        '[mail]\nunsubscribe_mailbox = "leave@harbourpost.example"\n'
        "[scheduler]\ntick_s = 1\n"
        f'[[channels]]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {smtp_port}\nsecurity = "none"\nconnections = 2\n'
    )


ADD = (
    *("newsletter", "add", "harbour", "--title", "The Harbour Post", "--sender", "news@harbourpost.example"),
    *("--postal-address", "12 Quay Street, Port Alder", "--topics", "City,Culture", "--weekdays", "mon"),
)


def write_readers(folder: Path, count: int) -> Path:
    file = folder / "readers.csv"
    rows = "".join(f"reader{number}@example.org,Reader {number}\n" for number in range(1, count + 1))
    file.write_text("email,name\n" + rows)
    return file


def write_articles(folder: Path, *published: str) -> Path:
    file = folder / "articles.jsonl"
    rows = [
        {
            "url": f"https://harbourpost.example/{number}",
            "title": f"Story {number}",
            "published_at": at,
            "topics": "City",
            "summary": "What happened.",
        }
        for number, at in enumerate(published, 1)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file
