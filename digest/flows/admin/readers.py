"""Readers, as an admin brings them in, changes them, and takes them out. What readers do themselves: flows/membership.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Engine

from digest import audit
from digest.audience.choosing import Wanted
from digest.audience.importing import person_of
from digest.audience.store import subscribers as subscriber_store
from digest.audience.store.intake import Added, put_people
from digest.audit import Noun, Target
from digest.db.engine import rehearsing, writing
from digest.editions.store.newsletters import get_newsletter
from digest.errors import BadInput, NotFound, Refused
from digest.flows import membership, values
from digest.flows.membership import Change
from digest.model.actor import Actor
from digest.model.feedback import Unsubscribe
from digest.model.subscriber import Subscriber, SubscriberId, Subscription, SuppressionReason

CHANGEABLE = ("name", "language", "time_zone")


def add(engine: Engine, newsletter: str, given: Mapping[str, str], *, actor: Actor, now: datetime) -> Added:
    """Subscribe one person who asked for it; Refused for one who has left or is suppressed.

    given   address; and if there are: name, language, time_zone, consent (what they agreed to, and where that is kept)
    """
    try:
        person = person_of(given)
    except ValueError as cause:
        raise BadInput(str(cause)) from cause
    with writing(engine) as connection:
        of = get_newsletter(connection, newsletter)
        added = put_people(connection, [person], newsletter_id=of.id, origin=str(actor), now=now)
        if added.kept_out:
            raise Refused(f"{given['address']} has left or is suppressed; only they themselves can come back")
        found = subscriber_store.get_subscriber(connection, str(person.address))
        after = {name: getattr(found, name) for name in CHANGEABLE} if added.new or added.changed else {}
        audit.record(connection, "subscriber.add", actor, _target(found.id, of.id), now=now, after=after)
    return added


def change(engine: Engine, address: str, given: Mapping[str, str], *, actor: Actor, now: datetime) -> None:
    """Name, language or time zone, for every newsletter."""
    try:
        person = person_of({"address": address, **given})
    except ValueError as cause:
        raise BadInput(str(cause)) from cause
    after = {name: getattr(person, name) for name in CHANGEABLE if name in given}
    with writing(engine) as connection:
        found = subscriber_store.lock_subscriber(connection, address)
        subscriber_store.change_subscriber(connection, found.id, now=now, **after)
        before = {name: getattr(found, name) for name in after}
        audit.record(connection, "subscriber.change", actor, _target(found.id), now=now, before=before, after=after)


def leave(engine: Engine, newsletter: str, address: str, *, actor: Actor, now: datetime) -> None:
    """Take a reader out of a newsletter, at once. Only they themselves can come back."""
    with writing(engine) as connection:
        person, of = find_subscription(connection, newsletter, address)
        request = Unsubscribe(subscription_id=of.id, at=now, method="admin")
        membership.end(connection, request, origin=str(actor))
        before, after = {"status": of.status}, {"status": "left"}
        target = _target(person.id, of.newsletter_id)
        audit.record(connection, "subscriber.leave", actor, target, now=now, before=before, after=after)


def choose(engine: Engine, newsletter: str, address: str, change: Change, *, actor: Actor, now: datetime) -> Wanted:
    """What one reader wants of a newsletter, from its next edition on; NotFound for who is no reader of it."""
    with writing(engine) as connection:
        person, of = find_subscription(connection, newsletter, address)
        chosen = membership.put_choice(connection, of.id, change, now=now, origin=str(actor))
        if chosen is None:
            raise NotFound(f"{address} is not subscribed to {newsletter!r} any more")
        before, after = map(asdict, chosen)
        if before != after:
            target = _target(person.id, of.newsletter_id)
            audit.record(connection, "subscriber.choose", actor, target, now=now, before=before, after=after)
    return chosen[1]


def suppress(
    engine: Engine,
    address: str,
    reason: SuppressionReason,
    *,
    actor: Actor,
    now: datetime,
    detail: str = "",
    dry_run: bool = False,
) -> bool:
    """Never write to this address again, whatever newsletter. False when it was suppressed before."""
    parsed = values.address("address", address)
    with (rehearsing if dry_run else writing)(engine) as connection:
        is_new = subscriber_store.suppress(connection, parsed, reason, now=now, detail=detail)
        audit.record(
            connection, "address.suppress", actor, Target(noun=Noun.ADDRESS), now=now, reason=reason, count=int(is_new)
        )
    return is_new


def find_subscription(connection: Connection, newsletter: str, address: str) -> tuple[Subscriber, Subscription]:
    """NotFound for who is no reader of the newsletter, and never was."""
    person = subscriber_store.get_subscriber(connection, address)
    found = dict(subscriber_store.list_subscriptions(connection, person.id)).get(newsletter)
    if found is None:
        raise NotFound(f"{address} is not subscribed to {newsletter!r}")
    return person, found


def _target(subscriber_id: SubscriberId, newsletter_id: int | None = None) -> Target:
    return Target(noun=Noun.SUBSCRIBER, id=subscriber_id, newsletter_id=newsletter_id)
