"""What `make bench` runs still runs, on a small site; what it measures there says nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SMTP_SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin:/usr/bin")


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "collect --feeds 3 --articles 50",
        "compile",
        "plan --readers 200",
        "own_digest --readers 200 --checked 20",
        pytest.param(
            "send --readers 300 --rounds 1 --sessions 4 --plain 3",
            marks=pytest.mark.skipif(SMTP_SINK is None, reason="Postfix is not installed"),
        ),
    ],
)
def test_a_benchmark_runs_to_its_end(line: str) -> None:
    name, *options = line.split()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
