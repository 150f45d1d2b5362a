"""What became of a try -> the ledger: one statement for all that came together, and only the try that is meant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, bindparam, func, insert, select, update
from sqlalchemy import Text as SqlText

from digest.db.rows import Prepared, stored, taken_apart
from digest.db.tables import attempt, batch, delivery
from digest.delivery.store.counts import mend_tally
from digest.model.delivery import OPEN, DeliveryStatus, Outcome, Verdict


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
