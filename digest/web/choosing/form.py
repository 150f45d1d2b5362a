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
    KIND_NAMES,
    LENGTH_NAMES,
    STATE_NAMES,
    day_in_words,
    days,
    hour_in_words,
    language_in_words,
    minutes_in_words,
    name_of_author,
    name_of_topic,
    time_in_words,
)
from digest.words import Words

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

ENGLISH = Words()

AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field: a choice among options (value and words), or a date where there are none."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""
    hint: str = ""

    def in_words(self, value: str, words: Words) -> str:
        if self.options:
            return dict(self.options).get(value, value)
        return day_in_words(date.fromisoformat(value), words) if value else words.gettext("No pause")


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
    words: Words
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
        return pause.in_words(pause.value, self.words) if pause.value else ""

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.newsletter, self.person)


def make_form(
    newsletter: Newsletter, person: Subscriber, wanted: Wanted, *, now: datetime, words: Words = ENGLISH
) -> Form:
    form = Form(newsletter=newsletter, person=person, wanted=wanted, now=now, words=words)
    gettext = words.gettext
    hint = ""
    if newsletter.offer.topics or newsletter.offer.authors:
        hint = gettext("If you follow anything, you get only that, and what the editor or other readers recommend.")
    groups = (
        Group(legend=gettext("Topics"), controls=tuple(_topics(form)), hint=hint),
        Group(legend=gettext("Authors"), controls=tuple(_authors(form))),
        Group(legend=gettext("Recommendations"), controls=tuple(_kinds(form))),
        Group(legend=gettext("When it comes"), controls=tuple(_when(form))),
        Group(legend=gettext("How much"), controls=tuple(_how_much(form))),
        Group(legend=gettext("Pause"), controls=(_pause(form),)),
    )
    return replace(form, groups=tuple(group for group in groups if group.controls))


def differences(before: Form, after: Form) -> list[tuple[str, str]]:
    """What was saved: the label of each field and what it says now."""
    was, now = before.controls, after.controls
    found = []
    for name, control in (was | now).items():
        value = now[name].value if name in now else ""
        if name not in was or was[name].value != value:
            found.append((control.label, control.in_words(value, after.words)))
    return found


# --- each group ----------------------------------------


def _topics(form: Form) -> Iterable[Control]:
    newsletter, choices = form.newsletter, form.wanted.choices
    gone = set(unknown_topics(choices, newsletter))
    chosen = dict.fromkeys((*choices.follow_topics, *choices.fewer, *choices.mute_topics))
    names = {slug(topic): topic for topic in newsletter.topics if slug(topic)}
    names |= {topic: name_of_topic(newsletter, topic) for topic in chosen if topic not in names and topic not in gone}
    yield from _choices_of("topics", names, form)


def _authors(form: Form) -> Iterable[Control]:
    choices = form.wanted.choices
    chosen = dict.fromkeys((*choices.follow_authors, *choices.mute_authors))
    yield from _choices_of("authors", {each: name_of_author(each) for each in chosen}, form)


def _kinds(form: Form) -> Iterable[Control]:
    yield from _choices_of("kinds", {str(kind): form.words.gettext(name) for kind, name in KIND_NAMES.items()}, form)


def _choices_of(what: str, names: Mapping[str, str], form: Form) -> Iterable[Control]:
    offer, gettext = form.newsletter.offer, form.words.gettext
    states = STATES[what]
    open_to = [state for state, lists in states.items() if _is_on_offer(lists, offer)]
    if len(open_to) < 2:
        return
    phrases = {state: gettext(name) for state, name in STATE_NAMES.items()}
    if what == "kinds":
        phrases |= {"": gettext("Yes, send them"), "mute": form.words.pgettext("do not send them", "No")}
    for name, label in names.items():
        state = _state(states, name, offered(form.wanted.choices, offer))
        options = tuple((each, phrases[each]) for each in open_to)
        yield Control(name=f"{what}.{name}", label=label, options=options, value=state)


def _is_on_offer(lists: Sequence[str], offer: Offer) -> bool:
    alone = replace(Choices(), **dict.fromkeys(lists, ("x",)))  # type: ignore[arg-type]
    return offered(alone, offer) == alone


def _state(states: Mapping[str, Sequence[str]], name: str, choices: Choices) -> str:
    """Muting is stronger than all else; then the state that says the most."""
    held = {of for lists in states.values() for of in lists if name in getattr(choices, of)}
    fitting = [state for state, lists in states.items() if set(lists) <= held]
    return "mute" if "mute" in fitting else max(fitting, key=lambda state: len(states[state]))


def _when(form: Form) -> Iterable[Control]:
    newsletter, wanted, words, gettext = form.newsletter, form.wanted, form.words, form.words.gettext
    offer, schedule = newsletter.offer, newsletter.schedule
    if not offer.is_any:  # all get the same at the same time
        return
    names = days(words)
    own = ", ".join(names[day] for day in schedule.weekdays)
    if offer.cadences:
        slot = Slot.parse(wanted.slot) if is_offered(wanted.slot, offer) else None
        default = ("", _as_usual(own, words))
        cadences = (default, *((str(each), gettext(CADENCE_NAMES[Cadence(each)])) for each in offer.cadences))
        yield Control(
            name="cadence", label=gettext("How often"), options=cadences, value=str(slot.cadence) if slot else ""
        )
        if set(offer.cadences) - {Cadence.DAILY}:
            day = (slot and slot.weekday) or next(iter(schedule.weekdays), WEEKDAYS[0])
            hint = gettext("Every week, every two weeks, or the first such day of a month.")
            yield Control(name="weekday", label=gettext("Day"), options=tuple(names.items()), value=day, hint=hint)
    if offer.hours and (offer.cadences or schedule.is_local):
        default = ("", _as_usual(time_in_words(schedule.wall_time, words), words))
        hours = (default, *((str(hour), hour_in_words(hour, words)) for hour in offer.hours))
        value = str(wanted.hour) if wanted.hour in offer.hours else ""
        hint = "" if schedule.is_local else gettext("Counts when you have chosen how often.")
        yield Control(name="hour", label=gettext("Hour"), options=hours, value=value, hint=hint)
    if schedule.is_local or offer.cadences:
        yield _zone(form)


def _as_usual(what: str, words: Words) -> str:
    return words.gettext("As usual (%(when)s)", when=what) if what else words.gettext("As usual")


def _zone(form: Form) -> Control:
    here = form.person.time_zone if form.person.time_zone in _all_zones() else ""
    names = (*_zones(), *([here] if here and here not in _zones() else ()))
    usual = form.words.gettext("As the newsletter (%(zone)s)", zone=_spaced(form.newsletter.schedule.time_zone))
    options = (("", usual), *((name, _spaced(name)) for name in names))
    return Control(name="time_zone", label=form.words.gettext("Time zone"), options=options, value=here)


def _how_much(form: Form) -> Iterable[Control]:
    newsletter, choices, gettext = form.newsletter, form.wanted.choices, form.words.gettext
    offer = newsletter.offer
    if offer.lengths:
        lengths = tuple((str(each), gettext(LENGTH_NAMES[Length(each)])) for each in (Length.FULL, *offer.lengths))
        value = str(offered(choices, offer).length)
        yield Control(name="length", label=gettext("Articles"), options=lengths, value=value)
    if offer.minutes:
        any_time = form.words.pgettext("reading time", "Any")
        times = (("0", any_time), *((str(each), minutes_in_words(each, form.words)) for each in offer.minutes))
        value = str(choices.minutes) if choices.minutes in offer.minutes else "0"
        yield Control(name="minutes", label=gettext("Reading time"), options=times, value=value)
    languages = tuple(dict.fromkeys((newsletter.language, *newsletter.languages)))
    if offer.is_any and len(languages) > 1:
        names = tuple((each, language_in_words(each)) for each in languages)
        near = (form.person.language, form.person.language.split("-")[0])
        here = next((each for each in near if each in languages), languages[0])
        hint = gettext("Of the words around the articles.")
        yield Control(name="language", label=gettext("Language"), options=names, value=here, hint=hint)


def _pause(form: Form) -> Control:
    wanted, gettext = form.wanted, form.words.gettext
    until = wanted.paused_until if wanted.paused_until and wanted.paused_until > form.now else None
    value = until.astimezone(form.zone).date().isoformat() if until else ""
    hint = gettext("The first day on which you want mail again. Leave it empty for no pause.")
    return Control(name="pause", label=gettext("No mail until"), value=value, hint=hint)


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
