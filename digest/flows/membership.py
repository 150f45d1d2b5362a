"""Leave. (Asking, confirming, changing and erasing belong here too.)"""

from __future__ import annotations

from sqlalchemy import Engine

from digest import log
from digest.audience import store
from digest.audience.leave import leaving
from digest.db.engine import writing
from digest.model.feedback import Unsubscribe


def leave(engine: Engine, request: Unsubscribe, *, origin: str = "") -> bool:
    """The reader leaves, from the very next message on (P5). True also when they had left before; False: no such one."""
    with writing(engine) as connection:
        subscription = store.find_subscription(connection, request.subscription_id)
        if subscription is None:
            return False
        change = leaving(subscription, request)
        if change.is_new and store.record_left(connection, request.subscription_id, now=request.at):
            store.record_consent(
                connection,
                request.subscription_id,
                given=False,
                method=change.consent_method,
                origin=origin,
                now=request.at,
            )
            log.event("membership.left", subscription_id=request.subscription_id, method=request.method)
    return True
