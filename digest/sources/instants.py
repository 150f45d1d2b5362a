"""Instants as drivers of databases give them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def instant_of(value: object) -> datetime | None:
    """Aware UTC from what a driver gives for a UTC column; None for nothing and for MySQL's 0000-00-00."""
    if isinstance(value, int | float):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        return None
