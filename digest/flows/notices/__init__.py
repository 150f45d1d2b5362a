"""One message that is no edition: asked for in the transaction of what it is about, sent soon, on record.

ask       a row in the ledger, which waits to be sent
maker     a row -> its message
sender    what waits -> accepted, once; beside the editions, on a connection of its own
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.audit import Noun, Target
from digest.db.engine import reading, writing
from digest.delivery.store import notices
from digest.errors import BadInput
from digest.model.actor import Actor
from digest.model.address import EmailAddress
from digest.model.notice import Notice, NoticeId, NoticeKind

__all__ = ["ask_for_test", "get_notice", "list_notices"]


def ask_for_test(engine: Engine, address: str, *, language: str, actor: Actor, now: datetime) -> NoticeId:
    """A notice that says that notices arrive; BadInput for what is no address."""
    try:
        to = EmailAddress.parse(address)
    except ValueError as cause:
        raise BadInput(f"{address!r} is no e-mail address: {cause}", field="address") from cause
    with writing(engine) as connection:
        made = notices.add_notice(connection, NoticeKind.TEST, to, language=language, now=now)
        audit.record(connection, "notice.test", actor, Target(noun=Noun.NOTICE, id=made), now=now)
    return made


def get_notice(engine: Engine, notice_id: NoticeId) -> Notice:
    with reading(engine) as connection:
        return notices.get_notice(connection, notice_id)


def list_notices(engine: Engine, *, before_id: int | None = None, limit: int = 50) -> list[Notice]:
    """The newest first."""
    with reading(engine) as connection:
        return notices.list_notices(connection, before_id=before_id, limit=limit)
