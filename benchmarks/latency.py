"""A relay that is 20 ms away: python -m benchmarks.latency

The same messages over one connection through a line that holds every byte back for half of that in each direction, with
and without PIPELINING: what a round trip for each command costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

from benchmarks.site import CLOCK, NOW, give_choices, make_site, open_maker, sqlite_url
from benchmarks.yardsticks import smtp_sink
from digest import log
from digest.delivery.channels.smtp import Options, SmtpChannel
from digest.flows import dispatch

ROUND_TRIP_S = 0.020
READERS = 300


def main() -> None:
    log.configure(level="warning")
    rates = {pipelining: asyncio.run(_measure(pipelining)) for pipelining in (False, True)}
    print(f"one connection, {ROUND_TRIP_S * 1000:.0f} ms round trip, messages a second:")
    print(f"{rates[False]:.1f} one command at a time,")
    print(f"{rates[True]:.1f} pipelined: {rates[True] / rates[False]:.2f} times as many; goal 3")


async def _measure(pipelining: bool) -> float:
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder, smtp_sink() as port:
        engine, edition_id = make_site(sqlite_url(Path(folder) / "site.sqlite"), READERS)
        dispatch.plan(engine, edition_id, now=NOW)
        give_choices(engine, READERS)
        line = await asyncio.start_server(lambda r, w: _through(r, w, port), "127.0.0.1", 0)
        options = Options(
            host="127.0.0.1",
            port=line.sockets[0].getsockname()[1],
            security="none",
            connections=1,
            pipelining=pipelining,
        )
        started = time.perf_counter()
        report = await dispatch.send(engine, open_maker(engine, edition_id), [SmtpChannel(options)], clock=CLOCK)
        seconds = time.perf_counter() - started
        line.close()
        engine.dispose()
    return report.accepted / seconds


async def _through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(asyncio.CancelledError):  # the measurement is over before the last bytes are through
        await asyncio.gather(_late(reader, far_writer), _late(far_reader, writer))


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what comes, each piece half a round trip later, without holding up the next."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(1 << 16):
        loop.call_later(ROUND_TRIP_S / 2, writer.write, data)
    await asyncio.sleep(ROUND_TRIP_S)
    with contextlib.suppress(OSError):
        writer.close()


if __name__ == "__main__":
    main()
