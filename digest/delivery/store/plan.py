"""Plan: a ledger row for every reader of an edition, in key ranges. SQL as in store.py; never commits.

Two ways to the same rows. Where all readers get the same edition, the database writes them from the subscriptions by
itself. Where each has a digest of one's own, a page of readers is read with what they had before, and comes back with
their picks.

Re-planning changes nothing: rows and batches that are there stay. Suppressed and paused readers get a row that is
skipped from the start, with its reason, so that the balance shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, case, func, literal, or_, select, true, type_coerce
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast

from digest.db.rows import instant, read_at_once, stored, unpacked, upsert
from digest.db.tables import batch, delivery, newsletter, subscriber, subscription, suppression
from digest.db.types import Json, UtcDateTime
from digest.delivery.store.counts import write_tally
from digest.model.delivery import DeliveryStatus

BATCH_SIZE = 1_000
"""Rows a worker leases at a time: long enough that leasing costs little, short enough that a takeover is quick."""

NOTHING_NEW = "nothing new"
PAUSED = "paused by the reader"
"""How the reason of a row begins whose reader had nothing to read: the edition passed its articles over."""

HOLDS = (
    DeliveryStatus.PLANNED,
    DeliveryStatus.ATTEMPTING,
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.DEFERRED,
    DeliveryStatus.UNKNOWN,
)
"""A copy in one of these has reached its reader, or may, or is about to."""


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
    return connection.execute(_came(_page(newsletter_id, slot, 0, 1), since)).first() is not None


def _came(readers: Select[int], since: datetime) -> Select[int]:
    return readers.where(or_(subscription.c.slot_since.is_(None), subscription.c.slot_since <= since))


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
    page = _page(newsletter_id, slot, after, size).subquery()
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


def _page(newsletter_id: int, slot: str, after: int, size: int) -> Select[int]:
    return (
        select(subscription.c.id)
        .where(subscription.c.newsletter_id == newsletter_id, subscription.c.status == "active")
        .where(subscription.c.slot == slot, subscription.c.id > after)
        .order_by(subscription.c.id)
        .limit(size)
    )


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


def read_page(
    connection: Connection, newsletter_id: int, *, slot: str, since: datetime, after: int, size: int
) -> list[Planned]:
    """The next readers of a slot, in key order.

    since   when the edition was due: who came to the slot later waits for its next one
    index   ix_subscription_newsletter_id_status_slot_id
    """
    page = _page(newsletter_id, slot, after, size)
    if slot:
        page = _came(page, since)
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
