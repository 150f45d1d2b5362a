"""Tokens that open once: which were used. Kept only until they would be over by themselves. Functions never commit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete

from digest.audience.tokens import Claim, Purpose
from digest.db.rows import upsert
from digest.db.tables import spent_token


def spend(connection: Connection, purpose: Purpose, claim: Claim, *, now: datetime) -> bool:
    """Use up a token, in the transaction of what it opens; False when somebody did before.

    Of two who come with it at the same moment the second waits for the first. What is over by now is forgotten.
    index  ix_spent_token_expires_at
    """
    if not purpose.is_single_use or claim.expires_at is None:
        raise ValueError(f"a token to {purpose.name} is not used up")
    connection.execute(delete(spent_token).where(spent_token.c.expires_at < now))
    made = connection.execute(
        upsert(connection, spent_token)
        .values(mark=claim.mark.hex(), expires_at=claim.expires_at)
        .on_conflict_do_nothing(index_elements=["mark"])
        .returning(spent_token.c.mark)
    )
    return made.first() is not None
