"""Lists that join rooms, each with a fixed number of queries however long it is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from digest.db.engine import reading
from digest.delivery.store import counts
from digest.editions.store.editions import list_editions as read_editions
from digest.editions.store.newsletters import get_newsletter, list_newsletters
from digest.model.delivery import Balance
from digest.model.edition import Edition


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionLine:
    """An edition in a list, without its candidates."""

    newsletter: str
    edition: Edition
    balance: Balance


def list_editions(
    engine: Engine, newsletter: str = "", *, before_id: int | None = None, limit: int = 50
) -> list[EditionLine]:
    """The newest first, of one newsletter or of all. Five queries."""
    with reading(engine) as connection:
        newsletter_id = get_newsletter(connection, newsletter).id if newsletter else None
        names = {each.id: each.name for each in list_newsletters(connection)}
        found = read_editions(connection, newsletter_id, before_id=before_id, limit=limit)
        balances = counts.list_balances(connection, [each.id for each in found])
    return [
        EditionLine(newsletter=names[each.newsletter_id], edition=each, balance=balances[each.id]) for each in found
    ]
