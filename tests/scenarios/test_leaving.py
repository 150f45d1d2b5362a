"""Whoever leaves or is suppressed while an edition is on its way gets nothing more of it (P5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine, text

from digest.audience.store.subscribers import suppress
from digest.clock import FixedClock
from digest.db.engine import writing
from digest.demo.catcher import SmtpThread
from digest.flows import dispatch, membership, publish
from digest.flows.publish import Press
from digest.model.address import EmailAddress
from digest.model.delivery import Balance
from digest.model.feedback import Unsubscribe
from digest.model.subscriber import SuppressionReason
from tests.flows.test_dispatch import balance, build, send
from tests.site import NOW, Recorder, SmtpServer

READERS = 40


class AtTheFirst(Recorder):
    """Does something else when it has accepted its first message."""

    def __init__(self, deed: Callable[[], object]) -> None:
        super().__init__()
        self._deed = deed

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if len(self.accepted) == 1:
            await asyncio.to_thread(self._deed)
        return answer


def leave(engine: Engine, number: int) -> None:
    membership.leave(engine, Unsubscribe(subscription_id=number, at=NOW, method="one-click"), origin="/u/")


def suppress_reader(engine: Engine, number: int) -> None:
    with writing(engine) as connection:
        address = EmailAddress.parse(f"reader{number}@example.org")
        suppress(connection, address, SuppressionReason.COMPLAINT, now=NOW)


@pytest.mark.parametrize("deed", [leave, suppress_reader])
def test_while_the_edition_is_being_sent(deed: Callable[[Engine, int], None], engine: Engine, press: Press) -> None:
    edition_id = build(engine, press, readers=READERS)
    recorder = AtTheFirst(lambda: deed(engine, READERS))
    with SmtpThread(recorder) as thread:
        send(engine, press, edition_id, SmtpServer(recorder, thread.port).channel(connections=1))
    assert f"reader{READERS}@example.org" not in [address for address, _ in recorder.accepted]
    assert balance(engine, edition_id) == Balance(planned=READERS, accepted=READERS - 1, skipped=1)


def test_while_the_message_waits_for_its_second_try(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=3)
    smtp_server.recorder.answers = {"reader2@example.org": ["451 4.7.1 greylisted"]}
    first = send(engine, press, edition_id, smtp_server.channel())
    leave(engine, 2)
    assert first.waiting_until is not None
    later = send(engine, press, edition_id, smtp_server.channel(), clock=FixedClock(first.waiting_until))
    assert (later.accepted, later.is_finished) == (0, True)
    assert balance(engine, edition_id) == Balance(planned=3, accepted=2, skipped=1)


def test_between_approval_and_plan(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=3)
    leave(engine, 2)
    send(engine, press, edition_id, smtp_server.channel())
    assert balance(engine, edition_id) == Balance(planned=2, accepted=2)


def test_whoever_joins_after_the_plan_waits_for_the_next_edition(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=3)
    leave(engine, 2)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        connection.execute(text("UPDATE subscription SET status = 'active' WHERE id = 2"))
    send(engine, press, edition_id, smtp_server.channel())
    assert balance(engine, edition_id) == Balance(planned=2, accepted=2)
    (report,) = publish.build_due(engine, press, now=NOW + timedelta(minutes=5))
    assert report.result is publish.Built.THERE
