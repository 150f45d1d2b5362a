"""Which periods are due, and an edition for each. What makes it final is one row that only one process can insert (P7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from itertools import takewhile

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from digest import log
from digest.db.engine import reading, writing
from digest.delivery.store import plan
from digest.editions.due import Period, is_too_late, latest_due, periods_after
from digest.editions.periods import is_offered, known_zone, latest_slot_period, slot_periods_after
from digest.editions.store import editions as edition_store
from digest.editions.store.newsletters import list_newsletters
from digest.errors import said
from digest.flows.publish.edition import BY_HAND, approve_built, build, report_on
from digest.flows.publish.press import Press
from digest.flows.publish.report import BuildReport, Built
from digest.model.edition import Edition, EditionStatus
from digest.model.newsletter import Newsletter, Slot


def build_due(engine: Engine, press: Press, *, now: datetime, names: Sequence[str] = ()) -> list[BuildReport]:
    """Build the edition of every newsletter whose period has come and has none yet; and go on with those that a process
    built and did not approve, because it died in between. What goes wrong in one newsletter ends no other."""
    with reading(engine) as connection:
        newsletters = list_newsletters(connection)
    reports = []
    for newsletter in newsletters:
        if not newsletter.is_enabled or (names and newsletter.name not in names):
            continue
        try:
            reports += _build_newsletter(engine, press, newsletter, now=now)
        except DBAPIError:
            raise
        except Exception as cause:
            log.warn("publish.failed", newsletter_id=newsletter.id, error=type(cause).__name__)
            reports.append(BuildReport(newsletter=newsletter.name, period="", result=Built.FAILED, message=said(cause)))
    return reports


def _build_newsletter(engine: Engine, press: Press, newsletter: Newsletter, *, now: datetime) -> list[BuildReport]:
    reports = []
    with reading(engine) as connection:
        abandoned = _abandoned(connection, newsletter)
        periods = _due(connection, newsletter, now)
    for edition in abandoned:
        period = Period(key=edition.period, due_at=edition.due_at, cadence=edition.cadence)
        if late := _late(period, newsletter, now):
            with writing(engine) as connection:
                edition_store.hold(connection, edition.id, late)
            reports.append(report_on(newsletter, period, Built.DRAFT, edition_id=edition.id, message=late))
        else:
            reports.append(approve_built(engine, press, newsletter, period, edition.id, now=now))
    taken_up = {(edition.cadence, edition.period) for edition in abandoned}
    for period in periods:
        if (period.cadence, period.key) not in taken_up:
            hold = _late(period, newsletter, now)
            reports.append(build(engine, press, newsletter, period, now=now, hold_reason=hold))
    return reports


def _late(period: Period, newsletter: Newsletter, now: datetime) -> str:
    late = is_too_late(period, now, newsletter.schedule)
    return f"late by more than {newsletter.schedule.late_hours} hours" if late else ""


def _abandoned(connection: Connection, newsletter: Newsletter) -> list[Edition]:
    """Drafts that wait for nobody: who built them died before they were approved, or is about to approve them now."""
    if newsletter.needs_review:
        return []
    return [
        edition
        for edition in edition_store.list_with_status(connection, EditionStatus.DRAFT)
        if edition.newsletter_id == newsletter.id and not edition.hold_reason and not edition.period.startswith(BY_HAND)
    ]


def is_anything_due(engine: Engine, *, now: datetime) -> bool:
    """Has the period of any newsletter come without an edition of it, or without one that was approved?"""
    with reading(engine) as connection:
        for newsletter in list_newsletters(connection):
            if newsletter.is_enabled and _abandoned(connection, newsletter):
                return True
            for period in _due(connection, newsletter, now) if newsletter.is_enabled else ():
                if edition_store.find_period(connection, newsletter.id, period.cadence, period.key) is None:
                    return True
    return False


def _due(connection: Connection, newsletter: Newsletter, now: datetime) -> list[Period]:
    """The period of the newsletter's own schedule that is due, and those of the slots that its readers chose."""
    schedule = newsletter.schedule
    zones = _zones(connection, newsletter)
    own = latest_due(now, schedule, zones=zones if schedule.is_local else ())
    found = [own] if own else []
    for slot in _slots(connection, newsletter):
        due = latest_slot_period(now, slot, zones=zones, wall_time=_earliest(newsletter), since_at=None)
        if due and plan.has_readers(connection, newsletter.id, str(slot), since=due.due_at):
            found.append(Period(key=due.key, due_at=due.due_at, cadence=str(slot)))
    return found


def list_due(connection: Connection, newsletter: Newsletter, *, after: datetime, until: datetime) -> list[Period]:
    """Every period that comes in that time for those who read the newsletter now, in order, whenever it was made."""
    schedule = newsletter.schedule
    zones = _zones(connection, newsletter)
    own = periods_after(after, schedule, zones=zones if schedule.is_local else ())
    found = list(takewhile(lambda period: period.due_at <= until, own))
    for slot in _slots(connection, newsletter):
        of_slot = slot_periods_after(after, slot, zones=zones, wall_time=_earliest(newsletter))
        found += [
            Period(key=due.key, due_at=due.due_at, cadence=str(slot))
            for due in takewhile(lambda period: period.due_at <= until, of_slot)
            if plan.has_readers(connection, newsletter.id, str(slot), since=due.due_at)
        ]
    return sorted(found, key=lambda period: period.due_at)


def _zones(connection: Connection, newsletter: Newsletter) -> list[str]:
    """Where it is due: the schedule's zone, and where readers have hours of their own, theirs."""
    schedule = newsletter.schedule
    zones = [schedule.time_zone]
    if schedule.is_local or newsletter.offer.cadences:
        zones += [known_zone(zone, schedule.time_zone) for zone in plan.list_zones(connection)]
    return zones


def _slots(connection: Connection, newsletter: Newsletter) -> list[Slot]:
    """Those that readers chose and that are offered (still)."""
    if not newsletter.offer.cadences:
        return []
    chosen = plan.list_slots(connection, newsletter.id)
    return [Slot.parse(slot) for slot in chosen if is_offered(slot, newsletter.offer)]


def _earliest(newsletter: Newsletter) -> time:
    return min([newsletter.schedule.wall_time, *(time(hour) for hour in newsletter.offer.hours)])
