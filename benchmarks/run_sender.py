"""One sender process of a measurement: python -m benchmarks.run_sender URL EDITION PORT CONNECTIONS [rsa] -> JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time

from benchmarks.memory import peak_mb
from benchmarks.site import CLOCK, open_maker, rsa_signer
from digest import log
from digest.db.engine import make_engine
from digest.delivery.channels.smtp import Options, SmtpChannel
from digest.flows import dispatch


def main() -> None:
    url, edition_id, port, connections = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    log.configure(level="warning")
    engine = make_engine(url)
    maker = open_maker(engine, edition_id, rsa_signer() if "rsa" in sys.argv else None)
    channel = SmtpChannel(
        Options(
            host="127.0.0.1",
            port=port,
            security="none",
            connections=connections,
            messages_per_connection=1_000_000,
        )
    )
    gc.collect()
    started, cpu = time.perf_counter(), time.process_time()
    report = asyncio.run(dispatch.send(engine, maker, [channel], clock=CLOCK))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    memory = peak_mb()
    ended_at = time.time()
    print(
        json.dumps(
            {
                "started_at": ended_at - wall,
                "ended_at": ended_at,
                "accepted": report.accepted,
                "wall_s": wall,
                "cpu_s": cpu,
                "memory_mb": memory,
            }
        )
    )
    assert not report.trouble, report


if __name__ == "__main__":
    main()
