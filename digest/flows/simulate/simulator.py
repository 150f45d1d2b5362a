"""One simulated edition after another; what readers had is remembered in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from digest.db.engine import reading
from digest.delivery.store import readers as planned_readers
from digest.delivery.store.readers import Planned
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
)
from digest.editions.due import Period
from digest.editions.masks import Past
from digest.editions.picks import PLAIN, number_of, pack
from digest.editions.select import Rule
from digest.editions.sponsors import sponsor_on
from digest.editions.store.articles import CANDIDATES_PAGE, list_candidates
from digest.editions.tally import Tally
from digest.flows import publish
from digest.flows.dispatch.chooser import Chooser
from digest.flows.publish import Press
from digest.flows.simulate.outline import Outline
from digest.flows.simulate.report import Simulation, Story, Turn, story_of
from digest.flows.simulate.sizes import measure
from digest.model.article import Article
from digest.model.choices import Length
from digest.model.edition import Candidate, Edition, EditionId, EditionStatus

COPIES = 20
"""Of each edition so many are made, for their size and for the time that it takes."""

EXPLAINED = 250
"""Of each edition so many readers are asked for the rules that left articles out."""

PAGE = 5_000

_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def run(engine: Engine, press: Press, of: Outline, *, progress: Callable[[int], None] = lambda _: None) -> Simulation:
    """Every edition in turn. press: of copies that nobody gets; RenderFailed where the template fails."""
    simulator = _Simulator(engine, press, of, progress)
    turns = tuple([simulator.turn(number, period) for number, period in enumerate(of.periods, 1)])
    return simulator.result(turns)


_History = tuple[tuple[int, str], ...]
"""Of one reader: (edition, picks as the ledger would have them), oldest first."""


class _Looked:
    """What was seen of one edition's readers, and some of them, evenly spread, to look at more closely."""

    def __init__(self, edition: Edition, total: int) -> None:
        self.everything = pack(Length.FULL, [number_of(each.position, PLAIN) for each in edition.candidates])
        self.tally = Tally(edition.candidates)
        self.readers = self.skipped = self.nothing_new = 0
        self.sample: dict[int, str] = {}
        self.asked: list[tuple[Planned, _History]] = []
        self._total = total

    def skip(self) -> None:
        self.readers += 1
        self.skipped += 1

    def add(self, reader: Planned, history: _History, packed: str) -> None:
        self.readers += 1
        if self._is_turn(len(self.asked), EXPLAINED):
            self.asked.append((reader, history))
        if not packed:
            self.nothing_new += 1
            return
        self.tally.add(packed)
        if self._is_turn(len(self.sample), COPIES):
            self.sample[reader.subscription_id] = packed

    def _is_turn(self, taken: int, wanted: int) -> bool:
        return taken < wanted and taken * self._total <= self.readers * wanted


class _Simulator:
    def __init__(self, engine: Engine, press: Press, of: Outline, progress: Callable[[int], None]) -> None:
        self._engine, self._press, self._of, self._progress = engine, press, of, progress
        self._newsletter = of.newsletter
        self._frozen = publish.freeze(press, of.newsletter)
        self._previous_until: dict[str, datetime] = {}
        self._waiting_since: datetime | None = None
        self._positions: dict[str, dict[int, dict[int, int]]] = {}  # cadence: edition: article: position
        self._histories: dict[int, _History] = {}  # reader: (edition, picks)
        self._same: dict[_History, _History] = {}  # alike ones of an edition are kept once
        self._got: set[int] = set()
        self._taken: set[int] = set()  # where all get the same: in an edition, whoever got it
        self._offered: dict[int, Article] = {}
        self._rules: dict[str, dict[int, Counter[str]]] = {}
        self._late: set[int] = set()

    # --- one edition ----------------------------------------------------------------------------------------------

    def turn(self, number: int, period: Period) -> Turn:
        covered, candidates = self._composed(period)
        if len(candidates) < self._newsletter.min_items:
            self._previous_until.setdefault(period.cadence, covered.until)
            self._progress(self._of.counts[period.cadence])
            return Turn(
                period=period.key,
                cadence=period.cadence,
                due_at=period.due_at,
                is_empty=True,
                articles=len(candidates),
            )
        self._previous_until[period.cadence] = covered.until
        self._offered |= {each.article_id: each.article for each in candidates if self._is_of_these_weeks(each.article)}
        edition = self._edition(number, period, covered, candidates)
        return self._read_by_all(edition)

    def _composed(self, period: Period) -> tuple[Window, tuple[Candidate, ...]]:
        newsletter, moved = self._newsletter, self._of.moved
        previous_until = self._previous_until.get(period.cadence)
        with reading(self._engine) as connection:
            if newsletter.offer.is_any:
                cadence = cadence_of(period.cadence)
                covered = own_window(newsletter, cadence, due_at=period.due_at, previous_until=previous_until)
                found = publish.read_newest(connection, newsletter, _earlier(covered, moved))
                return covered, compose_own(newsletter, [_later(each, moved) for each in found])
            covered = window(
                newsletter,
                due_at=period.due_at,
                previous_until=previous_until,
                waiting_since=self._waiting_since,
            )
            found = publish.read_waiting(connection, newsletter, _earlier(covered, moved), had=self._taken)
        candidates = compose(newsletter, [_later(each, moved) for each in found])
        if len(candidates) < newsletter.min_items:
            self._waiting_since = min(covered.since, self._waiting_since or covered.since)
        else:
            covered = used(covered, candidates, is_cut=len(found) > len(candidates))
            self._taken |= {each.article_id for each in candidates}
        return covered, candidates

    def _edition(self, number: int, period: Period, covered: Window, candidates: tuple[Candidate, ...]) -> Edition:
        first = candidates
        if self._newsletter.offer.is_any:
            first = publish.in_general(self._newsletter, candidates, covered)
        return Edition(
            id=EditionId(number),
            newsletter_id=self._newsletter.id,
            cadence=period.cadence,
            period=period.key,
            due_at=period.due_at,
            window_from=covered.since,
            window_until=covered.until,
            status=EditionStatus.APPROVED,
            number=number,
            subject=subject_of(self._newsletter, first),
            preheader=preheader_of(first),
            sponsor=sponsor_on(self._newsletter.sponsors, self._day(period), {}),
            candidates=candidates,
        )

    def _day(self, period: Period) -> date:
        return period.due_at.astimezone(ZoneInfo(self._newsletter.schedule.time_zone)).date()

    def _read_by_all(self, edition: Edition) -> Turn:
        is_own = self._newsletter.offer.is_any
        chooser = self._chooser(edition) if is_own else None
        looked = _Looked(edition, self._of.counts[edition.cadence])
        for page in self._pages(edition):
            for reader in page:
                if reader.joined_at > self._of.periods[0].due_at:
                    self._late.add(reader.subscription_id)
                at = chooser.arrives_at(reader) if chooser is not None else edition.due_at
                if Chooser.why_none(reader, at):
                    looked.skip()
                    continue
                if chooser is None:
                    looked.add(reader, (), looked.everything)
                    continue
                history = self._history(reader, chooser)
                packed = chooser.choose(reader, _past(chooser, history))
                self._remember(reader, history, edition, packed)
                looked.add(reader, history, packed)
            self._progress(len(page))
        picks, minutes, had = looked.tally.summary()
        self._got |= had
        cut_short = self._ask(chooser, edition, looked.asked) if chooser is not None else None
        sizes, estimate_s = None, None
        if looked.sample:
            sizes = measure(self._engine, self._press, edition, self._frozen, looked.sample, is_own=is_own)
            scale = self._of.readers / self._of.sampled
            estimate_s = sizes.compile_s + sizes.seconds * looked.tally.copies * scale
        return Turn(
            period=edition.period,
            cadence=edition.cadence,
            due_at=edition.due_at,
            is_empty=False,
            readers=looked.readers,
            skipped=looked.skipped,
            nothing_new=looked.nothing_new,
            articles=len(edition.candidates),
            picks=picks,
            minutes=minutes,
            cut_short=cut_short,
            nobody=self._stories(edition) if looked.readers else (),
            sizes=sizes,
            estimate_s=estimate_s,
        )

    def _pages(self, edition: Edition) -> Iterator[list[Planned]]:
        """Whose edition it is, as plan finds them when it is due."""
        is_own, now = self._newsletter.offer.is_any, edition.due_at
        for slot, ids in self._of.groups[edition.cadence].items():
            after, start = 0, 0
            while True:
                with reading(self._engine) as connection:
                    if ids is None:
                        page = planned_readers.read_page(
                            connection,
                            self._newsletter.id,
                            slot=slot,
                            since=now if is_own else _EVER,
                            after=after,
                            size=PAGE,
                        )
                    else:
                        some = ids[start : start + 500]
                        since = now if is_own else None
                        page = planned_readers.read_these(connection, some, since=since) if some else []
                if ids is None and not page:
                    break
                if page:
                    yield page
                    after = page[-1].subscription_id
                start += 500
                if ids is not None and start >= len(ids):
                    break

    # --- what readers had -----------------------------------------------------------------------------------------

    def _chooser(self, edition: Edition) -> Chooser:
        self._same.clear()
        before = self._positions.setdefault(edition.cadence, {})
        here: dict[int, int] = {each.article_id: each.position for each in edition.candidates}
        shared = {
            number: [(position, here[article_id]) for article_id, position in there.items() if article_id in here]
            for number, there in before.items()
        }
        shared = {number: pairs for number, pairs in shared.items() if pairs}
        self._positions[edition.cadence] = {**{number: before[number] for number in shared}, edition.id: here}
        return Chooser(edition, self._newsletter, shared)

    def _history(self, reader: Planned, chooser: Chooser) -> _History:
        """Of editions that share articles with this one; windows only move on, so the others never will again."""
        history = self._histories.get(reader.subscription_id, ())
        return tuple([step for step in history if step[0] in chooser.earlier])

    def _remember(self, reader: Planned, history: _History, edition: Edition, packed: str) -> None:
        history = (*history, (edition.id, packed))
        self._histories[reader.subscription_id] = self._same.setdefault(history, history)

    def _ask(self, chooser: Chooser, edition: Edition, asked: Sequence[tuple[Planned, _History]]) -> float | None:
        """Which rules left out what nobody has had; the share of readers whose time was too short for something."""
        open_ids = {each.article_id for each in self._of_these_weeks(edition)} - self._got
        rules: dict[int, Counter[str]] = {article_id: Counter() for article_id in open_ids}
        short = 0
        for reader, history in asked:
            wish, past = chooser.wish(reader.preferences), _past(chooser, history)
            decided = chooser.selector.rules(wish, past, chooser.new_to(reader))
            short += Rule.BUDGET in decided
            for candidate, rule in zip(chooser.selector.candidates, decided, strict=True):
                if candidate.article_id in rules:
                    rules[candidate.article_id][rule] += 1
        self._rules.setdefault(edition.cadence, {}).update(rules)
        return short / len(asked) if asked else None

    # --- all of them ----------------------------------------------------------------------------------------------

    def _is_of_these_weeks(self, article: Article) -> bool:
        return article.published_at > self._of.since

    def _of_these_weeks(self, edition: Edition) -> list[Candidate]:
        return [each for each in edition.candidates if self._is_of_these_weeks(each.article)]

    def _stories(self, edition: Edition) -> tuple[Story, ...]:
        rules = self._rules.get(edition.cadence, {})
        return tuple(
            story_of(each.article, rules.get(each.article_id, {}))
            for each in self._of_these_weeks(edition)
            if each.article_id not in self._got
        )

    def result(self, turns: tuple[Turn, ...]) -> Simulation:
        of = self._of
        never: list[Story] = []
        waiting: list[Story] = []
        articles = 0
        for article in self._printed():
            articles += 1
            article_id = article.stored_id
            if article_id in self._got:
                continue
            if article_id not in self._offered:
                waiting.append(story_of(article, {}))
                continue
            counted = Counter[str]()
            for rules in self._rules.values():
                counted.update(rules.get(article_id, {}))
            never.append(story_of(article, counted))
        return Simulation(
            newsletter=of.newsletter.name,
            since=of.since,
            until=of.until,
            moved_weeks=of.moved.days // 7,
            readers=of.readers,
            sampled=of.sampled,
            joined_later=len(self._late),
            turns=turns,
            articles=articles,
            reached=articles - len(never) - len(waiting),
            never=tuple(never),
            waiting=tuple(waiting),
        )

    def _printed(self) -> Iterator[Article]:
        """What the newsletter prints of these weeks, oldest first."""
        newsletter, moved = self._newsletter, self._of.moved
        weeks = _earlier(Window(since=self._of.since, until=self._of.until), moved)
        after: Article | None = None
        while True:
            with reading(self._engine) as connection:
                page = list_candidates(connection, None, weeks, after=after)
            yield from (_later(each, moved) for each in page if covers(newsletter, each))
            if len(page) < CANDIDATES_PAGE:
                return
            after = page[-1]


def _past(chooser: Chooser, history: _History) -> Past:
    return chooser.past_of([chooser.step(number, packed) for number, packed in history if packed])


def _earlier(covered: Window, moved: timedelta) -> Window:
    """Where the articles of a window stand that are moved into it."""
    return Window(since=covered.since - moved, until=covered.until - moved) if moved else covered


def _later(article: Article, moved: timedelta) -> Article:
    return replace(article, published_at=article.published_at + moved) if moved else article
