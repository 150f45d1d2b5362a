"""The ledger of notices: what waits, marks, outcomes. Functions never commit.

A row is claimed by one sender at a time, for a while. It is marked `attempting` before its body goes out, and its outcome is
written right after. What a sender that died left `attempting` becomes `unknown` and is never sent again by itself
(RFC 1047): whoever asked for it asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from digest.db.tables import notice, suppression
from digest.model.address import EmailAddress
from digest.model.delivery import Outcome, Verdict
from digest.model.newsletter import NewsletterId
from digest.model.notice import Notice, NoticeId, NoticeKind, NoticeStatus

OPEN = (NoticeStatus.PLANNED, NoticeStatus.DEFERRED)

_FREE: dict[str, Any] = {"lease_owner": "", "lease_until": None}

KEPT = timedelta(days=30)
"""How long a row is kept after its end: it holds an address, and nobody needs it for longer."""

LATE = timedelta(minutes=5)
"""No notice waits so long where anybody sends."""

PRUNED_AT_ONCE = 1_000


def add_notice(
    connection: Connection,
    kind: NoticeKind,
    address: EmailAddress,
    *,
    now: datetime,
    language: str = "",
    newsletter_id: NewsletterId | None = None,
    subject_id: int | None = None,
    link_version: int = 0,
) -> NoticeId:
    """It waits to be sent once this is committed."""
    made = connection.execute(
        insert(notice)
        .values(
            kind=kind,
            address=str(address),
            address_key=address.key,
            language=language,
            newsletter_id=newsletter_id,
            subject_id=subject_id,
            link_version=link_version,
            status=NoticeStatus.PLANNED,
            created_at=now,
            due_at=now,
        )
        .returning(notice.c.id)
    )
    return NoticeId(made.scalar_one())


def get_notice(connection: Connection, notice_id: NoticeId) -> Notice:
    return _notice(connection.execute(select(notice).where(notice.c.id == notice_id)).one())


def list_notices(connection: Connection, *, before_id: int | None = None, limit: int = 50) -> list[Notice]:
    """The newest first, a page at a time. index  pk_notice"""
    query = select(notice).order_by(notice.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(notice.c.id < before_id)
    return [_notice(row) for row in connection.execute(query)]


def count_failed(connection: Connection, *, since: datetime, now: datetime) -> dict[str, int]:
    """By kind: those that ended unsent since then, and those that wait although they should be gone.

    index  ix_notice_finished_at, ix_notice_due_at
    """
    ended = and_(notice.c.finished_at > since, notice.c.status.in_((NoticeStatus.REJECTED, NoticeStatus.UNKNOWN)))
    is_late = or_(notice.c.status == NoticeStatus.DEFERRED, notice.c.due_at < now - LATE)
    waits = and_(notice.c.due_at.is_not(None), is_late)
    rows = connection.execute(
        select(notice.c.kind, func.count()).where(or_(ended, waits)).group_by(notice.c.kind).order_by(notice.c.kind)
    )
    return {row[0]: row[1] for row in rows}


# --- one sender ------------------------------------------------------------------------------------------------------


def has_due(connection: Connection, *, now: datetime) -> bool:
    """Is there anything that nobody works on? It takes no lock. index  ix_notice_due_at"""
    return connection.execute(select(notice.c.id).where(_free(now)).limit(1)).first() is not None


def claim(connection: Connection, *, owner: str, now: datetime, hold: timedelta, limit: int) -> list[Notice]:
    """Take some that are due and that no living sender has, the oldest first; two senders never get the same one.

    Those that a sender which died was about to send become unknown first. index  ix_notice_due_at
    """
    connection.execute(
        update(notice)
        .where(_free(now), notice.c.status == NoticeStatus.ATTEMPTING)
        .values(
            status=NoticeStatus.UNKNOWN,
            reason="the sender stopped before the answer came",
            attempts=notice.c.attempts + 1,
            due_at=None,
            finished_at=now,
            **_FREE,
        )
    )
    wanted = select(notice.c.id).where(_free(now), notice.c.status.in_(OPEN)).order_by(notice.c.due_at, notice.c.id)
    wanted = wanted.limit(limit)
    if connection.dialect.name == "postgresql":
        wanted = wanted.with_for_update(skip_locked=True)
    rows = connection.execute(
        update(notice)
        .where(notice.c.id.in_(wanted.scalar_subquery()))
        .values(lease_owner=owner, lease_until=now + hold)
        .returning(notice)
    )
    return sorted(map(_notice, rows), key=lambda each: each.id)


def extend(connection: Connection, ids: Sequence[int], *, owner: str, now: datetime, hold: timedelta) -> None:
    """Keep what was claimed."""
    connection.execute(
        update(notice).where(notice.c.id.in_(ids), notice.c.lease_owner == owner).values(lease_until=now + hold)
    )


def give_back(connection: Connection, ids: Sequence[int], *, owner: str) -> None:
    """What was claimed and not tried: whoever comes next may have it."""
    ours = notice.c.lease_owner == owner, notice.c.status.in_(OPEN)
    connection.execute(update(notice).where(notice.c.id.in_(ids), *ours).values(**_FREE))


def put_off(connection: Connection, notice_id: NoticeId, *, owner: str, until: datetime) -> None:
    """It may not go yet: a limit."""
    ours = notice.c.lease_owner == owner, notice.c.status.in_(OPEN)
    connection.execute(update(notice).where(notice.c.id == notice_id, *ours).values(due_at=until, **_FREE))


def mark_attempting(connection: Connection, notice_id: NoticeId, *, owner: str, now: datetime) -> bool:
    """Before the act. False: it must not be sent, since another sender has it, or its address was suppressed since (P5);
    then it is skipped."""
    ours = (notice.c.id == notice_id, notice.c.lease_owner == owner, notice.c.status.in_(OPEN))
    is_suppressed = select(suppression.c.id).where(suppression.c.address_key == notice.c.address_key).exists()
    marked = connection.execute(
        update(notice)
        .where(*ours, ~is_suppressed)
        .values(
            status=NoticeStatus.ATTEMPTING,
            attempted_at=now,
            first_attempt_at=func.coalesce(notice.c.first_attempt_at, now),
        )
    )
    if marked.rowcount:
        return True
    skipped = {"status": NoticeStatus.SKIPPED, "reason": "the address is suppressed", "finished_at": now}
    connection.execute(update(notice).where(*ours, is_suppressed).values(due_at=None, **_FREE, **skipped))
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeResult:
    """What became of one try.

    attempts   finished tries before it
    due_at     when it is tried again; None: it is over
    """

    notice_id: NoticeId
    attempts: int
    outcome: Outcome
    channel: str
    at: datetime
    due_at: datetime | None
    reason: str = ""


def record_result(connection: Connection, result: NoticeResult, *, owner: str) -> bool:
    """Right after the answer; False where the row is another sender's by now.

    Only the try that is meant is written. An answer that comes after another sender called the try unknown settles it, but
    does not make it wait again.
    """
    outcome, was_tried = result.outcome, result.outcome.verdict is not Verdict.UNTRIED
    after = result.attempts + was_tried
    values = {
        **_FREE,
        "status": _STATUS[outcome.verdict] if was_tried and result.due_at is None else _waiting(outcome),
        "reason": result.reason,
        "attempts": after,
        "first_attempt_at": func.coalesce(notice.c.first_attempt_at, result.at)
        if was_tried
        else notice.c.first_attempt_at,
        "due_at": result.due_at,
        "finished_at": None if result.due_at else result.at,
        "channel": result.channel,
        "code": outcome.code or None,
        "enhanced": outcome.enhanced,
        "answer": outcome.text,
    }
    refused_before_its_mark = and_(notice.c.status.in_(OPEN), notice.c.lease_owner == owner)
    meant = and_(
        or_(notice.c.status == NoticeStatus.ATTEMPTING, refused_before_its_mark),
        notice.c.attempts == result.attempts,
    )
    late = and_(notice.c.status == NoticeStatus.UNKNOWN, notice.c.attempts == after)
    of = or_(meant, late) if was_tried and result.due_at is None else meant
    return bool(connection.execute(update(notice).where(notice.c.id == result.notice_id, of).values(values)).rowcount)


_STATUS = {
    Verdict.ACCEPTED: NoticeStatus.ACCEPTED,
    Verdict.REJECTED: NoticeStatus.REJECTED,
    Verdict.DEFERRED: NoticeStatus.REJECTED,  # its time for retries is over
    Verdict.UNKNOWN: NoticeStatus.UNKNOWN,
}


def _waiting(outcome: Outcome) -> NoticeStatus:
    return NoticeStatus.PLANNED if outcome.verdict is Verdict.UNTRIED else NoticeStatus.DEFERRED


def prune(connection: Connection, *, now: datetime) -> int:
    """Forget some that ended long ago; returns how many. index  ix_notice_finished_at"""
    old = select(notice.c.id).where(notice.c.finished_at < now - KEPT).order_by(notice.c.finished_at)
    return connection.execute(
        delete(notice).where(notice.c.id.in_(old.limit(PRUNED_AT_ONCE).scalar_subquery()))
    ).rowcount


def _free(now: datetime) -> Any:
    return and_(notice.c.due_at <= now, or_(notice.c.lease_until.is_(None), notice.c.lease_until < now))


def _notice(row: Row[Any]) -> Notice:
    local, _, domain = row.address.rpartition("@")
    return Notice(
        id=NoticeId(row.id),
        kind=NoticeKind(row.kind),
        address=EmailAddress(local, domain),
        language=row.language,
        newsletter_id=row.newsletter_id,
        subject_id=row.subject_id,
        link_version=row.link_version,
        status=NoticeStatus(row.status),
        reason=row.reason,
        created_at=row.created_at,
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        due_at=row.due_at,
        finished_at=row.finished_at,
        channel=row.channel,
        code=row.code,
        enhanced=row.enhanced,
    )
