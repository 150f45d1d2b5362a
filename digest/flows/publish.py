"""Newsletter due -> edition -> approved. What makes it final is one row that only one process can insert (P7)."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from digest import audit, log
from digest.audience.links import Links
from digest.audience.store import list_sample
from digest.db.engine import reading, writing
from digest.delivery import plan
from digest.editions import store
from digest.editions.articles import CANDIDATES_PAGE, find_article, list_candidates, list_recent
from digest.editions.candidates import (
    Window,
    cadence_of,
    compose,
    compose_own,
    covers,
    own_window,
    preheader_of,
    subject_of,
    used,
    window,
    worth_offering,
)
from digest.editions.due import Period, is_too_late, latest_due, periods_after
from digest.editions.events import next_events
from digest.editions.newsletters import get_newsletter_by_id, list_newsletters
from digest.editions.periods import is_offered, known_zone, latest_slot_period, slot_periods_after
from digest.editions.select import Selector
from digest.editions.snapshot import newsletter_to_json
from digest.editions.sponsors import sponsor_on
from digest.editions.web_views import keep_web_view
from digest.errors import DigestError, Next, NotFound, Refused, RenderFailed, Step, said
from digest.flows.copies import CopyMaker, Survey
from digest.flows.images import ImageDesk, copy_images
from digest.model.actor import SCHEDULER, Actor
from digest.model.address import EmailAddress
from digest.model.article import Article
from digest.model.choices import Length
from digest.model.edition import Candidate, Edition, EditionId, EditionStatus
from digest.model.newsletter import Newsletter, Note, Offer, Slot, Sponsor
from digest.model.subscriber import Recipient, Subscriber, SubscriberId
from digest.render.files import read_files

if TYPE_CHECKING:
    from digest.message.sign import Signer


SURVEYED = 1_000
"""Readers whose answers are looked at before an edition goes."""


WAITS = "waits for review"
"""Why a draft is one, where a newsletter wants to be looked at. A draft without a reason is about to be approved."""


class Built(StrEnum):
    APPROVED = "approved"
    DRAFT = "draft"
    EMPTY = "empty"
    THERE = "there already"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What became of one newsletter's period, in words for people."""

    newsletter: str
    period: str
    result: Built
    edition_id: EditionId | None = None
    items: int = 0
    message: str = ""
    next: Next | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What publishing needs besides the database.

    message_key   a secret of this installation that Message-IDs are made with
    """

    template_folders: Sequence[Path]
    links: Links
    message_key: bytes = b""
    signer: Signer | None = None
    images: ImageDesk | None = None


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
                store.hold(connection, edition.id, late)
            reports.append(_report(newsletter, period, Built.DRAFT, edition_id=edition.id, message=late))
        else:
            reports.append(_approve_built(engine, press, newsletter, period, edition.id, now=now))
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
        for edition in store.list_with_status(connection, EditionStatus.DRAFT)
        if edition.newsletter_id == newsletter.id and not edition.hold_reason and not edition.period.startswith(BY_HAND)
    ]


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


def is_anything_due(engine: Engine, *, now: datetime) -> bool:
    """Has the period of any newsletter come without an edition of it, or without one that was approved?"""
    with reading(engine) as connection:
        for newsletter in list_newsletters(connection):
            if newsletter.is_enabled and _abandoned(connection, newsletter):
                return True
            for period in _due(connection, newsletter, now) if newsletter.is_enabled else ():
                if store.find_period(connection, newsletter.id, period.cadence, period.key) is None:
                    return True
    return False


def build(
    engine: Engine, press: Press, newsletter: Newsletter, period: Period, *, now: datetime, hold_reason: str = ""
) -> BuildReport:
    """Build one edition: empty, a draft that waits for an admin, or approved.

    Articles count up to the instant that was due, so that a late run makes the same edition as a punctual one.
    """
    with writing(engine) as connection:
        there = store.find_period(connection, newsletter.id, period.cadence, period.key)
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
        message = hold_reason or WAITS
        return _report(newsletter, period, Built.DRAFT, edition_id=edition_id, items=items, message=message)
    return _approve_built(engine, press, newsletter, period, edition_id, now=now)


def _approve_built(
    engine: Engine, press: Press, newsletter: Newsletter, period: Period, edition_id: int, *, now: datetime
) -> BuildReport:
    """By itself, since nobody has to look at it. What keeps it from that is said in the draft, which waits for a person."""

    def report(result: Built, message: str) -> BuildReport:
        with reading(engine) as connection:
            items = len(store.get_edition(connection, edition_id).candidates)
        return _report(newsletter, period, result, edition_id=EditionId(edition_id), items=items, message=message)

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
            store.hold(connection, edition_id, why)
        log.warn("publish.not_approved", newsletter_id=newsletter.id, edition_id=edition_id, error=type(cause).__name__)
        next_step = cause.next if isinstance(cause, DigestError) else None
        return replace(report(Built.DRAFT, said(cause)), next=next_step)
    found = report(Built.APPROVED, "")
    return replace(found, message="\n".join([f"{found.items} articles", *lines]))


BY_HAND = "extra-"


def extra_period(now: datetime) -> Period:
    """A period for an edition that an admin builds by hand, outside the schedule."""
    return Period(key=f"{BY_HAND}{now:%Y%m%dT%H%M%S}", due_at=now)


def approve(engine: Engine, press: Press, edition_id: int, *, now: datetime, actor: Actor) -> list[str]:
    """Freeze newsletter, pictures and template, see that they render, and let the edition go.

    returns   a line for each picture that could not be copied

    Refused when it is no draft; RenderFailed names file and line, and leaves the draft as it is.
    """
    with reading(engine) as connection:
        edition = store.get_edition(connection, edition_id)
        newsletter = get_newsletter_by_id(connection, edition.newsletter_id)
    if edition.status is not EditionStatus.DRAFT:
        raise Refused(f"edition {edition_id} is {edition.status}; only a draft can be approved")
    lines = []
    if press.images is not None:
        lines = copy_images(engine, press.images, edition_id)
        with reading(engine) as connection:
            edition = store.get_edition(connection, edition_id)
    if edition.corrects_id is not None:  # everybody gets the one article that it holds
        newsletter = replace(newsletter, offer=Offer())
    frozen = freeze(press, newsletter)
    maker = CopyMaker(edition, frozen, press.links, message_key=press.message_key, signer=press.signer)
    check_rendering(maker, now=now)
    check_variants(survey(engine, maker), newsletter)
    web_view = maker.web_view()
    with writing(engine) as connection:
        store.freeze(connection, edition_id, frozen)
        won = store.move(
            connection,
            edition_id,
            to=EditionStatus.APPROVED,
            of=[EditionStatus.DRAFT],
            approved_at=now,
            approved_by=str(actor),
            hold_reason="",
        )
        if not won:
            raise Refused(f"edition {edition_id} was approved or cancelled by somebody else just now")
        keep_web_view(connection, edition_id, store.find_state(connection, edition_id)[1], web_view)
        audit.record(connection, "edition.approve", actor, audit.of_edition(edition), now=now)
    return lines


def correct(
    engine: Engine, edition_id: int, position: int, *, subject: str, note: Note, now: datetime, actor: Actor
) -> EditionId:
    """A draft that gives one article, as it is now, to exactly those whose copy of the edition held it."""
    with writing(engine) as connection:
        of = store.get_edition(connection, edition_id)
        if of.planned_at is None:
            raise Refused(f"edition {edition_id} was not sent to anybody; change it instead of correcting it")
        found = next((each for each in of.candidates if each.position == position), None)
        if found is None:
            raise NotFound(
                f"edition {edition_id} has no article {position + 1}",
                next=Next(Step.SHOW_EDITION, {"edition": edition_id}),
            )
        now_is = find_article(connection, found.article_id) or found.article
        correction = store.create_correction(
            connection, of, replace(found, article=now_is, position=position), subject=subject, note=note, now=now
        )
        audit.record(connection, "edition.correct", actor, audit.of_edition(of), now=now, by=correction)
    return correction


def freeze(press: Press, newsletter: Newsletter) -> dict[str, object]:
    """Newsletter and template as they are now, for the edition to keep."""
    return {
        "newsletter": newsletter_to_json(newsletter),
        "files": read_files(
            newsletter.template,
            press.template_folders,
            languages=(newsletter.language, *newsletter.languages),
        ),
    }


def check_rendering(maker: CopyMaker, *, now: datetime) -> None:
    """Make copies for invented readers the fast and the plain way; RenderFailed if either fails, or loses articles;
    MessageInvalid if one could be so long that it would lose some."""
    lengths = (Length.FULL, *map(Length, maker.newsletter.offer.lengths))
    for name, length in [(name, length) for name in ("", "Mira O'Brien & <Söhne>") for length in lengths]:
        sample = Recipient(
            subscription_id=1,
            subscriber=Subscriber(id=SubscriberId(1), address=EmailAddress("reader", "example.org"), name=name),
            picks=maker.sample_picks(length),
        )
        maker.message(sample, at=now)
        maker.check_regions(sample)
        maker.plain(sample)
    maker.check_size(sample)


def survey(engine: Engine, maker: CopyMaker, *, readers: int = SURVEYED) -> Survey:
    """What the template makes of readers from all over the audience."""
    with reading(engine) as connection:
        sample = list_sample(connection, maker.newsletter.id, readers)
    recipients = [
        Recipient(subscription_id=id_, subscriber=subscriber, joined_at=joined_at)
        for id_, joined_at, subscriber in sample
    ]
    return maker.survey(recipients, limit=maker.newsletter.max_variants)


def check_variants(found: Survey, newsletter: Newsletter) -> None:
    """RenderFailed where a template would be rendered for nearly every reader: it names the expression that does it."""
    if found.most <= newsletter.max_variants:
        return
    worst = found.causes[0]
    raise RenderFailed(
        f"{worst.template} of template {newsletter.template!r}, line {worst.line}: {worst.question} has {worst.answers} "
        f"answers among {found.readers} readers, and each is a rendering of its own; print the value instead of asking for "
        f"it, or allow more than {newsletter.max_variants}",
        next=Next(
            Step.CHANGE_NEWSLETTER,
            {"newsletter": newsletter.name, "field": "max_variants", "value": 10 * newsletter.max_variants},
        ),
    )


def open_maker(engine: Engine, press: Press, edition_id: int, *, is_test: bool = False) -> CopyMaker:
    """The maker of an edition's copies: from what it froze, or for a draft from how things are now."""
    with reading(engine) as connection:
        edition = store.get_edition(connection, edition_id)
        frozen = store.get_frozen(connection, edition_id)
        public_key = store.get_public_key(connection, edition_id)
        newsletter = get_newsletter_by_id(connection, edition.newsletter_id)
        _, revision = store.find_state(connection, edition_id)
        withdrawn = store.list_withdrawn(connection, edition_id)
    maker = CopyMaker(
        edition,
        frozen or freeze(press, newsletter),
        press.links,
        message_key=press.message_key,
        signer=press.signer,
        public_key=public_key,
        is_test=is_test,
    )
    maker.withdraw(revision, withdrawn)
    return maker


def _insert(
    connection: Connection, newsletter: Newsletter, period: Period, *, now: datetime, hold_reason: str
) -> tuple[EditionId | None, int]:
    if newsletter.offer.is_any:
        covered, candidates, first = _to_choose_from(connection, newsletter, period)
    else:
        previous_until, waiting_since = store.find_window_marks(connection, newsletter.id)
        covered = window(newsletter, due_at=period.due_at, previous_until=previous_until, waiting_since=waiting_since)
        articles = read_waiting(connection, newsletter, covered)
        candidates = first = compose(newsletter, articles)
        covered = used(covered, candidates, is_cut=len(articles) > len(candidates))
    is_empty = len(candidates) < newsletter.min_items
    edition_id = store.create_edition(
        connection,
        newsletter,
        period,
        covered,
        () if is_empty else candidates,
        status=EditionStatus.EMPTY if is_empty else EditionStatus.DRAFT,
        subject=subject_of(newsletter, first),
        preheader=preheader_of(first),
        now=now,
        hold_reason=hold_reason or (WAITS if newsletter.needs_review else ""),
        sponsor=_sponsor(connection, newsletter, period),
        events=next_events(connection, newsletter, period.due_at),
    )
    return edition_id, len(candidates)


def _sponsor(connection: Connection, newsletter: Newsletter, period: Period) -> Sponsor | None:
    """Whose days and editions these are."""
    day = period.due_at.astimezone(ZoneInfo(newsletter.schedule.time_zone)).date()
    shown: Mapping[str, int] = {}
    if any(each.most_editions for each in newsletter.sponsors):
        plan.lock_newsletter(connection, newsletter.id)  # of two slots that are built at once, one takes the last one
        shown = store.count_sponsored(connection, newsletter.id)
    return sponsor_on(newsletter.sponsors, day, shown)


def _to_choose_from(
    connection: Connection, newsletter: Newsletter, period: Period
) -> tuple[Window, tuple[Candidate, ...], tuple[Candidate, ...]]:
    """The window, its candidates, and those that a reader without choices would get."""
    covered = own_window(
        newsletter,
        cadence_of(period.cadence),
        due_at=period.due_at,
        previous_until=store.find_previous_until(connection, newsletter.id, period.cadence),
    )
    candidates = compose_own(newsletter, read_newest(connection, newsletter, covered))
    return covered, candidates, in_general(newsletter, candidates, covered)


def in_general(newsletter: Newsletter, candidates: Sequence[Candidate], covered: Window) -> tuple[Candidate, ...]:
    """Those that a reader without choices would get."""
    selector = Selector(candidates, newsletter, since=covered.since, until=covered.until)
    return tuple(candidates[position] for position, _ in selector.general().chosen)


def read_newest(connection: Connection, newsletter: Newsletter, covered: Window) -> list[Article]:
    """What the newsletter prints of the window, whoever had it, the newest first."""
    read = 0

    def printed() -> Iterator[Article]:
        nonlocal read
        page = list_recent(connection, covered)
        while page:
            for article in page:
                if covers(newsletter, article):
                    read += 1
                    yield article
            page = list_recent(connection, covered, before=page[-1])

    found = list(worth_offering(printed()))
    if read > len(found):
        log.warn("publish.over", newsletter_id=newsletter.id, left_out=read - len(found))
    return found


def read_waiting(
    connection: Connection, newsletter: Newsletter, covered: Window, *, had: Container[int] | None = None
) -> list[Article]:
    """What the newsletter prints of the window, oldest first, until there is more than one edition holds.

    In pages: thousands of articles of a site's other topics must not crowd its own out (P4).

    had   articles that are not to be taken again, instead of those that its editions had
    """
    found: list[Article] = []
    after: Article | None = None
    of = newsletter.id if had is None else None
    while len(found) <= newsletter.max_items:
        page = list_candidates(connection, of, covered, after=after)
        free = [article for article in page if had is None or article.stored_id not in had]
        found += [article for article in free if covers(newsletter, article)]
        if len(page) < CANDIDATES_PAGE:
            break
        after = page[-1]
    return found


def _report(newsletter: Newsletter, period: Period, result: Built, **values: object) -> BuildReport:
    return BuildReport(newsletter=newsletter.name, period=period.key, result=result, **values)  # type: ignore[arg-type]
