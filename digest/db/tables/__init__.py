"""Every table, constraint and index, in reading order: what to read, who reads it, what goes out, what comes back.

Invariants stand here first and in code second. Texts of a person or of a server live only here, never in logs.
"""

from digest.db.tables.base import metadata
from digest.db.tables.outgoing import (
    allowance,
    attempt,
    batch,
    delivery,
    edition,
    edition_article,
    event,
    notice,
    sender,
    web_view,
)
from digest.db.tables.readers import (
    consent,
    newsletter,
    reader_change,
    registration,
    spent_token,
    subscriber,
    subscription,
    suppression,
    sync,
)
from digest.db.tables.reading import article, article_alias, source
from digest.db.tables.records import audit_log, feedback, outbox, secret

__all__ = [
    "allowance",
    "article",
    "article_alias",
    "attempt",
    "audit_log",
    "batch",
    "consent",
    "delivery",
    "edition",
    "edition_article",
    "event",
    "feedback",
    "metadata",
    "newsletter",
    "notice",
    "outbox",
    "reader_change",
    "registration",
    "secret",
    "sender",
    "source",
    "spent_token",
    "subscriber",
    "subscription",
    "suppression",
    "sync",
    "web_view",
]
