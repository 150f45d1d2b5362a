"""python -m benchmarks: all of them, one after the other; about twenty minutes."""

from __future__ import annotations

import runpy
import sys

NAMES = ("collect", "compile", "plan", "send", "own_digest", "latency", "sign")

for name in sys.argv[1:] or NAMES:
    print(f"--- {name}", flush=True)
    sys.argv = [name]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")
