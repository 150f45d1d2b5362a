"""Who did what, when: a row for every act of a person, and of the program where it decides for one. Never commits.

A row says what was before and what is after, for the fields that changed alone; of a new thing there is no before. Secrets
are masked (secrecy.py). The rows are also what a stale write is told by: `check_fresh` finds who else changed a field.

What readers do on their own pages is not here: consent and reader_change are the record of that.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from digest.db.tables import audit_log
from digest.errors import Stale
from digest.model.actor import Actor, ActorKind
from digest.secrecy import fit_to_show

if TYPE_CHECKING:
    from digest.model.edition import Edition


class Noun(StrEnum):
    """What an act is done to. An action is a noun and a verb: "newsletter.change"."""

    NEWSLETTER = "newsletter"
    EDITION = "edition"
    EVENT = "event"  # of a newsletter's calendar
    ARTICLE = "article"
    SOURCE = "source"
    SUBSCRIBER = "subscriber"
    ADDRESS = "address"  # one that is no subscriber, or a file of them
    DATABASE = "database"
    KEY = "key"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an act was done to.

    id             None where it was done to many, or to what has no id
    newsletter_id  whose it is
    version        of the row after the act, where it has one
    """

    noun: Noun
    id: int | None = None
    newsletter_id: int | None = None
    version: int | None = None


def of_edition(edition: Edition, *, version: int | None = None) -> Target:
    return Target(noun=Noun.EDITION, id=edition.id, newsletter_id=edition.newsletter_id, version=version)


def of_newsletter(newsletter_id: int, *, version: int | None = None) -> Target:
    return Target(noun=Noun.NEWSLETTER, id=newsletter_id, newsletter_id=newsletter_id, version=version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An act, as it is kept.

    before, after   the fields that changed; `before` is empty for a new thing, `after` for one that is gone
    detail          what else there is to say: counts, a file's name
    """

    id: int
    at: datetime
    actor: Actor
    action: str
    target: Target
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which acts are wanted; what is None or empty does not matter. `noun_id` goes with `noun`."""

    newsletter_id: int | None = None
    noun: Noun | None = None
    noun_id: int | None = None
    actor_kind: ActorKind | None = None
    actor: str = ""
    action: str = ""
    since: datetime | None = None


def record(
    connection: Connection,
    action: str,
    actor: Actor,
    target: Target,
    *,
    now: datetime,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    **detail: object,
) -> int:
    """Keep an act, in the transaction of the act; returns its id. Of two mappings only what differs is kept."""
    was, is_now = _plain(before or {}), _plain(after or {})
    if was and is_now:
        same = {key for key in was.keys() & is_now.keys() if was[key] == is_now[key]}
        was, is_now = ({key: each[key] for key in each if key not in same} for each in (was, is_now))
    written = (
        insert(audit_log)
        .values(
            at=now,
            actor_kind=actor.kind,
            actor=actor.name,
            action=action,
            noun=target.noun,
            noun_id=target.id,
            newsletter_id=target.newsletter_id,
            version=target.version,
            before=was,
            after=is_now,
            detail=_plain(detail),
        )
        .returning(audit_log.c.id)
    )
    return int(connection.execute(written).scalar_one())


class Ongoing:
    """An act that takes many transactions, such as an import: its row is written with the first of them, and each later one
    brings its counts up to date. So it says what was done also of one that was killed."""

    def __init__(self, action: str, actor: Actor, target: Target, *, now: datetime, **detail: object) -> None:
        self._action, self._actor, self._target, self._now, self._detail = action, actor, target, now, detail
        self._id: int | None = None

    def record(self, connection: Connection, **counts: int) -> None:
        """In the transaction of a part, with the counts up to and with it."""
        detail = _plain({**self._detail, **counts})
        if self._id is not None:
            changed = update(audit_log).where(audit_log.c.id == self._id).values(detail=detail)
            if connection.execute(changed).rowcount:
                return
        self._id = record(connection, self._action, self._actor, self._target, now=self._now, **detail)


def list_entries(
    connection: Connection, wanted: Filters, *, before_id: int | None = None, limit: int = 50
) -> list[Entry]:
    """The newest first, a page at a time.

    index   ix_audit_log_noun_noun_id_id, ix_audit_log_newsletter_id_id, ix_audit_log_actor_id, ix_audit_log_action_id
    """
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    for column, value in (
        (audit_log.c.newsletter_id, wanted.newsletter_id),
        (audit_log.c.noun, wanted.noun),
        (audit_log.c.noun_id, wanted.noun_id),
        (audit_log.c.actor_kind, wanted.actor_kind),
        (audit_log.c.actor, wanted.actor or None),
        (audit_log.c.action, wanted.action or None),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(audit_log.c.at >= wanted.since)
    if before_id is not None:
        query = query.where(audit_log.c.id < before_id)
    return [_entry(row) for row in connection.execute(query)]


def check_fresh(connection: Connection, noun: Noun, noun_id: int, fields: Collection[str], *, seen: int | None) -> None:
    """Stale where somebody changed one of these fields after the version that the caller has seen; it says who, and when.

    seen   None: the caller has looked at nothing, and what it gives holds in any case

    The caller holds the row's lock. Who changed other fields is in nobody's way.
    """
    if seen is None:
        return
    rows = connection.execute(
        select(audit_log)
        .where(audit_log.c.noun == noun, audit_log.c.noun_id == noun_id, audit_log.c.version > seen)
        .order_by(audit_log.c.id.desc())
    )
    for entry in map(_entry, rows):
        for field in fields:
            if field in entry.after or field in entry.before:
                was, is_now = (json.dumps(each.get(field), ensure_ascii=False) for each in (entry.before, entry.after))
                raise Stale(
                    f"{noun} {noun_id}: {entry.actor} changed {field} from {was} to {is_now} at "
                    f"{entry.at:%Y-%m-%d %H:%M} UTC, after you looked; look again",
                    field=field,
                )


def _entry(row: Any) -> Entry:
    target = Target(noun=Noun(row.noun), id=row.noun_id, newsletter_id=row.newsletter_id, version=row.version)
    actor = Actor(ActorKind(row.actor_kind), row.actor)
    return Entry(
        id=row.id,
        at=row.at,
        actor=actor,
        action=row.action,
        target=target,
        before=row.before,
        after=row.after,
        detail=row.detail,
    )


def _plain(values: Mapping[str, object]) -> dict[str, Any]:
    """As JSON keeps it, without secrets."""
    shown: dict[str, Any] = json.loads(json.dumps(values, ensure_ascii=False, default=_as_json))
    return {key: fit_to_show(value, key) for key, value in shown.items()}


def _as_json(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type) and type(value).__str__ is object.__str__:
        return asdict(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
