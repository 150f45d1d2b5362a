"""The texts of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.audit import Noun
from digest.db.engine import writing
from digest.editions import store
from digest.errors import Refused
from digest.flows import values
from digest.model.actor import Actor
from digest.model.edition import EditionStatus
from digest.model.newsletter import Note

MAX_NOTE = 5_000


def change_texts(
    engine: Engine, edition_id: int, given: Mapping[str, str], *, actor: Actor, now: datetime, seen: int | None = None
) -> list[str]:
    """Change subject, preheader or note of a draft; returns which. Refused for what is no draft any more.

    given   subject, preheader, note ("" for none), note_author, note_role
    """
    after: dict[str, str | Note | None] = {}
    if "subject" in given:
        after["subject"] = values.line("subject", given["subject"], needed=True)
    if "preheader" in given:
        after["preheader"] = values.line("preheader", given["preheader"])
    if "note" in given:
        text = values.line("note", given["note"], most=MAX_NOTE)
        author, role = (values.line(name, given.get(name, "")) for name in ("note_author", "note_role"))
        after["note"] = Note(text=text, author=author, role=role) if text else None
    with writing(engine) as connection:
        found = store.lock_edition(connection, edition_id)
        audit.check_fresh(connection, Noun.EDITION, edition_id, after, seen=seen)
        if found.status is not EditionStatus.DRAFT:
            raise Refused(f"edition {edition_id} is no draft any more; its texts cannot be changed")
        store.change_text(connection, edition_id, **after)
        before = {name: getattr(found, name) for name in after}
        target = audit.of_edition(found, version=found.version + 1)
        audit.record(connection, "edition.change", actor, target, now=now, before=before, after=after)
    return list(after)
