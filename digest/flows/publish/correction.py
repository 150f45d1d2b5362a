"""A draft that corrects an edition that went out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.db.engine import writing
from digest.editions.store import editions as edition_store
from digest.editions.store.articles import find_article
from digest.errors import Next, NotFound, Refused, Step
from digest.flows.publish.edition import _tell_built
from digest.model.actor import Actor
from digest.model.edition import EditionId, EditionStatus
from digest.model.newsletter import Note


def correct(
    engine: Engine, edition_id: int, position: int, *, subject: str, note: Note, now: datetime, actor: Actor
) -> EditionId:
    """A draft that gives one article, as it is now, to exactly those whose copy of the edition held it."""
    with writing(engine) as connection:
        of = edition_store.get_edition(connection, edition_id)
        if of.planned_at is None:
            raise Refused(f"edition {edition_id} was not sent to anybody; change it instead of correcting it")
        found = next((each for each in of.candidates if each.position == position), None)
        if found is None:
            raise NotFound(
                f"edition {edition_id} has no article {position + 1}",
                next=Next(Step.SHOW_EDITION, {"edition": edition_id}),
            )
        now_is = find_article(connection, found.article_id) or found.article
        correction = edition_store.create_correction(
            connection, of, replace(found, article=now_is, position=position), subject=subject, note=note, now=now
        )
        audit.record(connection, "edition.correct", actor, audit.of_edition(of), now=now, by=correction)
        _tell_built(connection, of.newsletter_id, correction, EditionStatus.DRAFT, now=now)
    return correction
