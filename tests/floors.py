"""How much of each room the tests run: `make coverage` prints it, and fails where a room is below its floor.

Measured with the tests of `make quick`. With them in `make test` it would take half as long again. A room may rise: then its
floor does, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

FLOORS = {
    "audience": 90,
    "cli": 30,
    "config": 97,
    "db": 92,
    "delivery": 86,
    "demo": 44,
    "editions": 94,
    "flows": 76,
    "isolation": 77,
    "message": 96,
    "model": 96,
    "render": 94,
    "sources": 76,
    "the top": 78,
    "web": 47,
    "workers": 16,
}
"""Lines of a room that run, in percent. Doors are tried through processes and servers, which the quick tests have not."""


def measured() -> dict[str, tuple[int, int]]:
    """Of each room: lines that ran, and all."""
    report = Path(".coverage.json")
    subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)], check=True)
    rooms: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for file, found in json.loads(report.read_text("utf-8"))["files"].items():
        parts = Path(file).parts[1:]
        room = parts[0] if len(parts) > 1 else "the top"
        ran, of = rooms[room]
        rooms[room] = ran + found["summary"]["covered_lines"], of + found["summary"]["num_statements"]
    return rooms


def main() -> int:
    below = 0
    for room, (ran, of) in sorted(measured().items()):
        percent, floor = 100 * ran // max(1, of), FLOORS.get(room, 0)
        below += percent < floor
        print(f"{room:<12} {percent:>3} %  floor {floor:>3} %  {of:>6} lines" + ("  BELOW" if percent < floor else ""))  # noqa: T201
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
