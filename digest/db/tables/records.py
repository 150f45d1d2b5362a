"""What comes back, who did what, and what others may be told of."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from digest.db.tables.base import metadata
from digest.db.types import Id, Json, UtcDateTime

feedback = Table(
    "feedback",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("delivery_id", Id, ForeignKey("delivery.id", ondelete="SET NULL"), index=True),
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="SET NULL"), index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("provider", Text, nullable=False),
    Column("event_key", Text, nullable=False),
    Column("detail", Json, nullable=False),
    UniqueConstraint("provider", "event_key"),  # the same bounce twice counts once
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_kind", Text, nullable=False, server_default="cli"),
    Column("actor", Text, nullable=False),  # the name of a person or a key; "" where there is none
    Column("action", Text, nullable=False),  # "newsletter.change"
    Column("noun", Text, nullable=False, server_default=""),
    Column("noun_id", Id),  # no foreign key: the act stays when what it was done to is gone
    Column("newsletter_id", Id),
    Column("version", Integer),  # of the row after the act
    Column("before", Json, nullable=False, server_default=text("'{}'")),
    Column("after", Json, nullable=False, server_default=text("'{}'")),
    Column("detail", Json, nullable=False),
    Index("ix_audit_log_noun_noun_id_id", "noun", "noun_id", "id"),
    Index("ix_audit_log_newsletter_id_id", "newsletter_id", "id"),
    Index("ix_audit_log_actor_id", "actor", "id"),
    Index("ix_audit_log_action_id", "action", "id"),
)

outbox = Table(  # what others may be told of: docs/events.md
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("event", Text, nullable=False),
    Column("data", Json, nullable=False),
)

secret = Table(  # keys that this installation made for itself, where the config gives none
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
