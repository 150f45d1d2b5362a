"""Planning an edition: python -m benchmarks.plan [--readers 1000000]

One ledger row for each reader, with its batch, against what the database needs to copy as many rows of that width.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from benchmarks.site import NOW, make_site, sqlite_url
from digest import log
from digest.db.engine import writing
from digest.flows import dispatch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--url", default="", help="an empty PostgreSQL database; SQLite if not given")
    chosen = parser.parse_args()
    log.configure(level="warning")
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
        engine, edition_id = make_site(chosen.url or sqlite_url(Path(folder) / "site.sqlite"), chosen.readers)
        started = time.perf_counter()
        planned = dispatch.plan(engine, edition_id, now=NOW)
        seconds = time.perf_counter() - started
        started = time.perf_counter()
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE copied AS SELECT * FROM delivery"))
        copying = time.perf_counter() - started
        engine.dispose()
    print(f"planned {planned:,} readers in {seconds:.1f} s; goal 20 s for a million")
    print(f"copying as many rows without any index: {copying:.1f} s; planning is {seconds / copying:.1f} of it")


if __name__ == "__main__":
    main()
