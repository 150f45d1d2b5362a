"""How the readers' pages say what can be chosen, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime, time

from babel import Locale
from babel.dates import format_date, format_time, get_day_names

from digest.model.article import slug
from digest.model.choices import Kind, Length
from digest.model.newsletter import WEEKDAYS, Cadence, Newsletter, Slot
from digest.render.views import babel_locale
from digest.words import Words
from digest.words import gettext_noop as _

STATE_NAMES = {
    "": _("No choice"),
    "follow": _("Follow"),
    "follow-fewer": _("Follow, one each time"),
    "fewer": _("Fewer: one each time"),
    "mute": _("Mute"),
}
KIND_NAMES = {Kind.EDITOR: _("Editor’s picks"), Kind.POPULAR: _("Most read")}
CADENCE_NAMES = {
    Cadence.DAILY: _("Every day"),
    Cadence.WEEKLY: _("Every week"),
    Cadence.BIWEEKLY: _("Every two weeks"),
    Cadence.MONTHLY: _("Once a month"),
}
LENGTH_NAMES = {
    Length.FULL: _("As it comes, with pictures"),
    Length.SUMMARIES: _("Titles and summaries"),
    Length.HEADLINES: _("Titles only"),
}


def days(words: Words) -> dict[str, str]:
    """The names of the days of the week: "mon" -> "Monday"."""
    names = get_day_names("wide", "stand-alone", babel_locale(words.language))
    return {day: names[number] for number, day in enumerate(WEEKDAYS)}


def language_in_words(language: str) -> str:
    """As its own speakers call it: "Deutsch"."""
    name = Locale.parse(language, sep="-").get_display_name() if Locale.negotiate([language], [language], "-") else None
    return name[:1].upper() + name[1:] if name else language


def slot_in_words(text: str, words: Words) -> str:
    try:
        slot = Slot.parse(text)
    except ValueError:
        return text
    cadence = words.gettext(CADENCE_NAMES[slot.cadence])
    return f"{cadence}, {days(words)[slot.weekday]}" if slot.weekday else cadence


def minutes_in_words(minutes: int, words: Words) -> str:
    return words.ngettext("%(num)s minute", "%(num)s minutes", minutes)


def hour_in_words(hour: int, words: Words) -> str:
    """A wall time, as the language writes it: "07:00", "7:00 AM"."""
    return time_in_words(time(hour), words)


def time_in_words(at: time, words: Words) -> str:
    return format_time(datetime.combine(date(2001, 1, 1), at), "short", locale=babel_locale(words.language))


def name_of_topic(newsletter: Newsletter, name: str) -> str:
    """As the newsletter spells it; else the slug as a phrase."""
    return next((topic for topic in newsletter.topics if slug(topic) == slug(name)), _phrase(slug(name)))


def name_of_author(name: str) -> str:
    return slug(name).replace("-", " ").title()


def _phrase(name: str) -> str:
    text = name.replace("-", " ")
    return text[:1].upper() + text[1:]


def day_in_words(day: date, words: Words) -> str:
    return format_date(day, "long", locale=babel_locale(words.language))
