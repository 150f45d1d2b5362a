"""Where articles come from: add a source, change its options, switch it on or off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.audit import Noun, Target
from digest.db.engine import writing
from digest.model.actor import Actor
from digest.model.source import SourceId
from digest.sources.kinds import options_of, to_store
from digest.sources.store import sources as source_store


def add(
    engine: Engine, name: str, kind: str, options: Mapping[str, object], *, actor: Actor, now: datetime
) -> SourceId:
    """Refused when the name is taken; BadInput for an option that the kind has not, or a value that it cannot be."""
    options_of(kind, options, name=name)
    options = to_store(kind, options)
    with writing(engine) as connection:
        source_id = source_store.add_source(connection, name, kind, options, now=now)
        target = Target(noun=Noun.SOURCE, id=source_id, version=1)
        audit.record(connection, "source.add", actor, target, now=now, after={"name": name, "kind": kind, **options})
    return source_id


def change(
    engine: Engine,
    name: str,
    given: Mapping[str, object],
    *,
    enabled: bool | None = None,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
) -> None:
    """Change options of a source, those that are given; "" takes one away. Or switch it on or off: on, it is asked again
    whatever stopped it. BadInput where the kind cannot do with what comes of it."""
    with writing(engine) as connection:
        found = source_store.lock_source(connection, name)
        fields = {*given, *(["is_enabled"] if enabled is not None else [])}
        audit.check_fresh(connection, Noun.SOURCE, found.id, fields, seen=seen)
        options = {key: value for key, value in {**found.options, **given}.items() if value != ""}
        options_of(found.kind, options, name=name)
        options = to_store(found.kind, options)
        values: dict[str, object] = {"options": options}
        if enabled is not None:
            values["is_enabled"] = enabled
        if enabled:  # whatever stopped it is mended, then
            values |= {"stopped": "", "errors_in_row": 0, "due_at": None}
        source_store.change_source(connection, found.id, **values, version=found.version + 1)
        before = {"is_enabled": found.is_enabled, **found.options}
        after = {"is_enabled": found.is_enabled if enabled is None else enabled, **options}
        target = Target(noun=Noun.SOURCE, id=found.id, version=found.version + 1)
        audit.record(connection, "source.change", actor, target, now=now, before=before, after=after)
