"""Candidates x a reader's choices x what that reader has had -> picks in order, each with its true reason. Pure.

The rules, in their order; the first that applies to a candidate is the one that `explain` names:

    had        another copy of this reader holds it (P3)
    muted      its topic, its author, or the kind of recommendation that it would have come by
    other      the reader follows other topics and authors, and neither the editor nor the readers recommend it
    before     it was published before this reader's first edition could have had it
    expired    so many copies of this reader's passed it over already; an edition without a copy passes nothing over
    fewer      of this topic one article is enough, and a better one is in
    budget     it would take longer to read than is left of the reader's time; where none fits, the best one is in
    full       the copy holds as many as an edition may have
    few        less is new to this reader than an edition must have, and all of it may be in a later one
    withdrawn  it was taken out of the edition before this copy was made (flows/explain.py says so; plan never does)
    unsent     it was chosen, and the copy was not sent: its reader left, paused, or the edition was cancelled (as before)
    picked     it is in

Editor's picks go first, in the editor's order; the rest by rank: how new, how much read, how much talked about, and
every edition that passed an article over lifts it. What did not fit comes again, until it is expired.

A million readers choose from the same candidates. So candidates are bits, the best rank the lowest: what a reader may
have is a few ANDs of whole numbers, and readers who may have the same get the same list, made once.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice

from digest.editions.masks import NOTHING_YET, Past, bits_of, mask_of
from digest.editions.picks import (
    EDITOR,
    FIRST_AUTHOR,
    FIRST_TOPIC,
    PLAIN,
    POPULAR,
    Picks,
    followable,
    number_of,
    pack,
    reason_of,
    reasons_of,
    unpack,
)
from digest.editions.rank import most_read, scores_of
from digest.model.article import slug
from digest.model.choices import Choices, Kind, Length
from digest.model.edition import Candidate, Reason
from digest.model.newsletter import Newsletter

ASSUMED_MINUTES = 3
"""Reading time of an article of which nothing is known, where a budget must be kept."""

LIFT = 0.25
"""What each edition that passed an article over adds to its rank; a brand-new article that nobody read has 1.0."""

MAX_KEPT = 4_000


class Rule(StrEnum):
    """What became of a candidate for one reader."""

    PICKED = "picked"
    HAD = "had"
    MUTED = "muted"
    OTHER = "other"
    BEFORE = "before"
    EXPIRED = "expired"
    FEWER = "fewer"
    BUDGET = "budget"
    FULL = "full"
    FEW = "few"
    WITHDRAWN = "withdrawn"
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A candidate, for one reader. `reason`: why it is in; None where it is not."""

    candidate: Candidate
    rule: Rule
    reason: Reason | None = None


@dataclass(slots=True, eq=False)
class Wish:
    """One set of choices, looked at once. Masks are of candidates.

    ways   what the reader follows, named as in Selector; empty: everything
    """

    eligible: int
    muted: int
    pinned: int
    popular: int
    fewer: tuple[int, ...]
    minutes: int
    length: Length
    ways: frozenset[str]


class Selector:
    """The candidates of one edition, ready to be chosen from.

    until       the end of the edition's window: the age of an article counts to there
    last_call   what was published before this is in no later edition
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        newsletter: Newsletter,
        *,
        since: datetime,
        until: datetime,
        last_call: datetime | None = None,
    ) -> None:
        self._ranking, self._newsletter = newsletter.ranking, newsletter
        self._min, self._max = newsletter.min_items, newsletter.max_items
        scores = scores_of(candidates, newsletter, since, until)
        order = sorted(range(len(candidates)), key=lambda at: (-scores[at], at))
        self.candidates = [candidates[at] for at in order]
        self._scores = [scores[at] for at in order]
        self._bit = {candidate.position: number for number, candidate in enumerate(self.candidates)}
        self._positions = [candidate.position for candidate in self.candidates]
        self._plain = [number_of(position, PLAIN) for position in self._positions]
        self._minutes = [each.article.reading_minutes or ASSUMED_MINUTES for each in self.candidates]
        self._sections = [each.section for each in self.candidates]
        sections = list(dict.fromkeys(each.section for each in candidates))  # they stand together in an edition
        self._places = [sections.index(section) for section in self._sections]
        self._standing = [place * len(candidates) + bit for bit, place in enumerate(self._places)]
        self._has_image = [each.article.image is not None for each in self.candidates]
        named = [followable(each) for each in self.candidates]
        self._ways = [_ways(each.position, *names) for each, names in zip(self.candidates, named, strict=True)]
        self._printed = frozenset(slug(topic) for topic in newsletter.topics)
        self.everything = (1 << len(self.candidates)) - 1
        self._is_plain = not self._ranking.per_section
        self._topics: dict[str, int] = {}
        self._authors: dict[str, int] = {}
        for bit, (topics, authors) in enumerate(named):
            for topic in {*topics, slug(self._sections[bit])}:
                self._topics[topic] = self._topics.get(topic, 0) | 1 << bit
            for author in authors:
                self._authors[author] = self._authors.get(author, 0) | 1 << bit
        self._pins = {bit: pin for bit, each in enumerate(self.candidates) if (pin := each.article.pin) is not None}
        self._pinned = mask_of(self._pins)
        self._popular = mask_of(most_read(self.candidates, self._ranking.popular))
        self._published = sorted((each.article.published_at, bit) for bit, each in enumerate(self.candidates))
        self._after: dict[int, int] = {}
        self._is_last_call = mask_of(bit for at, bit in self._published if last_call is not None and at <= last_call)
        self._made: dict[tuple[Wish, int, tuple[int, ...]], str] = {}

    def mask(self, positions: Sequence[int]) -> int:
        """These candidates; positions that are none are passed over."""
        return mask_of(self._bit[position] for position in positions if position in self._bit)

    def wish(self, choices: Choices) -> Wish:
        """Topics and authors that this newsletter does not have (any more) are as if they had not been chosen."""
        topics, authors = frozenset(choices.follow_topics), choices.follow_authors
        if self._printed:
            topics &= self._printed
        follows = bool(topics or authors)
        wanted = self._any(self._topics, topics) | self._any(self._authors, authors) if follows else self.everything
        pinned = 0 if Kind.EDITOR in choices.mute_kinds else self._pinned
        popular = 0 if Kind.POPULAR in choices.mute_kinds else self._popular
        muted = self._any(self._topics, choices.mute_topics) | self._any(self._authors, choices.mute_authors)
        if follows and self._pinned | self._popular:  # what would have come by a recommendation alone
            muted |= (self._pinned | self._popular) & ~(wanted | pinned | popular)
        return Wish(
            eligible=(wanted | pinned | popular) & ~muted,
            muted=muted,
            pinned=pinned,
            popular=popular,
            fewer=tuple(mask for topic in choices.fewer if (mask := self._topics.get(topic))),
            minutes=choices.minutes,
            length=choices.length,
            ways=topics | {_of_author(author) for author in authors} if authors else topics,
        )

    @staticmethod
    def _any(masks: Mapping[str, int], names: Iterable[str]) -> int:
        found = 0
        for name in names:
            found |= masks.get(name, 0)
        return found

    @property
    def oldest(self) -> datetime | None:
        """When the first of them was published."""
        return self._published[0][0] if self._published else None

    def published_after(self, at: datetime) -> int:
        """Candidates published at this instant or later."""
        if not self._published or at <= self._published[0][0]:
            return self.everything
        low = bisect_left(self._published, (at, -1))
        if (found := self._after.get(low)) is None:
            found = self._after[low] = mask_of(bit for _, bit in self._published[low:])
        return found

    # --- one reader -----------------------------------------------------------------------------------------------

    def choose(self, wish: Wish, past: Past, new: int) -> str:
        """What the ledger keeps (editions/picks.py); "": there is nothing in it for this reader.

        new   candidates that are not older than the reader's subscription (`published_after`)
        """
        free = wish.eligible & ~past.had & new
        carry = self._ranking.carry
        if len(past.passed) > carry:
            free &= ~past.passed[carry]
        if not free:
            return ""
        passed = tuple([mask for mask in past.passed[:carry] if mask & free])
        key = (wish, free, passed)
        if (made := self._made.get(key)) is None:
            if len(self._made) > MAX_KEPT:
                self._made.clear()
            chosen = self._chosen(wish, free, passed)
            made = pack(wish.length, self._arranged(wish, chosen)) if chosen else ""
            self._made[key] = made
        return made

    def general(self) -> Picks:
        """What a reader gets who chose nothing and had nothing."""
        made = self.choose(self.wish(Choices()), NOTHING_YET, self.everything)
        return unpack(json.loads(made)) if made else Picks(length=Length.FULL, chosen=())

    def rules(self, wish: Wish, past: Past, new: int) -> list[Rule]:
        """The rule that decided, for each of `candidates`."""
        carry = self._ranking.carry
        expired = past.passed[carry] if len(past.passed) > carry else 0
        rules: dict[int, Rule] = {}
        for bit in range(len(self.candidates)):
            of = 1 << bit
            if of & past.had:
                rules[bit] = Rule.HAD
            elif of & wish.muted:
                rules[bit] = Rule.MUTED
            elif not of & wish.eligible:
                rules[bit] = Rule.OTHER
            elif not of & new:
                rules[bit] = Rule.BEFORE
            elif of & expired:
                rules[bit] = Rule.EXPIRED
        free = mask_of(bit for bit in range(len(self.candidates)) if bit not in rules)
        chosen = self._chosen(wish, free, tuple(mask for mask in past.passed[:carry] if mask & free), rules)
        rules |= dict.fromkeys(chosen, Rule.PICKED)
        return [rules[bit] for bit in range(len(self.candidates))]

    def explain(self, wish: Wish, past: Past, new: int) -> list[Decision]:
        """Every candidate with the rule that decided, the best rank first."""
        return [
            Decision(
                candidate=candidate,
                rule=rule,
                reason=reasons_of(candidate)[reason_of(self._numbers(wish, [bit])[0])] if rule is Rule.PICKED else None,
            )
            for bit, (candidate, rule) in enumerate(zip(self.candidates, self.rules(wish, past, new), strict=True))
        ]

    def _chosen(self, wish: Wish, free: int, passed: Sequence[int], rules: dict[int, Rule] | None = None) -> list[int]:
        """Bits that are in. `rules`, where given, hears why the other free ones are not; else nobody looks at them."""
        is_enough = free.bit_count() >= self._min or bool(free & self._is_last_call)
        if rules is None and not is_enough:
            return []
        if rules is None and self._is_plain and not (wish.fewer or wish.minutes):
            return list(islice(self._queue(wish, free, passed), self._max))
        chosen: list[int] = []
        first_over: int | None = None
        minutes, taken = 0, 0
        sections = Counter[str]()
        share = self._ranking.per_section
        queue: Iterable[int] = self._queue(wish, free, passed)
        while True:
            aside: list[int] = []
            for bit in queue:
                if len(chosen) == self._max:
                    if rules is None:
                        break
                    rules[bit] = Rule.FULL
                elif wish.fewer and any(mask >> bit & 1 and mask & taken for mask in wish.fewer):
                    _say(rules, bit, Rule.FEWER)
                elif wish.minutes and minutes + self._minutes[bit] > wish.minutes:
                    first_over = bit if first_over is None else first_over
                    _say(rules, bit, Rule.BUDGET)
                elif share and sections[self._sections[bit]] >= share and bit not in self._pins:
                    aside.append(bit)
                else:
                    chosen.append(bit)
                    taken |= 1 << bit
                    minutes += self._minutes[bit]
                    if share:
                        sections[self._sections[bit]] += 1
            if not aside:
                break
            queue, share = aside, 0  # the other sections had their turn: now those that had their share already
        if not chosen and first_over is not None:  # none fits: the best one, rather than nothing for ever
            chosen = [first_over]
        if not is_enough:
            for bit in chosen:
                _say(rules, bit, Rule.FEW)
            return []
        return chosen

    def _queue(self, wish: Wish, free: int, passed: Sequence[int]) -> Iterable[int]:
        """Editor's picks, then by rank."""
        bits: Iterable[int] = bits_of(free)
        if passed:
            scores = self._scores
            bits = sorted(bits, key=lambda bit: (-scores[bit] - LIFT * sum(mask >> bit & 1 for mask in passed), bit))
        if not free & wish.pinned:
            return bits
        bits = list(bits)
        pins = sorted((bit for bit in bits if bit in self._pins), key=self._pins.__getitem__)
        return [*pins, *(bit for bit in bits if bit not in self._pins)]

    def _arranged(self, wish: Wish, chosen: Sequence[int]) -> list[int]:
        """Numbers (editions/picks.py) in the order of the copy: the lead, then by section; sections with an editor's pick
        first, then as they stand in the edition."""
        pins: dict[int, int] = {}
        if wish.pinned:
            pins = {bit: self._pins[bit] for bit in chosen if bit in self._pins}
        if pins:
            first: dict[str, float] = {}
            for bit, pin in pins.items():
                first[self._sections[bit]] = min(pin, first.get(self._sections[bit], pin))
            last = float("inf")
            arranged = sorted(
                chosen,
                key=lambda bit: (first.get(self._sections[bit], last), self._places[bit], pins.get(bit, last), bit),
            )
            lead: int | None = chosen[0]
        else:
            arranged = sorted(chosen, key=self._standing.__getitem__)
            lead = self._first_with_image(chosen) if self._newsletter.layout.lead else None
        if lead is not None and arranged[0] != lead:
            arranged.remove(lead)
            arranged.insert(0, lead)
        return self._numbers(wish, arranged)

    def _first_with_image(self, bits: Sequence[int]) -> int | None:
        for bit in bits:
            if self._has_image[bit]:
                return bit
        return None

    def _numbers(self, wish: Wish, bits: Iterable[int]) -> list[int]:
        """With the reason for which this reader has each of them: the first rule that lets it in."""
        if not wish.ways and not wish.pinned:
            return [self._plain[bit] for bit in bits]
        found, ways, wanted, pinned = [], self._ways, wish.ways, wish.pinned
        for bit in bits:
            if pinned and pinned >> bit & 1:
                found.append(number_of(self._positions[bit], EDITOR))
                continue
            for way, number in ways[bit]:
                if way in wanted:
                    found.append(number)
                    break
            else:
                is_popular = wanted and wish.popular >> bit & 1
                found.append(number_of(self._positions[bit], POPULAR) if is_popular else self._plain[bit])
        return found


def _of_author(author: str) -> str:
    """Told from a topic of the same name: no slug has a colon."""
    return f"author:{author}"


def _ways(position: int, topics: Sequence[str], authors: Sequence[str]) -> list[tuple[str, int]]:
    """By what this candidate can be followed, with the number that says so; the strongest reason first."""
    found = [(_of_author(author), number_of(position, at)) for at, author in enumerate(authors, FIRST_AUTHOR)]
    return found + [(topic, number_of(position, at)) for at, topic in enumerate(topics, FIRST_TOPIC)]


def _say(rules: dict[int, Rule] | None, bit: int, rule: Rule) -> None:
    if rules is not None:
        rules[bit] = rule
