"""event(name, **ids): a constant dotted name and ids, and the last guard against personal data (promise P9).

Never an address, name, subject, body, token, IP, query string, nor a server's reply text: it quotes addresses, so it
lives in the ledger. A value may be a number, a boolean, None or an enum. A text is let through by the name of its field:
where that holds words of the program's own (WORDS), or a name that the settings gave (NAMES). A name of a person or a token
has no "@" in it and looks like any word. Whatever else arrives is replaced by its type's name.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

WORDS = {
    "error": re.compile(r"[A-Za-z]\w{0,63}"),  # the class of an error
    **dict.fromkeys(("kind", "method", "why", "health"), re.compile(r"[a-z][a-z-]{0,31}")),
}
NAMES = frozenset({"channel"})
"""Fields that hold names from the settings; `configure` is told which there are."""

_known: set[str] = set()
_wanted: dict[str, Any] = {}


def configure(*, level: str = "info", as_json: bool = False, names: Iterable[str] = ()) -> None:
    """Send events to standard error: readable lines, or JSON for machines.

    names   of what the settings name, such as channels
    """
    _known.update(names)
    _wanted.update(level=logging.getLevelNamesMapping()[level.upper()], as_json=as_json, file=sys.stderr)
    _logger.cache_clear()


@cache
def _logger() -> FilteringBoundLogger:
    """Made for the first event: structlog and rich take 50 ms to import, and many a command logs nothing."""
    import structlog

    if _wanted:
        renderer: structlog.types.Processor = (
            structlog.processors.JSONRenderer()
            if _wanted["as_json"]
            else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=28)
        )
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                renderer,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(_wanted["level"]),
            logger_factory=structlog.PrintLoggerFactory(_wanted["file"]),
            cache_logger_on_first_use=False,
        )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def event(name: str, **ids: object) -> None:
    """Write one event; `name` is a constant such as "delivery.accepted"."""
    _logger().info(name, **{key: safe(key, value) for key, value in ids.items()})


def warn(name: str, **ids: object) -> None:
    _logger().warning(name, **{key: safe(key, value) for key, value in ids.items()})


def safe(field: str, value: object) -> object:
    """The value itself where it cannot be personal, else the name of its type in angle brackets."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str) and (_is_word(field, value) or (field in NAMES and value in _known)):
        return value
    return f"<{type(value).__name__}>"


def _is_word(field: str, text: str) -> bool:
    return field in WORDS and WORDS[field].fullmatch(text) is not None
