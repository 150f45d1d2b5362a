"""The ledger's rows: what is due, marks, outcomes. Functions never commit: flows do, for many connections at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, bindparam, func, insert, or_, select, update
from sqlalchemy import Text as SqlText

from digest.db.rows import Prepared, instant, numbers, read_at_once, stored, taken_apart
from digest.db.tables import attempt, batch, delivery, edition, subscriber, subscription, suppression
from digest.db.types import UtcDateTime
from digest.delivery.store.counts import mend_tally
from digest.model.address import EmailAddress
from digest.model.delivery import OPEN, DeliveryId, DeliveryStatus, Outcome, Verdict
from digest.model.subscriber import Recipient, Subscriber, SubscriberId

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
    return [_due(*row) for row in rows]


def _due(
    delivery_id: DeliveryId,
    subscription_id: int,
    attempts: int,
    first_attempt_at: str | None,
    joined_at: str,
    picks: Sequence[int] | None,
    subscriber_id: SubscriberId,
    address: str,
    name: str,
    language: str,
    time_zone: str,
    attributes: dict[str, str],
    link_version: int,
) -> Due:
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


@dataclass(slots=True, kw_only=True)
class Result:
    """What to write for one finished try.

    attempts   finished tries before it
    retry_at   for a deferred one, or an unknown one where the newsletter resends; None gives up
    is_undecided   whom the refusal means is not known yet: deferred until a Decision
    """

    delivery_id: int
    attempts: int
    outcome: Outcome
    channel: str
    at: datetime
    retry_at: datetime | None = None
    is_undecided: bool = False


_VALUES: dict[str, Any] = {
    "status": bindparam("b_status"),
    "reason": bindparam("b_reason"),
    "attempts": bindparam("b_after"),
    "next_attempt_at": bindparam("b_next"),
    "channel": bindparam("b_channel"),
    "code": bindparam("b_code"),
    "enhanced": bindparam("b_enhanced"),
    "answer": bindparam("b_answer"),
}
_RECORD = Prepared(
    update(delivery)
    .where(delivery.c.id == bindparam("b_id"))
    .where(delivery.c.status == DeliveryStatus.ATTEMPTING, delivery.c.attempts == bindparam("b_before"))
    .values(_VALUES)
)
_RECORD_LATE = Prepared(
    update(delivery)
    .where(delivery.c.id == bindparam("b_id"))
    .where(delivery.c.status == DeliveryStatus.UNKNOWN, delivery.c.attempts == bindparam("b_after"))
    .values(_VALUES)
)


def _record_at_once() -> Prepared:
    types = (BigInteger, Integer, *(delivery.c[name].type for name in _VALUES))
    (id_, before, *values), _ = taken_apart("postgresql", bindparam("b_rows", type_=SqlText), *types)
    return Prepared(
        update(delivery)
        .where(delivery.c.id == id_, delivery.c.attempts == before, delivery.c.status == DeliveryStatus.ATTEMPTING)
        .values(dict(zip(_VALUES, values, strict=True)))
    )


_RECORD_AT_ONCE = _record_at_once()
"""`_RECORD` for many rows in one statement, which halves their price on PostgreSQL. SQLite would gain nothing."""

_ORDER = itemgetter("b_id", "b_before", *(value.key for value in _VALUES.values()))


def _record(connection: Connection, rows: Sequence[Mapping[str, object]]) -> int:
    """Returns how many rows were written. Of two results for one row the first counts."""
    if connection.dialect.name != "postgresql":
        return _RECORD.run(connection, rows)
    first = {row["b_id"]: row for row in reversed(rows)}
    packed = json.dumps([_ORDER(row) for row in first.values()], ensure_ascii=False)
    written = _RECORD_AT_ONCE.run(connection, [{"b_rows": packed}])
    again = [row for row in rows if first[row["b_id"]] is not row]
    return written + (_RECORD.run(connection, again) if again else 0)


def record_results(connection: Connection, results: Sequence[Result]) -> bool:
    """Right after the answers: one statement for all rows; tries that were not accepted are kept one by one.

    Only the try that is meant is written: `attempts` tells it from a later one, so that an answer that comes late
    (this process slept, its lease ran out, another one went on) never overwrites what happened since. Where the other
    one called it unknown, the answer settles it.

    returns   True when a late answer gave a batch that was done something to do again
    """
    if not results:
        return False
    rows = [_row_of(connection, result) for result in results]
    is_reopened = False
    if _record(connection, rows) < len(rows) and _RECORD_LATE.run(connection, rows):
        is_reopened = _mend_batches(connection, [result.delivery_id for result in results])
    tries = [
        {
            "delivery_id": result.delivery_id,
            "at": result.at,
            "channel": result.channel,
            "stage": result.outcome.stage,
            "verdict": Verdict.DEFERRED if result.is_undecided else result.outcome.verdict,
            "code": result.outcome.code or None,
            "enhanced": result.outcome.enhanced,
            "answer": result.outcome.text,
        }
        for result in results
        if result.outcome.verdict not in (Verdict.ACCEPTED, Verdict.UNTRIED)
    ]
    if tries:
        connection.execute(insert(attempt), tries)
    return is_reopened


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a delivery that waited as deferred while others' answers told whom its refusal meant.

    attempts   finished tries, the refused one among them
    verdict    REJECTED: it was the reader's own. UNTRIED: ours, so it is planned again as if it had not been tried.
               DEFERRED: it stays as it is, and is tried later
    """

    delivery_id: int
    attempts: int
    verdict: Verdict
    reason: str = ""


def decide(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Only the try that is meant is decided: one that went on since, in another process, stays as it is."""
    written = []
    for decision in decisions:
        if decision.verdict is Verdict.DEFERRED:
            continue
        values: dict[str, Any] = {"status": DeliveryStatus.PLANNED, "reason": "", "first_attempt_at": None}
        if decision.verdict is Verdict.REJECTED:
            values = {"status": DeliveryStatus.REJECTED, "reason": decision.reason}
        result = connection.execute(
            update(delivery)
            .where(delivery.c.id == decision.delivery_id, delivery.c.attempts == decision.attempts)
            .where(delivery.c.status == DeliveryStatus.DEFERRED)
            .values(next_attempt_at=None, **values)
        )
        if result.rowcount:
            written.append(decision)
    refused = [each.delivery_id for each in written if each.verdict is Verdict.REJECTED]
    if refused:
        last = select(func.max(attempt.c.id)).where(attempt.c.delivery_id.in_(refused)).group_by(attempt.c.delivery_id)
        connection.execute(update(attempt).where(attempt.c.id.in_(last)).values(verdict=Verdict.REJECTED))
    if written:
        _mend_batches(connection, [each.delivery_id for each in written])


def has_accepted(connection: Connection, edition_id: int, channel: str) -> bool:
    """Did this channel accept a message of the edition? index  uq_delivery_edition_id_subscription_id"""
    query = (
        select(delivery.c.id)
        .where(delivery.c.edition_id == edition_id, delivery.c.status == DeliveryStatus.ACCEPTED)
        .where(delivery.c.channel == channel)
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _mend_batches(connection: Connection, ids: Sequence[int]) -> bool:
    """Batches that were given back before these rows were written: count them anew, and open what is done no more."""
    touched = select(delivery.c.batch_id).where(delivery.c.id.in_(ids))
    mend_tally(connection, select(batch.c.id).where(batch.c.id.in_(touched)))
    is_open = select(delivery.c.id).where(delivery.c.batch_id == batch.c.id, delivery.c.status.in_(OPEN)).exists()
    reopened = connection.execute(
        update(batch).where(batch.c.id.in_(touched), batch.c.is_done.is_(True), is_open).values(is_done=False)
    )
    return bool(reopened.rowcount)


def _row_of(connection: Connection, result: Result) -> dict[str, Any]:
    status, reason = _status_of(result)
    outcome = result.outcome
    return {
        "b_id": result.delivery_id,
        "b_status": status.value,
        "b_reason": reason,
        "b_before": result.attempts,
        "b_after": result.attempts + (outcome.verdict is not Verdict.UNTRIED),
        "b_next": stored(connection, result.retry_at) if result.retry_at else None,
        "b_channel": result.channel,
        "b_code": outcome.code or None,
        "b_enhanced": outcome.enhanced,
        "b_answer": outcome.text,
    }


def _status_of(result: Result) -> tuple[DeliveryStatus, str]:
    verdict = result.outcome.verdict
    if verdict is Verdict.ACCEPTED:
        return DeliveryStatus.ACCEPTED, ""
    if result.is_undecided:
        return DeliveryStatus.DEFERRED, f"refused at {result.outcome.stage}, perhaps for what we are"
    if verdict is Verdict.REJECTED:
        return DeliveryStatus.REJECTED, f"refused at {result.outcome.stage}"
    if verdict is Verdict.UNKNOWN and result.retry_at is not None:
        return DeliveryStatus.DEFERRED, "the line broke before the answer came; to be sent again"
    if verdict is Verdict.UNKNOWN:
        return DeliveryStatus.UNKNOWN, "the line broke before the answer came"
    if verdict is Verdict.UNTRIED:
        return DeliveryStatus.PLANNED, ""
    what = "refused" if result.outcome.code else "broken off"
    if result.retry_at is None:
        return DeliveryStatus.REJECTED, f"still {what} at {result.outcome.stage} when the time for retries was over"
    return DeliveryStatus.DEFERRED, f"{what} for now at {result.outcome.stage}"


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
