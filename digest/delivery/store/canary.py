"""The first readers of an edition, spread over the receiving domains, before all others. SQL as in store.py; never commits.

    ""  ->  running  ->  holding  ->  passed
                                  ->  failed (the edition is paused; whoever resumes it lets it pass)

They are a batch of their own, number 0; the other batches are not due before the hold is over. Whoever sends looks at
the canary first (flows/dispatch), so that nobody takes up the rest without that look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, select, update

from digest.db.rows import upsert
from digest.db.tables import batch, delivery, edition, subscriber, subscription
from digest.delivery.store.counts import write_tally
from digest.model.delivery import DeliveryStatus

NUMBER = 0
FAR = timedelta(days=3_650)

RUNNING, HOLDING, PASSED, FAILED = "running", "holding", "passed", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """state "": there is none. until: when the hold is over. refused: of `tried`, rejected or without an answer."""

    state: str
    until: datetime | None
    tried: int = 0
    refused: int = 0
    waiting: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.refused / self.tried if self.tried else 0.0


def set_apart(connection: Connection, edition_id: int, readers: int, *, now: datetime) -> int:
    """Put so many planned rows into batch 0, as many from each receiving domain as go, and let the rest wait.

    Returns how many; 0 when there are no more rows than that, and so no canary.
    """
    is_planned = (delivery.c.edition_id == edition_id) & (delivery.c.status == DeliveryStatus.PLANNED)
    planned = connection.execute(select(func.count()).select_from(delivery).where(is_planned)).scalar_one()
    if planned <= readers:
        return 0
    at = func.instr if connection.dialect.name == "sqlite" else func.strpos
    domain = func.substr(subscriber.c.address_key, at(subscriber.c.address_key, "@"))
    turn = func.row_number().over(partition_by=domain, order_by=delivery.c.id).label("turn")
    ranked = (
        select(delivery.c.id, delivery.c.batch_id, turn)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(is_planned)
        .subquery()
    )
    chosen = connection.execute(
        select(ranked.c.id, ranked.c.batch_id).order_by(ranked.c.turn, ranked.c.id).limit(readers)
    ).all()
    connection.execute(
        upsert(connection, batch)
        .values(edition_id=edition_id, first_subscription_id=NUMBER, due_at=now)
        .on_conflict_do_nothing(index_elements=["edition_id", "first_subscription_id"])
    )
    is_first = (batch.c.edition_id == edition_id) & (batch.c.first_subscription_id == NUMBER)
    first = connection.execute(select(batch.c.id).where(is_first)).scalar_one()
    connection.execute(update(delivery).where(delivery.c.id.in_([row.id for row in chosen])).values(batch_id=first))
    others = (batch.c.edition_id == edition_id) & (batch.c.id != first)
    connection.execute(update(batch).where(others).values(due_at=now + FAR))
    touched = {first, *(row.batch_id for row in chosen)}
    write_tally(connection, select(batch.c.id).where(batch.c.id.in_(touched)))
    connection.execute(update(edition).where(edition.c.id == edition_id).values(canary=RUNNING))
    return len(chosen)


def look(connection: Connection, edition_id: int) -> Canary:
    """How the canary does."""
    row = connection.execute(select(edition.c.canary, edition.c.canary_until).where(edition.c.id == edition_id)).one()
    if not row.canary:
        return Canary(state="", until=None)

    def count(*statuses: DeliveryStatus) -> object:
        return func.coalesce(func.sum(case((delivery.c.status.in_(statuses), 1), else_=0)), 0)

    tried, refused, waiting = connection.execute(
        select(
            count(*_TRIED),
            count(DeliveryStatus.REJECTED, DeliveryStatus.UNKNOWN),
            count(DeliveryStatus.PLANNED, DeliveryStatus.ATTEMPTING),
        )  # type: ignore[call-overload]
        .select_from(delivery)
        .join(batch, batch.c.id == delivery.c.batch_id)
        .where(batch.c.edition_id == edition_id, batch.c.first_subscription_id == NUMBER)
    ).one()
    return Canary(state=row.canary, until=row.canary_until, tried=tried, refused=refused, waiting=waiting)


_TRIED = (DeliveryStatus.ACCEPTED, DeliveryStatus.DEFERRED, DeliveryStatus.REJECTED, DeliveryStatus.UNKNOWN)


def hold(connection: Connection, edition_id: int, *, until: datetime) -> None:
    """All of the first have been tried: the others wait until then."""
    move(connection, edition_id, to=HOLDING, of=RUNNING, canary_until=until)
    connection.execute(
        update(batch)
        .where(batch.c.edition_id == edition_id, batch.c.first_subscription_id != NUMBER, batch.c.is_done.is_(False))
        .values(due_at=until)
    )


def move(connection: Connection, edition_id: int, *, to: str, of: str, **values: object) -> bool:
    """Change the state; False when somebody else did."""
    result = connection.execute(
        update(edition).where(edition.c.id == edition_id, edition.c.canary == of).values(canary=to, **values)
    )
    return result.rowcount == 1
