"""The ledger's rows: what is due, marks, outcomes. Functions never commit: flows do, for many connections at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update
from sqlalchemy import Text as SqlText

from digest.db.rows import Prepared, instant, numbers, read_at_once, stored
from digest.db.tables import batch, delivery, edition, subscriber, subscription, suppression
from digest.db.types import UtcDateTime
from digest.model.address import EmailAddress
from digest.model.delivery import OPEN, DeliveryId, DeliveryStatus
from digest.model.subscriber import Recipient, Subscriber

# --- what is in a batch ----------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Due(Recipient):
    """A delivery that may be tried now. Not frozen: a million are made, one after another.

    attempts   finished tries; with it an outcome finds its own try (record_results)
    first_attempt_at   of the first try; None before it
    """

    delivery_id: DeliveryId
    attempts: int
    first_attempt_at: datetime | None


def list_due(connection: Connection, batch_id: int, *, now: datetime) -> list[Due]:
    """The open rows of a batch in key order. index  ix_delivery_batch_id"""
    rows = read_at_once(
        connection,
        select(
            delivery.c.id,
            delivery.c.subscription_id,
            delivery.c.attempts,
            delivery.c.first_attempt_at,
            subscription.c.joined_at,
            delivery.c.picks,
            subscriber.c.id.label("subscriber_id"),
            subscriber.c.address,
            subscriber.c.name,
            subscriber.c.language,
            subscriber.c.time_zone,
            subscriber.c.attributes,
            subscriber.c.link_version,
        )
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(delivery.c.batch_id == batch_id, delivery.c.status.in_(OPEN))
        .where(or_(delivery.c.next_attempt_at.is_(None), delivery.c.next_attempt_at <= now)),
    )
    return [_due(row) for row in rows]


def _due(row: Sequence[Any]) -> Due:
    """Of the columns in the order of list_due's SELECT: names would cost a third more."""
    delivery_id, subscription_id, attempts, first_attempt_at, joined_at, picks, *of_person = row
    subscriber_id, address, name, language, time_zone, attributes, link_version = of_person
    person = Subscriber(
        id=subscriber_id,
        address=_address(address),
        name=name,
        language=language,
        time_zone=time_zone,
        attributes=attributes,
        link_version=link_version,
    )
    return Due(
        delivery_id=delivery_id,
        subscription_id=subscription_id,
        attempts=attempts,
        first_attempt_at=instant(first_attempt_at) if first_attempt_at else None,
        joined_at=instant(joined_at),
        picks=picks,
        subscriber=person,
    )


def _address(text: str) -> EmailAddress:
    local, _, domain = text.rpartition("@")
    return EmailAddress(local, domain)


# --- marks and outcomes ----------------------------------------------------------------------------------------------

_MAY_BE_WRITTEN_TO = (
    select(subscription.c.id)
    .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    .where(subscription.c.id == delivery.c.subscription_id, subscription.c.status == "active")
    .where(
        or_(subscription.c.paused_until.is_(None), subscription.c.paused_until <= bindparam("b_now", type_=UtcDateTime))
    )
    .where(~select(suppression.c.id).where(suppression.c.address_key == subscriber.c.address_key).exists())
    .exists()
)


def mark_attempting(
    connection: Connection,
    edition_id: int,
    ids: Sequence[int],
    *,
    owner: str,
    now: datetime,
    made_at: datetime | None = None,
    revision: int = 0,
) -> set[int]:
    """Before the act: the rows that may be tried now, as they are marked.

    made_at    what the messages say in their Date: with it the same bytes can be made again; `now` if not given
    revision   of the edition, as their copies were made

    A row is left out, and must not be sent, when its reader has left or paused or was suppressed since (P5), when the
    edition was paused or cancelled or one of its articles withdrawn, when it is not open any more, or when its batch is
    not leased by `owner` any more: another sender has it, and what we know of the row may be old.
    """
    values = {
        "b_ids": json.dumps(ids),
        "b_edition": edition_id,
        "b_owner": owner,
        "b_now": stored(connection, now),
        "b_at": stored(connection, made_at or now),
        "b_revision": revision,
    }
    return set(_mark(connection.dialect.name).column(connection, values))


@lru_cache(maxsize=2)
def _mark(dialect: str) -> Prepared:
    ours = (
        select(batch.c.id)
        .where(batch.c.id == delivery.c.batch_id, batch.c.lease_owner == bindparam("b_owner"))
        .exists()
    )
    is_current = edition.c.revision == bindparam("b_revision")
    goes = select(edition.c.id).where(edition.c.id == bindparam("b_edition"), edition.c.status == "sending", is_current)
    is_open = or_(*(delivery.c.status == each for each in OPEN))
    return Prepared(
        update(delivery)
        .where(delivery.c.id.in_(numbers(dialect, bindparam("b_ids", type_=SqlText))), is_open)
        .where(_MAY_BE_WRITTEN_TO, goes.exists(), ours)
        .values(
            status=DeliveryStatus.ATTEMPTING,
            attempted_at=bindparam("b_at"),
            first_attempt_at=func.coalesce(delivery.c.first_attempt_at, bindparam("b_at")),
            revision=bindparam("b_revision"),
        )
        .returning(delivery.c.id)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A ledger row, as it stands.

    picks         as stored (editions/picks.py); None: the whole edition
    attempted_at  what the last message said in its Date; None: none was made
    revision      the edition's, when that message was made
    """

    id: DeliveryId
    status: DeliveryStatus
    reason: str
    attempts: int
    attempted_at: datetime | None
    next_attempt_at: datetime | None
    channel: str
    code: int | None
    enhanced: str
    answer: str
    picks: Sequence[int] | None
    revision: int


def find_delivery(connection: Connection, edition_id: int, subscription_id: int) -> Delivery | None:
    """index  uq_delivery_edition_id_subscription_id"""
    columns = [delivery.c[field.name] for field in fields(Delivery)]
    row = connection.execute(
        select(*columns).where(delivery.c.edition_id == edition_id, delivery.c.subscription_id == subscription_id)
    ).first()
    return Delivery(**{**row._mapping, "status": DeliveryStatus(row.status)}) if row else None


def skip_unwanted(connection: Connection, ids: Sequence[int], *, now: datetime) -> int:
    """Rows whose reader has left or paused, or was suppressed, after the plan: skipped, with the reason (P5)."""
    if not ids:
        return 0
    result = connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.status.in_(OPEN), ~_MAY_BE_WRITTEN_TO)
        .values(status=DeliveryStatus.SKIPPED, reason="left, paused or suppressed after the edition was planned"),
        {"b_now": now},
    )
    return result.rowcount


def record_unrenderable(connection: Connection, delivery_id: int, reason: str) -> None:
    """A copy that cannot be made is skipped with its reason; the rest goes on."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.status.in_(OPEN))
        .values(status=DeliveryStatus.SKIPPED, reason=reason[:300])
    )


def wait_until(connection: Connection, ids: Sequence[int], at: datetime) -> None:
    """Open rows that may not go before an instant: their readers sleep."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.status.in_(OPEN))
        .values(next_attempt_at=at, reason="waits for its hours")
    )
