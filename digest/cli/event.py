"""digest event add | list | change | remove: what editions tell of before it begins"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.arguments import in_bounds, line, link
from digest.cli.context import actor, open_app
from digest.cli.output import confirm, show_json, show_table

if TYPE_CHECKING:
    from digest.model.event import Event

_STARTS = Annotated[str | None, typer.Option(help="2026-12-05T19:30, in the event's zone; a day alone: all day")]
_ENDS = Annotated[str | None, typer.Option(help="in the same way; empty for none")]
_ZONE = Annotated[str | None, typer.Option(help="Europe/Berlin; the newsletter's if not given")]
_PLACE = Annotated[str | None, typer.Option()]
_URL = Annotated[str | None, typer.Option()]
_TEXT = Annotated[str | None, typer.Option(help="one sentence")]


def add(
    context: typer.Context,
    newsletter: str,
    title: str,
    starts: _STARTS = None,
    ends: _ENDS = None,
    zone: _ZONE = None,
    place: _PLACE = None,
    url: _URL = None,
    text: _TEXT = None,
) -> None:
    """Add an event. Editions that are due in the weeks before tell of it (digest newsletter change --event-days).

    Example: digest event add harbour "Ferry day" --starts 2026-12-05T14:00 --place "Pier 3" --url https://example.org/ferry
    """
    from digest import audit
    from digest.db.engine import writing
    from digest.editions.events import add_event
    from digest.editions.newsletters import get_newsletter
    from digest.model.event import Event

    if not starts:
        raise typer.BadParameter("when does it begin? --starts 2026-12-05T19:30")
    app = open_app(context)
    with writing(app.engine) as connection:
        of = get_newsletter(connection, newsletter)
        new = Event(title="", starts_at=app.clock.now(), time_zone=of.schedule.time_zone)
        new = _changed(new, title, starts, ends, zone, place, url, text)
        number = add_event(connection, of.id, new, now=app.clock.now())
        target = audit.Target(noun=audit.Noun.EVENT, id=number, newsletter_id=of.id)
        audit.record(connection, "event.add", actor(), target, now=app.clock.now())
    print(f"event {number} added: {new.title}, {_when(new)}")


def list_(context: typer.Context, newsletter: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Those that have not begun, the next first."""
    from digest.db.engine import reading
    from digest.editions.events import list_events
    from digest.editions.newsletters import get_newsletter

    app = open_app(context)
    with reading(app.engine) as connection:
        found = list_events(connection, get_newsletter(connection, newsletter).id, after=app.clock.now())
    if as_json:
        show_json(found)
        return
    show_table(
        ("id", "begins", "title", "place", "url"),
        [(each.id, _when(each), each.title, each.place, each.url) for each in found],
        empty=f'no events; add one: digest event add {newsletter} "Ferry day" --starts 2026-12-05T14:00',
    )


def change(
    context: typer.Context,
    event_id: int,
    title: Annotated[str | None, typer.Option()] = None,
    starts: _STARTS = None,
    ends: _ENDS = None,
    zone: _ZONE = None,
    place: _PLACE = None,
    url: _URL = None,
    text: _TEXT = None,
) -> None:
    """Change an event. Editions that were built before keep it as it was.

    Example: digest event change 3 --starts 2026-12-06T14:00
    """
    from digest.db.engine import writing
    from digest.editions.events import change_event, get_event

    app = open_app(context)
    with writing(app.engine) as connection:
        changed = _changed(get_event(connection, event_id), title, starts, ends, zone, place, url, text)
        change_event(connection, event_id, changed)
    print(f"event {event_id} changed: {changed.title}, {_when(changed)}")


def remove(
    context: typer.Context, event_id: int, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False
) -> None:
    """Take an event out of the editions that are built from now on."""
    from digest.db.engine import reading, writing
    from digest.editions.events import get_event, remove_event

    app = open_app(context)
    with reading(app.engine) as connection:
        found = get_event(connection, event_id)
    confirm(f"Remove {found.title}, {_when(found)}?", yes=yes)
    with writing(app.engine) as connection:
        remove_event(connection, event_id)
    print(f"event {event_id} removed")


def _changed(
    of: Event,
    title: str | None,
    starts: str | None,
    ends: str | None,
    zone: str | None,
    place: str | None,
    url: str | None,
    text: str | None,
) -> Event:
    """With what was given; BadInput says what of it is wrong."""
    from dataclasses import replace
    from datetime import date, datetime
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from digest.errors import BadInput

    name = zone or of.time_zone
    before = ZoneInfo(of.time_zone)
    try:
        there = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:  # OSError: a folder of zones, "America"
        raise BadInput(f"--zone: there is no time zone {name!r}; write Europe/Berlin") from cause

    def instant(option: str, given: str) -> tuple[datetime, bool]:
        try:
            at = datetime.fromisoformat(given)
        except ValueError as cause:
            raise BadInput(f"{option}: {given!r} is no instant: write 2026-12-05T19:30, or 2026-12-05") from cause
        try:
            is_day = bool(date.fromisoformat(given))
        except ValueError:
            is_day = False
        in_bounds(option, at)
        return at if at.tzinfo else at.replace(tzinfo=there), is_day

    def moved(at: datetime) -> datetime:
        """The same wall time in the other zone."""
        return at.astimezone(before).replace(tzinfo=there)

    values: dict[str, object] = {"time_zone": name}
    if zone and of.title:
        values |= {"starts_at": moved(of.starts_at), "ends_at": moved(of.ends_at) if of.ends_at else None}
    if starts:
        values["starts_at"], values["is_all_day"] = instant("--starts", starts)
    if ends is not None:
        values["ends_at"] = instant("--ends", ends)[0] if ends else None
    for key, given in (("title", title), ("place", place), ("text", text)):
        if given is not None:
            values[key] = line(f"--{key}", given, needed=key == "title")
    if url is not None:
        values["url"] = link("--url", url)
    changed = replace(of, **values)  # type: ignore[arg-type]
    if not changed.title:
        raise BadInput("an event needs a title")
    if changed.ends_at is not None and changed.ends_at < changed.starts_at:
        raise BadInput("it ends before it begins")
    return changed


def _when(of: Event) -> str:
    from zoneinfo import ZoneInfo

    at = of.starts_at.astimezone(ZoneInfo(of.time_zone))
    return f"{at:%Y-%m-%d}" if of.is_all_day else f"{at:%Y-%m-%d %H:%M} {of.time_zone}"
