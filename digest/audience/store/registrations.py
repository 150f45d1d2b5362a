"""Whom a source's readers are here: the store's part for syncs. A few statements a page, however large; never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Connection, Text, and_, false, func, literal, select, true, update

from digest import outbox
from digest.audience.syncing import Known
from digest.db.rows import unpacked, upsert
from digest.db.tables import consent, newsletter, registration, source, subscriber, subscription, sync
from digest.db.types import UtcDateTime
from digest.model.subscriber import SubscriptionStatus


class Tie(NamedTuple):
    """A source and the newsletter whose readers it brings."""

    source_id: int
    newsletter_id: int


class Row(NamedTuple):
    """What to remember of one reader of a source."""

    key: str
    subscription_id: int
    is_own: bool
    fingerprint: str


def _of(tie: Tie) -> Any:
    return and_(registration.c.source_id == tie.source_id, registration.c.newsletter_id == tie.newsletter_id)


def find_known(connection: Connection, tie: Tie, keys: Sequence[str]) -> dict[str, Known]:
    """By key. index  uq_registration_source_id_newsletter_id_key"""
    (key,), packed = unpacked(connection, [[each] for each in keys], Text)
    rows = connection.execute(
        select(registration, subscription.c.status, subscriber.c.address_key).select_from(
            packed.join(registration, and_(_of(tie), registration.c.key == key))
            .join(subscription, subscription.c.id == registration.c.subscription_id)
            .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        )
    )
    return {
        row.key: Known(
            id=row.id,
            key=row.key,
            subscription_id=row.subscription_id,
            address_key=row.address_key,
            status=SubscriptionStatus(row.status),
            is_own=row.is_own,
            fingerprint=row.fingerprint,
        )
        for row in rows
    }


def find_subscriptions(connection: Connection, newsletter_id: int, address_keys: Sequence[str]) -> dict[str, int]:
    """Of this newsletter, by the key of the address, whatever their status."""
    if not address_keys:
        return {}
    (key,), packed = unpacked(connection, [[each] for each in address_keys], Text)
    rows = connection.execute(
        select(subscriber.c.address_key, subscription.c.id).select_from(
            packed.join(subscriber, subscriber.c.address_key == key).join(
                subscription,
                and_(subscription.c.subscriber_id == subscriber.c.id, subscription.c.newsletter_id == newsletter_id),
            )
        )
    )
    return {row.address_key: row.id for row in rows}


def record(connection: Connection, tie: Tie, rows: Sequence[Row]) -> None:
    """In order of key: two syncs wait for each other instead of deadlocking."""
    if not rows:
        return
    packed = [list(row) for row in sorted(rows)]
    (key, subscription_id, is_own, fingerprint), origin = unpacked(connection, packed, Text, BigInteger, Boolean, Text)
    wanted = select(
        literal(tie.source_id, BigInteger),
        literal(tie.newsletter_id, BigInteger),
        *(key, subscription_id, is_own, fingerprint),
    )
    names = ["source_id", "newsletter_id", "key", "subscription_id", "is_own", "fingerprint"]
    inserted = upsert(connection, registration).from_select(names, wanted.select_from(origin).where(true()))
    connection.execute(
        inserted.on_conflict_do_update(
            index_elements=names[:3], set_={name: inserted.excluded[name] for name in names[3:]}
        )
    )


def leave(
    connection: Connection, tie: Tie, subscription_ids: Sequence[int], *, origin: str, wording: str, now: datetime
) -> int:
    """These readers leave, each with the proof of it; who has left already is not touched."""
    if not subscription_ids:
        return 0
    (id_,), packed = unpacked(connection, [[each] for each in sorted(set(subscription_ids))], BigInteger)
    left = sorted(
        connection.execute(
            update(subscription)
            .where(
                subscription.c.id.in_(select(id_).select_from(packed)),
                subscription.c.status != SubscriptionStatus.LEFT,
            )
            .values(status=SubscriptionStatus.LEFT, left_at=now)
            .returning(subscription.c.id)
        ).scalars()
    )
    if left:
        said = {"newsletter_id": tie.newsletter_id, "subscription_ids": left, "method": "site"}
        outbox.tell(connection, outbox.Event.SUBSCRIBER_LEFT, now=now, **said)
    (id_,), packed = unpacked(connection, [[each] for each in left], BigInteger)
    proof = (literal(now, UtcDateTime), false(), literal("site"), literal(origin), literal(wording))
    done = connection.execute(
        upsert(connection, consent)
        .from_select(
            ["subscription_id", "at", "given", "method", "origin", "wording"],
            select(id_, *proof).select_from(packed).where(true()),
        )
        .returning(consent.c.id)
    )
    return len(done.all())


def carry_choices(connection: Connection, moved: Sequence[tuple[int, int]]) -> None:
    """(old, new) subscriptions: who has another address wants what they wanted before."""
    names = ("slot", "slot_since", "hour", "preferences", "paused_until")
    for old, new in moved:
        row = connection.execute(
            select(*(subscription.c[name] for name in names)).where(subscription.c.id == old)
        ).one()
        connection.execute(update(subscription).where(subscription.c.id == new).values(**row._mapping))


# --- who is gone -----------------------------------------------------------------------------------------------------


def span(connection: Connection, tie: Tie) -> tuple[int, int]:
    """The least and the greatest id; (0, 0) where there is none."""
    row = connection.execute(select(func.min(registration.c.id), func.max(registration.c.id)).where(_of(tie))).one()
    return row[0] or 0, row[1] or 0


def count_own(connection: Connection, tie: Tie) -> int:
    """Readers who came from there and are here still."""
    query = select(func.count(registration.c.subscription_id.distinct())).join(
        subscription, subscription.c.id == registration.c.subscription_id
    )
    here = subscription.c.status != SubscriptionStatus.LEFT
    return connection.execute(query.where(_of(tie), registration.c.is_own, here)).scalar_one()


def count_audience(connection: Connection, newsletter_id: int) -> int:
    query = select(func.count()).select_from(subscription)
    active = subscription.c.status == SubscriptionStatus.ACTIVE
    return connection.execute(query.where(subscription.c.newsletter_id == newsletter_id, active)).scalar_one()


def list_own(connection: Connection, tie: Tie, *, after_id: int, until_id: int, limit: int) -> list[tuple[int, int]]:
    """(id, subscription) of those who came from there and are here still, in pages by id.

    index   ix_registration_source_id_newsletter_id_id
    """
    rows = connection.execute(
        select(registration.c.id, registration.c.subscription_id)
        .join(subscription, subscription.c.id == registration.c.subscription_id)
        .where(
            _of(tie),
            registration.c.is_own,
            registration.c.id > after_id,
            registration.c.id <= until_id,
            subscription.c.status != SubscriptionStatus.LEFT,
        )
        .order_by(registration.c.id)
        .limit(limit)
    )
    return [(row.id, row.subscription_id) for row in rows]


def find_others(connection: Connection, tie: Tie, subscription_ids: Sequence[int]) -> list[tuple[int, int]]:
    """(id, subscription) of every registration of these: a site may know one mailbox by two names."""
    packed = unpacked(connection, [[each] for each in subscription_ids], BigInteger)
    (id_,), rows = packed
    query = select(registration.c.id, registration.c.subscription_id).where(
        _of(tie), registration.c.subscription_id.in_(select(id_).select_from(rows))
    )
    return [(row.id, row.subscription_id) for row in connection.execute(query)]


# --- how it ended ----------------------------------------------------------------------------------------------------


def record_sync(
    connection: Connection, tie: Tie, *, report: Mapping[str, int], held: str = "", error: str = "", now: datetime
) -> None:
    values = {"at": now, "held": held, "error": error[:500], "report": dict(report)}
    connection.execute(
        upsert(connection, sync)
        .values(source_id=tie.source_id, newsletter_id=tie.newsletter_id, **values)
        .on_conflict_do_update(index_elements=["source_id", "newsletter_id"], set_=values)
    )


def find_sync_at(connection: Connection, tie: Tie) -> datetime | None:
    """When the last one ended."""
    query = select(sync.c.at).where(sync.c.source_id == tie.source_id, sync.c.newsletter_id == tie.newsletter_id)
    return connection.execute(query).scalar()


class SyncTrouble(NamedTuple):
    """A sync that waits for a person, or failed; the names of its source and its newsletter."""

    source: str
    newsletter: str
    held: str
    error: str


def list_troubled(connection: Connection) -> list[SyncTrouble]:
    query = select(source.c.name, newsletter.c.name, sync.c.held, sync.c.error)
    query = query.join_from(sync, source, source.c.id == sync.c.source_id)
    query = query.join(newsletter, newsletter.c.id == sync.c.newsletter_id)
    query = query.where((sync.c.held != "") | (sync.c.error != ""))
    return [SyncTrouble(*row) for row in connection.execute(query.order_by(source.c.name, newsletter.c.name))]
