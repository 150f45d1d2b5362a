"""Which delivery a report is about, by the address that it was sent to: the return path of the message. Never commits.

Only a keyed token counts (audience/links.py): a Message-ID or an address in a report can be written by anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from digest.db.tables import delivery
from digest.model.delivery import DeliveryId
from digest.model.edition import EditionId
from digest.model.subscriber import SubscriptionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A delivery that was sent, of which something came back."""

    delivery_id: DeliveryId
    edition_id: EditionId
    subscription_id: SubscriptionId
    attempted_at: datetime


def find_returned(connection: Connection, delivery_id: DeliveryId) -> Returned | None:
    """None where no message of it was made: nothing can come back of that. index  pk_delivery"""
    row = connection.execute(
        select(delivery.c.edition_id, delivery.c.subscription_id, delivery.c.attempted_at).where(
            delivery.c.id == delivery_id, delivery.c.attempted_at.is_not(None)
        )
    ).first()
    if row is None:
        return None
    return Returned(
        delivery_id=delivery_id,
        edition_id=EditionId(row.edition_id),
        subscription_id=SubscriptionId(row.subscription_id),
        attempted_at=row.attempted_at,
    )
