"""An edition: the texts of a draft; pause, resume, cancel, resolve one on its way, which senders see within a second.

Approving and correcting one are flows/publish: they make copies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.audit import Noun
from digest.db.engine import writing
from digest.delivery.store import counts
from digest.delivery.store.batches import leave_unknown, list_open_batches, resend_unknown
from digest.editions.store import editions as edition_store
from digest.editions.store import transitions
from digest.errors import Refused
from digest.flows import values
from digest.flows.cancellation import cancel_rest
from digest.model.actor import Actor
from digest.model.edition import EditionStatus
from digest.model.newsletter import Note

MAX_NOTE = 5_000


def change_texts(
    engine: Engine, edition_id: int, given: Mapping[str, str], *, actor: Actor, now: datetime, seen: int | None = None
) -> list[str]:
    """Change subject, preheader or note of a draft; returns which. Refused for what is no draft any more.

    given   subject, preheader, note ("" for none), note_author, note_role
    """
    after: dict[str, str | Note | None] = {}
    if "subject" in given:
        after["subject"] = values.line("subject", given["subject"], needed=True)
    if "preheader" in given:
        after["preheader"] = values.line("preheader", given["preheader"])
    if "note" in given:
        text = values.line("note", given["note"], most=MAX_NOTE)
        author, role = (values.line(name, given.get(name, "")) for name in ("note_author", "note_role"))
        after["note"] = Note(text=text, author=author, role=role) if text else None
    with writing(engine) as connection:
        found = edition_store.lock_edition(connection, edition_id)
        audit.check_fresh(connection, Noun.EDITION, edition_id, after, seen=seen)
        if found.status is not EditionStatus.DRAFT:
            raise Refused(f"edition {edition_id} is no draft any more; its texts cannot be changed")
        edition_store.change_text(connection, edition_id, **after)
        before = {name: getattr(found, name) for name in after}
        target = audit.of_edition(found, version=found.version + 1)
        audit.record(connection, "edition.change", actor, target, now=now, before=before, after=after)
    return list(after)


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
            # a mark may be committed between here and there: until the rows are looked at, somebody may have it
            edition_store.record_reached(connection, edition_id, edition_store.is_planned(connection, edition_id))
        else:
            status = edition_store.get_edition(connection, edition_id).status
            if status is not EditionStatus.CANCELLED or not list_open_batches(connection, edition_id):
                raise Refused(f"edition {edition_id} is {status}: there is nothing to cancel")
    cancelled = cancel_rest(engine, edition_id)
    with writing(engine) as connection:
        counted = counts.balance(connection, edition_id)
        edition_store.record_reached(
            connection, edition_id, bool(counted.accepted or counted.unknown or counted.attempting)
        )
    return cancelled


def resolve(engine: Engine, edition_id: int, *, resend: bool, now: datetime, actor: Actor) -> int:
    """Settle the deliveries whose answer was lost; returns how many. A resend opens a sent edition again."""
    with writing(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
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
            status = edition_store.get_edition(connection, edition_id).status
            works = " or ".join(transitions.states_for(verb))
            raise Refused(f"edition {edition_id} is {status}; {verb} works on one that is {works}")
