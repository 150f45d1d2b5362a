"""What stands in the form: everything that the newsletter offers, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from digest.audience.choosing import Wanted, unknown_topics
from digest.editions.periods import is_offered, known_zone
from digest.model.article import slug
from digest.model.choices import Choices, Length, offered
from digest.model.newsletter import WEEKDAYS, Cadence, Newsletter, Offer, Slot
from digest.model.subscriber import Subscriber
from digest.web.choosing.words import (
    CADENCE_NAMES,
    DAY_NAMES,
    KIND_NAMES,
    LANGUAGE_NAMES,
    LENGTH_NAMES,
    STATE_NAMES,
    day_in_words,
    name_of_author,
    name_of_topic,
)

STATES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "topics": {
        "": (),
        "follow": ("follow_topics",),
        "follow-fewer": ("follow_topics", "fewer"),
        "fewer": ("fewer",),
        "mute": ("mute_topics",),
    },
    "authors": {"": (), "follow": ("follow_authors",), "mute": ("mute_authors",)},
    "kinds": {"": (), "mute": ("mute_kinds",)},
}
"""What can be said of a topic, an author and a kind of recommendation, and the lists in which it then stands."""

AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field: a choice among options (value and words), or a date where there are none."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""
    hint: str = ""

    def words(self, value: str) -> str:
        if self.options:
            return dict(self.options).get(value, value)
        return day_in_words(date.fromisoformat(value)) if value else "No pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    legend: str
    controls: tuple[Control, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """All that this newsletter offers this reader, with what is chosen now."""

    newsletter: Newsletter
    person: Subscriber
    wanted: Wanted
    now: datetime
    groups: tuple[Group, ...] = ()

    @property
    def controls(self) -> dict[str, Control]:
        return {control.name: control for group in self.groups for control in group.controls}

    @property
    def seen(self) -> str:
        return urlencode({name: control.value for name, control in self.controls.items()})

    @property
    def paused(self) -> str:
        """The day on which a pause ends, in words; "" while there is none."""
        pause = self.controls["pause"]
        return pause.words(pause.value) if pause.value else ""

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.newsletter, self.person)


def make_form(newsletter: Newsletter, person: Subscriber, wanted: Wanted, *, now: datetime) -> Form:
    follows = newsletter.offer.topics or newsletter.offer.authors
    hint = (
        "If you follow anything, you get only that, and what the editor or other readers recommend." if follows else ""
    )
    groups: tuple[Group, ...] = (
        Group(legend="Topics", controls=tuple(_topics(newsletter, wanted.choices)), hint=hint),
        Group(legend="Authors", controls=tuple(_authors(newsletter, wanted.choices))),
        Group(legend="Recommendations", controls=tuple(_kinds(newsletter, wanted.choices))),
        Group(legend="When it comes", controls=tuple(_when(newsletter, person, wanted))),
        Group(legend="How much", controls=tuple(_how_much(newsletter, person, wanted.choices))),
        Group(legend="Pause", controls=(_pause(newsletter, person, wanted, now),)),
    )
    groups = tuple(group for group in groups if group.controls)
    return Form(newsletter=newsletter, person=person, wanted=wanted, now=now, groups=groups)


def differences(before: Form, after: Form) -> list[tuple[str, str]]:
    """What was saved: the label of each field and what it says now."""
    was, now = before.controls, after.controls
    found = []
    for name, control in (was | now).items():
        value = now[name].value if name in now else ""
        if name not in was or was[name].value != value:
            found.append((control.label, control.words(value)))
    return found


# --- each group ----------------------------------------


def _topics(newsletter: Newsletter, choices: Choices) -> Iterable[Control]:
    gone = set(unknown_topics(choices, newsletter))
    chosen = dict.fromkeys((*choices.follow_topics, *choices.fewer, *choices.mute_topics))
    names = {slug(topic): topic for topic in newsletter.topics if slug(topic)}
    names |= {topic: name_of_topic(newsletter, topic) for topic in chosen if topic not in names and topic not in gone}
    yield from _choices_of("topics", names, newsletter.offer, choices)


def _authors(newsletter: Newsletter, choices: Choices) -> Iterable[Control]:
    chosen = dict.fromkeys((*choices.follow_authors, *choices.mute_authors))
    yield from _choices_of("authors", {each: name_of_author(each) for each in chosen}, newsletter.offer, choices)


def _kinds(newsletter: Newsletter, choices: Choices) -> Iterable[Control]:
    yield from _choices_of("kinds", {str(kind): name for kind, name in KIND_NAMES.items()}, newsletter.offer, choices)


def _choices_of(what: str, names: Mapping[str, str], offer: Offer, choices: Choices) -> Iterable[Control]:
    states = STATES[what]
    open_to = [state for state, lists in states.items() if _is_on_offer(lists, offer)]
    if len(open_to) < 2:
        return
    words = {**STATE_NAMES, "": "Yes, send them", "mute": "No"} if what == "kinds" else STATE_NAMES
    for name, label in names.items():
        state = _state(states, name, offered(choices, offer))
        options = tuple((each, words[each]) for each in open_to)
        yield Control(name=f"{what}.{name}", label=label, options=options, value=state)


def _is_on_offer(lists: Sequence[str], offer: Offer) -> bool:
    alone = replace(Choices(), **dict.fromkeys(lists, ("x",)))  # type: ignore[arg-type]
    return offered(alone, offer) == alone


def _state(states: Mapping[str, Sequence[str]], name: str, choices: Choices) -> str:
    """Muting is stronger than all else; then the state that says the most."""
    held = {of for lists in states.values() for of in lists if name in getattr(choices, of)}
    fitting = [state for state, lists in states.items() if set(lists) <= held]
    return "mute" if "mute" in fitting else max(fitting, key=lambda state: len(states[state]))


def _when(newsletter: Newsletter, person: Subscriber, wanted: Wanted) -> Iterable[Control]:
    offer, schedule = newsletter.offer, newsletter.schedule
    if not offer.is_any:  # all get the same at the same time
        return
    own = ", ".join(DAY_NAMES[day] for day in schedule.weekdays)
    if offer.cadences:
        slot = Slot.parse(wanted.slot) if is_offered(wanted.slot, offer) else None
        default = ("", f"As usual ({own})" if own else "As usual")
        cadences = (default, *((str(each), CADENCE_NAMES[Cadence(each)]) for each in offer.cadences))
        yield Control(name="cadence", label="How often", options=cadences, value=str(slot.cadence) if slot else "")
        if set(offer.cadences) - {Cadence.DAILY}:
            day = (slot and slot.weekday) or next(iter(schedule.weekdays), WEEKDAYS[0])
            hint = "Every week, every two weeks, or the first such day of a month."
            yield Control(name="weekday", label="Day", options=tuple(DAY_NAMES.items()), value=day, hint=hint)
    if offer.hours and (offer.cadences or schedule.is_local):
        default = ("", f"As usual ({schedule.wall_time:%H:%M})")
        hours = (default, *((str(hour), f"{hour:02}:00") for hour in offer.hours))
        value = str(wanted.hour) if wanted.hour in offer.hours else ""
        hint = "" if schedule.is_local else "Counts when you have chosen how often."
        yield Control(name="hour", label="Hour", options=hours, value=value, hint=hint)
    if schedule.is_local or offer.cadences:
        yield _zone(newsletter, person)


def _zone(newsletter: Newsletter, person: Subscriber) -> Control:
    here = person.time_zone if person.time_zone in _all_zones() else ""
    names = (*_zones(), *([here] if here and here not in _zones() else ()))
    options = (("", f"As the newsletter ({_spaced(newsletter.schedule.time_zone)})"), *((n, _spaced(n)) for n in names))
    return Control(name="time_zone", label="Time zone", options=options, value=here)


def _how_much(newsletter: Newsletter, person: Subscriber, choices: Choices) -> Iterable[Control]:
    offer = newsletter.offer
    if offer.lengths:
        lengths = tuple((str(each), LENGTH_NAMES[Length(each)]) for each in (Length.FULL, *offer.lengths))
        yield Control(name="length", label="Articles", options=lengths, value=str(offered(choices, offer).length))
    if offer.minutes:
        times = (("0", "Any"), *((str(each), f"{each} minutes") for each in offer.minutes))
        value = str(choices.minutes) if choices.minutes in offer.minutes else "0"
        yield Control(name="minutes", label="Reading time", options=times, value=value)
    languages = tuple(dict.fromkeys((newsletter.language, *newsletter.languages)))
    if offer.is_any and len(languages) > 1:
        names = tuple((each, LANGUAGE_NAMES.get(each, each)) for each in languages)
        near = (person.language, person.language.split("-")[0])
        here = next((each for each in near if each in languages), languages[0])
        hint = "Of the words around the articles."
        yield Control(name="language", label="Language", options=names, value=here, hint=hint)


def _pause(newsletter: Newsletter, person: Subscriber, wanted: Wanted, now: datetime) -> Control:
    until = wanted.paused_until if wanted.paused_until and wanted.paused_until > now else None
    value = until.astimezone(zone_of(newsletter, person)).date().isoformat() if until else ""
    hint = "The first day on which you want mail again. Leave it empty for no pause."
    return Control(name="pause", label="No mail until", value=value, hint=hint)


def zone_of(newsletter: Newsletter, person: Subscriber) -> ZoneInfo:
    return ZoneInfo(known_zone(person.time_zone, newsletter.schedule.time_zone))


def _spaced(zone: str) -> str:
    return zone.replace("_", " ")


@cache
def _all_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _zones() -> tuple[str, ...]:
    """Those that people know themselves by: a part of the world and a city."""
    return tuple(sorted(zone for zone in _all_zones() if zone.split("/")[0] in AREAS))
