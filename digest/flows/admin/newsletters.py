"""Newsletters: look, add, change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from digest import audit
from digest.db.engine import reading, writing
from digest.editions import settings
from digest.editions.due import periods_after
from digest.editions.store import newsletters as store
from digest.errors import BadInput, Fault, Invalid
from digest.model.actor import Actor
from digest.model.address import EmailAddress
from digest.model.newsletter import Newsletter, NewsletterId
from digest.model.setting import get_value, read_values
from digest.render.files import read_files

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A newsletter, and what a list says of it besides.

    version   rises with every change: what `change_newsletter` is told as `seen`
    due_at    when its next edition is due, aware UTC; None for never
    readers   by status of the subscription; empty in a list
    """

    newsletter: Newsletter
    version: int
    due_at: datetime | None
    readers: Mapping[str, int]


def list_newsletters(engine: Engine, *, now: datetime) -> list[Overview]:
    """All of them, by name."""
    with reading(engine) as connection:
        found = store.list_with_versions(connection)
    return [_overview(each, version, {}, now=now) for each, version in found]


def get_newsletter(engine: Engine, name: str, *, now: datetime) -> Overview:
    """One, with its readers counted; NotFound."""
    from digest.audience.store.subscribers import count_subscriptions  # takes long to import, and a list needs it not

    with reading(engine) as connection:
        found, version = store.get_with_version(connection, name)
        return _overview(found, version, count_subscriptions(connection, found.id), now=now)


def _overview(found: Newsletter, version: int, readers: Mapping[str, int], *, now: datetime) -> Overview:
    due_at = next((each.due_at for each in periods_after(now, found.schedule)), None)
    return Overview(newsletter=found, version=version, due_at=due_at, readers=readers)


def add_newsletter(
    engine: Engine, name: str, given: Mapping[str, Any], *, folders: Sequence[Path], actor: Actor, now: datetime
) -> Newsletter:
    """A new one. BadInput for its name, Invalid for its settings, Refused where the name is taken.

    given     settings by path, as texts, numbers or switches; title, sender and postal_address among them
    folders   where templates are looked for
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot be a newsletter's name: small letters, digits and hyphens only", field="name")
    values = read_values(Newsletter, given)
    blank = Newsletter(id=NewsletterId(0), name=name, title="", sender=EmailAddress("", ""))
    new = settings.put(blank, values, now=now)
    _refuse_new_faults(new, [])
    read_files(new.template, folders)
    with writing(engine) as connection:
        number = store.add_newsletter(connection, new, now=now)
        target = audit.of_newsletter(number, version=1)
        audit.record(connection, "newsletter.add", actor, target, now=now, after={"name": name, **values})
    return new


def change_newsletter(
    engine: Engine,
    name: str,
    given: Mapping[str, Any],
    *,
    folders: Sequence[Path],
    actor: Actor,
    now: datetime,
    seen: int | None = None,
) -> Newsletter:
    """Put these settings in, and leave the others as they are by then. NotFound, Invalid, Stale.

    given   settings by path, as texts, numbers or switches
    seen    the version that the caller showed to who asks for this: somebody else's later change of the same setting is
            not written over. None: it holds whatever was there
    """
    values = read_values(Newsletter, given)
    if "template" in values:
        read_files(values["template"], folders)
    with writing(engine) as connection:
        before, _version = store.get_with_version(connection, name, for_update=True)
        audit.check_fresh(connection, audit.Noun.NEWSLETTER, before.id, values.keys(), seen=seen)
        changed = settings.put(before, values, now=now)
        _refuse_new_faults(changed, settings.check(before))
        version = store.change_newsletter(connection, changed, now=now)
        audit.record(
            connection,
            "newsletter.change",
            actor,
            audit.of_newsletter(before.id, version=version),
            now=now,
            before={path: get_value(before, path) for path in values},
            after={path: get_value(changed, path) for path in values},
            name=name,
        )
    return changed


def _refuse_new_faults(newsletter: Newsletter, before: Sequence[Fault]) -> None:
    """Invalid for what is wrong now and was not before: an old fault keeps nobody from mending another thing."""
    if faults := [each for each in settings.check(newsletter) if each not in before]:
        raise Invalid(faults)
