"""The life of a child: reads a job, does it, answers, until its input ends. Started as a script, so it imports only the
standard library until the first message has told it where ours is.

A job's time is limited twice: the parent ends a child that takes too long, and an alarm ends one whose parent is gone.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from typing import Any, BinaryIO

HEAD = struct.Struct("!I")

NICE = 10
"""Pages and sends go first where there are few processors: a hostile source takes one for as long as it may."""

SPARE_S = 5
"""So much later than the parent an orphan ends itself."""


def send(stream: BinaryIO, message: object) -> None:
    """A message is its length, then a pickle."""
    packed = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(HEAD.pack(len(packed)) + packed if len(packed) < 65_536 else HEAD.pack(len(packed)))
    if len(packed) >= 65_536:
        stream.write(packed)
    stream.flush()


def main() -> None:
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends us with its pipe
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # so is that of a service manager, which tells all of a service
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    path, limit_bytes = pickle.loads(_read(jobs))  # noqa: S301 - the parent wrote it
    sys.path[:] = path
    _limit_memory(limit_bytes)
    if hasattr(os, "nice"):
        os.nice(NICE)
    while message := _read(jobs):
        limit_s, function, items, shared = pickle.loads(message)  # noqa: S301 - the parent wrote it
        del message
        for item in items:
            _alarm(limit_s + SPARE_S)
            send(answers, _answer(function, item, shared))
        _alarm(0)


def _read(stream: BinaryIO) -> bytes:
    head = stream.read(HEAD.size)
    return stream.read(HEAD.unpack(head)[0]) if len(head) == HEAD.size else b""


def _answer(function: Any, arguments: tuple[Any, ...], shared: dict[str, Any]) -> tuple[str, Any, str]:
    """What became of one call: ("done", value, ""), ("no", kind of error, its text), ("odd", None, what)."""
    from digest.errors import DigestError

    try:
        return "done", function(*arguments, **shared), ""
    except MemoryError:
        return "full", None, ""
    except DigestError as error:
        return "no", type(error), str(error)
    except ValueError as error:
        return "no", ValueError, str(error)
    except RecursionError:
        return "no", ValueError, "is nested too deeply"
    except Exception as error:
        return "odd", None, f"{type(error).__name__}: {error}"


def _limit_memory(limit_bytes: int) -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    except (ImportError, ValueError, OSError):  # macOS refuses the second: time is limited all the same
        return


def _alarm(seconds: int) -> None:
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


if __name__ == "__main__":
    main()
