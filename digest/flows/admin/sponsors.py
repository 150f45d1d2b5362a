"""Who pays for a box of a newsletter, from when to when: book, end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from digest import audit
from digest.db.engine import writing
from digest.editions.sponsors import overlapping
from digest.editions.store.newsletters import change_newsletter, get_with_version
from digest.errors import BadInput, Next, NotFound, Refused, Step
from digest.flows import values
from digest.model.actor import Actor
from digest.model.newsletter import Newsletter, Sponsor

TEXTS = ("text", "label", "cta")
PICTURES = ("logo", "image")


def add(
    engine: Engine, newsletter: str, given: Mapping[str, str], *, most_editions: int = 0, actor: Actor, now: datetime
) -> tuple[Sponsor, ...]:
    """Book a box for editions that are built from now on; returns all of the newsletter.

    One with the same sponsor, title and first day is replaced. Refused where another has some of the days.

    given   texts: name, url, title; and if there are: text, label, cta, logo, image, since, until
    """
    new = sponsor_of(given, most_editions=most_editions)
    with writing(engine) as connection:
        found, _ = get_with_version(connection, newsletter, for_update=True)
        if (other := overlapping(found.sponsors, new)) is not None:
            raise Refused(
                f"{other.name} has the box from {other.since or 'now'} to {other.until or 'no end'}; "
                "give a first and a last day that do not overlap, or end that one",
                next=Next(Step.END_SPONSOR, {"newsletter": newsletter, "sponsor": other.name}),
            )
        kept = (each for each in found.sponsors if each.key != new.key)
        sponsors = tuple(sorted((*kept, new), key=lambda each: each.since))
        _write(connection, "sponsor.add", found, sponsors, actor=actor, now=now)
    return sponsors


def end(engine: Engine, newsletter: str, name: str = "", *, actor: Actor, now: datetime) -> tuple[Sponsor, ...]:
    """Take the boxes of a sponsor away; "": those of all. Returns those that are left. NotFound where it has none."""
    with writing(engine) as connection:
        found, _ = get_with_version(connection, newsletter, for_update=True)
        sponsors = tuple(each for each in found.sponsors if name and each.name != name)
        if name and len(sponsors) == len(found.sponsors):
            there = ", ".join(dict.fromkeys(each.name for each in sponsors)) or "none"
            raise NotFound(f"newsletter {newsletter} has no sponsor {name!r} (there are: {there})", field="sponsor")
        _write(connection, "sponsor.end", found, sponsors, actor=actor, now=now)
    return sponsors


def sponsor_of(given: Mapping[str, str], *, most_editions: int = 0) -> Sponsor:
    """The box as it is kept; BadInput names the field that is wrong. Pure."""
    since, until = (
        values.day(name, text).isoformat() if (text := given.get(name)) else "" for name in ("since", "until")
    )
    if since and until and until < since:
        raise BadInput(f"the last day, {until}, is before the first, {since}", field="until")
    return Sponsor(
        name=values.line("name", given.get("name", ""), needed=True),
        url=values.link("url", given.get("url", ""), needed=True),
        title=values.line("title", given.get("title", ""), needed=True),
        since=since,
        until=until,
        most_editions=most_editions,
        **{name: values.line(name, given.get(name, "")) for name in TEXTS},
        **{name: values.link(name, given.get(name, "")) for name in PICTURES},
    )


def _write(
    connection: Connection,
    action: str,
    found: Newsletter,
    sponsors: tuple[Sponsor, ...],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    version = change_newsletter(connection, replace(found, sponsors=sponsors), now=now)
    target = audit.of_newsletter(found.id, version=version)
    before, after = ({"sponsors": [each.key for each in of]} for of in (found.sponsors, sponsors))
    audit.record(connection, action, actor, target, now=now, before=before, after=after)
