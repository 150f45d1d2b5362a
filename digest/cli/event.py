"""digest event: what editions tell of before it begins"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from digest.cli.arguments import drop_none
from digest.cli.context import actor, open_app
from digest.cli.output import confirm, show_json, show_table
from digest.db.engine import reading
from digest.editions.store.calendar import get_event, list_events
from digest.editions.store.newsletters import get_newsletter
from digest.flows.admin import calendar

if TYPE_CHECKING:
    from digest.model.event import Event

_TITLE = Annotated[str | None, typer.Option()]
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
    if not starts:
        raise typer.BadParameter("when does it begin? --starts 2026-12-05T19:30")
    texts = drop_none(title=title, starts=starts, ends=ends, zone=zone, place=place, url=url, text=text)
    app = open_app(context)
    number, new = calendar.add(app.engine, newsletter, texts, actor=actor(), now=app.clock.now())
    print(f"event {number} added: {new.title}, {_when(new)}")


def list_(context: typer.Context, newsletter: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Those that have not begun, the next first."""
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
    title: _TITLE = None,
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
    texts = drop_none(title=title, starts=starts, ends=ends, zone=zone, place=place, url=url, text=text)
    app = open_app(context)
    changed = calendar.change(app.engine, event_id, texts, actor=actor(), now=app.clock.now())
    print(f"event {event_id} changed: {changed.title}, {_when(changed)}")


def remove(
    context: typer.Context, event_id: int, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False
) -> None:
    """Take an event out of the editions that are built from now on."""
    app = open_app(context)
    with reading(app.engine) as connection:
        found = get_event(connection, event_id)
    confirm(f"Remove {found.title}, {_when(found)}?", yes=yes)
    calendar.remove(app.engine, event_id, actor=actor(), now=app.clock.now())
    print(f"event {event_id} removed")


def _when(of: Event) -> str:
    at = of.starts_at.astimezone(ZoneInfo(of.time_zone))
    return f"{at:%Y-%m-%d}" if of.is_all_day else f"{at:%Y-%m-%d %H:%M} {of.time_zone}"
