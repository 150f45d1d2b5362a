"""What goes wrong in the background is told to the person at the machine, and ends nothing."""

from __future__ import annotations

import sys

from digest import log
from digest.errors import said


class Told:
    """An accident inside is told and goes no further: the next try comes by itself.

    what   it happened to, for people
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, Exception):
            return error is None
        log.warn("tick.failed", error=type(error).__name__)
        tell(f"{self._what}: {said(error)}")
        return True


def tell(text: str) -> None:
    """For the person at the machine; an error may name a file or a host, so it is no log event."""
    print(f"digest: {text}", file=sys.stderr, flush=True)  # noqa: T201
