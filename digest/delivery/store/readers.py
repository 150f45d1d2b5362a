"""Who is planned: the readers of an edition in key order, and what they had before. Read only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, case, func, literal, or_, select, type_coerce
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast

from digest.db.rows import instant, read_at_once
from digest.db.tables import delivery, subscriber, subscription, suppression
from digest.model.delivery import DeliveryStatus

PAUSED = "paused by the reader"
"""The reason of a row whose reader had a pause."""

HOLDS = (
    DeliveryStatus.PLANNED,
    DeliveryStatus.ATTEMPTING,
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.DEFERRED,
    DeliveryStatus.UNKNOWN,
)
"""A copy in one of these has reached its reader, or may, or is about to."""


@dataclass(slots=True)
class Planned:
    """A reader whose copy is to be chosen. Not frozen: a million are made, one after another.

    hour, time_zone   when the copy should arrive; None, "": as the newsletter does
    preferences       JSON text of model.choices.Choices, not read yet: many readers have the same
    paused_until      who is paused when the copy would arrive gets none
    skipped           why there will be no copy whatever there is to read, and whenever it would arrive; "" else
    """

    subscription_id: int
    hour: int | None
    time_zone: str
    preferences: str
    joined_at: datetime
    paused_until: datetime | None
    skipped: str


def page_of(newsletter_id: int, slot: str, after: int, size: int) -> Select[int]:
    return (
        select(subscription.c.id)
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active")
        .where(subscription.c.slot == slot, subscription.c.id > after)
        .order_by(subscription.c.id)
        .limit(size)
    )


def who_came(readers: Select[int], since: datetime) -> Select[int]:
    return readers.where(or_(subscription.c.slot_since.is_(None), subscription.c.slot_since <= since))


def read_page(
    connection: Connection, newsletter_id: int, *, slot: str, since: datetime, after: int, size: int
) -> list[Planned]:
    """The next readers of a slot, in key order.

    since   when the edition was due: who came to the slot later waits for its next one
    index   ix_subscription_newsletter_id_status_slot_id
    """
    page = page_of(newsletter_id, slot, after, size)
    if slot:
        page = who_came(page, since)
    wanted = page.subquery()
    return _planned(connection, _readers().join(wanted, wanted.c.id == subscription.c.id))


def read_these(connection: Connection, ids: Sequence[int], *, since: datetime | None) -> list[Planned]:
    """Of these readers those whom `read_page` would give, in key order. `since`: None for all of them."""
    query = _readers().where(subscription.c.id.in_(ids), subscription.c.status == "active")
    if since is not None:
        came = or_(subscription.c.slot == "", subscription.c.slot_since.is_(None), subscription.c.slot_since <= since)
        query = query.where(came)
    return _planned(connection, query)


def _planned(connection: Connection, query: Any) -> list[Planned]:
    return [
        Planned(
            id_, hour, zone, preferences, instant(joined_at), instant(paused_until) if paused_until else None, skipped
        )
        for id_, hour, zone, preferences, joined_at, paused_until, skipped in read_at_once(connection, query)
    ]


def count_readers(connection: Connection, newsletter_id: int) -> dict[str, int]:
    """Active readers of each slot. Walks them all. index  ix_subscription_newsletter_id_status_slot_id"""
    rows = connection.execute(
        select(subscription.c.slot, func.count())
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active")
        .group_by(subscription.c.slot)
    )
    return {row[0]: row[1] for row in rows}


def list_evenly(connection: Connection, newsletter_id: int, *, count: int, of: int) -> dict[str, list[int]]:
    """`count` of the `of` active readers, evenly spread over their keys, by slot, in key order. Walks them all.

    Of the numbers 0 to of - 1 exactly `count` leave less than that when they are multiplied by it and divided by `of`.
    """
    number = (func.row_number().over(order_by=subscription.c.id) - 1).label("number")
    readers = (
        select(subscription.c.id, subscription.c.slot, number)
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active")
        .subquery()
    )
    rows = connection.execute(
        select(readers.c.id, readers.c.slot)
        .where(readers.c.number * literal(count, BigInteger) % literal(of, BigInteger) < count)
        .order_by(readers.c.id)
    )
    found: dict[str, list[int]] = {}
    for subscription_id, slot in rows:
        found.setdefault(slot, []).append(subscription_id)
    return found


def read_reader(connection: Connection, subscription_id: int) -> Planned:
    """One reader as plan sees them."""
    [reader] = _planned(connection, _readers().where(subscription.c.id == subscription_id))
    return reader


def _readers() -> Any:
    return (
        select(
            subscription.c.id.label("subscription_id"),
            subscription.c.hour,
            subscriber.c.time_zone,
            _as_text(subscription.c.preferences).label("preferences"),
            subscription.c.joined_at,
            subscription.c.paused_until,
            case(
                (suppression.c.id.is_not(None), sql_cast("suppressed: ", SqlText) + suppression.c.reason), else_=""
            ).label("skipped"),
        )
        .select_from(subscription)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .outerjoin(suppression, suppression.c.address_key == subscriber.c.address_key)
        .order_by(subscription.c.id)
    )


def _as_text(column: Any) -> Any:
    """JSON as the database holds it: taking it apart is left for when it is looked at."""
    return type_coerce(sql_cast(column, SqlText), SqlText)


def read_past(
    connection: Connection, editions: Sequence[int], slot: str, first: int, last: int, newsletter_id: int
) -> Iterator[tuple[int, int, str | None]]:
    """The copies that readers of a page had: (subscription id, edition id, picks as JSON text).

    Picks of None: the whole edition. An edition of which no copy was made for a reader passed nothing over.

    index   uq_delivery_edition_id_subscription_id
    """
    if not editions:
        return
    query: Any = (
        select(delivery.c.subscription_id, delivery.c.edition_id, _as_text(delivery.c.picks))
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .where(delivery.c.edition_id.in_(editions), delivery.c.subscription_id.between(first, last))
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.slot == slot)
        .where(delivery.c.status.in_(HOLDS))
        .order_by(delivery.c.id)
    )
    yield from connection.execute(query)


def read_paused(connection: Connection, edition_id: int, first: int, last: int) -> set[int]:
    """Subscriptions of a page that got no copy of an edition because they had paused. index  as above"""
    rows = select(delivery.c.subscription_id).where(
        delivery.c.edition_id == edition_id,
        delivery.c.subscription_id.between(first, last),
        delivery.c.status == DeliveryStatus.SKIPPED,
        delivery.c.reason == PAUSED,
    )
    return set(connection.execute(rows).scalars())


def read_past_of(
    connection: Connection, editions: Sequence[int], subscription_id: int, *, before_id: int | None
) -> list[tuple[int, str | None]]:
    """The same for one reader; `before_id`: of the rows that were there before that delivery."""
    query = (
        select(delivery.c.edition_id, _as_text(delivery.c.picks))
        .where(delivery.c.edition_id.in_(editions), delivery.c.subscription_id == subscription_id)
        .where(delivery.c.status.in_(HOLDS))
        .order_by(delivery.c.id)
    )
    if before_id is not None:
        query = query.where(delivery.c.id < before_id)
    return [(row[0], row[1]) for row in connection.execute(query)]


@dataclass(slots=True)
class Copy:
    """A copy that went out, or may have.

    picks     as stored; None: the whole edition
    skipped   why its reader gets nothing more; "" else
    """

    subscription_id: int
    picks: Sequence[int] | None
    revision: int
    skipped: str


def read_copies(connection: Connection, edition_id: int, *, after: int, size: int) -> list[Copy]:
    """Of an edition, in the order of subscriptions. index  uq_delivery_edition_id_subscription_id"""
    went = (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN, DeliveryStatus.ATTEMPTING)
    rows: Any = connection.execute(
        select(
            delivery.c.subscription_id,
            delivery.c.picks,
            delivery.c.revision,
            case(
                (suppression.c.id.is_not(None), sql_cast("suppressed: ", SqlText) + suppression.c.reason),
                (subscription.c.status != "active", "has left"),
                else_="",
            ),
        )
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .outerjoin(suppression, suppression.c.address_key == subscriber.c.address_key)
        .where(delivery.c.edition_id == edition_id, delivery.c.subscription_id > after, delivery.c.status.in_(went))
        .order_by(delivery.c.subscription_id)
        .limit(size)
    )
    return [Copy(*row) for row in rows]
