"""Editions in the database. Functions ask one question or do one deed, and never commit."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from digest.db.rows import upsert
from digest.db.tables import edition
from digest.editions.snapshot import made, written
from digest.editions.store import contents
from digest.editions.store.calendar import events_from_json, events_to_json
from digest.errors import Next, NotFound, Step
from digest.model.edition import CORRECTION, Candidate, Edition, EditionId, EditionStatus
from digest.model.newsletter import Cadence, NewsletterId, Note, Sponsor


def find_period(connection: Connection, newsletter_id: NewsletterId, cadence: str, period: str) -> EditionId | None:
    return connection.execute(
        select(edition.c.id).where(
            edition.c.newsletter_id == newsletter_id, edition.c.cadence == cadence, edition.c.period == period
        )
    ).scalar()


def find_window_marks(connection: Connection, newsletter_id: NewsletterId) -> tuple[datetime | None, datetime | None]:
    """Where the last edition that went out ended, and where the first period began that brought nothing.

    A cancelled edition brought nothing: its articles are free again.
    """
    ended = select(func.max(edition.c.window_until)).where(
        edition.c.newsletter_id == newsletter_id,
        edition.c.status.not_in([EditionStatus.CANCELLED, EditionStatus.EMPTY]),
    )
    began = select(func.min(edition.c.window_from)).where(
        edition.c.newsletter_id == newsletter_id,
        edition.c.status.in_([EditionStatus.CANCELLED, EditionStatus.EMPTY]),
    )
    return connection.execute(ended).scalar(), connection.execute(began).scalar()


def find_previous_until(connection: Connection, newsletter_id: NewsletterId, cadence: str) -> datetime | None:
    """Where the last edition of these readers ended; before there was one, the first period that brought nothing.

    index  uq_edition_newsletter_id_cadence_period
    """
    nothing = edition.c.status.in_([EditionStatus.CANCELLED, EditionStatus.EMPTY])
    of = (edition.c.newsletter_id == newsletter_id, edition.c.cadence == cadence)
    ended = select(func.max(edition.c.window_until)).where(*of, ~nothing)
    began = select(func.min(edition.c.window_until)).where(*of, nothing)
    found: datetime | None = connection.execute(ended).scalar() or connection.execute(began).scalar()
    return found


def create_edition(connection: Connection, new: Edition, *, now: datetime) -> EditionId | None:
    """Insert the edition of a period, with its articles; None when another process was first (P7). `new.id` is ignored."""
    number = None
    if new.status is not EditionStatus.EMPTY and new.cadence == Cadence.WEEKLY:
        last = select(func.max(edition.c.number)).where(edition.c.newsletter_id == new.newsletter_id)
        number = (connection.execute(last).scalar() or 0) + 1
    edition_id = connection.execute(
        upsert(connection, edition)
        .values(
            newsletter_id=new.newsletter_id,
            cadence=new.cadence,
            period=new.period,
            due_at=new.due_at,
            window_from=new.window_from,
            window_until=new.window_until,
            status=new.status,
            hold_reason=new.hold_reason,
            number=number,
            subject=new.subject,
            preheader=new.preheader,
            note=_as_json(new.note),
            sponsor=_as_json(new.sponsor),
            events=events_to_json(new.events) or None,
            public_key=secrets.token_urlsafe(12),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["newsletter_id", "cadence", "period"])
        .returning(edition.c.id)
    ).scalar()
    if edition_id is not None:
        contents.put_articles(connection, edition_id, new.candidates)
    return edition_id


def find_newest_id(connection: Connection, newsletter_id: NewsletterId) -> int | None:
    """Of the newsletter's editions. index  uq_edition_newsletter_id_cadence_period"""
    return connection.execute(select(func.max(edition.c.id)).where(edition.c.newsletter_id == newsletter_id)).scalar()


def list_neighbours(connection: Connection, of: Edition, *, within: timedelta) -> list[Edition]:
    """Other editions of the newsletter that are due at about the same time. index  ix_edition_newsletter_id_due_at"""
    rows = connection.execute(
        select(edition)
        .where(edition.c.newsletter_id == of.newsletter_id, edition.c.id != of.id, edition.c.corrects_id.is_(None))
        .where(edition.c.due_at.between(of.due_at - within, of.due_at + within))
    )
    return [_edition(row, ()) for row in rows]


def count_sponsored(connection: Connection, newsletter_id: NewsletterId) -> Counter[str]:
    """How many editions showed each sponsor, by its key; one that was cancelled counts if somebody has it.

    index  uq_edition_newsletter_id_cadence_period
    """
    rows = connection.execute(
        select(edition.c.sponsor).where(
            edition.c.newsletter_id == newsletter_id,
            edition.c.sponsor.is_not(None),
            edition.c.status != EditionStatus.EMPTY,
            or_(edition.c.status != EditionStatus.CANCELLED, edition.c.reached),
        )
    )
    return Counter(made(Sponsor, row.sponsor).key for row in rows if row.sponsor)


def find_previous(connection: Connection, of: Edition) -> tuple[EditionId, datetime] | None:
    """The last edition of the same readers before this one, and when it was due; an empty one counts. index  as above"""
    row = connection.execute(
        select(edition.c.id, edition.c.due_at)
        .where(edition.c.newsletter_id == of.newsletter_id, edition.c.cadence == of.cadence, edition.c.id != of.id)
        .where(
            edition.c.due_at < of.due_at, edition.c.status != EditionStatus.CANCELLED, edition.c.corrects_id.is_(None)
        )
        .order_by(edition.c.due_at.desc())
        .limit(1)
    ).first()
    return (EditionId(row.id), row.due_at) if row else None


def get_edition(connection: Connection, edition_id: int) -> Edition:
    """With its candidates, as they were when it was built."""
    row = connection.execute(select(edition).where(edition.c.id == edition_id)).first()
    if row is None:
        raise NotFound(f"there is no edition {edition_id}", next=Next(Step.LIST_EDITIONS))
    return _edition(row, contents.list_candidates(connection, edition_id))


def lock_edition(connection: Connection, edition_id: int) -> Edition:
    """To be changed: of two people at the same moment the second sees what the first has done."""
    lock(connection, edition_id)
    return get_edition(connection, edition_id)


def create_correction(
    connection: Connection, of: Edition, corrected: Candidate, *, subject: str, note: Note, now: datetime
) -> EditionId:
    """A draft with one article, for those whose copy of another edition held it."""
    count = connection.execute(select(func.count()).where(edition.c.corrects_id == of.id)).scalar_one()
    edition_id = connection.execute(
        insert(edition)
        .values(
            newsletter_id=of.newsletter_id,
            cadence=CORRECTION,
            period=f"{of.id}.{corrected.position}.{count + 1}",
            due_at=now,
            window_from=of.window_from,
            window_until=of.window_until,
            status=EditionStatus.DRAFT,
            hold_reason=f"corrects edition {of.id}; look, then send it",
            subject=subject,
            note=_as_json(note),
            public_key=secrets.token_urlsafe(12),
            created_at=now,
            corrects_id=of.id,
        )
        .returning(edition.c.id)
    ).scalar_one()
    contents.put_articles(connection, edition_id, [replace(corrected, position=0, reason="corrected")])
    return EditionId(edition_id)


def get_public_key(connection: Connection, edition_id: int) -> str:
    key: str = connection.execute(select(edition.c.public_key).where(edition.c.id == edition_id)).scalar_one()
    return key


def list_editions(
    connection: Connection, newsletter_id: NewsletterId | None = None, *, before_id: int | None = None, limit: int = 50
) -> list[Edition]:
    """The newest first, without candidates."""
    query = select(edition).order_by(edition.c.id.desc()).limit(limit)
    if newsletter_id is not None:
        query = query.where(edition.c.newsletter_id == newsletter_id)
    if before_id is not None:
        query = query.where(edition.c.id < before_id)
    return [_edition(row, ()) for row in connection.execute(query)]


def list_with_status(connection: Connection, *statuses: EditionStatus) -> list[Edition]:
    """Oldest first, without candidates. index  ix_edition_status"""
    rows = connection.execute(select(edition).where(edition.c.status.in_(statuses)).order_by(edition.c.id))
    return [_edition(row, ()) for row in rows]


def find_status(connection: Connection, edition_id: int) -> EditionStatus | None:
    status = connection.execute(select(edition.c.status).where(edition.c.id == edition_id)).scalar()
    return EditionStatus(status) if status else None


def find_state(connection: Connection, edition_id: int) -> tuple[EditionStatus | None, int]:
    """Status and revision: what a copy that is about to go must agree with."""
    row = connection.execute(select(edition.c.status, edition.c.revision).where(edition.c.id == edition_id)).first()
    return (EditionStatus(row.status), row.revision) if row else (None, 0)


def may_be_planned(connection: Connection, edition_id: int) -> bool:
    """Is it on its way, and not planned to its end? Nobody finishes it before the caller's transaction is over."""
    query = select(edition.c.status, edition.c.planned_at).where(edition.c.id == edition_id)
    row = connection.execute(query.with_for_update(read=True)).one()
    return row.planned_at is None and row.status in (EditionStatus.SENDING, EditionStatus.PAUSED)


def lock(connection: Connection, edition_id: int) -> None:
    """Who writes rows of its plan at this moment is waited for."""
    connection.execute(select(edition.c.id).where(edition.c.id == edition_id).with_for_update())


def is_planned(connection: Connection, edition_id: int) -> bool:
    planned_at = connection.execute(select(edition.c.planned_at).where(edition.c.id == edition_id)).scalar_one()
    return planned_at is not None


def record_plan(connection: Connection, edition_id: int, planned: int, *, now: datetime) -> bool:
    """All rows are written; this number is what audit holds the ledger against. False: somebody else has said so before."""
    result = connection.execute(
        update(edition)
        .where(edition.c.id == edition_id, edition.c.planned_at.is_(None))
        .values(planned=planned, planned_at=now)
    )
    return result.rowcount == 1


def record_reached(connection: Connection, edition_id: int, is_reached: bool) -> None:
    """Whether somebody has a cancelled edition: if so, its articles are not free again."""
    connection.execute(update(edition).where(edition.c.id == edition_id).values(reached=is_reached))


def freeze(connection: Connection, edition_id: int, frozen: Mapping[str, object]) -> None:
    """Keep newsletter and template as they are now, unless that was done already."""
    connection.execute(
        update(edition).where(edition.c.id == edition_id, edition.c.frozen.is_(None)).values(frozen=frozen)
    )


def get_frozen(connection: Connection, edition_id: int) -> Mapping[str, Any] | None:
    frozen: Mapping[str, Any] | None = connection.execute(
        select(edition.c.frozen).where(edition.c.id == edition_id)
    ).scalar_one()
    return frozen


def hold(connection: Connection, edition_id: int, reason: str) -> None:
    """A draft waits for an admin; this is why."""
    connection.execute(
        update(edition)
        .where(edition.c.id == edition_id, edition.c.status == EditionStatus.DRAFT)
        .values(hold_reason=reason)
    )


def note_trouble(connection: Connection, edition_id: int, trouble: str) -> None:
    """What holds up an edition on its way, for whoever looks; "": nothing does. One that waits for a person says so."""
    connection.execute(
        update(edition)
        .where(edition.c.id == edition_id, edition.c.hold_reason != trouble)
        .where(edition.c.status.in_([EditionStatus.APPROVED, EditionStatus.SENDING]))
        .values(hold_reason=trouble)
    )


def change_text(connection: Connection, edition_id: int, **values: str | Note | Sponsor | None) -> None:
    """Subject, preheader, note or sponsor; it has the next version then."""
    stored = {name: value if isinstance(value, str) else _as_json(value) for name, value in values.items()}
    connection.execute(
        update(edition).where(edition.c.id == edition_id).values(**stored, version=edition.c.version + 1)
    )


def _edition(row: Row[Any], candidates: tuple[Candidate, ...]) -> Edition:
    return Edition(
        id=EditionId(row.id),
        newsletter_id=NewsletterId(row.newsletter_id),
        cadence=row.cadence,
        period=row.period,
        due_at=row.due_at,
        window_from=row.window_from,
        window_until=row.window_until,
        status=EditionStatus(row.status),
        number=row.number,
        subject=row.subject,
        preheader=row.preheader,
        hold_reason=row.hold_reason,
        note=made(Note, row.note) if row.note else None,
        sponsor=made(Sponsor, row.sponsor) if row.sponsor else None,
        events=events_from_json(row.events),
        created_at=row.created_at,
        approved_at=row.approved_at,
        planned_at=row.planned_at,
        finished_at=row.finished_at,
        revision=row.revision,
        version=row.version,
        corrects_id=row.corrects_id,
        candidates=candidates,
    )


def _as_json(value: Note | Sponsor | None) -> dict[str, Any] | None:
    return None if value is None else written(value)
