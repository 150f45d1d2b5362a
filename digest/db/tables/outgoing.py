"""What goes out: editions, batches, deliveries, notices."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from digest.db.tables.base import metadata
from digest.db.types import Id, Json, UtcDateTime

event = Table(  # what an edition tells of before it begins
    "event",
    metadata,
    Column("id", Id, primary_key=True),
    Column("newsletter_id", Id, ForeignKey("newsletter.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime),
    Column("is_all_day", Boolean, nullable=False, server_default=text("false")),
    Column("time_zone", Text, nullable=False),
    Column("place", Text, nullable=False, server_default=""),
    Column("url", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_event_newsletter_id_starts_at", "newsletter_id", "starts_at"),
)

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
    Column("events", Json),
    Column("frozen", Json),  # newsletter and template files as they were at approval: the same bytes again (P10)
    Column("public_key", Text, nullable=False, unique=True),  # the web view's address
    Column("created_at", UtcDateTime, nullable=False),
    Column("approved_at", UtcDateTime),
    Column("approved_by", Text, nullable=False, server_default=""),
    Column("planned_at", UtcDateTime),
    Column("planned", Integer),  # rows that plan wrote: what audit holds the ledger against (P2)
    Column("finished_at", UtcDateTime),
    Column(
        "canary", Text, nullable=False, server_default=""
    ),  # running, holding, passed, failed: delivery/store/canary.py
    Column("canary_until", UtcDateTime),
    Column("reached", Boolean, nullable=False, server_default=text("false")),  # cancelled, but somebody has it already
    Column("revision", Integer, nullable=False, server_default=text("0")),  # counts withdrawals of articles
    Column("corrects_id", Id, ForeignKey("edition.id", ondelete="SET NULL")),  # the edition whose readers get this one
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts acts of people on it (audit.py)
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
    Column("withdrawn", Integer),  # the edition's revision from which on no copy holds it
    UniqueConstraint("edition_id", "article_id"),
    Index("ix_edition_article_article_id", "article_id"),
)

web_view = Table(  # an edition as a browser gets it, so that whoever looks makes nothing
    "web_view",
    metadata,
    Column("edition_id", Id, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, nullable=False),  # of the edition when it was made; an older one is not shown
    Column("page", LargeBinary, nullable=False),  # compressed by zlib
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
    Column("tally", Json),  # [[status, reason, count], ...] of its rows; null while somebody works on it: count them
    UniqueConstraint("edition_id", "first_subscription_id"),
    Index("ix_batch_edition_id_is_done_due_at", "edition_id", "is_done", "due_at"),
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
    Column("first_attempt_at", UtcDateTime),
    Column("attempted_at", UtcDateTime),
    Column("next_attempt_at", UtcDateTime),
    Column("channel", Text, nullable=False, server_default=""),
    Column("code", Integer),
    Column("enhanced", Text, nullable=False, server_default=""),
    Column("answer", Text, nullable=False, server_default=""),
    Column("picks", Json),  # this copy's articles (editions/picks.py); null: every candidate, in the edition's order
    Column("revision", Integer, nullable=False, server_default=text("0")),  # the edition's, when its copy was made
    UniqueConstraint("edition_id", "subscription_id"),  # promise P1 stands on this line
    CheckConstraint(
        "status IN ('planned', 'attempting', 'accepted', 'deferred', 'rejected', 'unknown', 'skipped', 'cancelled')",
        name="status",
    ),
    # No index holds the status: it changes twice for every message, and each change would move an entry of each index
    # (and on PostgreSQL keep the row from being updated in place). Counts stand in batch.tally.
    Index("ix_delivery_batch_id", "batch_id"),
    Index("ix_delivery_subscription_id", "subscription_id"),
    postgresql_with={"fillfactor": 50},  # room in the page for both updates of each row: 95 of 100 move no index entry
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

sender = Table(  # processes that send just now; each writes its own row once a second
    "sender",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("edition_id", Id, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("state", Json, nullable=False),  # rate, counts by domain, what is slowed down: for `digest edition watch`
)

allowance = Table(  # what was used of a limit by hour or day: shared by all senders, and kept over a restart
    "allowance",
    metadata,
    Column("key", Text, primary_key=True),  # "channel smtp per day"
    Column("window", Text, primary_key=True),  # "2026-11-23", "2026-11-23T07"
    Column("used", Integer, nullable=False),
)

notice = Table(  # one message that is no edition, with all that became of it; forgotten after a while
    "notice",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("language", Text, nullable=False, server_default=""),
    Column("newsletter_id", Id, ForeignKey("newsletter.id", ondelete="CASCADE"), index=True),
    Column("subject_id", Id),  # whose number its link holds
    Column("link_version", Integer, nullable=False, server_default=text("0")),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),  # when it may be tried; null once nothing is left to do
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("first_attempt_at", UtcDateTime),
    Column("attempted_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("channel", Text, nullable=False, server_default=""),
    Column("code", Integer),
    Column("enhanced", Text, nullable=False, server_default=""),
    Column("answer", Text, nullable=False, server_default=""),
    Column("lease_owner", Text, nullable=False, server_default=""),
    Column("lease_until", UtcDateTime),
    CheckConstraint(
        "status IN ('planned', 'attempting', 'accepted', 'deferred', 'rejected', 'unknown', 'skipped')", name="status"
    ),
    Index("ix_notice_due_at", "due_at"),  # what is open; the many that are over have null there
    Index("ix_notice_finished_at", "finished_at"),  # what failed lately, and what is old
)
