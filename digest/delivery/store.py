"""The ledger: plan, lease, record. Functions never commit: flows do, dispatch for many connections at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, insert, literal, or_, select, update
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast

from digest.db.tables import attempt, batch, delivery, edition, subscriber, subscription, suppression
from digest.model.address import EmailAddress
from digest.model.delivery import OPEN, Attempt, Balance, BatchId, DeliveryId, DeliveryStatus, Outcome, Verdict
from digest.model.subscriber import Subscriber, SubscriberId

BATCH_SIZE = 1_000
"""Rows a worker leases at a time: long enough that leasing costs little, short enough that a takeover is quick."""


# --- plan ------------------------------------------------------------------------------------------------------------


def plan_next_range(
    connection: Connection, edition_id: int, newsletter_id: int, *, after: int, now: datetime
) -> tuple[int, int] | None:
    """Write the next batch and its rows; (last subscription id, rows), or None when all are planned.

    Re-planning changes nothing: rows and batches that are there stay. Suppressed and paused readers get a row that is
    skipped from the start, with its reason, so that the balance shows them.

    index   ix_subscription_newsletter_id_status_id
    """
    page = (
        select(subscription.c.id)
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active")
        .where(subscription.c.id > after)
        .order_by(subscription.c.id)
        .limit(BATCH_SIZE)
        .subquery()
    )
    first, last = connection.execute(select(func.min(page.c.id), func.max(page.c.id))).one()
    if last is None:
        return None
    upsert = _insert(connection)
    connection.execute(
        upsert(batch)
        .values(edition_id=edition_id, first_subscription_id=first, due_at=now)
        .on_conflict_do_nothing(index_elements=["edition_id", "first_subscription_id"])
    )
    batch_id = select(batch.c.id).where(batch.c.edition_id == edition_id, batch.c.first_subscription_id == first)
    is_paused = subscription.c.paused_until > now
    is_skipped = or_(suppression.c.id.is_not(None), is_paused)
    rows = (
        select(
            literal(edition_id),
            subscription.c.id,
            batch_id.scalar_subquery(),
            case((is_skipped, DeliveryStatus.SKIPPED.value), else_=DeliveryStatus.PLANNED.value),
            case(
                (suppression.c.id.is_not(None), sql_cast("suppressed: ", SqlText) + suppression.c.reason),
                (is_paused, "paused by the reader"),
                else_="",
            ),
        )
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .outerjoin(suppression, suppression.c.address_key == subscriber.c.address_key)
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active")
        .where(subscription.c.id >= first, subscription.c.id <= last)
    )
    written = connection.execute(
        upsert(delivery)
        .from_select(["edition_id", "subscription_id", "batch_id", "status", "reason"], rows)
        .on_conflict_do_nothing(index_elements=["edition_id", "subscription_id"])
    )
    return last, written.rowcount


def count_rows(connection: Connection, edition_id: int) -> int:
    query = select(func.count()).select_from(delivery).where(delivery.c.edition_id == edition_id)
    return int(connection.execute(query).scalar_one())


def count_audience(connection: Connection, newsletter_id: int, *, now: datetime) -> dict[str, int]:
    """Who would get an edition now, and who would be left out and why."""
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
        .where(subscription.c.newsletter_id == newsletter_id)
        .group_by(reason)
    )
    return {row[0]: row[1] for row in rows}


# --- lease -----------------------------------------------------------------------------------------------------------


def lease(connection: Connection, edition_id: int, *, owner: str, now: datetime, hold: timedelta) -> BatchId | None:
    """Take a batch that is due and that no living worker holds; None when there is none.

    One statement on both databases: of two workers that want the same batch, one gets no row and tries the next.
    index   ix_batch_is_done_due_at
    """
    free = or_(batch.c.lease_until.is_(None), batch.c.lease_until < now, batch.c.lease_owner == "")
    wanted = (
        select(batch.c.id)
        .where(batch.c.is_done.is_(False), batch.c.due_at <= now, batch.c.edition_id == edition_id, free)
        .order_by(batch.c.due_at, batch.c.id)
        .limit(1)
    )
    if connection.dialect.name == "postgresql":
        wanted = wanted.with_for_update(skip_locked=True)
    taken = connection.execute(
        update(batch)
        .where(batch.c.id == wanted.scalar_subquery())
        .values(lease_owner=owner, lease_until=now + hold)
        .returning(batch.c.id)
    ).scalar()
    return BatchId(taken) if taken is not None else None


def extend(connection: Connection, batch_id: int, *, owner: str, now: datetime, hold: timedelta) -> bool:
    """Keep the lease; False when it was lost to another worker."""
    result = connection.execute(
        update(batch).where(batch.c.id == batch_id, batch.c.lease_owner == owner).values(lease_until=now + hold)
    )
    return result.rowcount == 1


def release(connection: Connection, batch_id: int, *, owner: str) -> None:
    """Give the batch back: done when nothing in it is open, else due when its first delivery is."""
    left = connection.execute(
        select(func.count(), func.min(delivery.c.next_attempt_at)).where(
            delivery.c.batch_id == batch_id, delivery.c.status.in_((*OPEN, DeliveryStatus.ATTEMPTING))
        )
    ).one()
    values: dict[str, Any] = {"lease_owner": "", "lease_until": None, "is_done": left[0] == 0}
    planned = select(func.count()).where(delivery.c.batch_id == batch_id, delivery.c.status == DeliveryStatus.PLANNED)
    if left[1] is not None and connection.execute(planned).scalar_one() == 0:
        values["due_at"] = left[1]
    connection.execute(update(batch).where(batch.c.id == batch_id, batch.c.lease_owner == owner).values(values))


def settle_interrupted(connection: Connection, batch_id: int, *, now: datetime) -> int:
    """Rows that a dead worker left `attempting` become `unknown`: whether they went out nobody can say (RFC 1047)."""
    result = connection.execute(
        update(delivery)
        .where(delivery.c.batch_id == batch_id, delivery.c.status == DeliveryStatus.ATTEMPTING)
        .values(
            status=DeliveryStatus.UNKNOWN,
            reason="the sender stopped before the answer came",
            attempts=delivery.c.attempts + 1,
            attempted_at=func.coalesce(delivery.c.attempted_at, now),
        )
    )
    return result.rowcount


# --- what is in a batch ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that may be tried now, with the one it is for."""

    delivery_id: DeliveryId
    subscription_id: int
    attempts: int
    attempted_at: datetime | None
    joined_at: datetime
    subscriber: Subscriber


def list_due(connection: Connection, batch_id: int, *, now: datetime) -> list[Due]:
    """The open rows of a batch in key order. index  ix_delivery_batch_id_status"""
    rows = connection.execute(
        select(
            delivery.c.id,
            delivery.c.subscription_id,
            delivery.c.attempts,
            delivery.c.attempted_at,
            subscription.c.joined_at,
            subscriber,
        )
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(delivery.c.batch_id == batch_id, delivery.c.status.in_(OPEN))
        .where(or_(delivery.c.next_attempt_at.is_(None), delivery.c.next_attempt_at <= now))
        .order_by(delivery.c.id)
    )
    return [
        Due(
            delivery_id=DeliveryId(row[0]),
            subscription_id=row.subscription_id,
            attempts=row.attempts,
            attempted_at=row.attempted_at,
            joined_at=row.joined_at,
            subscriber=Subscriber(
                id=SubscriberId(row[5]),
                address=_address(row.address),
                name=row.name,
                language=row.language,
                time_zone=row.time_zone,
                attributes=row.attributes,
            ),
        )
        for row in rows
    ]


def _address(text: str) -> EmailAddress:
    local, _, domain = text.rpartition("@")
    return EmailAddress(local, domain)


# --- marks and outcomes ----------------------------------------------------------------------------------------------

_MAY_BE_WRITTEN_TO = (
    select(subscription.c.id)
    .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    .where(subscription.c.id == delivery.c.subscription_id, subscription.c.status == "active")
    .where(~select(suppression.c.id).where(suppression.c.address_key == subscriber.c.address_key).exists())
    .exists()
)

_EDITION_GOES = (
    select(edition.c.id).where(edition.c.id == delivery.c.edition_id, edition.c.status == "sending").exists()
)


def mark_attempting(connection: Connection, ids: Sequence[int], *, now: datetime) -> set[int]:
    """Before the act: the rows that may be tried now, as they are marked.

    A row is left out, and must not be sent, when its reader has left or was suppressed since (P5), when the edition
    was paused or cancelled, or when it is not open any more.
    """
    statement = (
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.status.in_(OPEN), _MAY_BE_WRITTEN_TO, _EDITION_GOES)
        .values(status=DeliveryStatus.ATTEMPTING, attempted_at=now)
        .returning(delivery.c.id)
    )
    return set(connection.execute(statement).scalars())


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What to write for one finished try.

    retry_at   for a deferred one; None gives up
    """

    delivery_id: int
    outcome: Outcome
    channel: str
    at: datetime
    retry_at: datetime | None = None


_RECORD = (
    update(delivery)
    .where(delivery.c.id == bindparam("b_id"), delivery.c.status == DeliveryStatus.ATTEMPTING)
    .values(
        status=bindparam("b_status"),
        reason=bindparam("b_reason"),
        attempts=delivery.c.attempts + bindparam("b_tries"),
        next_attempt_at=bindparam("b_next"),
        channel=bindparam("b_channel"),
        code=bindparam("b_code"),
        enhanced=bindparam("b_enhanced"),
        answer=bindparam("b_answer"),
    )
)


def record_results(connection: Connection, results: Sequence[Result]) -> None:
    """Right after the answers: one statement for all rows; tries that were not accepted are kept one by one."""
    if not results:
        return
    connection.execute(_RECORD, [_row_of(result) for result in results])
    tries = [
        {
            "delivery_id": result.delivery_id,
            "at": result.at,
            "channel": result.channel,
            "stage": result.outcome.stage,
            "verdict": result.outcome.verdict,
            "code": result.outcome.code or None,
            "enhanced": result.outcome.enhanced,
            "answer": result.outcome.text,
        }
        for result in results
        if result.outcome.verdict not in (Verdict.ACCEPTED, Verdict.UNTRIED)
    ]
    if tries:
        connection.execute(insert(attempt), tries)


def _row_of(result: Result) -> dict[str, Any]:
    status, reason = _status_of(result)
    return {
        "b_id": result.delivery_id,
        "b_status": status,
        "b_reason": reason,
        "b_tries": 0 if result.outcome.verdict is Verdict.UNTRIED else 1,
        "b_next": result.retry_at,
        "b_channel": result.channel,
        "b_code": result.outcome.code or None,
        "b_enhanced": result.outcome.enhanced,
        "b_answer": result.outcome.text,
    }


def _status_of(result: Result) -> tuple[DeliveryStatus, str]:
    match result.outcome.verdict:
        case Verdict.ACCEPTED:
            return DeliveryStatus.ACCEPTED, ""
        case Verdict.REJECTED:
            return DeliveryStatus.REJECTED, f"refused at {result.outcome.stage}"
        case Verdict.UNKNOWN:
            return DeliveryStatus.UNKNOWN, "the line broke before the answer came"
        case Verdict.UNTRIED:
            return DeliveryStatus.PLANNED, ""
    if result.retry_at is None:
        return DeliveryStatus.REJECTED, f"still refused at {result.outcome.stage} when the time for retries was over"
    return DeliveryStatus.DEFERRED, f"refused for now at {result.outcome.stage}"


def skip_unwanted(connection: Connection, ids: Sequence[int]) -> int:
    """Rows whose reader has left, or was suppressed, after the plan: skipped, with the reason (P5)."""
    if not ids:
        return 0
    result = connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.status.in_(OPEN), ~_MAY_BE_WRITTEN_TO)
        .values(status=DeliveryStatus.SKIPPED, reason="left or suppressed after the edition was planned")
    )
    return result.rowcount


def record_unrenderable(connection: Connection, delivery_id: int, reason: str) -> None:
    """A copy that cannot be made is skipped with its reason; the rest goes on."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.status.in_(OPEN))
        .values(status=DeliveryStatus.SKIPPED, reason=reason[:300])
    )


# --- cancel, resolve, count ------------------------------------------------------------------------------------------


def cancel_open(connection: Connection, edition_id: int) -> int:
    """What was not tried yet will not be."""
    result = connection.execute(
        update(delivery)
        .where(delivery.c.edition_id == edition_id, delivery.c.status.in_(OPEN))
        .values(status=DeliveryStatus.CANCELLED, reason="the edition was cancelled")
    )
    return result.rowcount


def resend_unknown(connection: Connection, edition_id: int) -> int:
    """An admin or the newsletter's policy says resend: the same Message-ID goes out again."""
    ids = select(delivery.c.batch_id).where(
        delivery.c.edition_id == edition_id, delivery.c.status == DeliveryStatus.UNKNOWN
    )
    connection.execute(update(batch).where(batch.c.id.in_(ids)).values(is_done=False))
    result = connection.execute(
        update(delivery)
        .where(delivery.c.edition_id == edition_id, delivery.c.status == DeliveryStatus.UNKNOWN)
        .values(status=DeliveryStatus.PLANNED, reason="resent after an unknown outcome", next_attempt_at=None)
    )
    return result.rowcount


def leave_unknown(connection: Connection, edition_id: int) -> int:
    """An admin has seen them and leaves them: they stay unknown, with that said."""
    result = connection.execute(
        update(delivery)
        .where(delivery.c.edition_id == edition_id, delivery.c.status == DeliveryStatus.UNKNOWN)
        .values(reason="unknown, left so by an admin")
    )
    return result.rowcount


def count_by_status(connection: Connection, edition_id: int) -> dict[DeliveryStatus, int]:
    """index  ix_delivery_edition_id_status"""
    rows = connection.execute(
        select(delivery.c.status, func.count()).where(delivery.c.edition_id == edition_id).group_by(delivery.c.status)
    )
    return {DeliveryStatus(status): count for status, count in rows}


def balance(connection: Connection, edition_id: int) -> Balance:
    """P2, from the rows, held against the number that plan wrote down."""
    planned = connection.execute(select(edition.c.planned).where(edition.c.id == edition_id)).scalar_one()
    counts = count_by_status(connection, edition_id)
    return Balance(
        planned=planned or 0,
        accepted=counts.get(DeliveryStatus.ACCEPTED, 0),
        rejected=counts.get(DeliveryStatus.REJECTED, 0),
        skipped=counts.get(DeliveryStatus.SKIPPED, 0),
        unknown=counts.get(DeliveryStatus.UNKNOWN, 0),
        cancelled=counts.get(DeliveryStatus.CANCELLED, 0),
        deferred=counts.get(DeliveryStatus.DEFERRED, 0),
        waiting=counts.get(DeliveryStatus.PLANNED, 0),
        attempting=counts.get(DeliveryStatus.ATTEMPTING, 0),
    )


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


def count_reasons(connection: Connection, edition_id: int) -> list[tuple[DeliveryStatus, str, int]]:
    """Why rows were not accepted, the most frequent first."""
    rows = connection.execute(
        select(delivery.c.status, delivery.c.reason, func.count())
        .where(delivery.c.edition_id == edition_id, delivery.c.status != DeliveryStatus.ACCEPTED)
        .group_by(delivery.c.status, delivery.c.reason)
        .order_by(func.count().desc())
    )
    return [(DeliveryStatus(status), reason, count) for status, reason, count in rows]


def has_work(connection: Connection, edition_id: int) -> bool:
    """Is any batch not done? An edition without one is finished."""
    query = select(batch.c.id).where(batch.c.edition_id == edition_id, batch.c.is_done.is_(False)).limit(1)
    return connection.execute(query).first() is not None


def next_due_at(connection: Connection, edition_id: int) -> datetime | None:
    """When the next batch may be worked on."""
    return connection.execute(
        select(func.min(batch.c.due_at)).where(and_(batch.c.edition_id == edition_id, batch.c.is_done.is_(False)))
    ).scalar()


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
            stage=row.stage,
            code=row.code or 0,
            enhanced=row.enhanced,
            text=row.answer,
        )
        for row in rows
    ]


def _insert(connection: Connection) -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
