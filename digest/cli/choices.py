"""digest subscriber choose: what one reader wants of a newsletter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from digest.cli.arguments import in_bounds
from digest.cli.context import actor, open_app
from digest.cli.output import show_fields, show_json

if TYPE_CHECKING:
    from digest.audience.choosing import Wanted

_NAMES = Annotated[str | None, typer.Option(help='comma-separated: "Health,City"')]


def choose(
    context: typer.Context,
    address: str,
    newsletter: Annotated[str, typer.Option()],
    follow: _NAMES = None,
    follow_authors: _NAMES = None,
    mute: _NAMES = None,
    mute_authors: _NAMES = None,
    fewer: Annotated[str | None, typer.Option(help="topics of which one article is enough")] = None,
    mute_kinds: Annotated[str | None, typer.Option(help='recommendations: "editor,popular"')] = None,
    cadence: Annotated[
        str | None, typer.Option(help='"daily", "weekly.thu", ...; "" as the newsletter does it')
    ] = None,
    hour: Annotated[str | None, typer.Option(help='of the reader\'s day: "18"; "" as the newsletter does it')] = None,
    length: Annotated[str | None, typer.Option(help="full, summaries, headlines")] = None,
    minutes: Annotated[int | None, typer.Option(min=0, max=600, help="reading time of one digest; 0: no limit")] = None,
    pause_until: Annotated[str | None, typer.Option(help='a date: "2027-01-15"; "" ends a pause')] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What one reader wants of a newsletter. A list replaces the one before; "" empties it.

    Without options it says what was chosen. It holds from the reader's next edition on.

    Example: digest subscriber choose mira@example.org --newsletter harbour --follow Health,City --cadence weekly.thu
    """
    from digest.audience.choosing import unknown_topics
    from digest.db.engine import reading
    from digest.editions.periods import known_zone
    from digest.editions.store.newsletters import get_newsletter
    from digest.flows.admin import readers
    from digest.model.choices import choices_to_json

    given = {key: value for key, value in locals().items() if key in _CHOICES and value is not None}
    app = open_app(context)
    with reading(app.engine) as connection:
        person, _ = readers.find_subscription(connection, newsletter, address)
        of = get_newsletter(connection, newsletter)
    zone = ZoneInfo(known_zone(person.time_zone, of.schedule.time_zone))
    wanted = readers.choose(
        app.engine,
        newsletter,
        address,
        lambda before: _wanted(before, given, zone),
        actor=actor(),
        now=app.clock.now(),
    )
    shown = {
        "cadence": wanted.slot or "as the newsletter does it",
        "hour": wanted.hour,
        "paused until": wanted.paused_until,
        **choices_to_json(wanted.choices),
    }
    if as_json:
        show_json({key.replace(" ", "_"): value for key, value in shown.items()})
        return
    show_fields(shown)
    for topic in unknown_topics(wanted.choices, of):
        print(f"{newsletter} prints no topic {topic!r}: that choice changes nothing")


_CHOICES = (
    *("follow", "follow_authors", "mute", "mute_authors", "fewer", "mute_kinds"),
    *("cadence", "hour", "length", "minutes", "pause_until"),
)


def _wanted(before: Wanted, given: dict[str, Any], zone: ZoneInfo) -> Wanted:
    from digest.errors import BadInput
    from digest.model.choices import Kind, Length, slugs

    names = {"follow": "follow_topics", "mute": "mute_topics"}
    lists = ("follow", "follow_authors", "mute", "mute_authors", "fewer", "mute_kinds")
    values: dict[str, Any] = {names.get(key, key): slugs(_parts(given[key])) for key in lists if key in given}
    for kind in values.get("mute_kinds", ()):
        if kind not in (Kind.EDITOR, Kind.POPULAR):
            raise BadInput(f"--mute-kinds: {kind!r}; there are: editor, popular")
    if "length" in given:
        if given["length"] not in tuple(Length):
            raise BadInput(f"--length: {given['length']!r}; there are: {', '.join(Length)}")
        values["length"] = Length(given["length"])
    if "minutes" in given:
        values["minutes"] = given["minutes"]
    wanted = replace(before, choices=replace(before.choices, **values))
    if "cadence" in given:
        wanted = replace(wanted, slot=given["cadence"])
    if "hour" in given:
        wanted = replace(wanted, hour=_number("hour", given["hour"], 0, 23) if given["hour"] else None)
    if "pause_until" in given:
        wanted = replace(wanted, paused_until=_day(given["pause_until"], zone) if given["pause_until"] else None)
    return wanted


def _day(text: str, zone: ZoneInfo) -> datetime:
    """The beginning of that day where the reader lives."""
    from digest.errors import BadInput

    try:
        at = datetime.fromisoformat(text)
    except ValueError as cause:
        raise BadInput(f"--pause-until: {text!r} is no date like 2027-01-15") from cause
    return datetime.combine(in_bounds("--pause-until", at).date(), time(), zone).astimezone(UTC)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _number(option: str, text: str, low: int, high: int) -> int:
    from digest.errors import BadInput

    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise BadInput(f"--{option}: {text!r} is no number from {low} to {high}")
    return int(text)
