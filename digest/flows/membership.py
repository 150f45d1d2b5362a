"""What readers do themselves: choose, leave. (Asking, confirming and erasing belong here too.)"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection, Engine

from digest import log, outbox
from digest.audience.choosing import Wanted, check
from digest.audience.store import subscribers as subscriber_store
from digest.db.engine import writing
from digest.editions.store.newsletters import get_newsletter_by_id
from digest.errors import BadInput
from digest.model.feedback import Unsubscribe
from digest.model.newsletter import NewsletterId
from digest.model.subscriber import Subscription, SubscriptionStatus
from digest.words import gettext_noop as _

HOUR = timedelta(hours=1)
CHANGES_AN_HOUR = 20
"""Of one reader: each is kept for ever, so that yesterday's copy can be explained. Leaving is never limited."""

Change: TypeAlias = Callable[[Wanted], Wanted]
"""From what a reader wants to what they will; BadInput when the newsletter does not offer that, or for too many."""


def leave(engine: Engine, request: Unsubscribe, *, origin: str = "") -> bool:
    """The reader leaves, from the very next message on (P5). True also when they had left before; False: no such one."""
    with writing(engine) as connection:
        return end(connection, request, origin=origin)


def end(connection: Connection, request: Unsubscribe, *, origin: str = "") -> bool:
    """The same in a transaction of the caller. Leaving twice is leaving once; who is pending leaves too, and so is never
    confirmed by an old link."""
    subscription = subscriber_store.find_subscription(connection, request.subscription_id)
    if subscription is None:
        return False
    if subscriber_store.record_left(connection, request.subscription_id, now=request.at):
        subscriber_store.record_consent(
            connection, request.subscription_id, given=False, method=request.method, origin=origin, now=request.at
        )
        outbox.tell(
            connection,
            outbox.Event.SUBSCRIBER_LEFT,
            now=request.at,
            newsletter_id=subscription.newsletter_id,
            subscription_ids=[subscription.id],
            method=request.method,
        )
        log.event("membership.left", subscription_id=request.subscription_id, method=request.method)
    return True


def choose(
    engine: Engine,
    subscription_id: int,
    change: Change,
    *,
    now: datetime,
    origin: str = "",
    person: Mapping[str, str] | None = None,
) -> Wanted | None:
    """Change how a reader wants the newsletter, from its next edition on; None: there is no such reader, or they left.

    person   the reader's new language or time zone, with all or nothing of the rest; they hold for every newsletter
    """
    with writing(engine) as connection:
        chosen = put_choice(connection, subscription_id, change, now=now, origin=origin, person=person)
    return chosen[1] if chosen else None


def put_choice(
    connection: Connection,
    subscription_id: int,
    change: Change,
    *,
    now: datetime,
    origin: str = "",
    person: Mapping[str, str] | None = None,
) -> tuple[Wanted, Wanted] | None:
    """The same in a transaction of the caller; returns what they wanted before, and what they want now."""
    found = subscriber_store.lock_subscription(connection, subscription_id)
    if found is None or found.status is SubscriptionStatus.LEFT:
        return None
    before = wanted_of(found)
    wanted = change(before)
    if (wanted != before or person) and subscriber_store.count_changes(
        connection, found, since=now - HOUR
    ) >= CHANGES_AN_HOUR:
        raise BadInput(_("That was changed very often just now. Please try again in an hour."))
    if wanted != before:
        check(wanted, get_newsletter_by_id(connection, NewsletterId(found.newsletter_id)), before)
        subscriber_store.change_wanted(connection, found, wanted, now=now)
    if person:
        subscriber_store.change_subscriber(connection, found.subscriber_id, now=now, **person)
    if wanted != before or person:
        log.event("membership.chose", subscription_id=subscription_id, origin=origin)
    return before, wanted


def wanted_of(of: Subscription) -> Wanted:
    return Wanted(slot=of.slot, hour=of.hour, paused_until=of.paused_until, choices=of.choices)
