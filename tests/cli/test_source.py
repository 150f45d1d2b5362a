"""`digest source`, through processes of their own, one of them at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import Command


@pytest.fixture
def digest(tmp_path: Path) -> Command:
    (tmp_path / "digest.toml").write_text(
        '[database]\nurl = "sqlite:///digest.db"\n[web]\npublic_url = "http://127.0.0.1:8025"\n'
        '[collect]\nallow_hosts = ["127.0.0.1"]\n'
    )
    (tmp_path / "site").mkdir()
    (tmp_path / "site/ferry.md").write_text("---\ntitle: The ferry\ndate: 2026-11-20\n---\nIt runs.\n")
    digest = Command(tmp_path)
    digest("db", "upgrade")
    return digest


def at_a_terminal(digest: Command, *arguments: str, answers: dict[str, str]) -> str:
    """What is shown; each answer is typed once its question stands there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "digest", *arguments],
        cwd=digest.folder,
        env=digest.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, deadline = "", time.monotonic() + 60
    for question, answer in answers.items():
        while question not in shown:
            assert time.monotonic() < deadline, shown
            shown += os.read(ours, 10_000).decode()
        os.write(ours, f"{answer}\n".encode())
    process.wait(60)
    os.close(ours)
    return shown


def test_a_terminal_is_asked_for_what_is_missing(digest: Command) -> None:
    answers = {"folder: path": "site", "folder: base_url": "https://example.org/", "Add the source site?": "y"}
    shown = at_a_terminal(digest, "source", "add", "site", "folder", answers=answers)
    assert "The ferry" in shown
    [added] = digest.json("source", "list")
    assert added["options"] == {"path": "site", "base_url": "https://example.org/"}
    assert added["next_due_at"]
    assert "at the next collect" in digest("source", "list")
    [article] = digest.json("source", "test", "site")
    assert article["url"] == "https://example.org/ferry/"


def test_nothing_is_written_when_the_answer_is_no(digest: Command) -> None:
    answers = {"folder: path": "site", "folder: base_url": "https://example.org/", "Add the source site?": "n"}
    at_a_terminal(digest, "source", "add", "site", "folder", answers=answers)
    assert digest.json("source", "list") == []


def test_without_a_terminal_nobody_is_asked(digest: Command) -> None:
    assert "option path is missing" in digest("source", "add", "site", "folder", code=6)
