"""Subscribers, subscriptions, consent and suppressions in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from digest.audience.choosing import Wanted
from digest.audience.store.intake import Added as Added
from digest.audience.store.intake import put_people as put_people
from digest.audience.store.intake import remember_subscribers
from digest.db.rows import unpacked, upsert
from digest.db.tables import consent, newsletter, reader_change, subscriber, subscription, suppression
from digest.db.types import UtcDateTime
from digest.errors import Next, NotFound, Step
from digest.model.address import EmailAddress
from digest.model.choices import choices_from_json, choices_to_json
from digest.model.subscriber import (
    Subscriber,
    SubscriberId,
    SubscriberLine,
    Subscription,
    SubscriptionId,
    SubscriptionStatus,
    SuppressionReason,
)

# --- one person ------------------------------------------------------------------------------------------------------


def get_subscriber(connection: Connection, address: str) -> Subscriber:
    """By any spelling of the address; NotFound says so without repeating more than was typed."""
    return _get_subscriber(connection, address, select(subscriber))


def lock_subscriber(connection: Connection, address: str) -> Subscriber:
    """To be changed: of two people at the same moment the second sees what the first has done."""
    return _get_subscriber(connection, address, select(subscriber).with_for_update())


def _get_subscriber(connection: Connection, address: str, query: Select[Any]) -> Subscriber:
    try:
        key = EmailAddress.parse(address).key
    except ValueError as cause:
        raise NotFound(f"{address!r} is no e-mail address: {cause}") from cause
    row = connection.execute(query.where(subscriber.c.address_key == key)).first()
    if row is None:
        raise NotFound(f"there is no subscriber {address}", next=Next(Step.LIST_SUBSCRIBERS))
    return subscriber_of_row(row)


def get_subscriber_by_id(connection: Connection, subscriber_id: SubscriberId) -> Subscriber:
    return subscriber_of_row(connection.execute(select(subscriber).where(subscriber.c.id == subscriber_id)).one())


def subscriber_of_row(row: Row[Any]) -> Subscriber:
    local, _, domain = row.address.rpartition("@")
    return Subscriber(
        id=SubscriberId(row.id),
        address=EmailAddress(local, domain),
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        attributes=row.attributes,
        link_version=row.link_version,
    )


def change_subscriber(connection: Connection, subscriber_id: SubscriberId, *, now: datetime, **values: object) -> None:
    """What it was stays on record, so that what went out before can be explained and made again (P10)."""
    remember_subscribers(connection, [subscriber_id], now=now)
    connection.execute(update(subscriber).where(subscriber.c.id == subscriber_id).values(**values))


def end_links(connection: Connection, subscriber_id: SubscriberId) -> None:
    """The links that this person has end, but those to leave: for an address that is somebody else's now."""
    connection.execute(
        update(subscriber).where(subscriber.c.id == subscriber_id).values(link_version=subscriber.c.link_version + 1)
    )


def change_wanted(connection: Connection, of: Subscription, wanted: Wanted, *, now: datetime) -> None:
    """How the reader wants the newsletter; what it was stays on record."""
    was = {
        "slot": of.slot,
        "slot_since": of.slot_since.isoformat() if of.slot_since else None,
        "hour": of.hour,
        "paused_until": of.paused_until.isoformat() if of.paused_until else None,
        "preferences": choices_to_json(of.choices),
    }
    connection.execute(
        insert(reader_change).values(subscriber_id=of.subscriber_id, subscription_id=of.id, at=now, was=was)
    )
    connection.execute(
        update(subscription)
        .where(subscription.c.id == of.id)
        .values(
            slot=wanted.slot,
            slot_since=now if wanted.slot != of.slot else of.slot_since,
            hour=wanted.hour,
            paused_until=wanted.paused_until,
            preferences=choices_to_json(wanted.choices),
        )
    )


def count_changes(connection: Connection, of: Subscription, *, since: datetime) -> int:
    """How often this reader changed something since then. index  ix_reader_change_subscriber_id"""
    theirs = reader_change.c.subscription_id == of.id, reader_change.c.subscription_id.is_(None)
    return connection.execute(
        select(func.count()).where(
            reader_change.c.subscriber_id == of.subscriber_id, or_(*theirs), reader_change.c.at > since
        )
    ).scalar_one()


def find_wanted_before(connection: Connection, subscription_id: int, *, at: datetime) -> dict[str, Any] | None:
    """What the subscription said at that instant, if it was changed since: the `was` of the first change after it."""
    return _first_after(connection, reader_change.c.subscription_id == subscription_id, at)


def find_person_before(connection: Connection, subscriber_id: SubscriberId, *, at: datetime) -> dict[str, Any] | None:
    """The same of the person: name, language, time zone, attributes. index  ix_reader_change_subscriber_id"""
    of = and_(reader_change.c.subscriber_id == subscriber_id, reader_change.c.subscription_id.is_(None))
    return _first_after(connection, of, at)


def _first_after(connection: Connection, of: ColumnElement[bool], at: datetime) -> dict[str, Any] | None:
    query = select(reader_change.c.was).where(of, reader_change.c.at > at).order_by(reader_change.c.id).limit(1)
    was: dict[str, Any] | None = connection.execute(query).scalar()
    return was


def lock_subscription(connection: Connection, subscription_id: int) -> Subscription | None:
    """To be changed: of two changes at the same moment the second sees the first."""
    row = connection.execute(select(subscription).where(subscription.c.id == subscription_id).with_for_update()).first()
    return _subscription(row) if row else None


def list_subscriptions(connection: Connection, subscriber_id: SubscriberId) -> list[tuple[str, Subscription]]:
    """The newsletter's name and the subscription, for one person."""
    rows = connection.execute(
        select(newsletter.c.name, subscription)
        .join(newsletter, newsletter.c.id == subscription.c.newsletter_id)
        .where(subscription.c.subscriber_id == subscriber_id)
        .order_by(newsletter.c.name)
    )
    return [(row[0], _subscription(row)) for row in rows]


def list_subscribers(
    connection: Connection, newsletter_id: int | None, *, search: str = "", after_id: int = 0, limit: int = 50
) -> list[SubscriberLine]:
    """In pages by id."""
    query = select(subscriber, subscription.c.status, newsletter.c.name.label("newsletter"))
    query = query.join(subscription, subscription.c.subscriber_id == subscriber.c.id)
    query = query.join(newsletter, newsletter.c.id == subscription.c.newsletter_id)
    query = query.where(subscriber.c.id > after_id).order_by(subscriber.c.id).limit(limit)
    if newsletter_id is not None:
        query = query.where(subscription.c.newsletter_id == newsletter_id)
    if search:
        query = query.where(subscriber.c.address_key.contains(search.casefold(), autoescape=True))
    return [
        SubscriberLine(
            subscriber=subscriber_of_row(row),
            newsletter=row.newsletter,
            status=SubscriptionStatus(row.status),
            created_at=row.created_at,
        )
        for row in connection.execute(query)
    ]


def list_people(connection: Connection, subscription_ids: Sequence[int]) -> list[tuple[int, datetime, Subscriber]]:
    """(subscription, when they joined, who it is), for a few, in key order."""
    rows = connection.execute(
        select(subscriber, subscription.c.id.label("subscription_id"), subscription.c.joined_at)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .where(subscription.c.id.in_(subscription_ids))
        .order_by(subscription.c.id)
    )
    return [(row.subscription_id, row.joined_at, subscriber_of_row(row)) for row in rows]


def find_subscription(connection: Connection, subscription_id: int) -> Subscription | None:
    row = connection.execute(select(subscription).where(subscription.c.id == subscription_id)).first()
    return _subscription(row) if row else None


def record_left(connection: Connection, subscription_id: int, *, now: datetime) -> bool:
    """False when they had left before."""
    result = connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id, subscription.c.status != SubscriptionStatus.LEFT)
        .values(status=SubscriptionStatus.LEFT, left_at=now)
    )
    return result.rowcount == 1


def record_consent(
    connection: Connection, subscription_id: int, *, given: bool, method: str, origin: str, now: datetime
) -> None:
    connection.execute(
        insert(consent).values(subscription_id=subscription_id, at=now, given=given, method=method, origin=origin)
    )


def suppress(
    connection: Connection, address: EmailAddress, reason: SuppressionReason, *, now: datetime, detail: str = ""
) -> bool:
    """False when the address was suppressed before: the first reason stays."""
    return suppress_many(connection, {address.key: detail}, reason, now=now) == 1


def suppress_many(
    connection: Connection, addresses: Mapping[str, str], reason: SuppressionReason, *, now: datetime
) -> int:
    """By address key, each with its detail; returns how many were not suppressed before: the first reason stays."""
    rows = [[key, detail] for key, detail in sorted(addresses.items())]  # in order: two at once don't deadlock
    (key, detail), source = unpacked(connection, rows, Text, Text)
    made = connection.execute(
        upsert(connection, suppression)
        .from_select(
            ["address_key", "reason", "detail", "since_at"],
            select(key, literal(reason.value, Text), detail, literal(now, UtcDateTime))
            .select_from(source)
            .where(true()),
        )
        .on_conflict_do_nothing(index_elements=["address_key"])
        .returning(suppression.c.id)
    )
    return len(made.all())


def find_suppression(connection: Connection, address: EmailAddress) -> str | None:
    return connection.execute(select(suppression.c.reason).where(suppression.c.address_key == address.key)).scalar()


def list_sample(
    connection: Connection, newsletter_id: int, size: int
) -> list[tuple[SubscriptionId, datetime, Subscriber]]:
    """Active readers from all over the audience, with when they joined: some from each of twenty places in key order.

    index   pk_subscription
    """
    of = subscription.c.newsletter_id == newsletter_id, subscription.c.status == SubscriptionStatus.ACTIVE
    first, last = connection.execute(select(func.min(subscription.c.id), func.max(subscription.c.id)).where(*of)).one()
    if first is None:
        return []
    found: dict[int, tuple[SubscriptionId, datetime, Subscriber]] = {}
    places = min(20, size)
    for place in range(places):
        rows = connection.execute(
            select(subscription.c.id.label("subscription_id"), subscription.c.joined_at, subscriber)
            .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
            .where(*of, subscription.c.id >= first + (last - first) * place // places)
            .order_by(subscription.c.id)
            .limit(size // places)
        )
        for row in rows:
            found[row.subscription_id] = (SubscriptionId(row.subscription_id), row.joined_at, subscriber_of_row(row))
    return list(found.values())


def count_subscriptions(connection: Connection, newsletter_id: int) -> dict[str, int]:
    rows = connection.execute(
        select(subscription.c.status, func.count().label("count"))
        .where(subscription.c.newsletter_id == newsletter_id)
        .group_by(subscription.c.status)
    )
    return {row.status: row[1] for row in rows}


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        id=SubscriptionId(row.id),
        subscriber_id=SubscriberId(row.subscriber_id),
        newsletter_id=row.newsletter_id,
        status=SubscriptionStatus(row.status),
        joined_at=row.joined_at,
        left_at=row.left_at,
        paused_until=row.paused_until,
        slot=row.slot,
        slot_since=row.slot_since,
        hour=row.hour,
        choices=choices_from_json(row.preferences),
    )
