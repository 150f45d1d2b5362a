"""Signing every message with RSA-2048: python -m benchmarks.sign [--readers 20000] [--processes 2]

Sender processes beside each other on one edition, as `sending.processes` starts them, and how many signatures one core
can make at all: the limit that no sender can pass.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.site import NOW, give_choices, make_site, open_maker, rsa_signer, sqlite_url
from benchmarks.yardsticks import smtp_sink
from digest import log
from digest.db.engine import reading
from digest.delivery.store.rows import list_due
from digest.flows import dispatch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sessions", type=int, default=50)
    chosen = parser.parse_args()
    log.configure(level="warning")
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder, smtp_sink() as port:
        url = sqlite_url(Path(folder) / "site.sqlite")
        engine, edition_id = make_site(url, chosen.readers)
        dispatch.plan(engine, edition_id, now=NOW)
        give_choices(engine, chosen.readers)
        maker = open_maker(engine, edition_id)
        with reading(engine) as connection:
            rows = list_due(connection, 1, now=NOW)[:500]
        messages = [maker.outgoing(row, at=NOW).content for row in rows]
        engine.dispose()
        limit = _signatures_a_second(messages)
        line = [
            sys.executable,
            "-m",
            "benchmarks.run_sender",
            url,
            str(edition_id),
            str(port),
            str(chosen.sessions),
            "rsa",
        ]
        senders = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(chosen.processes)]
        outputs = [sender.communicate()[0] for sender in senders]
    found = [json.loads(output.splitlines()[-1]) for output in outputs]
    seconds = max(each["ended_at"] for each in found) - min(each["started_at"] for each in found)
    accepted = sum(each["accepted"] for each in found)
    print(f"{accepted / seconds:,.0f} messages a second with {chosen.processes} processes; goal 2,000")
    print(f"{limit:,.0f} signatures a second on one core: {accepted / seconds / limit:.2f} of that")


def _signatures_a_second(messages: list[bytes]) -> float:
    signer = rsa_signer()
    started = time.perf_counter()
    for message in messages:
        signer.signed(message, NOW)
    return len(messages) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
