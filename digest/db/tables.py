"""Every table, constraint and index, in reading order: what to read, who reads it, what goes out, what comes back.

Invariants stand here first and in code second. Texts of a person or of a server live only here, never in logs.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
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
    Column("due_at", UtcDateTime),  # the server asked not to be asked before
    Column("stopped", Text, nullable=False, server_default=""),  # why the program switched it off
    Column("news_a_day", Float),  # what it usually brings (sources/flood.py)
    Column("news_left", Float, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts acts of people on it (audit.py)
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
    Column("reads", Integer),
    Column("comment_count", Integer),
    Column("comments", Json, nullable=False),
    Column("reviewer", Text, nullable=False, server_default=""),
    Column("reviewed_at", UtcDateTime),
    Column("citation", Text, nullable=False, server_default=""),
    Column("content_hash", Text, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("hidden_at", UtcDateTime),  # by an editor: in no further edition
    Column("pin", Integer),  # by an editor: for everybody, 1 first
    Column("edits", Json),  # by an editor, for the digest only: model.article.Edits
    Column("not_before", UtcDateTime),  # by an editor: an embargo, or the moment of a release
    Column("held_at", UtcDateTime),  # too many at once: waits for an editor
    Column("ready_at", UtcDateTime, nullable=False),  # the later of published_at and not_before
    Column("title_mark", Text, nullable=False, server_default=""),  # sources/dedupe.py
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts acts of people on it (audit.py)
    Index("ix_article_source_key", "source_id", "key", unique=True),
    Index("ix_article_ready_at_id", "ready_at", "id"),  # the window of candidates
    Index("ix_article_title_mark_published_at", "title_mark", "published_at"),
    Index("ix_article_held_at", "held_at"),
)

article_alias = Table(  # what a story was called besides, before its id or its address changed, or by another source
    "article_alias",
    metadata,
    Column("id", Id, primary_key=True),
    Column("article_id", Id, ForeignKey("article.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False, unique=True),  # sources/dedupe.py: name_of_key, name_of_url
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

# --- what goes out ---------------------------------------------------------------------------------------------------

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
