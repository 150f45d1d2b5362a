"""What came of a simulation, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from digest.editions.tally import Spread
from digest.model.article import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An article that somebody may want to know of. rules: which one left it out, and for how many readers."""

    article_id: int
    title: str
    published_at: datetime
    rules: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of the copies that were made.

    largest_bytes    whole messages; shortened: had articles made headlines so that they fit; clipped: too long even so
    seconds          to make one, when what copies share is there; compile_s: what that took
    """

    made: int
    median_bytes: int
    largest_bytes: int
    shortened: int
    clipped: int
    compile_s: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One edition for the readers that are looked at.

    readers       rows that plan would write = skipped + nothing_new + those with a copy
    articles      that readers choose from, or that all get
    cut_short     of those who were asked, the share whose reading time left something out; None: nobody was asked
    nobody        articles of these weeks that none of them has had so far
    estimate_s    to make the copies of all readers, the sample scaled up; sending itself is not in it
    """

    period: str
    cadence: str
    due_at: datetime
    is_empty: bool
    readers: int = 0
    skipped: int = 0
    nothing_new: int = 0
    articles: int = 0
    picks: Spread | None = None
    minutes: Spread | None = None
    cut_short: float | None = None
    nobody: tuple[Story, ...] = ()
    sizes: Sizes | None = None
    estimate_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What came of it.

    articles   that the newsletter prints of these weeks = reached + never + waiting
    never      were in an edition, and nobody got them
    waiting    came after the last edition, or there was no room in any
    joined_later   readers who joined after the first edition: what was published before is not theirs
    """

    newsletter: str
    since: datetime
    until: datetime
    moved_weeks: int
    readers: int
    sampled: int
    joined_later: int
    turns: tuple[Turn, ...]
    articles: int
    reached: int
    never: tuple[Story, ...]
    waiting: tuple[Story, ...]


def story_of(article: Article, rules: Mapping[str, int]) -> Story:
    counted = {str(rule): count for rule, count in Counter(rules).most_common()}
    return Story(article_id=article.stored_id, title=article.title, published_at=article.published_at, rules=counted)
