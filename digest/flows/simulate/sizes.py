"""A few copies of an edition are made: how large they are, and how long that takes."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Mapping
from statistics import median
from time import perf_counter

from sqlalchemy import Engine

from digest.audience.store import subscribers as subscriber_store
from digest.db.engine import reading
from digest.flows.copies import CopyMaker
from digest.flows.publish import Press
from digest.flows.simulate.report import Sizes
from digest.message.splice import CLIPPING_BUDGET
from digest.model.edition import Edition
from digest.model.subscriber import Recipient


def measure(
    engine: Engine,
    press: Press,
    edition: Edition,
    frozen: Mapping[str, object],
    sample: Mapping[int, str],
    *,
    is_own: bool,
) -> Sizes:
    """sample   the picks of some readers, as the ledger would have them"""
    with reading(engine) as connection:
        recipients = [
            Recipient(
                subscription_id=subscription_id,
                subscriber=person,
                joined_at=joined_at,
                picks=json.loads(sample[subscription_id]) if is_own else None,
            )
            for subscription_id, joined_at, person in subscriber_store.list_people(connection, list(sample))
        ]
    started = perf_counter()
    maker = CopyMaker(
        edition, frozen, press.links, message_key=press.message_key, signer=press.signer, public_key="x" * 16
    )
    maker.prepare(recipients)
    for recipient in recipients:
        maker.message(recipient, at=edition.due_at)  # once without looking: pieces that they share are made then
    ready = perf_counter()
    messages = [maker.message(recipient, at=edition.due_at) for recipient in recipients]
    ended = perf_counter()
    short = [not maker.is_whole(recipient) for recipient in recipients]
    return Sizes(
        made=len(messages),
        median_bytes=round(median(map(len, messages))),
        largest_bytes=max(map(len, messages)),
        shortened=sum(short),
        clipped=sum(_is_clipped(message) for message, is_short in zip(messages, short, strict=True) if is_short),
        compile_s=ready - started,
        seconds=(ended - ready) / len(messages),
    )


def _is_clipped(message: bytes) -> bool:
    html = email.message_from_bytes(message, policy=email.policy.default).get_body(("html",))
    return html is not None and len(html.get_payload()) > CLIPPING_BUDGET
