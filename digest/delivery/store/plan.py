"""Plan: a ledger row for every reader of an edition, in key ranges. Never commits.

Two ways to the same rows. Where all readers get the same edition, the database writes them from the subscriptions by
itself. Where each has a digest of one's own, a page of readers is read with what they had before, and comes back with
their picks.

Re-planning changes nothing: rows and batches that are there stay. Suppressed and paused readers get a row that is
skipped from the start, with its reason, so that the balance shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Select, case, func, literal, or_, select, true, type_coerce
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast

from digest.db.rows import stored, unpacked, upsert
from digest.db.tables import batch, delivery, newsletter, subscriber, subscription, suppression
from digest.db.types import Json, UtcDateTime
from digest.delivery.store.counts import write_tally
from digest.delivery.store.readers import PAUSED, page_of, who_came
from digest.model.delivery import DeliveryStatus

BATCH_SIZE = 1_000
"""Rows a worker leases at a time: long enough that leasing costs little, short enough that a takeover is quick."""

NOTHING_NEW = "nothing new"
"""How the reason of a row begins whose reader had nothing to read: the edition passed its articles over."""


def list_slots(connection: Connection, newsletter_id: int) -> list[str]:
    """The slots in which there are active readers: one look at the index for each, however many readers there are.

    index   ix_subscription_newsletter_id_status_slot_id
    """
    of = subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active"
    found: list[str] = []
    query = select(func.min(subscription.c.slot)).where(*of)
    at = connection.execute(query).scalar()
    while at is not None:
        found.append(at)
        at = connection.execute(query.where(subscription.c.slot > at)).scalar()
    return found


def has_readers(connection: Connection, newsletter_id: int, slot: str, *, since: datetime) -> bool:
    """Did anybody choose this slot before that instant?"""
    return connection.execute(who_came(page_of(newsletter_id, slot, 0, 1), since)).first() is not None


def list_zones(connection: Connection) -> list[str]:
    """The time zones that subscribers have. index  ix_subscriber_time_zone"""
    found: list[str] = []
    query = select(func.min(subscriber.c.time_zone))
    at = connection.execute(query).scalar()
    while at is not None:
        found.append(at)
        at = connection.execute(query.where(subscriber.c.time_zone > at)).scalar()
    return found


# --- the same for all ------------------------------------------------------------------------------------------------


def plan_next_range(
    connection: Connection,
    edition_id: int,
    newsletter_id: int,
    *,
    slot: str = "",
    after: int,
    now: datetime,
    size: int = BATCH_SIZE,
) -> tuple[int, int] | None:
    """Write the next batch and its rows; (last subscription id, rows), or None when all of the slot are planned.

    index   ix_subscription_newsletter_id_status_slot_id
    """
    page = page_of(newsletter_id, slot, after, size).subquery()
    first, last = connection.execute(select(func.min(page.c.id), func.max(page.c.id))).one()
    if last is None:
        return None
    batch_id = _batch(connection, edition_id, first, due_at=now).scalar_subquery()
    is_paused = subscription.c.paused_until > now
    is_skipped = or_(suppression.c.id.is_not(None), is_paused)
    rows = (
        select(
            literal(edition_id),
            subscription.c.id,
            batch_id,
            case((is_skipped, DeliveryStatus.SKIPPED.value), else_=DeliveryStatus.PLANNED.value),
            case(
                (suppression.c.id.is_not(None), sql_cast("suppressed: ", SqlText) + suppression.c.reason),
                (is_paused, PAUSED),
                else_="",
            ),
        )
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .outerjoin(suppression, suppression.c.address_key == subscriber.c.address_key)
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active")
        .where(subscription.c.slot == slot, subscription.c.id >= first, subscription.c.id <= last)
    )
    written = connection.execute(
        upsert(connection, delivery)
        .from_select(["edition_id", "subscription_id", "batch_id", "status", "reason"], rows)
        .on_conflict_do_nothing(index_elements=["edition_id", "subscription_id"])
    )
    if written.rowcount:
        write_tally(connection, select(batch_id))
    return last, written.rowcount


def _batch(connection: Connection, edition_id: int, first: int, *, due_at: datetime) -> Select[int]:
    """The id of the batch that begins with this subscription, which is made where it is missing."""
    connection.execute(
        upsert(connection, batch)
        .values(edition_id=edition_id, first_subscription_id=first, due_at=due_at)
        .on_conflict_do_nothing(index_elements=["edition_id", "first_subscription_id"])
    )
    return select(batch.c.id).where(batch.c.edition_id == edition_id, batch.c.first_subscription_id == first)


# --- a digest of one's own -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """What plan decided for a reader.

    picks    JSON text (editions/picks.py), or "" for none
    skipped  the reason, or ""
    """

    subscription_id: int
    picks: str
    skipped: str
    due_at: datetime


def lock_newsletter(connection: Connection, newsletter_id: int) -> None:
    """Two editions that plan the same readers at the same moment would give both the same article: one waits (P3).

    SQLite lets one write at a time anyway.
    """
    query = select(newsletter.c.id).where(newsletter.c.id == newsletter_id)
    connection.execute(query.with_for_update(key_share=True))


def write_rows(connection: Connection, edition_id: int, rows: Sequence[Row], *, now: datetime) -> int:
    """The rows of a page, in batches of one instant each; returns how many are new."""
    by_instant: dict[datetime, list[Row]] = {}
    for row in rows:
        by_instant.setdefault(max(row.due_at, now), []).append(row)
    written = 0
    for due_at, wave in by_instant.items():
        for start in range(0, len(wave), BATCH_SIZE):
            written += _write_batch(connection, edition_id, wave[start : start + BATCH_SIZE], due_at, now)
    return written


def _write_batch(connection: Connection, edition_id: int, rows: Sequence[Row], due_at: datetime, now: datetime) -> int:
    batch_id = _batch(connection, edition_id, rows[0].subscription_id, due_at=due_at).scalar_subquery()
    waits_until = stored(connection, due_at) if due_at > now else None
    values, source = unpacked(
        connection,
        [
            [
                row.subscription_id,
                DeliveryStatus.SKIPPED if row.skipped else DeliveryStatus.PLANNED,
                row.skipped,
                row.picks or None,
                None if row.skipped else waits_until,
            ]
            for row in rows
        ],
        BigInteger,
        SqlText,
        SqlText,
        SqlText,
        UtcDateTime,
    )
    subscription_id, status, reason, picks, next_attempt_at = values
    picks = sql_cast(picks, Json) if connection.dialect.name == "postgresql" else type_coerce(picks, Json)
    written = connection.execute(
        upsert(connection, delivery)
        .from_select(
            ["edition_id", "batch_id", "subscription_id", "status", "reason", "picks", "next_attempt_at"],
            select(literal(edition_id), batch_id, subscription_id, status, reason, picks, next_attempt_at)
            .select_from(source)
            .where(true()),
        )
        .on_conflict_do_nothing(index_elements=["edition_id", "subscription_id"])
    )
    if written.rowcount:
        write_tally(connection, select(batch_id))
    return written.rowcount
