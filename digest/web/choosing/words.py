"""How the readers' pages say what can be chosen."""

from __future__ import annotations

from datetime import date

from digest.model.article import slug
from digest.model.choices import Kind, Length
from digest.model.newsletter import WEEKDAYS, Cadence, Newsletter, Slot

STATE_NAMES = {
    "": "No choice",
    "follow": "Follow",
    "follow-fewer": "Follow, one each time",
    "fewer": "Fewer: one each time",
    "mute": "Mute",
}
KIND_NAMES = {Kind.EDITOR: "Editor’s picks", Kind.POPULAR: "Most read"}
CADENCE_NAMES = {
    Cadence.DAILY: "Every day",
    Cadence.WEEKLY: "Every week",
    Cadence.BIWEEKLY: "Every two weeks",
    Cadence.MONTHLY: "Once a month",
}
DAY_NAMES = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
LENGTH_NAMES = {
    Length.FULL: "As it comes, with pictures",
    Length.SUMMARIES: "Titles and summaries",
    Length.HEADLINES: "Titles only",
}
LANGUAGE_NAMES = {"de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "he": "עברית"}


def slot_in_words(text: str) -> str:
    try:
        slot = Slot.parse(text)
    except ValueError:
        return text
    return f"{CADENCE_NAMES[slot.cadence]}, {DAY_NAMES[slot.weekday]}" if slot.weekday else CADENCE_NAMES[slot.cadence]


def name_of_topic(newsletter: Newsletter, name: str) -> str:
    """As the newsletter spells it; else the slug as a phrase."""
    return next((topic for topic in newsletter.topics if slug(topic) == slug(name)), _phrase(slug(name)))


def name_of_author(name: str) -> str:
    return slug(name).replace("-", " ").title()


def _phrase(name: str) -> str:
    text = name.replace("-", " ")
    return text[:1].upper() + text[1:]


def day_in_words(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
