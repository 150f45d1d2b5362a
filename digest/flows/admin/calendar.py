"""Events of a newsletter, of which editions tell before they begin: add, change, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from digest import audit
from digest.audit import Noun, Target
from digest.db.engine import writing
from digest.editions.store import calendar as store
from digest.editions.store.newsletters import get_newsletter
from digest.errors import BadInput
from digest.flows import values
from digest.model.actor import Actor
from digest.model.event import Event


def add(engine: Engine, newsletter: str, given: Mapping[str, str], *, actor: Actor, now: datetime) -> tuple[int, Event]:
    """The event's number, and how it is kept.

    given   texts: title, starts, ends, zone, place, url, text; the zone is the newsletter's if it is not given
    """
    if not given.get("starts"):
        raise BadInput("when does it begin? 2026-12-05T19:30", field="starts")
    with writing(engine) as connection:
        of = get_newsletter(connection, newsletter)
        empty = Event(title="", starts_at=now, time_zone=of.schedule.time_zone)
        new = apply_texts(empty, {**given, "title": given.get("title", "")})
        number = store.add_event(connection, of.id, new, now=now)
        target = Target(noun=Noun.EVENT, id=number, newsletter_id=of.id)
        audit.record(connection, "event.add", actor, target, now=now, after=_fields(new))
    return number, new


def change(engine: Engine, event_id: int, given: Mapping[str, str], *, actor: Actor, now: datetime) -> Event:
    """Editions that were built before keep it as it was. `given` as for `add`; "" for `ends` and texts takes them away."""
    with writing(engine) as connection:
        newsletter_id, before = store.lock_event(connection, event_id)
        after = apply_texts(before, given)
        store.change_event(connection, event_id, after)
        target = Target(noun=Noun.EVENT, id=event_id, newsletter_id=newsletter_id)
        was, is_now = _fields(before), _fields(after)
        audit.record(connection, "event.change", actor, target, now=now, before=was, after=is_now)
    return after


def remove(engine: Engine, event_id: int, *, actor: Actor, now: datetime) -> None:
    """Editions that were built before keep it."""
    with writing(engine) as connection:
        newsletter_id, before = store.lock_event(connection, event_id)
        store.remove_event(connection, event_id)
        target = Target(noun=Noun.EVENT, id=event_id, newsletter_id=newsletter_id)
        audit.record(connection, "event.remove", actor, target, now=now, before=_fields(before))


def apply_texts(of: Event, given: Mapping[str, str]) -> Event:
    """With what was given; BadInput names the field that is wrong. Pure."""
    there = values.zone("zone", given.get("zone") or of.time_zone)
    fields: dict[str, Any] = {"time_zone": there.key}
    if given.get("zone") and of.title:  # the same wall times in the other zone
        fields |= {"starts_at": _moved(of.starts_at, of, there)}
        fields |= {"ends_at": _moved(of.ends_at, of, there) if of.ends_at else None}
    if starts := given.get("starts"):
        fields |= {"starts_at": values.instant("starts", starts, zone=there), "is_all_day": values.is_day(starts)}
    if "ends" in given:
        fields["ends_at"] = values.instant("ends", given["ends"], zone=there) if given["ends"] else None
    for name in ("title", "place", "text"):
        if name in given:
            fields[name] = values.line(name, given[name], needed=name == "title")
    if "url" in given:
        fields["url"] = values.link("url", given["url"])
    found = replace(of, **fields)
    if found.ends_at is not None and found.ends_at < found.starts_at:
        raise BadInput("it ends before it begins", field="ends")
    return found


def _moved(at: datetime, of: Event, zone: ZoneInfo) -> datetime:
    return at.astimezone(ZoneInfo(of.time_zone)).replace(tzinfo=zone)


def _fields(of: Event) -> dict[str, object]:
    return {name: value for name, value in asdict(of).items() if name != "id" and value not in ("", None)}
