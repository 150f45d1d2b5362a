"""Newsletter due -> edition -> approved. What makes it final is one row that only one process can insert (P7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, Engine

from digest import log
from digest.db.engine import reading, writing
from digest.delivery import store as ledger
from digest.editions import store
from digest.editions.candidates import compose, preheader_of, subject_of, window
from digest.editions.due import Period, is_too_late, latest_due
from digest.editions.snapshot import newsletter_to_json
from digest.errors import Refused, RenderFailed
from digest.flows.copies import CopyMaker, PublicAddresses, Recipient
from digest.model.address import EmailAddress
from digest.model.edition import EditionId, EditionStatus
from digest.model.newsletter import Cadence, Newsletter
from digest.model.subscriber import Subscriber, SubscriberId
from digest.render.files import read_files


class Built(StrEnum):
    APPROVED = "approved"
    DRAFT = "draft"
    EMPTY = "empty"
    THERE = "there already"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What became of one newsletter's period, in words for people."""

    newsletter: str
    period: str
    result: Built
    edition_id: EditionId | None = None
    items: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What publishing needs besides the database."""

    template_folders: Sequence[Path]
    addresses: PublicAddresses


def build_due(engine: Engine, press: Press, *, now: datetime, names: Sequence[str] = ()) -> list[BuildReport]:
    """Build the edition of every newsletter whose period has come and has none yet."""
    with reading(engine) as connection:
        newsletters = store.list_newsletters(connection)
    reports = []
    for newsletter in newsletters:
        if not newsletter.is_enabled or (names and newsletter.name not in names):
            continue
        period = latest_due(now, newsletter.schedule)
        if period is None:
            continue
        late = is_too_late(period, now, newsletter.schedule)
        hold = f"late by more than {newsletter.schedule.late_hours} hours" if late else ""
        reports.append(build(engine, press, newsletter, period, now=now, hold_reason=hold))
    return reports


def is_anything_due(engine: Engine, *, now: datetime) -> bool:
    """Has the period of any newsletter come without an edition of it?"""
    with reading(engine) as connection:
        for newsletter in store.list_newsletters(connection):
            period = latest_due(now, newsletter.schedule) if newsletter.is_enabled else None
            if period and store.find_period(connection, newsletter.id, Cadence.WEEKLY, period.key) is None:
                return True
    return False


def build(
    engine: Engine, press: Press, newsletter: Newsletter, period: Period, *, now: datetime, hold_reason: str = ""
) -> BuildReport:
    """Build one edition: empty, a draft that waits for an admin, or approved.

    Articles count up to the instant that was due, so that a late run makes the same edition as a punctual one.
    """
    with writing(engine) as connection:
        there = store.find_period(connection, newsletter.id, Cadence.WEEKLY, period.key)
        if there is not None:
            status = store.find_status(connection, there)
            message = f"the edition of {period.key} is there already ({status}); nothing to do"
            return _report(newsletter, period, Built.THERE, edition_id=there, message=message)
        edition_id, items = _insert(connection, newsletter, period, now=now, hold_reason=hold_reason)
    if edition_id is None:
        return _report(newsletter, period, Built.THERE, message="another process was first; nothing to do")
    if items < newsletter.min_items:
        log.event("publish.empty", newsletter_id=newsletter.id, edition_id=edition_id, items=items)
        message = "nothing new: no mail" if not items else f"{items} new, fewer than {newsletter.min_items}: no mail"
        return _report(newsletter, period, Built.EMPTY, edition_id=edition_id, items=items, message=message)
    log.event("publish.built", newsletter_id=newsletter.id, edition_id=edition_id, items=items)
    if newsletter.needs_review or hold_reason:
        message = hold_reason or "waits for review"
        return _report(newsletter, period, Built.DRAFT, edition_id=edition_id, items=items, message=message)
    try:
        approve(engine, press, edition_id, now=now, actor="schedule")
    except RenderFailed as cause:
        with writing(engine) as connection:
            store.hold(connection, edition_id, f"the template fails: {cause}")
        log.warn("publish.template_failed", newsletter_id=newsletter.id, edition_id=edition_id)
        return _report(newsletter, period, Built.DRAFT, edition_id=edition_id, items=items, message=str(cause))
    return _report(newsletter, period, Built.APPROVED, edition_id=edition_id, items=items, message=f"{items} articles")


def extra_period(now: datetime) -> Period:
    """A period for an edition that an admin builds by hand, outside the schedule."""
    return Period(key=f"extra-{now:%Y%m%dT%H%M%S}", due_at=now)


def approve(engine: Engine, press: Press, edition_id: int, *, now: datetime, actor: str) -> None:
    """Freeze newsletter and template, see that they render, and let the edition go.

    Refused when it is no draft; RenderFailed names file and line, and leaves the draft as it is.
    """
    with reading(engine) as connection:
        edition = store.get_edition(connection, edition_id)
        newsletter = store.get_newsletter_by_id(connection, edition.newsletter_id)
    if edition.status is not EditionStatus.DRAFT:
        raise Refused(f"edition {edition_id} is {edition.status}; only a draft can be approved")
    frozen = freeze(press, newsletter)
    check_rendering(CopyMaker(edition, frozen, press.addresses), now=now)
    with writing(engine) as connection:
        store.freeze(connection, edition_id, frozen)
        won = store.move(
            connection,
            edition_id,
            to=EditionStatus.APPROVED,
            of=[EditionStatus.DRAFT],
            approved_at=now,
            approved_by=actor,
            hold_reason="",
        )
        if not won:
            raise Refused(f"edition {edition_id} was approved or cancelled by somebody else just now")
        store.record_action(connection, "edition.approve", actor=actor, now=now, edition_id=edition_id)


def freeze(press: Press, newsletter: Newsletter) -> dict[str, object]:
    """Newsletter and template as they are now, for the edition to keep."""
    return {
        "newsletter": newsletter_to_json(newsletter),
        "files": read_files(newsletter.template, press.template_folders),
    }


def check_rendering(maker: CopyMaker, *, now: datetime) -> None:
    """Make copies for invented readers the fast and the plain way; RenderFailed if either fails."""
    for name in ("", "Mira O'Brien & <Söhne>"):
        sample = Recipient(
            subscription_id=1,
            subscriber=Subscriber(id=SubscriberId(1), address=EmailAddress("reader", "example.org"), name=name),
        )
        maker.message(sample, at=now)
        maker.plain(sample)


def open_maker(engine: Engine, press: Press, edition_id: int, *, is_test: bool = False) -> CopyMaker:
    """The maker of an edition's copies: from what it froze, or for a draft from how things are now."""
    with reading(engine) as connection:
        edition = store.get_edition(connection, edition_id)
        frozen = store.get_frozen(connection, edition_id)
        public_key = store.get_public_key(connection, edition_id)
        newsletter = store.get_newsletter_by_id(connection, edition.newsletter_id)
    return CopyMaker(
        edition, frozen or freeze(press, newsletter), press.addresses, public_key=public_key, is_test=is_test
    )


def cancel(engine: Engine, edition_id: int, *, now: datetime, actor: str) -> int:
    """No further copy goes out; what was not tried is cancelled. Returns how many rows that were."""
    with writing(engine) as connection:
        of = [EditionStatus.DRAFT, EditionStatus.APPROVED, EditionStatus.SENDING, EditionStatus.PAUSED]
        if not store.move(connection, edition_id, to=EditionStatus.CANCELLED, of=of, finished_at=now):
            status = store.get_edition(connection, edition_id).status
            raise Refused(f"edition {edition_id} is {status}: there is nothing to cancel")
        store.record_action(connection, "edition.cancel", actor=actor, now=now, edition_id=edition_id)
        return ledger.cancel_open(connection, edition_id)


def pause(engine: Engine, edition_id: int, *, now: datetime, actor: str) -> None:
    """Senders stop within a second; nothing is lost."""
    _switch(engine, edition_id, "pause", EditionStatus.PAUSED, [EditionStatus.SENDING], now=now, actor=actor)


def resume(engine: Engine, edition_id: int, *, now: datetime, actor: str) -> None:
    _switch(engine, edition_id, "resume", EditionStatus.SENDING, [EditionStatus.PAUSED], now=now, actor=actor)


def resolve(engine: Engine, edition_id: int, *, resend: bool, now: datetime, actor: str) -> int:
    """Settle the deliveries whose answer was lost; returns how many. A resend opens a sent edition again."""
    with writing(engine) as connection:
        store.get_edition(connection, edition_id)
        count = (ledger.resend_unknown if resend else ledger.leave_unknown)(connection, edition_id)
        if resend and count:
            store.move(connection, edition_id, to=EditionStatus.SENDING, of=[EditionStatus.SENT], finished_at=None)
        store.record_action(
            connection, "edition.resolve", actor=actor, now=now, edition_id=edition_id, resend=resend, count=count
        )
    return count


def _switch(
    engine: Engine,
    edition_id: int,
    action: str,
    to: EditionStatus,
    of: Sequence[EditionStatus],
    *,
    now: datetime,
    actor: str,
) -> None:
    with writing(engine) as connection:
        if not store.move(connection, edition_id, to=to, of=of):
            status = store.get_edition(connection, edition_id).status
            raise Refused(f"edition {edition_id} is {status}; {action} works on one that is {' or '.join(of)}")
        store.record_action(connection, f"edition.{action}", actor=actor, now=now, edition_id=edition_id)


def _insert(
    connection: Connection, newsletter: Newsletter, period: Period, *, now: datetime, hold_reason: str
) -> tuple[EditionId | None, int]:
    previous_until, waiting_since = store.find_window_marks(connection, newsletter.id)
    covered = window(newsletter, due_at=period.due_at, previous_until=previous_until, waiting_since=waiting_since)
    candidates = compose(newsletter, store.list_candidates(connection, newsletter.id, covered))
    is_empty = len(candidates) < newsletter.min_items
    edition_id = store.create_edition(
        connection,
        newsletter,
        period,
        covered,
        () if is_empty else candidates,
        status=EditionStatus.EMPTY if is_empty else EditionStatus.DRAFT,
        subject=subject_of(newsletter, candidates),
        preheader=preheader_of(candidates),
        now=now,
        hold_reason=hold_reason,
        sponsor=newsletter.sponsor,
    )
    return edition_id, len(candidates)


def _report(newsletter: Newsletter, period: Period, result: Built, **values: object) -> BuildReport:
    return BuildReport(newsletter=newsletter.name, period=period.key, result=result, **values)  # type: ignore[arg-type]
