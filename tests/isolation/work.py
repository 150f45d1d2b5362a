"""What children are given to do by the tests beside: well, badly, and so that nothing is left of them."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

from digest.errors import SourceMalformed


def double(number: int, *, plus: int = 0) -> int:
    return 2 * number + plus


def process_id(_: object = None) -> int:
    return os.getpid()


def niceness(_: object = None) -> int:
    return os.nice(0)


def search_for_ever(_: object = None) -> None:
    """In C, with the interpreter's lock held."""
    re.search(r"(a+)+$", "a" * 60 + "b")


def fill(megabytes: int) -> int:
    return len(b"x" * (megabytes << 20))


def crash(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def print_much(text: str) -> str:
    print(text * 1_000)  # noqa: T201
    sys.stdout.flush()
    return text


def malformed(text: str) -> None:
    raise SourceMalformed(text)


def no_value(text: str) -> None:
    raise ValueError(text)


def stumble(_: object = None) -> None:
    raise TypeError("nobody thought of it")


def nest(depth: int) -> int:
    return nest(depth + 1)


def answer_with(what: str) -> object:
    return {"function": os.system, "text": "\ud800"}[what]


def open_files(_: object = None) -> list[str]:
    folder = Path("/proc/self/fd")
    return [os.readlink(each) for each in folder.iterdir() if each.exists() or each.is_symlink()][:50]


def environment(name: str) -> str:
    return os.environ.get(name, "")


def one_of(kind: str) -> str:
    {"crash": crash, "slow": search_for_ever, "odd": stumble}.get(kind, process_id)(None)
    return kind


def wait_here(file: str) -> None:
    """Writes its process id, and then does not look up any more."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(0.05)
    search_for_ever()
