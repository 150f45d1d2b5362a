"""event(name, **ids): a constant dotted name and ids, and the last guard against personal data (promise P9).

Never an address, name, subject, body, token, IP, query string, nor a server's reply text: it quotes addresses, so it
lives in the ledger. A value may be a number, a boolean, None, an enum or a short word without '@'; whatever else
arrives is replaced by its type's name, so that a careless caller leaks nothing.
"""

from __future__ import annotations

import logging
import re
import sys
from enum import Enum

import structlog

_SAFE = re.compile(r"[A-Za-z0-9_.:+\-]{1,64}")

_log = structlog.get_logger()


def configure(*, level: str = "info", as_json: bool = False) -> None:
    """Send events to standard error: readable lines, or JSON for machines."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=28)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def event(name: str, **ids: object) -> None:
    """Write one event; `name` is a constant such as "delivery.accepted"."""
    _log.info(name, **{key: safe(value) for key, value in ids.items()})


def warn(name: str, **ids: object) -> None:
    _log.warning(name, **{key: safe(value) for key, value in ids.items()})


def safe(value: object) -> object:
    """The value itself where it cannot be personal, else the name of its type in angle brackets."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str) and _SAFE.fullmatch(value):
        return value
    return f"<{type(value).__name__}>"
