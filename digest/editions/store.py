"""Newsletters and editions in the database. Functions ask one question or do one deed, and never commit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from digest.db.tables import article, audit_log, edition, edition_article, newsletter
from digest.editions.candidates import Window
from digest.editions.due import Period
from digest.editions.snapshot import article_from_json, article_to_json, newsletter_from_json, settings_to_json
from digest.errors import NotFound, Refused
from digest.model.article import Article, ArticleId, Comment, Image
from digest.model.edition import Candidate, Edition, EditionId, EditionStatus
from digest.model.newsletter import Cadence, Newsletter, NewsletterId, Note, Sponsor

# --- newsletters -----------------------------------------------------------------------------------------------------


def list_newsletters(connection: Connection) -> list[Newsletter]:
    """All of them, by name; there are never many."""
    return [_newsletter(row) for row in connection.execute(select(newsletter).order_by(newsletter.c.name))]


def find_newsletter(connection: Connection, name: str) -> Newsletter | None:
    row = connection.execute(select(newsletter).where(newsletter.c.name == name)).first()
    return _newsletter(row) if row else None


def get_newsletter(connection: Connection, name: str) -> Newsletter:
    found = find_newsletter(connection, name)
    if found is None:
        names = (
            ", ".join(each.name for each in list_newsletters(connection)) or "none yet; add one: digest newsletter add"
        )
        raise NotFound(f"there is no newsletter {name!r} (there are: {names})")
    return found


def get_newsletter_by_id(connection: Connection, newsletter_id: NewsletterId) -> Newsletter:
    row = connection.execute(select(newsletter).where(newsletter.c.id == newsletter_id)).one()
    return _newsletter(row)


def add_newsletter(connection: Connection, new: Newsletter, *, now: datetime) -> NewsletterId:
    """Insert; Refused when the name is taken. `new.id` is ignored."""
    if find_newsletter(connection, new.name):
        raise Refused(f"there is a newsletter {new.name!r} already")
    values = {**_newsletter_values(new), "created_at": now, "updated_at": now}
    return NewsletterId(connection.execute(insert(newsletter).values(values).returning(newsletter.c.id)).scalar_one())


def change_newsletter(connection: Connection, changed: Newsletter, *, now: datetime) -> None:
    values = {**_newsletter_values(changed), "updated_at": now}
    connection.execute(update(newsletter).where(newsletter.c.id == changed.id).values(values))


def _newsletter_values(value: Newsletter) -> dict[str, Any]:
    schedule = value.schedule
    return {
        "name": value.name,
        "title": value.title,
        "is_enabled": value.is_enabled,
        "weekdays": ",".join(schedule.weekdays),
        "wall_time": schedule.wall_time.isoformat(timespec="minutes"),
        "time_zone": schedule.time_zone,
        "since_at": schedule.since_at,
        "late_hours": schedule.late_hours,
        "settings": settings_to_json(value),
    }


def _newsletter(row: Row[Any]) -> Newsletter:
    return newsletter_from_json(
        {
            "id": row.id,
            "name": row.name,
            "title": row.title,
            "is_enabled": row.is_enabled,
            "schedule": {
                "weekdays": [day for day in row.weekdays.split(",") if day],
                "wall_time": row.wall_time if isinstance(row.wall_time, str) else time.isoformat(row.wall_time),
                "time_zone": row.time_zone,
                "since_at": row.since_at.isoformat() if row.since_at else None,
                "late_hours": row.late_hours,
            },
            "settings": row.settings,
        }
    )


# --- what an edition may hold ----------------------------------------------------------------------------------------


def list_candidates(
    connection: Connection, newsletter_id: NewsletterId, window: Window, *, limit: int = 2_000
) -> list[Article]:
    """Articles of the window that no edition of this newsletter had, oldest first.

    index   ix_article_published_at_id for the window, ix_edition_article_article_id for what was had
    """
    had = exists().where(
        and_(
            edition_article.c.article_id == article.c.id,
            edition_article.c.edition_id == edition.c.id,
            edition.c.newsletter_id == newsletter_id,
            edition.c.status != EditionStatus.CANCELLED,
        )
    )
    rows = connection.execute(
        select(article)
        .where(article.c.published_at > window.since, article.c.published_at <= window.until)
        .where(article.c.hidden_at.is_(None), ~had)
        .order_by(article.c.published_at, article.c.id)
        .limit(limit)
    )
    return [article_of_row(row) for row in rows]


def article_of_row(row: Row[Any]) -> Article:
    return Article(
        id=ArticleId(row.id),
        key=row.key,
        url=row.url,
        title=row.title,
        published_at=row.published_at,
        authors=tuple(row.authors),
        summary=row.summary,
        image=Image(src=row.image_src, alt=row.image_alt) if row.image_src else None,
        topics=tuple(row.topics),
        language=row.language,
        words=row.words,
        minutes=row.minutes,
        comment_count=row.comment_count,
        comments=tuple(Comment(**comment) for comment in row.comments),
        reviewer=row.reviewer,
        reviewed_at=row.reviewed_at,
        citation=row.citation,
    )


# --- editions --------------------------------------------------------------------------------------------------------


def find_period(connection: Connection, newsletter_id: NewsletterId, cadence: Cadence, period: str) -> EditionId | None:
    return connection.execute(
        select(edition.c.id).where(
            edition.c.newsletter_id == newsletter_id, edition.c.cadence == cadence, edition.c.period == period
        )
    ).scalar()


def find_window_marks(connection: Connection, newsletter_id: NewsletterId) -> tuple[datetime | None, datetime | None]:
    """Where the last edition that held anything ended, and where the first empty period began.

    A cancelled edition counts for neither: its articles are free again.
    """
    ended = select(func.max(edition.c.window_until)).where(
        edition.c.newsletter_id == newsletter_id,
        edition.c.status.not_in([EditionStatus.CANCELLED, EditionStatus.EMPTY]),
    )
    began = select(func.min(edition.c.window_from)).where(
        edition.c.newsletter_id == newsletter_id, edition.c.status == EditionStatus.EMPTY
    )
    return connection.execute(ended).scalar(), connection.execute(began).scalar()


def create_edition(
    connection: Connection,
    of: Newsletter,
    period: Period,
    window: Window,
    candidates: Sequence[Candidate],
    *,
    status: EditionStatus,
    subject: str,
    preheader: str,
    now: datetime,
    hold_reason: str = "",
    note: Note | None = None,
    sponsor: Sponsor | None = None,
) -> EditionId | None:
    """Insert the edition of a period, with its articles; None when another process was first (P7)."""
    number = None
    if status is not EditionStatus.EMPTY:
        last = select(func.max(edition.c.number)).where(edition.c.newsletter_id == of.id)
        number = (connection.execute(last).scalar() or 0) + 1
    build = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    edition_id = connection.execute(
        build(edition)
        .values(
            newsletter_id=of.id,
            cadence=Cadence.WEEKLY,
            period=period.key,
            due_at=period.due_at,
            window_from=window.since,
            window_until=window.until,
            status=status,
            hold_reason=hold_reason,
            number=number,
            subject=subject,
            preheader=preheader,
            note=_as_json(note),
            sponsor=_as_json(sponsor),
            public_key=secrets.token_urlsafe(12),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["newsletter_id", "cadence", "period"])
        .returning(edition.c.id)
    ).scalar()
    if edition_id is not None and candidates:
        connection.execute(
            insert(edition_article),
            [
                {
                    "edition_id": edition_id,
                    "position": candidate.position,
                    "article_id": candidate.article_id,
                    "section": candidate.section,
                    "reason": candidate.reason,
                    "content": article_to_json(candidate.article),
                }
                for candidate in candidates
            ],
        )
    return edition_id


def get_edition(connection: Connection, edition_id: int) -> Edition:
    """With its candidates, as they were when it was built."""
    row = connection.execute(select(edition).where(edition.c.id == edition_id)).first()
    if row is None:
        raise NotFound(f"there is no edition {edition_id}; see: digest edition list")
    return _edition(row, _candidates(connection, edition_id))


def find_public_edition(connection: Connection, public_key: str) -> Edition | None:
    """By the address of its web view; only what was approved is public."""
    row = connection.execute(select(edition).where(edition.c.public_key == public_key)).first()
    if row is None or row.approved_at is None:
        return None
    return _edition(row, _candidates(connection, row.id))


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


def move(
    connection: Connection, edition_id: int, *, to: EditionStatus, of: Sequence[EditionStatus], **values: object
) -> bool:
    """Change the status if it is one of `of`; False when it was not: somebody else was first."""
    result = connection.execute(
        update(edition).where(edition.c.id == edition_id, edition.c.status.in_(of)).values(status=to, **values)
    )
    return result.rowcount == 1


def is_planned(connection: Connection, edition_id: int) -> bool:
    planned_at = connection.execute(select(edition.c.planned_at).where(edition.c.id == edition_id)).scalar_one()
    return planned_at is not None


def record_plan(connection: Connection, edition_id: int, planned: int, *, now: datetime) -> None:
    """All rows are written; this number is what audit holds the ledger against."""
    connection.execute(
        update(edition)
        .where(edition.c.id == edition_id, edition.c.planned_at.is_(None))
        .values(planned=planned, planned_at=now)
    )


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


def change_text(connection: Connection, edition_id: int, **values: str | Note | Sponsor | None) -> bool:
    """Subject, preheader, note or sponsor of a draft; False when it is no draft any more."""
    stored = {name: value if isinstance(value, str) else _as_json(value) for name, value in values.items()}
    result = connection.execute(
        update(edition).where(edition.c.id == edition_id, edition.c.status == EditionStatus.DRAFT).values(**stored)
    )
    return result.rowcount == 1


def record_action(
    connection: Connection, action: str, *, actor: str, now: datetime, edition_id: int | None = None, **detail: object
) -> None:
    """Who did what, when."""
    connection.execute(
        insert(audit_log).values(at=now, actor=actor, action=action, edition_id=edition_id, detail=detail)
    )


def _candidates(connection: Connection, edition_id: int) -> tuple[Candidate, ...]:
    rows = connection.execute(
        select(edition_article).where(edition_article.c.edition_id == edition_id).order_by(edition_article.c.position)
    )
    return tuple(
        Candidate(article=article_from_json(row.content), position=row.position, section=row.section, reason=row.reason)
        for row in rows
    )


def _edition(row: Row[Any], candidates: tuple[Candidate, ...]) -> Edition:
    return Edition(
        id=EditionId(row.id),
        newsletter_id=NewsletterId(row.newsletter_id),
        cadence=Cadence(row.cadence),
        period=row.period,
        due_at=row.due_at,
        window_from=row.window_from,
        window_until=row.window_until,
        status=EditionStatus(row.status),
        number=row.number,
        subject=row.subject,
        preheader=row.preheader,
        hold_reason=row.hold_reason,
        note=Note(**row.note) if row.note else None,
        sponsor=Sponsor(**row.sponsor) if row.sponsor else None,
        created_at=row.created_at,
        approved_at=row.approved_at,
        finished_at=row.finished_at,
        candidates=candidates,
    )


def _as_json(value: Note | Sponsor | None) -> dict[str, str] | None:
    if value is None:
        return None
    return {name: getattr(value, name) for name in value.__slots__}
