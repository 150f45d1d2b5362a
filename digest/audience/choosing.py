"""What a reader may choose, and what one link in a mail changes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from digest.errors import BadInput
from digest.model.article import slug
from digest.model.choices import Choices, Kind, Length
from digest.model.newsletter import Newsletter, Slot

SWITCHES = {
    "mute": {"topics": "mute_topics", "authors": "mute_authors", "kinds": "mute_kinds"},
    "follow": {"topics": "follow_topics", "authors": "follow_authors"},
    "fewer": {"topics": "fewer"},
}
"""mute/topics/health, follow/authors/ana, fewer/topics/city: the lists that a link adds to."""

MAX_NAMES = 200
"""Of one list: more than anybody chooses by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that a subscription says of how its reader wants the newsletter.

    slot          "daily", "weekly.thu", ...; "" as the newsletter does it
    hour          of the reader's own day, 0 to 23; None as the newsletter does it
    paused_until  aware UTC
    """

    slot: str = ""
    hour: int | None = None
    paused_until: datetime | None = None
    choices: Choices = field(default_factory=Choices)


def switched(choices: Choices, verb: str, what: str, name: str, *, on: bool = True) -> Choices:
    """The choices after one switch; BadInput for one that there is not.

    Who mutes what they followed follows it no more, and the other way round.
    """
    try:
        of = SWITCHES[verb][what]
    except KeyError:
        raise BadInput(f"there is no choice {verb}/{what}") from None
    name = slug(name)
    if not name or (of == "mute_kinds" and name not in (Kind.EDITOR, Kind.POPULAR)):
        raise BadInput(f"there is nothing called {name!r} to {verb}")
    lists = {of: _with(getattr(choices, of), name, on)}
    other = {"mute_topics": "follow_topics", "mute_authors": "follow_authors"}
    other |= {follow: mute for mute, follow in other.items()}
    if on and of in other:
        lists[other[of]] = _with(getattr(choices, other[of]), name, False)
    return replace(choices, **lists)  # type: ignore[arg-type]


def _with(names: Sequence[str], name: str, on: bool) -> tuple[str, ...]:
    rest = tuple(each for each in names if each != name)
    return (*rest, name) if on else rest


def check(wanted: Wanted, newsletter: Newsletter, before: Wanted | None = None) -> None:
    """BadInput for what the newsletter does not offer, and says what it does.

    before   what was wanted already: it waits (model.choices.offered) when it is not on offer any more, and must not
             stand in the way of another change
    """
    before = before or Wanted()
    offer, choices, had = newsletter.offer, wanted.choices, before.choices
    if wanted.slot and wanted.slot != before.slot:
        try:
            slot = Slot.parse(wanted.slot)
        except ValueError as cause:
            raise BadInput(str(cause)) from cause
        if slot.cadence not in offer.cadences:
            raise BadInput(_not_offered(newsletter, f"the cadence {slot.cadence}", offer.cadences))
    if wanted.hour not in (None, before.hour) and wanted.hour not in offer.hours:
        raise BadInput(_not_offered(newsletter, f"the hour {wanted.hour}", offer.hours))
    if choices.length not in (Length.FULL, had.length) and choices.length not in offer.lengths:
        raise BadInput(_not_offered(newsletter, f"the length {choices.length}", (Length.FULL, *offer.lengths)))
    if choices.minutes not in (0, had.minutes) and choices.minutes not in offer.minutes:
        raise BadInput(_not_offered(newsletter, f"{choices.minutes} minutes", offer.minutes))
    if not offer.topics and not set(choices.follow_topics) <= set(had.follow_topics):
        raise BadInput(_not_offered(newsletter, "following topics", ()))
    if not offer.authors and not set(choices.follow_authors) <= set(had.follow_authors):
        raise BadInput(_not_offered(newsletter, "following authors", ()))
    for names in (
        choices.follow_topics,
        choices.follow_authors,
        choices.mute_topics,
        choices.mute_authors,
        choices.fewer,
    ):
        if len(names) > MAX_NAMES:
            raise BadInput(f"{len(names)} names in one list; at most {MAX_NAMES}")


def unknown_topics(choices: Choices, newsletter: Newsletter) -> list[str]:
    """Topics that were chosen and that this newsletter does not print: they change nothing."""
    printed = {slug(topic) for topic in newsletter.topics}
    chosen = dict.fromkeys((*choices.follow_topics, *choices.mute_topics, *choices.fewer))
    return [topic for topic in chosen if printed and topic not in printed]


def _not_offered(newsletter: Newsletter, what: str, offered: Sequence[object]) -> str:
    there = ", ".join(map(str, offered)) if offered else "nothing of that kind"
    return f"newsletter {newsletter.name} does not offer {what}; it offers {there}"
