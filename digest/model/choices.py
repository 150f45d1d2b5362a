"""Choices: what a reader wants of a newsletter. Whatever is left empty is as the newsletter does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from digest.model.article import slug
from digest.model.newsletter import Offer


class Length(StrEnum):
    """How much of each article a copy shows."""

    FULL = "full"  # as the layout says: a lead, pictures, cards
    SUMMARIES = "summaries"  # a title and a summary each, no pictures
    HEADLINES = "headlines"  # titles only


class Kind(StrEnum):
    """Why an article is in a copy. Those with a rule of their own can be switched off by themselves."""

    NEW = "new"  # nothing in particular: the reader follows nothing, so everything is for them
    TOPIC = "topic"
    AUTHOR = "author"
    EDITOR = "editor"  # the editor wants everybody to see it
    POPULAR = "popular"  # among the most read, though the reader does not follow it


@dataclass(slots=True, kw_only=True)
class Choices:
    """Topics and authors are slugs: "health", "ana-kovač". Not frozen: a million are made, one after another.

    follow_...   only these, and what the editor or the other readers recommend; none: everything
    mute_...     never these; stronger than all else
    mute_kinds   neither editor's picks nor the most read
    fewer        topics of which one article in each copy is enough
    minutes      reading time of one copy; 0: no limit
    """

    follow_topics: tuple[str, ...] = ()
    follow_authors: tuple[str, ...] = ()
    mute_topics: tuple[str, ...] = ()
    mute_authors: tuple[str, ...] = ()
    mute_kinds: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()
    length: Length = Length.FULL
    minutes: int = 0


NONE = Choices()

LISTS = ("follow_topics", "follow_authors", "mute_topics", "mute_authors", "mute_kinds", "fewer")


_LENGTHS: dict[object, Length] = {length.value: length for length in Length}


def choices_to_json(choices: Choices) -> dict[str, Any]:
    """Only what was chosen: readers without choices have "{}"."""
    values: dict[str, Any] = {name: list(value) for name in LISTS if (value := getattr(choices, name))}
    if choices.length is not Length.FULL:
        values["length"] = choices.length.value
    if choices.minutes:
        values["minutes"] = choices.minutes
    return values


def choices_from_json(values: Mapping[str, Any]) -> Choices:
    """What another version wrote and this one does not know is passed over: a reader's copy must not fail for it."""
    if not values:
        return NONE
    minutes = values.get("minutes")
    return Choices(
        **{name: slugs(names) for name, names in values.items() if name in LISTS and isinstance(names, list)},
        length=_LENGTHS.get(values.get("length"), Length.FULL),
        minutes=minutes if isinstance(minutes, int) and minutes > 0 else 0,
    )


def slugs(names: Sequence[str]) -> tuple[str, ...]:
    """In the order given, each once."""
    return tuple(dict.fromkeys(filter(None, map(slug, map(str, names)))))


def offered(choices: Choices, offer: Offer) -> Choices:
    """Those that the newsletter offers (still); the others stay with the reader and wait.

    Where an article says why it is there, what its link ended stays ended, whatever else is on offer.
    """
    topics, authors = offer.topics, offer.authors
    if topics and authors and offer.minutes and choices.length in (Length.FULL, *offer.lengths):
        return choices
    return replace(
        choices,
        follow_topics=choices.follow_topics if topics else (),
        follow_authors=choices.follow_authors if authors else (),
        mute_topics=choices.mute_topics if topics or offer.reasons else (),
        mute_authors=choices.mute_authors if authors or offer.reasons else (),
        mute_kinds=choices.mute_kinds if topics or authors or offer.reasons else (),
        fewer=choices.fewer if topics or offer.reasons else (),
        length=choices.length if choices.length in offer.lengths else Length.FULL,
        minutes=choices.minutes if offer.minutes else 0,
    )
