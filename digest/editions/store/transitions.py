"""How an edition goes from one state to the next: the only place that changes it, with the row of audit_log and the event.

    draft ──approve──> approved ──plan──> sending ──finish──> sent
                                          │     ^              │
                                        pause  resume <─reopen─┘
                                          v     │
                                          paused
draft, approved, sending, paused ──cancel──> cancelled          (an empty edition stays empty)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from digest import audit, outbox
from digest.audit import Noun, Target
from digest.db.tables import edition
from digest.errors import Refused
from digest.model.actor import Actor, ActorKind
from digest.model.edition import EditionStatus
from digest.outbox import Event

PEOPLE = frozenset({ActorKind.CLI, ActorKind.DESK, ActorKind.API})
SENDER = frozenset({ActorKind.SENDER})

DRAFT, APPROVED, SENDING = EditionStatus.DRAFT, EditionStatus.APPROVED, EditionStatus.SENDING
PAUSED, SENT, CANCELLED = EditionStatus.PAUSED, EditionStatus.SENT, EditionStatus.CANCELLED


@dataclass(frozen=True, slots=True)
class Transition:
    """verb   of the action: "edition.approve"; who   may do it"""

    verb: str
    event: Event
    who: frozenset[ActorKind]


_CANCEL = Transition("cancel", Event.EDITION_CANCELLED, PEOPLE)

TRANSITIONS: Mapping[tuple[EditionStatus, EditionStatus], Transition] = {
    (DRAFT, APPROVED): Transition("approve", Event.EDITION_APPROVED, PEOPLE | {ActorKind.SCHEDULER}),
    (APPROVED, SENDING): Transition("plan", Event.EDITION_SENDING, SENDER),
    (SENDING, PAUSED): Transition("pause", Event.EDITION_PAUSED, PEOPLE | SENDER),
    (PAUSED, SENDING): Transition("resume", Event.EDITION_RESUMED, PEOPLE),
    (SENDING, SENT): Transition("finish", Event.EDITION_SENT, SENDER),
    (SENT, SENDING): Transition("reopen", Event.EDITION_REOPENED, PEOPLE | SENDER),
    **dict.fromkeys(((each, CANCELLED) for each in (DRAFT, APPROVED, SENDING, PAUSED)), _CANCEL),
}


def move(connection: Connection, edition_id: int, verb: str, *, actor: Actor, now: datetime, **values: object) -> bool:
    """Do what the verb says; False where the edition is in no state for it: somebody else was first, or it never was.

    values   columns that change with the state. Refused where this actor may not
    """
    query = select(edition.c.status, edition.c.newsletter_id, edition.c.version).where(edition.c.id == edition_id)
    row = connection.execute(query).first()
    if row is None or _find(row.status, verb) is None:  # most callers are late: they need not wait for a lock
        return False
    row = connection.execute(query.with_for_update()).one()
    found = _find(row.status, verb)
    if found is None:
        return False
    to, transition = found
    if actor.kind not in transition.who:
        raise Refused(f"an edition is not for {actor.kind} to {verb}")
    version = row.version + 1
    connection.execute(update(edition).where(edition.c.id == edition_id).values(status=to, version=version, **values))
    audit.record(
        connection,
        f"edition.{verb}",
        actor,
        Target(noun=Noun.EDITION, id=edition_id, newsletter_id=row.newsletter_id, version=version),
        now=now,
        before={"status": row.status},
        after={"status": to},
    )
    outbox.tell(connection, transition.event, now=now, newsletter_id=row.newsletter_id, edition_id=edition_id)
    return True


def states_for(verb: str) -> list[EditionStatus]:
    """In which the verb works."""
    return [of for (of, _), transition in TRANSITIONS.items() if transition.verb == verb]


def _find(status: str, verb: str) -> tuple[EditionStatus, Transition] | None:
    for (before, to), transition in TRANSITIONS.items():
        if before == status and transition.verb == verb:
            return to, transition
    return None
