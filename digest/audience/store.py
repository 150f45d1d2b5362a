"""Subscribers, subscriptions, consent and suppressions in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.audience.intake import Added as Added
from digest.audience.intake import put_people as put_people
from digest.db.tables import consent, newsletter, subscriber, subscription, suppression
from digest.errors import NotFound
from digest.model.address import EmailAddress
from digest.model.subscriber import (
    Subscriber,
    SubscriberId,
    Subscription,
    SubscriptionId,
    SubscriptionStatus,
    SuppressionReason,
)

# --- one person ------------------------------------------------------------------------------------------------------


def get_subscriber(connection: Connection, address: str) -> Subscriber:
    """By any spelling of the address; NotFound says so without repeating more than was typed."""
    try:
        key = EmailAddress.parse(address).key
    except ValueError as cause:
        raise NotFound(f"{address!r} is no e-mail address: {cause}") from cause
    row = connection.execute(select(subscriber).where(subscriber.c.address_key == key)).first()
    if row is None:
        raise NotFound(f"there is no subscriber {address}; see: digest subscriber list")
    return subscriber_of_row(row)


def subscriber_of_row(row: Row[Any]) -> Subscriber:
    local, _, domain = row.address.rpartition("@")
    return Subscriber(
        id=SubscriberId(row.id),
        address=EmailAddress(local, domain),
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        attributes=row.attributes,
    )


def change_subscriber(connection: Connection, subscriber_id: SubscriberId, **values: object) -> None:
    connection.execute(update(subscriber).where(subscriber.c.id == subscriber_id).values(**values))


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
) -> list[Row[Any]]:
    """Rows of subscriber with `status`, in pages by id."""
    query = select(subscriber, subscription.c.status, newsletter.c.name.label("newsletter"))
    query = query.join(subscription, subscription.c.subscriber_id == subscriber.c.id)
    query = query.join(newsletter, newsletter.c.id == subscription.c.newsletter_id)
    query = query.where(subscriber.c.id > after_id).order_by(subscriber.c.id).limit(limit)
    if newsletter_id is not None:
        query = query.where(subscription.c.newsletter_id == newsletter_id)
    if search:
        query = query.where(subscriber.c.address_key.contains(search.casefold(), autoescape=True))
    return list(connection.execute(query))


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
    build = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    result = connection.execute(
        build(suppression)
        .values(address_key=address.key, reason=reason, detail=detail, since_at=now)
        .on_conflict_do_nothing(index_elements=["address_key"])
    )
    return result.rowcount == 1


def find_suppression(connection: Connection, address: EmailAddress) -> str | None:
    return connection.execute(select(suppression.c.reason).where(suppression.c.address_key == address.key)).scalar()


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
    )
