"""What there is to read: sources and their articles."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from digest.db.tables.base import metadata
from digest.db.types import Id, Json, UtcDateTime

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
