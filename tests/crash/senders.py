"""Processes that send an edition and may be killed at any time, started within milliseconds.

`Nursery` runs this file as a program that has imported everything and forks a sender for each line on its standard
input. A sender is `dispatch.plan` and `dispatch.send` on the real database, with the handler for SIGTERM of
digest/cli/sending.py; the clock is told when it starts and runs on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self


class RunningClock:
    """A clock that was set to an instant and goes on from there."""

    def __init__(self, at: datetime) -> None:
        self._at, self._since = at, time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._since)


class SenderProcess:
    """`log`: what it printed, its report in the last line."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid, self.log = pid, log
        self.status: int | None = None
        self.has_ended = threading.Event()

    @property
    def is_alive(self) -> bool:
        return not self.has_ended.is_set()

    def signal(self, number: int) -> bool:
        """False when it had ended by itself."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
                return True
        return False

    def wait(self, timeout_s: float = 60.0) -> int:
        assert self.has_ended.wait(timeout_s), f"sender {self.pid} does not end\n{self.log.read_text()}"
        assert self.status is not None
        return self.status


class Nursery:
    """Starts senders, and knows when one has ended: `status` is its exit code, or minus the signal that killed it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.crash.senders"],
            cwd=Path(__file__).parent.parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._born: queue.Queue[int] = queue.Queue()
        self._known: dict[int, SenderProcess] = {}
        self._early: dict[int, int] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)

    def start(self, **job: object) -> SenderProcess:
        """See `_send` for what a job is."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        pid = self._born.get(timeout=30)
        process = SenderProcess(pid, Path(str(job["folder"])) / f"sender-{pid}.log")
        with self._lock:
            self._known[pid] = process
            if pid in self._early:
                self._end(pid, self._early.pop(pid))
        return process

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, pid, *status = map(int, line.split())
            if word == 1:
                self._born.put(pid)
                continue
            with self._lock:
                if pid in self._known:
                    self._end(pid, status[0])
                else:
                    self._early[pid] = status[0]
        self._process.stdout.close()

    def _end(self, pid: int, status: int) -> None:
        process = self._known.pop(pid)
        process.status = status
        process.has_ended.set()


# --- what runs in the other process ----------------------------------------------------------------------------------


def main() -> None:
    from tests.site import make_press  # all that a sender needs is imported before the first fork

    del make_press
    import digest.flows.publish
    import digest.render.inline  # noqa: F401

    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    children: set[int] = set()
    pending = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(children)
        if 0 in ready:
            got = os.read(0, 65536)
            if not got:
                break
            *lines, pending = (pending + got).split(b"\n")
            for line in lines:
                pid = os.fork()
                if not pid:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    _child(json.loads(line))
                children.add(pid)
                print(1, pid, flush=True)  # noqa: T201
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _reap(children: set[int]) -> None:
    for pid in list(children):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            children.discard(pid)
            print(0, pid, os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _child(job: dict[str, Any]) -> None:
    code = 1
    try:
        log = os.open(Path(job["folder"]) / f"sender-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, to in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(number, to)
        print(json.dumps(_send(**job)), flush=True)  # noqa: T201
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _send(
    *,
    database_url: str,
    folder: str,
    edition_id: int,
    at: str,
    port: int,
    batch_size: int,
    connections: int,
    pipelining: bool = True,
    patience_s: float = 30.0,
) -> dict[str, object]:
    """folder   holds the templates, and gets the log

    at       what the clock says at the start
    """
    from digest.db.engine import make_engine
    from digest.delivery.channels.smtp import Options, SmtpChannel
    from digest.flows import dispatch, publish
    from tests.site import make_press

    clock = RunningClock(datetime.fromisoformat(at))
    engine = make_engine(database_url)
    options = Options(host="127.0.0.1", port=port, security="none", connections=connections, pipelining=pipelining)
    dispatch.plan(engine, edition_id, now=clock.now(), batch_size=batch_size)
    maker = publish.open_maker(engine, make_press(Path(folder) / "templates"), edition_id)

    async def run() -> dispatch.DispatchReport:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        return await dispatch.send(engine, maker, [SmtpChannel(options)], clock=clock, stop=stop, patience_s=patience_s)

    report = asyncio.run(run())
    return {"accepted": report.accepted, "unknown": report.unknown, "trouble": report.trouble}


if __name__ == "__main__":
    main()
