"""An edition on its way: pause, resume, cancel, resolve. Senders in other processes see it within a second."""

from __future__ import annotations

import time
from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.db.engine import reading, writing
from digest.delivery import counts
from digest.delivery.batches import cancel_batch, leave_unknown, list_open_batches, resend_unknown
from digest.editions import store, transitions
from digest.errors import DatabaseError, Refused
from digest.model.actor import Actor
from digest.model.edition import EditionStatus

BUSY_S = 0.05
"""How long a sender is given to end a transaction with rows that are to be cancelled, before they are looked at again."""

MAX_BUSY_S = 10.0


def pause(engine: Engine, edition_id: int, *, now: datetime, actor: Actor) -> None:
    """Senders stop within a second; nothing is lost."""
    _switch(engine, edition_id, "pause", now=now, actor=actor)


def resume(engine: Engine, edition_id: int, *, now: datetime, actor: Actor) -> None:
    _switch(engine, edition_id, "resume", now=now, actor=actor, hold_reason="")


def cancel(engine: Engine, edition_id: int, *, now: datetime, actor: Actor) -> int:
    """No further copy goes out; what was not tried is cancelled. Returns how many rows that were.

    The edition is cancelled first, and from then on no row is marked. Killed after that, another call, or the sender
    whose edition it was, cancels the rest.
    """
    with writing(engine) as connection:
        if transitions.move(connection, edition_id, "cancel", actor=actor, now=now, finished_at=now):
            audit.record(
                connection,
                "edition.cancel",
                actor,
                audit.of_edition(store.get_edition(connection, edition_id)),
                now=now,
            )
            # a mark may be committed between here and there: until the rows are looked at, somebody may have it
            store.record_reached(connection, edition_id, store.is_planned(connection, edition_id))
        else:
            status = store.get_edition(connection, edition_id).status
            if status is not EditionStatus.CANCELLED or not list_open_batches(connection, edition_id):
                raise Refused(f"edition {edition_id} is {status}: there is nothing to cancel")
    cancelled = cancel_rest(engine, edition_id)
    with writing(engine) as connection:
        counted = counts.balance(connection, edition_id)
        store.record_reached(connection, edition_id, bool(counted.accepted or counted.unknown or counted.attempting))
    return cancelled


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


def resolve(engine: Engine, edition_id: int, *, resend: bool, now: datetime, actor: Actor) -> int:
    """Settle the deliveries whose answer was lost; returns how many. A resend opens a sent edition again."""
    with writing(engine) as connection:
        edition = store.get_edition(connection, edition_id)
        count = (resend_unknown if resend else leave_unknown)(connection, edition_id)
        if resend and count:
            transitions.move(connection, edition_id, "reopen", actor=actor, now=now, finished_at=None)
        audit.record(
            connection, "edition.resolve", actor, audit.of_edition(edition), now=now, resend=resend, count=count
        )
    return count


def _switch(engine: Engine, edition_id: int, verb: str, *, now: datetime, actor: Actor, **values: object) -> None:
    with writing(engine) as connection:
        if not transitions.move(connection, edition_id, verb, actor=actor, now=now, **values):
            status = store.get_edition(connection, edition_id).status
            works = " or ".join(transitions.states_for(verb))
            raise Refused(f"edition {edition_id} is {status}; {verb} works on one that is {works}")
