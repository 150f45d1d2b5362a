"""How an editor has the articles in the digest: added, edited, hidden, pinned, put off, let go, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from digest import audit, outbox
from digest.audit import Noun, Target
from digest.db.engine import writing
from digest.editions.store import contents
from digest.editions.store import editions as edition_store
from digest.errors import BadInput, Next, NotFound, Step
from digest.flows import values
from digest.model.actor import Actor
from digest.model.article import EDITABLE, Article
from digest.sources.store import curation
from digest.sources.store.articles import Stored, put_articles

if TYPE_CHECKING:
    from digest.flows.publish import Press


def add(engine: Engine, article: Article, *, is_page: bool, actor: Actor, now: datetime) -> Stored:
    """One that is there already, by its address, is brought up to date.

    is_page   it was read from the page at its address
    """
    with writing(engine) as connection:
        stored = put_articles(connection, [article], source_id=None, now=now, is_pages=is_page)
        after = {"url": article.url, "title": article.title}
        audit.record(connection, "article.add", actor, Target(noun=Noun.ARTICLE), now=now, after=after)
    return stored


def edit(
    engine: Engine,
    article_id: int,
    given: Mapping[str, str],
    *,
    reset: bool = False,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
) -> None:
    """Show an article otherwise than its source does, in the digest alone; later edits there change nothing of it.

    given   some of EDITABLE
    reset   first take back what was edited before
    """
    edits = {name: values.line(name, text) for name, text in given.items()}
    if unknown := set(edits) - set(EDITABLE):
        raise BadInput(f"of an article there is no {min(unknown)!r} to be edited", field=min(unknown))
    if edits.get("title") == "":
        raise BadInput("an article needs a title; it can be shown as its source has it", field="title")
    if "image_src" in edits:
        edits["image_src"] = values.link("image_src", given["image_src"])
    with writing(engine) as connection:
        found = curation.lock_article(connection, article_id)
        was = dict(found.edits or {})
        fields = {*edits, *(was if reset else ())}
        audit.check_fresh(connection, Noun.ARTICLE, article_id, fields, seen=seen)
        after = {**({} if reset else was), **edits}
        curation.change_article(connection, article_id, edits=after or None, updated_at=now)
        audit.record(
            connection,
            "article.edit",
            actor,
            Target(noun=Noun.ARTICLE, id=article_id, version=found.version + 1),
            now=now,
            before={name: was.get(name) for name in fields},
            after={name: after.get(name) for name in fields},
        )


def set_hidden(
    engine: Engine, article_id: int, is_hidden: bool, *, actor: Actor, now: datetime, seen: int | None = None
) -> None:
    """Keep an article out of editions that are built from now on, or let it in again."""
    verb = "hide" if is_hidden else "unhide"
    _set(engine, article_id, verb, "hidden_at", now if is_hidden else None, actor=actor, now=now, seen=seen)


def set_pin(
    engine: Engine, article_id: int, order: int | None, *, actor: Actor, now: datetime, seen: int | None = None
) -> None:
    """Make an article everybody's, in that place, 1 first; None: it is chosen like any other again."""
    verb = "unpin" if order is None else "pin"
    _set(engine, article_id, verb, "pin", order, actor=actor, now=now, seen=seen)


def put_off(
    engine: Engine, article_id: int, until: str, *, actor: Actor, now: datetime, seen: int | None = None
) -> datetime | None:
    """Keep an article out of every edition that is due before an instant; "": no embargo. Returns the instant."""
    at = values.instant("until", until).astimezone(UTC) if until else None
    _set(engine, article_id, "embargo", "not_before", at, actor=actor, now=now, seen=seen)
    return at


def _set(
    engine: Engine,
    article_id: int,
    verb: str,
    field: str,
    value: datetime | int | None,
    *,
    actor: Actor,
    now: datetime,
    seen: int | None,
) -> None:
    with writing(engine) as connection:
        found = curation.lock_article(connection, article_id)
        audit.check_fresh(connection, Noun.ARTICLE, article_id, [field], seen=seen)
        if field == "not_before":
            curation.put_off(connection, article_id, value if isinstance(value, datetime) else None)
        else:
            curation.change_article(connection, article_id, **{field: value})
        target = Target(noun=Noun.ARTICLE, id=article_id, version=found.version + 1)
        before, after = {field: getattr(found, field)}, {field: value}
        audit.record(connection, f"article.{verb}", actor, target, now=now, before=before, after=after)


def release(engine: Engine, article_ids: Sequence[int], *, actor: Actor, now: datetime) -> int:
    """Held articles into the next edition; returns how many. NotFound where one of them is not held."""
    return _let_go(engine, article_ids, "release", actor=actor, now=now)


def discard(engine: Engine, article_ids: Sequence[int], *, actor: Actor, now: datetime) -> int:
    """Held articles into no edition; they do not come again. Returns how many. NotFound where one of them is not held."""
    return _let_go(engine, article_ids, "discard", actor=actor, now=now)


def _let_go(engine: Engine, article_ids: Sequence[int], verb: str, *, actor: Actor, now: datetime) -> int:
    with writing(engine) as connection:
        held = {each.article.stored_id for each in curation.list_held(connection)}
        if missing := [each for each in article_ids if each not in held]:
            raise NotFound(f"not held: {', '.join(map(str, missing))}", next=Next(Step.LIST_HELD))
        count = (curation.release if verb == "release" else curation.discard)(connection, article_ids, now=now)
        target = Target(noun=Noun.ARTICLE)
        audit.record(
            connection, f"article.{verb}", actor, target, now=now, count=count, ids=sorted(article_ids)[:1_000]
        )
    return count


def withdraw(engine: Engine, press: Press, article_id: int, *, actor: Actor, now: datetime) -> list[int]:
    """No later copy holds this article: it is hidden, and taken out of all editions that are not finished.

    Returns those editions. Senders make the copies that did not go yet anew.
    """
    with writing(engine) as connection:
        found = curation.lock_article(connection, article_id)
        curation.change_article(connection, article_id, hidden_at=now)
        touched = []
        for edition_id, position in contents.list_unfinished_with(connection, article_id):
            if contents.withdraw(connection, edition_id, position):
                touched.append(edition_id)
                target = audit.of_edition(edition_store.get_edition(connection, edition_id))
                audit.record(connection, "edition.withdraw", actor, target, now=now, article_id=article_id)
        target = Target(noun=Noun.ARTICLE, id=article_id, version=found.version + 1)
        after = {"hidden_at": now}
        audit.record(connection, "article.withdraw", actor, target, now=now, after=after, edition_ids=touched)
        told = {"article_id": article_id, "edition_ids": touched}
        outbox.tell(connection, outbox.Event.ARTICLE_WITHDRAWN, now=now, **told)
    from digest.flows.web_views import WebViews  # it brings the renderer, which no other act here needs

    WebViews(engine, press).renew(touched)
    return touched
