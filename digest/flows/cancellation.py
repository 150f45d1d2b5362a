"""The rows of a cancelled edition that were not tried: they never will be."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from digest.db.engine import reading, writing
from digest.delivery.store.batches import cancel_batch, list_open_batches
from digest.errors import DatabaseError

BUSY_S = 0.05
"""How long a sender is given to end a transaction with rows that are to be cancelled, before they are looked at again."""

MAX_BUSY_S = 10.0


def cancel_rest(engine: Engine, edition_id: int) -> int:
    """The open rows of a cancelled edition, batch by batch; returns how many. Rows that a sender writes at this moment are
    looked at again when it has: waiting for them while it waits for ours would be a deadlock."""
    cancelled, busy_since = 0, time.monotonic()
    while True:
        with reading(engine) as connection:
            batches = list_open_batches(connection, edition_id)
        if not batches:
            return cancelled
        before = cancelled
        for batch_id in batches:
            with writing(engine) as connection:
                cancelled += cancel_batch(connection, batch_id)
        if cancelled > before:
            busy_since = time.monotonic()
        elif time.monotonic() - busy_since > MAX_BUSY_S:
            raise DatabaseError(f"edition {edition_id} is cancelled, but a sender holds rows of it; cancel it again")
        time.sleep(BUSY_S)
