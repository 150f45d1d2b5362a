"""When to try a deferred delivery again, and when to give up. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_GAP = timedelta(minutes=5)  # greylisting lets the second try in after a few minutes
LONGEST_GAP = timedelta(hours=4)


def next_attempt_at(
    attempts: int, *, first_attempt_at: datetime, now: datetime, retry_hours: int, spread: float = 0.0
) -> datetime | None:
    """When to try again; None when it is time to give up.

    attempts   finished tries, at least one
    spread     0 to 1, a reader's own number: adds up to a tenth of the gap, so that not all come back at once
    returns    aware UTC, after `now`: gaps of 5, 30, 60, 120 and then 240 minutes
    source     RFC 5321 §4.5.4.1 asks for 30 minutes in general and lets first tries be shorter; its 4 to 5 days are
               too long for a digest, which is stale by then: docs/DECISIONS.md "retries"
    """
    doublings = min(attempts - 1, 10)  # far beyond the longest gap, and what a timedelta can hold
    gap = FIRST_GAP if attempts == 1 else min(timedelta(minutes=15) * 2**doublings, LONGEST_GAP)
    at = now + gap * (1 + spread / 10)
    return at if at <= first_attempt_at + timedelta(hours=retry_hours) else None
