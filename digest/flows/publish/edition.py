"""One edition, from the articles that there are: empty, a draft that waits for a person, or approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from digest import audit, log, outbox
from digest.db.engine import reading, writing
from digest.delivery.store import plan
from digest.editions.candidates import (
    Window,
    cadence_of,
    compose,
    compose_own,
    own_window,
    preheader_of,
    subject_of,
    used,
    window,
)
from digest.editions.due import Period
from digest.editions.sponsors import sponsor_on
from digest.editions.store import editions as edition_store
from digest.editions.store.calendar import next_events
from digest.errors import DigestError, Refused, RenderFailed, said
from digest.flows.publish.approval import approve
from digest.flows.publish.candidates import in_general, read_newest, read_waiting
from digest.flows.publish.press import Press
from digest.flows.publish.report import BuildReport, Built
from digest.model.actor import SCHEDULER, Actor
from digest.model.edition import Candidate, Edition, EditionId, EditionStatus
from digest.model.newsletter import Newsletter, Sponsor

BY_HAND = "extra-"


def extra_period(now: datetime) -> Period:
    """A period for an edition that an admin builds by hand, outside the schedule."""
    return Period(key=f"{BY_HAND}{now:%Y%m%dT%H%M%S}", due_at=now)


WAITS = "waits for review"
"""Why a draft is one, where a newsletter wants to be looked at. A draft without a reason is about to be approved."""


def build(
    engine: Engine,
    press: Press,
    newsletter: Newsletter,
    period: Period,
    *,
    now: datetime,
    hold_reason: str = "",
    actor: Actor = SCHEDULER,
) -> BuildReport:
    """Build one edition: empty, a draft that waits for an admin, or approved.

    Articles count up to the instant that was due, so that a late run makes the same edition as a punctual one.
    """
    with writing(engine) as connection:
        there = edition_store.find_period(connection, newsletter.id, period.cadence, period.key)
        if there is not None:
            status = edition_store.find_status(connection, there)
            message = f"the edition of {period.key} is there already ({status}); nothing to do"
            return report_on(newsletter, period, Built.THERE, edition_id=there, message=message)
        edition_id, items = insert_edition(
            connection, newsletter, period, now=now, hold_reason=hold_reason, actor=actor
        )
    if edition_id is None:
        return report_on(newsletter, period, Built.THERE, message="another process was first; nothing to do")
    if items < newsletter.min_items:
        log.event("publish.empty", newsletter_id=newsletter.id, edition_id=edition_id, items=items)
        message = "nothing new: no mail" if not items else f"{items} new, fewer than {newsletter.min_items}: no mail"
        return report_on(newsletter, period, Built.EMPTY, edition_id=edition_id, items=items, message=message)
    log.event("publish.built", newsletter_id=newsletter.id, edition_id=edition_id, items=items)
    if newsletter.needs_review or hold_reason:
        message = hold_reason or WAITS
        return report_on(newsletter, period, Built.DRAFT, edition_id=edition_id, items=items, message=message)
    return approve_built(engine, press, newsletter, period, edition_id, now=now)


def approve_built(
    engine: Engine, press: Press, newsletter: Newsletter, period: Period, edition_id: int, *, now: datetime
) -> BuildReport:
    """By itself, since nobody has to look at it. What keeps it from that is said in the draft, which waits for a person."""

    def report(result: Built, message: str) -> BuildReport:
        with reading(engine) as connection:
            items = len(edition_store.get_edition(connection, edition_id).candidates)
        return report_on(newsletter, period, result, edition_id=EditionId(edition_id), items=items, message=message)

    try:
        lines = approve(engine, press, edition_id, now=now, actor=SCHEDULER)
    except Refused as cause:  # another process that found it was first
        return report(Built.THERE, str(cause))
    except DBAPIError:
        raise
    except Exception as cause:
        why = (
            f"the template fails: {cause}" if isinstance(cause, RenderFailed) else f"cannot be approved: {said(cause)}"
        )
        with writing(engine) as connection:
            edition_store.hold(connection, edition_id, why)
        log.warn("publish.not_approved", newsletter_id=newsletter.id, edition_id=edition_id, error=type(cause).__name__)
        next_step = cause.next if isinstance(cause, DigestError) else None
        return replace(report(Built.DRAFT, said(cause)), next=next_step)
    found = report(Built.APPROVED, "")
    return replace(found, message="\n".join([f"{found.items} articles", *lines]))


def insert_edition(
    connection: Connection, newsletter: Newsletter, period: Period, *, now: datetime, hold_reason: str, actor: Actor
) -> tuple[EditionId | None, int]:
    if newsletter.offer.is_any:
        covered, candidates, first = _to_choose_from(connection, newsletter, period)
    else:
        previous_until, waiting_since = edition_store.find_window_marks(connection, newsletter.id)
        covered = window(newsletter, due_at=period.due_at, previous_until=previous_until, waiting_since=waiting_since)
        articles = read_waiting(connection, newsletter, covered)
        candidates = first = compose(newsletter, articles)
        covered = used(covered, candidates, is_cut=len(articles) > len(candidates))
    is_empty = len(candidates) < newsletter.min_items
    status = EditionStatus.EMPTY if is_empty else EditionStatus.DRAFT
    new = Edition(
        id=EditionId(0),
        newsletter_id=newsletter.id,
        cadence=period.cadence,
        period=period.key,
        due_at=period.due_at,
        window_from=covered.since,
        window_until=covered.until,
        status=status,
        subject=subject_of(newsletter, first),
        preheader=preheader_of(first),
        hold_reason=hold_reason or (WAITS if newsletter.needs_review else ""),
        sponsor=_sponsor(connection, newsletter, period),
        events=next_events(connection, newsletter, period.due_at),
        candidates=() if is_empty else candidates,
    )
    edition_id = edition_store.create_edition(connection, new, now=now)
    if edition_id is not None:
        target = audit.Target(noun=audit.Noun.EDITION, id=edition_id, newsletter_id=newsletter.id, version=1)
        audit.record(
            connection, "edition.build", actor, target, now=now, after={"status": status, "period": period.key}
        )
        _tell_built(connection, newsletter.id, edition_id, status, now=now)
    return edition_id, len(candidates)


def _tell_built(
    connection: Connection, newsletter_id: int, edition_id: int, status: EditionStatus, *, now: datetime
) -> None:
    data = {"newsletter_id": newsletter_id, "edition_id": edition_id, "status": status}
    outbox.tell(connection, outbox.Event.EDITION_BUILT, now=now, **data)


def _sponsor(connection: Connection, newsletter: Newsletter, period: Period) -> Sponsor | None:
    """Whose days and editions these are."""
    day = period.due_at.astimezone(ZoneInfo(newsletter.schedule.time_zone)).date()
    shown: Mapping[str, int] = {}
    if any(each.most_editions for each in newsletter.sponsors):
        plan.lock_newsletter(connection, newsletter.id)  # of two slots that are built at once, one takes the last one
        shown = edition_store.count_sponsored(connection, newsletter.id)
    return sponsor_on(newsletter.sponsors, day, shown)


def _to_choose_from(
    connection: Connection, newsletter: Newsletter, period: Period
) -> tuple[Window, tuple[Candidate, ...], tuple[Candidate, ...]]:
    """The window, its candidates, and those that a reader without choices would get."""
    covered = own_window(
        newsletter,
        cadence_of(period.cadence),
        due_at=period.due_at,
        previous_until=edition_store.find_previous_until(connection, newsletter.id, period.cadence),
    )
    candidates = compose_own(newsletter, read_newest(connection, newsletter, covered))
    return covered, candidates, in_general(newsletter, candidates, covered)


def report_on(newsletter: Newsletter, period: Period, result: Built, **values: object) -> BuildReport:
    return BuildReport(newsletter=newsletter.name, period=period.key, result=result, **values)  # type: ignore[arg-type]
