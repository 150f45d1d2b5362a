"""A site's own readers -> subscribers of a newsletter.

A look first, in which everything is worked out and taken back; then, if it is no more than what was agreed, the same
again for good, a page at a time. Killed between two pages it can be run again: what is done is not done twice, and who
is gone leaves only when the site has named everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from digest import audit, log
from digest.audience.importing import Person
from digest.audience.store import registrations as store
from digest.audience.store.intake import put_people
from digest.audience.store.registrations import Row, Tie
from digest.audience.syncing import Deed, Known, Limit, deed, fingerprint_of, person_from, why_held
from digest.audit import Noun, Target
from digest.db.engine import reading, rehearsing, writing
from digest.editions.store.newsletters import get_newsletter
from digest.errors import BadInput, DigestError
from digest.model.actor import Actor
from digest.model.registration import Registration
from digest.model.source import Source
from digest.sources.kinds import READER_KINDS, options_of, read_readers
from digest.sources.readers import ReaderOptions, names_of
from digest.sources.store.sources import get_source, list_sources

FRESH = timedelta(minutes=30)
"""A sync that is younger need not be done again before the next edition."""

MAX_LISTED = 100

Progress = Callable[[int], None]


@dataclass(slots=True, kw_only=True)
class SyncReport:
    """What became of the readers that a site names.

    seen       how many it names; `left` have said there that they want no mail, `gone` are not named any more
    kept_out   left here or suppressed: no sync brings them back
    refused    (the site's key, reason), the first hundred of `refused_count`
    held       why a person has to look first; nothing was changed then
    error      why the site could not be read
    """

    source: str
    newsletter: str
    audience: int = 0
    own: int = 0
    seen: int = 0
    joined: int = 0
    changed: int = 0
    moved: int = 0
    left: int = 0
    gone: int = 0
    kept_out: int = 0
    refused_count: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    held: str = ""
    error: str = ""
    is_applied: bool = False

    @property
    def changes(self) -> int:
        return self.joined + self.changed + self.moved + self.left + self.gone

    def counts(self) -> dict[str, int]:
        return {name: value for name, value in asdict(self).items() if type(value) is int}


def sync_readers(
    engine: Engine,
    source_name: str,
    newsletter_name: str,
    *,
    now: datetime,
    dry_run: bool = False,
    is_agreed: bool = False,
    progress: Progress = lambda _count: None,
    actor: Actor | None = None,
) -> SyncReport:
    """Bring a newsletter's readers up to date from a source.

    is_agreed   a person has looked: do it, however much it is
    actor       who asked for it; None: the scheduler, of which the table sync tells
    raises      SourceError when the site cannot be read; what was done up to there is right and stays
    """
    run = _run_of(engine, source_name, newsletter_name, now=now, progress=progress)
    try:
        if is_agreed and not dry_run:
            report = run.walk(for_good=True)
        else:
            report = run.walk(for_good=False)
            if not dry_run and not report.held and report.changes:
                report = run.walk(for_good=True, is_watched=True)
    except DigestError as cause:
        _record(engine, run, SyncReport(source=source_name, newsletter=newsletter_name, error=str(cause)), now)
        raise
    if not dry_run:
        _record(engine, run, report, now, actor=actor)
    return report


def sync_due(engine: Engine, *, now: datetime, progress: Progress = lambda _count: None) -> list[SyncReport]:
    """Every newsletter that a source is told to keep up to date. One that fails or is held stops nothing."""
    reports = []
    with reading(engine) as connection:
        sources = list_sources(connection)
    for source in sources:
        for newsletter in names_of(str(source.options.get("newsletters") or "")) if source.is_enabled else ():
            try:
                if not _is_fresh(engine, source, newsletter, now):
                    reports.append(sync_readers(engine, source.name, newsletter, now=now, progress=progress))
            except DigestError as cause:
                reports.append(SyncReport(source=source.name, newsletter=newsletter, error=str(cause)))
    return reports


def _is_fresh(engine: Engine, source: Source, newsletter: str, now: datetime) -> bool:
    with reading(engine) as connection:
        last_at = store.find_sync_at(connection, Tie(source.id, get_newsletter(connection, newsletter).id))
    return last_at is not None and now - FRESH < last_at <= now


def _record(engine: Engine, run: _Run, report: SyncReport, now: datetime, *, actor: Actor | None = None) -> None:
    with writing(engine) as connection:
        if actor is not None:
            target = Target(noun=Noun.SUBSCRIBER, newsletter_id=run.tie.newsletter_id)
            told: dict[str, Any] = {"source": run.names[0], "held": bool(report.held), **report.counts()}
            audit.record(connection, "subscriber.sync", actor, target, now=now, **told)
        store.record_sync(connection, run.tie, report=report.counts(), held=report.held, error=report.error, now=now)
    say = log.warn if report.held or report.error else log.event
    say(
        "sync.held" if report.held else "sync.failed" if report.error else "sync.done",
        source_id=run.tie.source_id,
        newsletter_id=run.tie.newsletter_id,
        **{name: value for name, value in report.counts().items() if name in ("joined", "changed", "left", "gone")},
    )


def _run_of(engine: Engine, source_name: str, newsletter_name: str, *, now: datetime, progress: Progress) -> _Run:
    with reading(engine) as connection:
        source = get_source(connection, source_name)
        newsletter = get_newsletter(connection, newsletter_name)
    options = options_of(source.kind, source.options, name=source.name)
    if not isinstance(options, ReaderOptions):
        kinds = ", ".join(READER_KINDS)
        raise BadInput(f"source {source_name}: a {source.kind} has no readers; these kinds have: {kinds}")
    return _Run(
        engine=engine,
        tie=Tie(source.id, newsletter.id),
        kind=source.kind,
        options=options,
        names=(source_name, newsletter_name),
        now=now,
        progress=progress,
    )


class _Seen:
    """Which registrations the site has named: a bit for each, so a million are 125 kB."""

    def __init__(self, first: int, last: int) -> None:
        self._first, self.last = first, last
        self._bits = bytearray((last - first) // 8 + 1)

    def add(self, id_: int) -> None:
        if self._first <= id_ <= self.last:
            self._bits[(id_ - self._first) // 8] |= 1 << (id_ - self._first) % 8

    def __contains__(self, id_: int) -> bool:
        if not self._first <= id_ <= self.last:
            return True  # made meanwhile
        return bool(self._bits[(id_ - self._first) // 8] & 1 << (id_ - self._first) % 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One reader of a page, checked, and what is to be done about them."""

    person: Person
    fingerprint: str
    known: Known | None
    deed: Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    engine: Engine
    tie: Tie
    kind: str
    options: ReaderOptions
    names: tuple[str, str]
    now: datetime
    progress: Progress

    @property
    def origin(self) -> str:
        return f"source {self.names[0]}"

    def walk(self, *, for_good: bool, is_watched: bool = False) -> SyncReport:
        """Once through all readers of the site, and then through those who were not among them.

        is_watched   nobody agreed to anything special: who is gone stays if the site has lost many since the look
        """
        report = SyncReport(source=self.names[0], newsletter=self.names[1], is_applied=for_good)
        with reading(self.engine) as connection:
            seen = _Seen(*store.span(connection, self.tie))
            report.own = store.count_own(connection, self.tie)
            report.audience = store.count_audience(connection, self.tie.newsletter_id)
        for page in read_readers(self.kind, self.options, now=self.now):
            self._page(page, report, seen, for_good=for_good)
            self.progress(len(page))
        if self.options.gone == "leave":
            report.gone = sum(map(len, self._gone(seen)))
        if not for_good or is_watched:
            report.held = self._why_held(report)
        if for_good and not report.held and report.gone:
            report.gone = self._end(seen)
        return report

    def _why_held(self, report: SyncReport) -> str:
        return why_held(
            seen=report.seen,
            joined=report.joined,
            gone=report.gone + report.left,
            audience=report.audience,
            own=report.own,
            limit=Limit(percent=self.options.max_percent, few=self.options.max_few),
        )

    # --- a page of readers -------------------------------------------------------------------------------------------

    def _page(self, page: Sequence[Registration], report: SyncReport, seen: _Seen, *, for_good: bool) -> None:
        people: list[tuple[Registration, Person, str]] = []
        for each in page:
            report.seen += 1
            try:
                person = person_from(each, now=self.now)
            except ValueError as cause:
                report.refused_count += 1
                if len(report.refused) < MAX_LISTED:
                    report.refused.append((each.key, str(cause)))
                continue
            people.append((each, person, fingerprint_of(person)))
        with reading(self.engine) as connection:
            known = store.find_known(connection, self.tie, [each.key for each in page])
        for one in known.values():  # also those whom we cannot read just now: they are not gone
            seen.add(one.id)
        deeds = [deed(known.get(r.key), p, f, wants=r.wants) for r, p, f in people]
        if set(deeds) <= {Deed.NOTHING, Deed.KEEP_OUT}:
            report.kept_out += deeds.count(Deed.KEEP_OUT)
            return
        with self._transaction(for_good) as connection:
            known = store.find_known(connection, self.tie, [each.key for each in page])
            asked = {
                r.key: _Asked(
                    person=p,
                    fingerprint=f,
                    known=known.get(r.key),
                    deed=deed(known.get(r.key), p, f, wants=r.wants),
                )
                for r, p, f in people
            }
            self._do(connection, asked, report)

    def _transaction(self, for_good: bool) -> AbstractContextManager[Connection]:
        """A look does all the work and takes it back: so it cannot tell anything else than what would happen."""
        return (writing if for_good else rehearsing)(self.engine)

    def _do(self, connection: Connection, asked: dict[str, _Asked], report: SyncReport) -> None:
        by_deed: dict[Deed, dict[str, _Asked]] = {each: {} for each in Deed}
        for key, each in asked.items():
            by_deed[each.deed][key] = each
        moving, joining = by_deed[Deed.MOVE], by_deed[Deed.JOIN]
        report.kept_out += len(by_deed[Deed.KEEP_OUT])
        report.left += self._leave(connection, by_deed[Deed.LEAVE], "unsubscribed on the site")
        self._leave(connection, moving, "has another address on the site")
        coming = {**joining, **by_deed[Deed.CHANGE], **moving}
        if not coming:
            return
        addresses = [each.person.address.key for each in coming.values()]
        before = store.find_subscriptions(connection, self.tie.newsletter_id, addresses)
        added = put_people(
            connection,
            [each.person for each in coming.values()],
            newsletter_id=self.tie.newsletter_id,
            origin=self.origin,
            now=self.now,
            method="site",
        )
        after = store.find_subscriptions(connection, self.tie.newsletter_id, addresses)
        moved = [
            (each.known.subscription_id, after[key])
            for each in moving.values()
            if (key := each.person.address.key) in after and key not in before and each.known
        ]
        store.carry_choices(connection, moved)
        store.record(
            connection,
            self.tie,
            [_row(key, each, before, after) for key, each in coming.items() if each.person.address.key in after],
        )
        report.moved += len(moving)
        report.joined += added.new - len(moved)
        report.changed += added.changed
        report.kept_out += added.kept_out

    def _leave(self, connection: Connection, those: dict[str, _Asked], why: str) -> int:
        ids = [each.known.subscription_id for each in those.values() if each.known]
        return store.leave(connection, self.tie, ids, origin=self.origin, wording=why, now=self.now)

    # --- who is gone -------------------------------------------------------------------------------------------------

    def _gone(self, seen: _Seen) -> Iterator[list[int]]:
        """Subscriptions that came from the site and that it does not name any more, in batches."""
        after = 0
        while True:
            with reading(self.engine) as connection:
                rows = store.list_own(connection, self.tie, after_id=after, until_id=seen.last, limit=5_000)
                missing = {subscription for id_, subscription in rows if id_ not in seen}
                if missing:
                    others = store.find_others(connection, self.tie, sorted(missing))
                    missing -= {subscription for id_, subscription in others if id_ in seen}
            if not rows:
                return
            if missing:
                yield sorted(missing)
            after = rows[-1][0]

    def _end(self, seen: _Seen) -> int:
        ended = 0
        for batch in self._gone(seen):
            with writing(self.engine) as connection:
                ended += store.leave(
                    connection, self.tie, batch, origin=self.origin, wording="is not on the site any more", now=self.now
                )
        return ended


def _row(key: str, each: _Asked, before: dict[str, int], after: dict[str, int]) -> Row:
    address = each.person.address.key
    is_kept = each.known is not None and each.known.is_own and each.known.subscription_id == after[address]
    return Row(key, after[address], is_kept or address not in before, each.fingerprint)
