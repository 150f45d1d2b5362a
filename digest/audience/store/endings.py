"""A file says that people have left elsewhere: those whom a file brought leave here too. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Text, exists, false, insert, literal, select, true, update

from digest import outbox
from digest.audience.importing import Person
from digest.db.rows import unpacked
from digest.db.tables import consent, subscriber, subscription
from digest.db.types import UtcDateTime
from digest.model.subscriber import SubscriptionStatus


def end_imported(
    connection: Connection, people: Sequence[Person], *, newsletter_id: int, origin: str, now: datetime
) -> set[int]:
    """Who of these is a reader here because of an import leaves, with the proof of it; returns their lines.

    Who asked for it here, or came from a site's own database, stays: that is newer than what a file says of elsewhere.
    """
    if not people:
        return set()
    lines = {person.address.key: person for person in people}
    (key,), source = unpacked(connection, [[each] for each in lines], Text)
    by_import = exists().where(
        consent.c.subscription_id == subscription.c.id, consent.c.given == true(), consent.c.method == "import"
    )
    found = connection.execute(
        select(subscription.c.id, subscriber.c.address_key)
        .select_from(source.join(subscriber, subscriber.c.address_key == key).join(subscription))
        .where(
            subscription.c.newsletter_id == newsletter_id, subscription.c.status == SubscriptionStatus.ACTIVE, by_import
        )
    ).all()
    if not found:
        return set()
    (id_,), packed = unpacked(connection, [[row.id] for row in sorted(found, key=lambda row: row.id)], BigInteger)
    ended = set(
        connection.execute(
            update(subscription)
            .where(
                subscription.c.id.in_(select(id_).select_from(packed)), subscription.c.status != SubscriptionStatus.LEFT
            )
            .values(status=SubscriptionStatus.LEFT, left_at=now)
            .returning(subscription.c.id)
        ).scalars()
    )
    left = [(row.id, lines[row.address_key]) for row in found if row.id in ended]
    rows = [[id_, f"{origin} line {person.line}", person.why_left] for id_, person in left]
    (id_, where, wording), packed = unpacked(connection, rows, BigInteger, Text, Text)
    connection.execute(
        insert(consent).from_select(
            ["subscription_id", "at", "given", "method", "origin", "wording"],
            select(id_, literal(now, UtcDateTime), false(), literal("import"), where, wording).select_from(packed),
        )
    )
    if ended:
        outbox.tell(
            connection,
            outbox.Event.SUBSCRIBER_LEFT,
            now=now,
            newsletter_id=newsletter_id,
            subscription_ids=sorted(ended),
            method="import",
        )
    return {person.line for _, person in left}
