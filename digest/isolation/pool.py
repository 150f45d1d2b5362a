"""The children of this process, and who waits for which of them. For any number of threads.

A child is a new interpreter and no fork: threads hold locks, and a fork has the parent's sockets and databases. It gets
nothing but three pipes, and an environment without our settings.
"""

from __future__ import annotations

import atexit
import io
import os
import pickle
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from digest.isolation import child
from digest.isolation.child import HEAD

LIMIT_S = 20
LIMIT_BYTES = 512 << 20

MAX_MESSAGE = 1 << 30

AT_ONCE = max(2, min(4, os.cpu_count() or 1))
"""Two at least: one that hangs shall not stop the others."""

IDLE_S = 60.0

MANY = 100
"""From so many items on a job is shared out to several children."""

MAX_LOST = 3
"""So many items of one job may end a child; after that the rest is not even tried."""

T = TypeVar("T")


class TooMuch(ValueError):
    """The text goes behind the name of what was read: "takes longer than 20 seconds to read"."""


class Stumbled(RuntimeError):
    """A fault of this program or of a library of it."""


def call(function: Callable[..., T], *arguments: Any, limit_s: int = LIMIT_S, **shared: Any) -> T:
    """What the function returns, or raises if that is an error of ours or a ValueError; TooMuch, Stumbled."""
    (answer,) = each(function, [arguments], limit_s=limit_s, **shared)
    if isinstance(answer, Exception):
        raise answer
    return answer


def each(
    function: Callable[..., T], items: Iterable[tuple[Any, ...]], *, limit_s: int = LIMIT_S, **shared: Any
) -> list[T | Exception]:
    """The same for many, in one go: for each a value, or the error that `call` would raise. One that ends its child
    takes no other with it; after three of that kind the others are not tried any more.

    items    the arguments of each call
    shared   by all calls, by name
    limit_s  for each of them
    """
    jobs = list(items)
    if len(jobs) < MANY:
        return _one_after_the_other(function, jobs, shared, limit_s)
    size = -(-len(jobs) // AT_ONCE)
    parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    with ThreadPoolExecutor(len(parts), thread_name_prefix="isolation") as threads:
        found = threads.map(lambda part: _one_after_the_other(function, part, shared, limit_s), parts)
        return [answer for part in found for answer in part]


def _one_after_the_other(
    function: Callable[..., T], left: list[tuple[Any, ...]], shared: dict[str, Any], limit_s: int
) -> list[T | Exception]:
    found: list[T | Exception] = []
    lost = 0
    while left:
        with _pool.child() as worker:
            answers = list(worker.work(function, left, shared, limit_s))
        found += answers
        left = left[len(answers) :]
        lost += isinstance(answers[-1], TooMuch)
        if left and lost >= MAX_LOST:
            found += [TooMuch("was not tried: several before it ended their parser")] * len(left)
            break
    return found


class _Child:
    """One process, and the pipes to it. `is_fit`: may it get another job?"""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(child.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.upper().startswith("DIGEST_")},
            bufsize=0,
        )
        self.is_fit = True
        self.idle_since = time.monotonic()
        self._buffer = bytearray()
        path = [str(Path(entry).absolute()) for entry in sys.path]
        self._send((path, LIMIT_BYTES), time.monotonic() + LIMIT_S)

    def work(
        self, function: Callable[..., T], items: Sequence[tuple[Any, ...]], shared: dict[str, Any], limit_s: int
    ) -> Iterator[T | Exception]:
        """An answer for each item up to and with the first that ends this child."""
        is_sent = self._send((limit_s, function, items, shared), time.monotonic() + limit_s)
        for _ in items:
            yield self._answer(time.monotonic() + limit_s, limit_s) if is_sent else self._lost("", limit_s)
            if not self.is_fit:
                return

    def _answer(self, deadline: float, limit_s: int) -> Any:
        message = self._receive(deadline)
        if message is None:
            return self._lost("slow" if time.monotonic() >= deadline else "", limit_s)
        try:
            kind, value, text = _Answers(io.BytesIO(message)).load()
        except Exception as cause:  # one that was overwritten by what it read may answer anything
            self.end()
            return Stumbled(f"its parser gave no sense: {type(cause).__name__}")
        if kind == "done":
            return value
        if kind == "full":
            return self._lost("full", limit_s)
        return value(text) if kind == "no" else Stumbled(text)

    def _lost(self, why: str, limit_s: int) -> TooMuch:
        from digest import log  # a third of the time that a child takes to start, and it logs nothing

        code = self.end()
        log.warn("isolation.ended", why=why or "died", code=code)
        if why == "slow":
            return TooMuch(f"takes longer than {limit_s} seconds to read")
        if why == "full":
            return TooMuch(f"takes more than {LIMIT_BYTES >> 20} MB of memory to read")
        return TooMuch(f"ends its parser ({'signal' if code < 0 else 'exit code'} {abs(code)})")

    def _send(self, message: object, deadline: float) -> bool:
        packed = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        assert self._process.stdin is not None
        pipe = self._process.stdin.fileno()
        os.set_blocking(pipe, False)
        left = memoryview(HEAD.pack(len(packed)) + packed)
        try:
            while left:
                if not _is_ready(pipe, deadline, select.POLLOUT):
                    return False
                left = left[os.write(pipe, left) :]
        except OSError:  # it is gone
            return False
        return True

    def _receive(self, deadline: float) -> bytes | None:
        """The next message; None where none came by then, or the child ended."""
        assert self._process.stdout is not None
        pipe, buffer = self._process.stdout.fileno(), self._buffer
        wanted = HEAD.size
        while True:
            if len(buffer) >= HEAD.size:
                wanted = HEAD.size + HEAD.unpack_from(buffer)[0]
            if len(buffer) >= wanted > HEAD.size:
                message = bytes(buffer[HEAD.size : wanted])
                del buffer[:wanted]
                return message
            if wanted > MAX_MESSAGE or not _is_ready(pipe, deadline, select.POLLIN):
                return None
            if not (piece := os.read(pipe, 1 << 20)):
                return None
            buffer += piece

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> int:
        """Its exit code, minus the signal that ended it."""
        self.is_fit = False
        self._process.poll()  # one that died by itself keeps its own code
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.wait()


def _is_ready(pipe: int, deadline: float, event: int) -> bool:
    poll = select.poll()
    poll.register(pipe, event)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))


class _Answers(pickle.Unpickler):
    """Values of ours and of the calendar, and nothing that does anything: a child has read what strangers wrote."""

    def find_class(self, module: str, name: str) -> Any:
        is_value = module.split(".")[0] in ("digest", "datetime") or (module, name) == ("builtins", "ValueError")
        found = super().find_class(module, name) if is_value else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is no value")
        return found


class _Lease:
    def __init__(self, pool: _Pool) -> None:
        self._pool = pool

    def __enter__(self) -> _Child:
        self._child = self._pool.take()
        return self._child

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:  # its answers may be half read
            self._child.end()
        self._pool.give_back(self._child)


class _Pool:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[_Child] = []
        self._count = 0
        self._is_tidied = False

    def child(self) -> _Lease:
        return _Lease(self)

    def take(self) -> _Child:
        """Waits for its turn; that is no time of the job's."""
        with self._changed:
            while not self._idle and self._count >= AT_ONCE:
                self._changed.wait()
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive():
                    return worker
                worker.end()
                self._count -= 1
            self._count += 1
        try:
            return _Child()
        except BaseException:
            with self._changed:
                self._count -= 1
                self._changed.notify()
            raise

    def give_back(self, worker: _Child) -> None:
        with self._changed:
            if worker.is_fit:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
                if not self._is_tidied:
                    self._is_tidied = True
                    threading.Thread(target=self._tidy, name="isolation", daemon=True).start()
            else:
                self._count -= 1
            self._changed.notify()

    def _tidy(self) -> None:
        """Ends who has had nothing to do for a while; ends itself when nobody is left to look after."""
        while True:
            time.sleep(IDLE_S / 4)
            with self._changed:
                old = [each for each in self._idle if time.monotonic() - each.idle_since > IDLE_S]
                self._idle = [each for each in self._idle if each not in old]
                self._count -= len(old)
                self._changed.notify_all()
                is_done = self._is_tidied = self._count > 0
            for worker in old:
                worker.end()
            if not is_done:
                return

    def close(self) -> None:
        with self._changed:
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for worker in idle:
            worker.end()


_pool = _Pool()
atexit.register(lambda: _pool.close())
