"""The clock of the machine jumps an hour, forward or back, in the middle of everything."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.db.engine import reading
from digest.delivery.store import counts
from digest.demo.catcher import SmtpThread
from digest.editions.store import editions as edition_store
from digest.flows import dispatch, publish
from digest.flows.publish import Built, Press
from digest.model.delivery import Balance
from tests.flows.test_dispatch import balance, build, send
from tests.site import ADMIN, NOW, Recorder, SmtpServer, add_articles, add_newsletter, add_readers

JUMPS = pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])


class Jumping(Recorder):
    """Moves the clock while it accepts its tenth message."""

    def __init__(self, clock: FixedClock, jump: timedelta) -> None:
        super().__init__()
        self._clock, self._jump = clock, jump

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if len(self.accepted) == 9:
            self._clock.at += self._jump
        return await super().handle_DATA(server, session, envelope)


def send_the_rest(engine: Engine, press: Press, edition_id: int, server: SmtpServer, at: datetime) -> None:
    maker = publish.open_maker(engine, press, edition_id)
    asyncio.run(dispatch.send(engine, maker, [server.channel()], clock=FixedClock(at)))


@JUMPS
def test_while_one_sender_is_at_work_everybody_gets_one(jump: timedelta, engine: Engine, press: Press) -> None:
    edition_id = build(engine, press, readers=40)
    clock = FixedClock(NOW)
    recorder = Jumping(clock, jump)
    with SmtpThread(recorder) as thread:
        server = SmtpServer(recorder, thread.port)
        send(engine, press, edition_id, server.channel(), clock=clock)
        send_the_rest(engine, press, edition_id, server, NOW + 2 * abs(jump))
    assert len({address for address, _ in recorder.accepted}) == len(recorder.accepted) == 40
    found = balance(engine, edition_id)
    assert (found.is_balanced, found.still_to_do, found.accepted + found.unknown) == (True, 0, 40)


@JUMPS
def test_while_two_senders_are_at_work_nobody_gets_two(jump: timedelta, engine: Engine, press: Press) -> None:
    edition_id = build(engine, press, readers=60)
    dispatch.plan(engine, edition_id, now=NOW)
    clock = FixedClock(NOW)
    recorder = Jumping(clock, jump)

    async def both(port: int) -> None:
        makers = [publish.open_maker(engine, press, edition_id) for _ in range(2)]
        channel = SmtpServer(recorder, port).channel()
        await asyncio.gather(*(dispatch.send(engine, maker, [channel], clock=clock) for maker in makers))

    with SmtpThread(recorder) as thread:
        asyncio.run(both(thread.port))
        send_the_rest(engine, press, edition_id, SmtpServer(recorder, thread.port), NOW + 2 * abs(jump))
    recipients = [address for address, _ in recorder.accepted]
    assert len(recipients) == len(set(recipients))
    found = balance(engine, edition_id)
    assert found.is_balanced
    assert (found.planned, found.still_to_do) == (60, 0)
    assert found.accepted + found.unknown == 60


@JUMPS
def test_after_an_edition_was_built_no_second_one_is_made(jump: timedelta, engine: Engine, press: Press) -> None:
    add_readers(engine, add_newsletter(engine), 2)
    add_articles(engine, 3)
    publish.build_due(engine, press, now=NOW)
    reports = publish.build_due(engine, press, now=NOW + jump)
    assert [report.result for report in reports if report.result is not Built.THERE and report.items] == []
    publish.build_due(engine, press, now=NOW + timedelta(minutes=1))
    with reading(engine) as connection:
        found = [each for each in edition_store.list_editions(connection) if each.status != "empty"]
    assert len(found) == 1


@JUMPS
def test_a_deferred_message_is_still_sent_once(
    jump: timedelta, engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=3)
    smtp_server.recorder.answers = {"reader2@example.org": ["451 4.7.1 greylisted"]}
    first = send(engine, press, edition_id, smtp_server.channel())
    assert first.waiting_until is not None
    for at in (NOW + jump, first.waiting_until):
        send_the_rest(engine, press, edition_id, smtp_server, at)
    assert balance(engine, edition_id) == Balance(planned=3, accepted=3)
    assert len(smtp_server.recorder.accepted) == 3


def test_a_run_that_was_too_late_goes_when_an_admin_says_so(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    add_readers(engine, add_newsletter(engine), 3)
    add_articles(engine, 3)
    late = NOW + timedelta(hours=30)
    (report,) = publish.build_due(engine, press, now=late)
    assert (report.result, report.message) == (Built.DRAFT, "late by more than 24 hours")
    assert dispatch.unfinished(engine) == []
    assert report.edition_id is not None
    publish.approve(engine, press, report.edition_id, now=late, actor=ADMIN)
    send(engine, press, report.edition_id, smtp_server.channel(), clock=FixedClock(late))
    assert len(smtp_server.recorder.accepted) == 3
    with reading(engine) as connection:
        assert counts.balance(connection, report.edition_id).is_balanced
