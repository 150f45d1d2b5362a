"""What a ledger row keeps of a copy: its length and its articles, each with the reason why. Pure.

    [length, position * 16 + reason, ...]     in the order of the copy; 8 is added to the length for one who comes back

As numbers, since there is one such list for each reader of each edition. A reason is the number of one of the reasons
for which its candidate can be chosen at all (`reasons_of`), so what the mail said can be said again years later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from digest.model.article import slug
from digest.model.choices import Kind, Length
from digest.model.edition import Candidate, Reason

MAX_TOPICS, MAX_AUTHORS = 7, 6
"""So many of an article's topics and authors can be followed; what comes after them is decoration."""

REASONS = 16
PLAIN, EDITOR, POPULAR, FIRST_TOPIC = 0, 1, 2, 3
FIRST_AUTHOR = FIRST_TOPIC + MAX_TOPICS

LENGTHS = tuple(Length)
RETURN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Picks:
    """chosen   (position, number of the reason), in the order of the copy
    is_return   the reader had no copy for a while, and this one says what they missed
    """

    length: Length
    chosen: tuple[tuple[int, int], ...]
    is_return: bool = False

    @property
    def positions(self) -> tuple[int, ...]:
        return tuple(position for position, _ in self.chosen)

    @property
    def numbers(self) -> list[int]:
        return [number_of(position, reason) for position, reason in self.chosen]


def number_of(position: int, reason: int) -> int:
    return position * REASONS + reason


def position_of(number: int) -> int:
    return number // REASONS


def reason_of(number: int) -> int:
    return number % REASONS


def pack(length: Length, numbers: Sequence[int]) -> str:
    """As JSON text. `numbers`: number_of each article, in the order of the copy."""
    return f"[{','.join(map(str, (LENGTHS.index(length), *numbers)))}]"


def unpack(packed: Sequence[int]) -> Picks:
    """From the list, as the database gives it."""
    chosen = tuple(divmod(each, REASONS) for each in packed[1:])
    return Picks(length=length_of(packed), chosen=chosen, is_return=is_return(packed))


def length_of(packed: Sequence[int]) -> Length:
    return LENGTHS[packed[0] % RETURN]


def is_return(packed: Sequence[int]) -> bool:
    return packed[0] >= RETURN


def as_return(packed: str) -> str:
    """The same copy, for one who comes back. `packed` as `pack` gives it: its length has one digit."""
    return f"[{int(packed[1]) + RETURN}{packed[2:]}"


def followable(candidate: Candidate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Slugs of the topics and authors by which a candidate can be followed and muted."""
    article = candidate.article
    topics = tuple(slug(topic) for topic in article.topics[:MAX_TOPICS])
    return topics, tuple(slug(author) for author in article.authors[:MAX_AUTHORS])


def reasons_of(candidate: Candidate) -> dict[int, Reason]:
    """Every reason for which a reader may have this article, by its number."""
    article = candidate.article
    section = quote(slug(candidate.section))
    found = {
        PLAIN: Reason(kind=Kind.NEW, subject=candidate.section, switch=f"mute/topics/{section}" if section else ""),
        EDITOR: Reason(kind=Kind.EDITOR, switch="mute/kinds/editor"),
        POPULAR: Reason(kind=Kind.POPULAR, switch="mute/kinds/popular"),
    }
    for number, topic in enumerate(article.topics[:MAX_TOPICS], FIRST_TOPIC):
        found[number] = Reason(kind=Kind.TOPIC, subject=topic, switch=f"mute/topics/{quote(slug(topic))}")
    for number, author in enumerate(article.authors[:MAX_AUTHORS], FIRST_AUTHOR):
        found[number] = Reason(kind=Kind.AUTHOR, subject=author, switch=f"mute/authors/{quote(slug(author))}")
    return found
