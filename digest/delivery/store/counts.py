"""The ledger, counted: the store's other half. Functions never commit.

An edition of a million rows is not counted to show how far it is: each batch carries a tally of its rows, written when
it is planned and whenever a sender gives it back; only the batches that somebody works on are counted row by row.
Promise P2 is not held against tallies: `recount` reads every row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, update
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast

from digest.db.tables import attempt, batch, delivery, edition, subscriber, subscription, suppression
from digest.model.delivery import Attempt, Balance, DeliveryStatus, Stage, Verdict

Counted = Counter[tuple[DeliveryStatus, str]]
"""Rows by status and reason."""


def write_tally(connection: Connection, batch_ids: Select[int]) -> None:
    """Count the rows of these batches and keep the numbers with them. index  ix_delivery_batch_id"""
    tallies: dict[int, list[list[object]]] = {id_: [] for id_ in connection.execute(batch_ids).scalars()}
    rows = connection.execute(
        select(delivery.c.batch_id, delivery.c.status, delivery.c.reason, func.count())
        .where(delivery.c.batch_id.in_(batch_ids))
        .group_by(delivery.c.batch_id, delivery.c.status, delivery.c.reason)
    )
    for batch_id, *counted in rows:
        tallies.setdefault(batch_id, []).append(counted)
    for batch_id, tally in tallies.items():
        connection.execute(update(batch).where(batch.c.id == batch_id).values(tally=tally))


def mend_tally(connection: Connection, batch_ids: Select[int]) -> None:
    """After rows of these batches were changed that their sender may have given back: count again where they are counted.

    The batches are locked first. Who gives one back at this moment either waits and counts what we changed, or has
    counted what we find; without it the tally would tell for ever how the rows were before.
    """
    batch_ids = batch_ids.order_by(batch.c.id)
    connection.execute(batch_ids.with_for_update())
    write_tally(connection, batch_ids.where(batch.c.tally.is_not(None)))


def count(connection: Connection, edition_id: int) -> Counted:
    """From the tallies, and from the rows of the batches that somebody works on."""
    counted: Counted = Counter()
    of = batch.c.edition_id == edition_id
    for tally in connection.execute(select(batch.c.tally).where(of, batch.c.tally.is_not(None))).scalars():
        _add(counted, tally)
    live = select(batch.c.id).where(of, batch.c.tally.is_(None))
    _add(counted, connection.execute(_by_reason().where(delivery.c.batch_id.in_(live))))
    return counted


def recount(connection: Connection, edition_id: int) -> Counted:
    """From every row, for the audit. index  uq_delivery_edition_id_subscription_id"""
    counted: Counted = Counter()
    _add(counted, connection.execute(_by_reason().where(delivery.c.edition_id == edition_id)))
    return counted


def _by_reason() -> Select[str, str, int]:
    return select(delivery.c.status, delivery.c.reason, func.count()).group_by(delivery.c.status, delivery.c.reason)


def _add(counted: Counted, rows: Iterable[Any]) -> None:
    for status, reason, number in rows:
        counted[DeliveryStatus(status), reason] += number


def balance(connection: Connection, edition_id: int, counted: Counted | None = None) -> Balance:
    """P2, held against the number that plan wrote down.

    counted   what was counted already; else `count` does it
    """
    planned = connection.execute(select(edition.c.planned).where(edition.c.id == edition_id)).scalar_one()
    return _balance(planned, counted if counted is not None else count(connection, edition_id))


def _balance(planned: int | None, counted: Counted) -> Balance:
    numbers: Counter[DeliveryStatus] = Counter()
    for (status, _), number in counted.items():
        numbers[status] += number
    return Balance(
        planned=numbers.total() if planned is None else planned,  # None: the plan is still being written
        accepted=numbers[DeliveryStatus.ACCEPTED],
        rejected=numbers[DeliveryStatus.REJECTED],
        skipped=numbers[DeliveryStatus.SKIPPED],
        unknown=numbers[DeliveryStatus.UNKNOWN],
        cancelled=numbers[DeliveryStatus.CANCELLED],
        deferred=numbers[DeliveryStatus.DEFERRED],
        waiting=numbers[DeliveryStatus.PLANNED],
        attempting=numbers[DeliveryStatus.ATTEMPTING],
    )


def list_balances(connection: Connection, edition_ids: Sequence[int]) -> dict[int, Balance]:
    """The same for many editions, in three queries. index  ix_batch_edition_id_is_done_due_at, ix_delivery_batch_id"""
    counted: dict[int, Counted] = {each: Counter() for each in edition_ids}
    of = batch.c.edition_id.in_(edition_ids)
    tallies = select(batch.c.edition_id, batch.c.tally).where(of, batch.c.tally.is_not(None))
    for edition_id, tally in connection.execute(tallies):
        _add(counted[edition_id], tally)
    live = (
        select(batch.c.edition_id, delivery.c.status, delivery.c.reason, func.count())
        .join(delivery, delivery.c.batch_id == batch.c.id)
        .where(of, batch.c.tally.is_(None))
        .group_by(batch.c.edition_id, delivery.c.status, delivery.c.reason)
    )
    for edition_id, *row in connection.execute(live):
        _add(counted[edition_id], [row])
    planned = select(edition.c.id, edition.c.planned).where(edition.c.id.in_(edition_ids))
    return {row.id: _balance(row.planned, counted[row.id]) for row in connection.execute(planned)}


def reasons(counted: Counted) -> list[tuple[DeliveryStatus, str, int]]:
    """Why rows were not accepted, the most frequent first."""
    return [
        (status, reason, number)
        for (status, reason), number in counted.most_common()
        if status is not DeliveryStatus.ACCEPTED
    ]


def count_double(connection: Connection, edition_id: int) -> int:
    """Subscriptions with more than one row: the unique constraint makes it 0, and audit sees for itself (P1)."""
    rows = (
        select(delivery.c.subscription_id)
        .where(delivery.c.edition_id == edition_id)
        .group_by(delivery.c.subscription_id)
        .having(func.count() > 1)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(rows)).scalar_one())


def count_rows(connection: Connection, edition_id: int) -> int:
    query = select(func.count()).select_from(delivery).where(delivery.c.edition_id == edition_id)
    return int(connection.execute(query).scalar_one())


def count_audience(
    connection: Connection, newsletter_id: int, slots: Sequence[str], *, now: datetime
) -> dict[str, int]:
    """Who would get an edition for these slots now, and who would be left out and why; "" are those who get it."""
    reason = case(
        (suppression.c.id.is_not(None), sql_cast("suppressed: ", SqlText) + suppression.c.reason),
        (subscription.c.status == "pending", "has not confirmed"),
        (subscription.c.status == "left", "has left"),
        (subscription.c.paused_until > now, "paused by the reader"),
        else_="",
    )
    rows = connection.execute(
        select(reason, func.count())
        .select_from(subscription)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .outerjoin(suppression, suppression.c.address_key == subscriber.c.address_key)
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.slot.in_(slots))
        .group_by(reason)
    )
    return {row[0]: row[1] for row in rows}


def list_attempts(connection: Connection, edition_id: int, subscription_id: int) -> list[Attempt]:
    """Finished tries that were not accepted, oldest first."""
    rows = connection.execute(
        select(attempt)
        .join(delivery, delivery.c.id == attempt.c.delivery_id)
        .where(delivery.c.edition_id == edition_id, delivery.c.subscription_id == subscription_id)
        .order_by(attempt.c.id)
    )
    return [
        Attempt(
            at=row.at,
            verdict=Verdict(row.verdict),
            channel=row.channel,
            stage=Stage(row.stage),
            code=row.code or 0,
            enhanced=row.enhanced,
            text=row.answer,
        )
        for row in rows
    ]
