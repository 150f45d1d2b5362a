"""What somebody wants who sent the form.

A form brings along what it showed (`seen`), and only what differs from that is changed: a page that was left open does
not take back what a link in a mail has done since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.audience.choosing import Wanted
from digest.errors import BadInput
from digest.model.choices import Choices, Length
from digest.model.newsletter import Cadence, Slot
from digest.web.choosing.form import STATES, Control, Form
from digest.web.choosing.words import day_in_words

MAX_PAUSE = timedelta(days=2 * 365)


def changes(form: Form, sent: Mapping[str, str], seen: Mapping[str, str]) -> dict[str, str]:
    """Only the fields that differ from what the form showed; BadInput for one that is not there (any more)."""
    changed = {name: value.strip() for name, value in sent.items() if name != "seen" and seen.get(name) != value}
    controls = form.controls
    for name, value in list(changed.items()):
        if (control := controls.get(name)) is None:
            if value:
                raise BadInput(
                    form.words.gettext(
                        "%(newsletter)s does not offer %(what)s any more.",
                        newsletter=form.newsletter.title,
                        what=name.partition(".")[2] or name,
                    )
                )
            del changed[name]
        elif control.options and value not in dict(control.options):
            raise BadInput(
                f"{control.label}: " + form.words.gettext("“%(value)s” is not among the choices.", value=value[:40])
            )
    return changed


def apply(form: Form, wanted: Wanted, changed: Mapping[str, str], sent: Mapping[str, str]) -> Wanted:
    """What is wanted now, with the changes; BadInput for a date that is none."""
    choices = wanted.choices
    for field, value in changed.items():
        what, _, name = field.partition(".")
        if what in STATES:
            choices = _set_state(choices, STATES[what], name, value)
    if "length" in changed:
        choices = replace(choices, length=Length(changed["length"]))
    if "minutes" in changed:
        choices = replace(choices, minutes=int(changed["minutes"]))
    wanted = replace(wanted, choices=choices)
    if changed.keys() & {"cadence", "weekday"}:
        wanted = replace(wanted, slot=_slot(form, changed, sent))
    if "hour" in changed:
        wanted = replace(wanted, hour=int(changed["hour"]) if changed["hour"] else None)
    if "pause" in changed:
        zone = ZoneInfo(changed["time_zone"]) if changed.get("time_zone") else form.zone
        wanted = replace(wanted, paused_until=_until(changed["pause"], zone, form))
    return wanted


def person_of(changed: Mapping[str, str]) -> dict[str, str]:
    """What changes of the reader, not of the subscription."""
    return {key: changed[key] for key in ("language", "time_zone") if key in changed}


def _only(sent: Mapping[str, str], controls: Mapping[str, Control], *names: str) -> dict[str, str]:
    return {each: sent[each] for each in names if each in controls and sent.get(each) in dict(controls[each].options)}


def _set_state(choices: Choices, states: Mapping[str, Sequence[str]], name: str, state: str) -> Choices:
    lists: dict[str, tuple[str, ...]] = {}
    for of in {each for listed in states.values() for each in listed}:
        rest = tuple(each for each in getattr(choices, of) if each != name)
        lists[of] = (*rest, name) if of in states[state] else rest
    return replace(choices, **lists)  # type: ignore[arg-type]


def _slot(form: Form, changed: Mapping[str, str], sent: Mapping[str, str]) -> str:
    """A cadence and its day belong together: the day is what the form said, changed or not."""
    given = {**changed} | _only(sent, form.controls, "cadence", "weekday")
    value = {name: given.get(name, control.value) for name, control in form.controls.items()}
    cadence = value["cadence"]
    if not cadence and "cadence" not in changed:
        return form.wanted.slot  # another day for no cadence of one's own; one that is not offered any more waits
    return cadence if cadence in ("", Cadence.DAILY) else str(Slot(Cadence(cadence), value["weekday"]))


def _until(text: str, zone: ZoneInfo, form: Form) -> datetime | None:
    """The beginning of that day where the reader lives."""
    if not text:
        return None
    today = form.now.astimezone(zone).date()
    gettext, label = form.words.gettext, form.words.gettext("No mail until")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        example = f"{today.year + 1}-01-31"
        unreadable = gettext("“%(value)s” is no date like %(example)s.", value=text[:40], example=example)
        raise BadInput(f"{label}: {unreadable}") from None
    if day <= today:
        raise BadInput(f"{label}: " + gettext("%(day)s is no day to come.", day=day_in_words(day, form.words)))
    if day - today > MAX_PAUSE:
        last = day_in_words(today + MAX_PAUSE, form.words)
        too_long = gettext(
            "a pause can last until %(day)s. To end it for good, leave by the link in a mail.",
            day=last,
        )
        raise BadInput(f"{label}: {too_long}")
    return datetime.combine(day, time(), zone).astimezone(UTC)
