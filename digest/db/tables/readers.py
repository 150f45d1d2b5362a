"""Who reads it: newsletters, subscribers, what they want and what they agreed to."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
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

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False, unique=True),  # one mailbox, one subscriber
    Column("name", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False, server_default=""),
    Column("time_zone", Text, nullable=False, server_default=""),
    Column("attributes", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("link_version", Integer, nullable=False, server_default=text("0")),  # counts what ends their older links
    Index("ix_subscriber_time_zone", "time_zone"),  # which zones there are
)

newsletter = Table(
    "newsletter",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("is_enabled", Boolean, nullable=False, server_default=text("true")),
    Column("weekdays", Text, nullable=False),  # "mon" or "mon,thu"
    Column("wall_time", Text, nullable=False),  # "07:00"
    Column("time_zone", Text, nullable=False),
    Column("since_at", UtcDateTime),
    Column("late_hours", Integer, nullable=False),
    Column("is_local", Boolean, nullable=False, server_default=text("false")),
    Column("settings", Json, nullable=False),  # the rest of model.Newsletter, by its field names
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts acts of people on it (audit.py)
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", Id, ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
    Column("newsletter_id", Id, ForeignKey("newsletter.id", ondelete="CASCADE"), nullable=False),
    Column("status", Text, nullable=False),
    Column("slot", Text, nullable=False, server_default=""),  # "daily", "weekly.thu"; "": the newsletter's schedule
    Column("slot_since", UtcDateTime),  # editions of the slot that were due before are not theirs
    Column("hour", Integer),  # of the reader's day at which it arrives; null: the newsletter's
    Column("preferences", Json, nullable=False),  # model.choices.Choices
    Column("joined_at", UtcDateTime, nullable=False),
    Column("left_at", UtcDateTime),
    Column("paused_until", UtcDateTime),
    UniqueConstraint("subscriber_id", "newsletter_id"),
    CheckConstraint("status IN ('pending', 'active', 'left')", name="status"),
    Index("ix_subscription_newsletter_id_status_slot_id", "newsletter_id", "status", "slot", "id"),  # plan walks it
)

consent = Table(  # append only: GDPR 7(1) wants proof, so nothing here is ever changed
    "consent",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("method", Text, nullable=False),  # import, page, one-click, admin, site
    Column("origin", Text, nullable=False, server_default=""),  # file, form, URL, source
    Column("wording", Text, nullable=False, server_default=""),
)

reader_change = Table(  # what a reader's row said before it was changed: yesterday's copy can be made and explained
    "reader_change",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", Id, ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE")),  # null: of the person
    Column("at", UtcDateTime, nullable=False),
    Column("was", Json, nullable=False),
)

suppression = Table(
    "suppression",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address_key", Text, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("since_at", UtcDateTime, nullable=False),
)

spent_token = Table(  # links that open once and were used; a row goes when its link would be over anyway
    "spent_token",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

registration = Table(  # whom a source's own readers are here, and what it said of them last
    "registration",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source_id", Id, ForeignKey("source.id", ondelete="CASCADE"), nullable=False),
    Column("newsletter_id", Id, ForeignKey("newsletter.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),  # the source's name for them
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("is_own", Boolean, nullable=False),  # the subscription was made by this source: only those may it end
    Column("fingerprint", Text, nullable=False),  # of what it said last: what is the same is not written again
    UniqueConstraint("source_id", "newsletter_id", "key"),
    Index("ix_registration_source_id_newsletter_id_id", "source_id", "newsletter_id", "id"),  # who is gone walks it
)

sync = Table(  # how the last look at a source's readers ended
    "sync",
    metadata,
    Column("source_id", Id, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("newsletter_id", Id, ForeignKey("newsletter.id", ondelete="CASCADE"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("held", Text, nullable=False, server_default=""),  # why a person has to look; nothing was changed
    Column("error", Text, nullable=False, server_default=""),
    Column("report", Json, nullable=False),
)
