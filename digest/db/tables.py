"""Every table, constraint and index, in reading order: what to read, who reads it, what goes out, what comes back.

Invariants stand here first and in code second. Texts of a person or of a server live only here, never in logs.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from digest.db.types import Id, Json, UtcDateTime

metadata = MetaData(
    naming_convention={  # batch migrations on SQLite need a name for everything
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# --- what there is to read -------------------------------------------------------------------------------------------

source = Table(
    "source",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("options", Json, nullable=False),
    Column("is_enabled", Boolean, nullable=False, server_default=text("true")),
    Column("cursor_at", UtcDateTime),
    Column("cursor_key", Text, nullable=False, server_default=""),
    Column("etag", Text, nullable=False, server_default=""),
    Column("modified", Text, nullable=False, server_default=""),
    Column("last_success_at", UtcDateTime),
    Column("last_error", Text, nullable=False, server_default=""),
    Column("last_error_at", UtcDateTime),
    Column("errors_in_row", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime, nullable=False),
)

article = Table(
    "article",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source_id", Id, ForeignKey("source.id", ondelete="SET NULL"), index=True),
    Column("key", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("canonical_url", Text, nullable=False, unique=True),  # one story is one article (P3)
    Column("title", Text, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("summary", Text, nullable=False, server_default=""),
    Column("authors", Json, nullable=False),
    Column("topics", Json, nullable=False),
    Column("image_src", Text, nullable=False, server_default=""),
    Column("image_alt", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False, server_default=""),
    Column("words", Integer),
    Column("minutes", Integer),
    Column("comment_count", Integer),
    Column("comments", Json, nullable=False),
    Column("reviewer", Text, nullable=False, server_default=""),
    Column("reviewed_at", UtcDateTime),
    Column("citation", Text, nullable=False, server_default=""),
    Column("content_hash", Text, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("hidden_at", UtcDateTime),  # by an editor: in no further edition
    Index("ix_article_source_key", "source_id", "key", unique=True),
    Index("ix_article_published_at_id", "published_at", "id"),  # the window of candidates
)

# --- who reads it ----------------------------------------------------------------------------------------------------

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
    Column("settings", Json, nullable=False),  # the rest of model.Newsletter, by its field names
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", Id, ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
    Column("newsletter_id", Id, ForeignKey("newsletter.id", ondelete="CASCADE"), nullable=False),
    Column("status", Text, nullable=False),
    Column("preferences", Json, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("left_at", UtcDateTime),
    Column("paused_until", UtcDateTime),
    UniqueConstraint("subscriber_id", "newsletter_id"),
    CheckConstraint("status IN ('pending', 'active', 'left')", name="status"),
    Index("ix_subscription_newsletter_id_status_id", "newsletter_id", "status", "id"),  # plan walks it in key ranges
)

consent = Table(  # append only: GDPR 7(1) wants proof, so nothing here is ever changed
    "consent",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("method", Text, nullable=False),  # import, page, one-click, admin
    Column("origin", Text, nullable=False, server_default=""),  # file, form, URL
    Column("wording", Text, nullable=False, server_default=""),
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

# --- what goes out ---------------------------------------------------------------------------------------------------

edition = Table(
    "edition",
    metadata,
    Column("id", Id, primary_key=True),
    Column("newsletter_id", Id, ForeignKey("newsletter.id", ondelete="CASCADE"), nullable=False),
    Column("cadence", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("window_from", UtcDateTime, nullable=False),
    Column("window_until", UtcDateTime, nullable=False),
    Column("status", Text, nullable=False),
    Column("hold_reason", Text, nullable=False, server_default=""),
    Column("number", Integer),
    Column("subject", Text, nullable=False, server_default=""),
    Column("preheader", Text, nullable=False, server_default=""),
    Column("note", Json),
    Column("sponsor", Json),
    Column("frozen", Json),  # newsletter and template files as they were at approval: the same bytes again (P10)
    Column("public_key", Text, nullable=False, unique=True),  # the web view's address
    Column("created_at", UtcDateTime, nullable=False),
    Column("approved_at", UtcDateTime),
    Column("approved_by", Text, nullable=False, server_default=""),
    Column("planned_at", UtcDateTime),
    Column("planned", Integer),  # rows that plan wrote: what audit holds the ledger against (P2)
    Column("finished_at", UtcDateTime),
    UniqueConstraint("newsletter_id", "cadence", "period"),  # one edition per period (P7)
    CheckConstraint(
        "status IN ('draft', 'approved', 'sending', 'paused', 'sent', 'cancelled', 'empty')", name="status"
    ),
    Index("ix_edition_newsletter_id_due_at", "newsletter_id", "due_at"),
    Index("ix_edition_status", "status"),
)

edition_article = Table(
    "edition_article",
    metadata,
    Column("edition_id", Id, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("article_id", Id, ForeignKey("article.id"), nullable=False),
    Column("section", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("content", Json, nullable=False),  # the article as it was when the edition was built
    UniqueConstraint("edition_id", "article_id"),
    Index("ix_edition_article_article_id", "article_id"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", Id, primary_key=True),
    Column("edition_id", Id, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
    Column("first_subscription_id", Id, nullable=False),
    Column("is_done", Boolean, nullable=False, server_default=text("false")),
    Column("due_at", UtcDateTime, nullable=False),  # now, or when its first deferred delivery may be tried again
    Column("lease_owner", Text, nullable=False, server_default=""),
    Column("lease_until", UtcDateTime),
    UniqueConstraint("edition_id", "first_subscription_id"),
    Index("ix_batch_is_done_due_at", "is_done", "due_at"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("edition_id", Id, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
    Column("subscription_id", Id, ForeignKey("subscription.id"), nullable=False),
    Column("batch_id", Id, ForeignKey("batch.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("attempted_at", UtcDateTime),
    Column("next_attempt_at", UtcDateTime),
    Column("channel", Text, nullable=False, server_default=""),
    Column("code", Integer),
    Column("enhanced", Text, nullable=False, server_default=""),
    Column("answer", Text, nullable=False, server_default=""),
    Column("picks", Json),  # positions of this copy's articles; null: every candidate, in the edition's order
    UniqueConstraint("edition_id", "subscription_id"),  # promise P1 stands on this line
    CheckConstraint(
        "status IN ('planned', 'attempting', 'accepted', 'deferred', 'rejected', 'unknown', 'skipped', 'cancelled')",
        name="status",
    ),
    Index("ix_delivery_batch_id_status", "batch_id", "status"),
    Index("ix_delivery_edition_id_status", "edition_id", "status"),
    Index("ix_delivery_subscription_id", "subscription_id"),
)

attempt = Table(  # finished tries that did not end in "accepted"; the accepted one stands in the delivery itself
    "attempt",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("channel", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("code", Integer),
    Column("enhanced", Text, nullable=False, server_default=""),
    Column("answer", Text, nullable=False, server_default=""),
)

# --- what comes back, and who did what -------------------------------------------------------------------------------

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
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("edition_id", Id, ForeignKey("edition.id", ondelete="CASCADE"), index=True),
    Column("detail", Json, nullable=False),
)

secret = Table(  # keys that this installation made for itself, where the config gives none
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
