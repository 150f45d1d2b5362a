"""Who did what, found by the names that people use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.audience.store.subscribers import get_subscriber
from digest.db.engine import reading
from digest.editions.store.newsletters import get_newsletter
from digest.errors import BadInput
from digest.model.actor import ActorKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which acts somebody wants to see; "" and None: whichever.

    actor   "cli:anna", a kind alone ("scheduler"), or a name alone ("anna")
    """

    newsletter: str = ""
    edition: int | None = None
    subscriber: str = ""
    actor: str = ""
    action: str = ""
    since: datetime | None = None


def list_acts(engine: Engine, asked: Asked, *, before_id: int | None = None, limit: int = 50) -> list[audit.Entry]:
    """The newest first; NotFound for a newsletter or a reader that there is not."""
    if asked.edition is not None and asked.subscriber:
        raise BadInput("an act is on an edition or on a reader; ask for one of them", field="subscriber")
    kind, name = _actor(asked.actor)
    noun, noun_id = None, asked.edition
    with reading(engine) as connection:
        if asked.edition is not None:
            noun = audit.Noun.EDITION
        elif asked.subscriber:
            noun, noun_id = audit.Noun.SUBSCRIBER, get_subscriber(connection, asked.subscriber).id
        wanted = audit.Filters(
            newsletter_id=get_newsletter(connection, asked.newsletter).id if asked.newsletter else None,
            noun=noun,
            noun_id=noun_id,
            actor_kind=kind,
            actor=name,
            action=asked.action,
            since=asked.since,
        )
        return audit.list_entries(connection, wanted, before_id=before_id, limit=limit)


def _actor(text: str) -> tuple[ActorKind | None, str]:
    kind, colon, name = text.partition(":")
    if kind in tuple(ActorKind):
        return ActorKind(kind), name
    if colon:
        raise BadInput(f"there is no kind of actor {kind!r} (there are: {', '.join(ActorKind)})", field="actor")
    return None, text
