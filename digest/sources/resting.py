"""When a source that fails is asked again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest.model.source import Source

RESTS_AFTER = 3
"""Errors in a row."""


def rests_until(source: Source) -> datetime | None:
    """After three errors in a row a source is asked less and less often: 10 minutes, 20, 40 ... up to a day.

    Later, if its server asked for more patience than that; then after the first error already.
    """
    if source.errors_in_row < RESTS_AFTER or source.last_error_at is None:
        return source.due_at
    doublings: int = min(source.errors_in_row - RESTS_AFTER, 10)
    until = source.last_error_at + min(timedelta(minutes=10) * (1 << doublings), timedelta(days=1))
    return max(until, source.due_at) if source.due_at else until
