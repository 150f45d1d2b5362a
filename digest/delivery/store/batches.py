"""The ledger's batches: who works on one, what is left to do in it. Functions never commit: flows do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, null, or_, select, update
from sqlalchemy import Text as SqlText

from digest.db.rows import numbers
from digest.db.tables import batch, delivery
from digest.delivery.store.counts import mend_tally, write_tally
from digest.model.delivery import OPEN, BatchId, DeliveryStatus


def lease(
    connection: Connection,
    edition_id: int,
    *,
    owner: str,
    now: datetime,
    hold: timedelta,
    held: Sequence[int] | None = None,
) -> BatchId | None:
    """Take a batch that is due and that no living worker holds; None when there is none.

    held   all that the owner knows it has. A batch that bears its name and is not among them was leased in a transaction
           whose answer was lost, when the database went away: it is taken again. None: it takes none of its own

    One statement on both databases: of two workers that want the same batch, one gets no row and tries the next.
    index   ix_batch_edition_id_is_done_due_at
    """
    ran_out = and_(batch.c.lease_until < now, batch.c.lease_owner != owner)  # a clock that jumps must not take our own
    free = or_(batch.c.lease_until.is_(None), ran_out, batch.c.lease_owner == "")
    if held is not None:
        free = or_(free, and_(batch.c.lease_owner == owner, batch.c.id.not_in(held)))
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
        .values(lease_owner=owner, lease_until=now + hold, tally=null())
        .returning(batch.c.id)
    ).scalar()
    return BatchId(taken) if taken is not None else None


def extend(connection: Connection, batch_id: int, *, owner: str, now: datetime, hold: timedelta) -> bool:
    """Keep the lease; False when it was lost to another worker."""
    result = connection.execute(
        update(batch).where(batch.c.id == batch_id, batch.c.lease_owner == owner).values(lease_until=now + hold)
    )
    return result.rowcount == 1


def release(connection: Connection, batch_ids: Sequence[int], *, owner: str, now: datetime) -> None:
    """Give batches back: done when nothing in them is open, else due when their first delivery is."""
    ours = select(batch.c.id).where(batch.c.id.in_(batch_ids), batch.c.lease_owner == owner).order_by(batch.c.id)
    connection.execute(ours.with_for_update())  # who resends a row of it meanwhile opens the batch after us, not before
    write_tally(connection, ours)
    is_open = delivery.c.status.in_((*OPEN, DeliveryStatus.ATTEMPTING))
    waits = delivery.c.next_attempt_at > now
    rows = connection.execute(
        select(
            delivery.c.batch_id,
            func.count(),
            func.sum(case((waits, 1), else_=0)),
            func.min(delivery.c.next_attempt_at),
        )
        .where(delivery.c.batch_id.in_(batch_ids), is_open)
        .group_by(delivery.c.batch_id)
    )
    left = {row[0]: row for row in rows}
    for batch_id in batch_ids:
        values: dict[str, Any] = {"lease_owner": "", "lease_until": None, "is_done": batch_id not in left}
        if batch_id in left and left[batch_id][1] == left[batch_id][2]:  # all of them wait
            values["due_at"] = left[batch_id][3]
        connection.execute(update(batch).where(batch.c.id == batch_id, batch.c.lease_owner == owner).values(values))


def settle_interrupted(connection: Connection, batch_id: int, *, resends: bool, now: datetime) -> int:
    """Rows that a dead worker left `attempting`: whether they went out nobody can say (RFC 1047).

    resends   the newsletter's policy: they are planned again, else they become `unknown`
    """
    status = DeliveryStatus.PLANNED if resends else DeliveryStatus.UNKNOWN
    result = connection.execute(
        update(delivery)
        .where(delivery.c.batch_id == batch_id, delivery.c.status == DeliveryStatus.ATTEMPTING)
        .values(
            status=status,
            reason="the sender stopped before the answer came" + ("; sent again" if resends else ""),
            attempts=delivery.c.attempts + 1,
            attempted_at=func.coalesce(delivery.c.attempted_at, now),
            next_attempt_at=None,
        )
    )
    return result.rowcount


def list_open_batches(connection: Connection, edition_id: int) -> list[int]:
    """Batches with a row that may still be tried. index  uq_delivery_edition_id_subscription_id"""
    rows = select(delivery.c.batch_id).where(delivery.c.edition_id == edition_id, delivery.c.status.in_(OPEN))
    return list(connection.execute(rows.distinct().order_by(delivery.c.batch_id)).scalars())


def cancel_batch(connection: Connection, batch_id: int) -> int:
    """What was not tried yet will not be; rows that a sender writes at this moment are left for another call."""
    free = select(delivery.c.id).where(delivery.c.batch_id == batch_id, delivery.c.status.in_(OPEN))
    ids = list(connection.execute(free.with_for_update(skip_locked=True)).scalars())
    if not ids:
        return 0
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(numbers(connection.dialect.name, literal(json.dumps(ids), SqlText))))
        .values(status=DeliveryStatus.CANCELLED, reason="the edition was cancelled")
    )
    mend_tally(connection, select(batch.c.id).where(batch.c.id == batch_id))
    return len(ids)


def resend_unknown(connection: Connection, edition_id: int) -> int:
    """An admin says resend: the same Message-ID goes out again."""
    batches = Counter(
        connection.execute(
            update(delivery)
            .where(delivery.c.edition_id == edition_id, delivery.c.status == DeliveryStatus.UNKNOWN)
            .values(status=DeliveryStatus.PLANNED, reason="resent after an unknown outcome", next_attempt_at=None)
            .returning(delivery.c.batch_id)
        ).scalars()
    )
    mend_tally(connection, select(batch.c.id).where(batch.c.id.in_(batches)))
    connection.execute(update(batch).where(batch.c.id.in_(batches)).values(is_done=False))
    return batches.total()


def leave_unknown(connection: Connection, edition_id: int) -> int:
    """An admin has seen them and leaves them: they stay unknown, with that said."""
    result = connection.execute(
        update(delivery)
        .where(delivery.c.edition_id == edition_id, delivery.c.status == DeliveryStatus.UNKNOWN)
        .values(reason="unknown, left so by an admin")
    )
    mend_tally(connection, select(batch.c.id).where(batch.c.edition_id == edition_id))
    return result.rowcount


def has_work(connection: Connection, edition_id: int) -> bool:
    """Is any batch not done? An edition without one is finished."""
    query = select(batch.c.id).where(batch.c.edition_id == edition_id, batch.c.is_done.is_(False)).limit(1)
    return connection.execute(query).first() is not None


def next_due_at(connection: Connection, edition_id: int) -> datetime | None:
    """When the next batch may be worked on."""
    return connection.execute(
        select(func.min(batch.c.due_at)).where(and_(batch.c.edition_id == edition_id, batch.c.is_done.is_(False)))
    ).scalar()
