"""What a reader chose and is not on offer any more. It waits for the newsletter to offer it again, or is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from digest.audience.choosing import Wanted, unknown_topics
from digest.editions.periods import is_offered
from digest.model.choices import LISTS, Kind, offered
from digest.web.choosing.form import Form
from digest.web.choosing.words import (
    KIND_NAMES,
    LENGTH_NAMES,
    STATE_NAMES,
    hour_in_words,
    minutes_in_words,
    name_of_author,
    name_of_topic,
    slot_in_words,
)


def stale(form: Form) -> list[tuple[str, str]]:
    """What was chosen and is not on offer any more, and what it was."""
    wanted, choices = form.wanted, form.wanted.choices
    kept = without_stale(form)
    words, gettext = form.words, form.words.gettext
    found = []
    for of in LISTS:
        gone = [name for name in getattr(choices, of) if name not in getattr(kept.choices, of)]
        found += [(_name(form, of, name), gettext(STATE_NAMES[of.partition("_")[0]])) for name in gone]
    if kept.slot != wanted.slot:
        found.append((gettext("How often"), slot_in_words(wanted.slot, words)))
    if kept.hour != wanted.hour:
        found.append((gettext("Hour"), hour_in_words(wanted.hour, words) if wanted.hour is not None else ""))
    if kept.choices.length != choices.length:
        found.append((gettext("Articles"), gettext(LENGTH_NAMES[choices.length])))
    if kept.choices.minutes != choices.minutes:
        found.append((gettext("Reading time"), minutes_in_words(choices.minutes, words)))
    return found


def _name(form: Form, of: str, name: str) -> str:
    if of == "mute_kinds":
        return form.words.gettext(KIND_NAMES[Kind(name)]) if name in tuple(Kind) else name
    return name_of_author(name) if of.endswith("_authors") else name_of_topic(form.newsletter, name)


def without_stale(form: Form) -> Wanted:
    wanted, offer = form.wanted, form.newsletter.offer
    gone = set(unknown_topics(wanted.choices, form.newsletter))
    kept = offered(wanted.choices, offer)
    kept = replace(
        kept,
        follow_topics=_without(kept.follow_topics, gone),
        mute_topics=_without(kept.mute_topics, gone),
        fewer=_without(kept.fewer, gone),
        minutes=kept.minutes if kept.minutes in offer.minutes else 0,
    )
    slot = wanted.slot if is_offered(wanted.slot, offer) else ""
    return replace(wanted, choices=kept, slot=slot, hour=wanted.hour if wanted.hour in offer.hours else None)


def _without(names: Sequence[str], gone: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in gone)
