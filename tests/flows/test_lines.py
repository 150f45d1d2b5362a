"""The connections of one run: when they begin, when they end, and what an accident in one of them does to the rest."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.delivery.channels import Desk
from digest.flows import dispatch, publish
from digest.flows.dispatch import DispatchReport
from digest.flows.publish import Press
from digest.model.delivery import Balance, Outcome, Stage, Verdict
from tests.flows.test_dispatch import balance, build
from tests.site import NOW, SmtpServer

PATIENCE_S = 20


def send(engine: Engine, press: Press, edition_id: int, *channels: object) -> DispatchReport:
    """TimeoutError when the run does not end."""
    dispatch.plan(engine, edition_id, now=NOW)
    maker = publish.open_maker(engine, press, edition_id)
    run = dispatch.send(engine, maker, channels, clock=FixedClock(NOW))  # type: ignore[arg-type]
    return asyncio.run(asyncio.wait_for(run, PATIENCE_S))


def test_a_server_that_is_down_ends_the_run_however_many_connections_it_has(engine: Engine, press: Press) -> None:
    edition_id = build(engine, press)
    down = SmtpServer(None, 1).channel(connections=4)  # type: ignore[arg-type]
    assert "cannot be used" in send(engine, press, edition_id, down).trouble
    assert balance(engine, edition_id) == Balance(planned=5, waiting=5)


@pytest.mark.parametrize(("first", "second"), [(1, 4), (4, 1)])
def test_channels_with_different_numbers_of_connections_end_together(
    engine: Engine, press: Press, smtp_server: SmtpServer, first: int, second: int
) -> None:
    edition_id = build(engine, press, readers=20)
    channels = smtp_server.channel(name="a", connections=first), smtp_server.channel(name="b", connections=second)
    assert send(engine, press, edition_id, *channels).is_finished
    assert len(smtp_server.recorder.accepted) == 20


def test_when_a_channel_with_few_connections_rests_the_one_with_many_uses_all_of_its_own(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=20)
    channels = smtp_server.channel(name="a", port=1, connections=1), smtp_server.channel(name="b", connections=4)
    report = send(engine, press, edition_id, *channels)
    assert (report.is_finished, report.trouble) == (True, "")
    assert len(smtp_server.recorder.accepted) == 20


class Stumbling:
    """A channel with a bug: its second conversation, once the first has begun, raises after it took a message.

    The first waits for that, and settles its own message only afterwards.
    """

    name, connections = "stumbling", 2

    def __init__(self) -> None:
        self._has_begun, self._has_stumbled = asyncio.Event(), asyncio.Event()

    async def converse(self, desk: Desk) -> None:
        outgoing = await desk.take()
        assert outgoing is not None
        assert await desk.may_send(outgoing)
        if self._has_begun.is_set():
            self._has_stumbled.set()
            raise RuntimeError("a bug")
        self._has_begun.set()
        await self._has_stumbled.wait()
        await asyncio.sleep(0.05)
        desk.settle(outgoing, Outcome(verdict=Verdict.ACCEPTED, stage=Stage.BODY, code=250))


def test_a_bug_in_one_connection_loses_no_answer_of_the_others(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    with pytest.raises(RuntimeError, match="a bug"):
        send(engine, press, edition_id, Stumbling())
    found = balance(engine, edition_id)
    assert (found.accepted, found.attempting, found.waiting) == (1, 1, 3)
    send(engine, press, edition_id, smtp_server.channel())
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, unknown=1)
