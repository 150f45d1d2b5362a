"""What every way out promises to the desk, asked of each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.delivery.channels import Channel
from digest.delivery.channels.folder import FolderChannel, Options
from digest.errors import ChannelUnavailable
from digest.model.delivery import ChannelHealth, Verdict
from tests.contracts.desk import ListDesk, make_outgoing
from tests.site import SmtpServer


@dataclass
class Way:
    """A channel that works, the same kind with nothing at its end, and what arrived."""

    channel: Channel
    dead: Channel
    arrived: Callable[[], list[bytes]]


@pytest.fixture(params=["folder", "smtp", "smtp without pipelining"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Way:
    if request.param == "folder":
        (tmp_path / "file").write_text("in the way")
        outbox = tmp_path / "new" / "outbox"
        return Way(
            FolderChannel(Options(path=str(outbox))),
            FolderChannel(Options(path=str(tmp_path / "file" / "outbox"))),
            lambda: [file.read_bytes() for file in sorted(outbox.iterdir())],
        )
    server: SmtpServer = request.getfixturevalue("smtp_server")
    pipelining = request.param == "smtp"
    return Way(
        server.channel(pipelining=pipelining, messages_per_connection=100),
        server.channel(pipelining=pipelining, port=1),
        lambda: [content for _, content in server.recorder.accepted],
    )


def converse(channel: Channel, desk: ListDesk) -> None:
    asyncio.run(channel.converse(desk))


def test_a_channel_takes_until_there_is_none(way: Way) -> None:
    messages = [make_outgoing(number) for number in range(1, 21)]
    desk = ListDesk(messages)
    converse(way.channel, desk)
    assert desk.taken == messages


def test_what_is_taken_is_settled_exactly_once_and_in_order(way: Way) -> None:
    messages = [make_outgoing(number) for number in range(1, 21)]
    desk = ListDesk(messages)
    converse(way.channel, desk)
    assert [outgoing for outgoing, _ in desk.settled] == messages
    assert {(outcome.verdict, outcome.health) for _, outcome in desk.settled} == {
        (Verdict.ACCEPTED, ChannelHealth.FINE)
    }


def test_what_arrives_is_what_was_given_byte_for_byte(way: Way) -> None:
    messages = [make_outgoing(1), make_outgoing(2, size=300_000), make_outgoing(3)]
    converse(way.channel, ListDesk(messages))
    assert way.arrived() == [message.content for message in messages]


def test_a_desk_with_nothing_is_left_alone(way: Way) -> None:
    desk = ListDesk([])
    converse(way.channel, desk)
    assert (desk.taken, desk.settled, way.arrived()) == ([], [], [])


def test_when_the_desk_stops_the_rest_stays_there(way: Way) -> None:
    desk = ListDesk([make_outgoing(number) for number in range(1, 10)], stops_after=4)
    converse(way.channel, desk)
    assert len(desk.taken) == len(desk.settled) == len(way.arrived()) == 4


def test_what_may_not_be_sent_does_not_arrive_and_is_not_settled(way: Way) -> None:
    """A conversation may end there; the next one goes on."""
    desk = ListDesk([make_outgoing(number) for number in range(1, 6)], refuses={3})
    for _ in range(2):
        converse(way.channel, desk)
    assert [outgoing.delivery_id for outgoing, _ in desk.settled] == [1, 2, 4, 5]
    assert len(way.arrived()) == 4


def test_a_channel_can_be_used_again(way: Way) -> None:
    for number in (1, 2):
        converse(way.channel, ListDesk([make_outgoing(number)]))
    assert len(way.arrived()) == 2


def test_an_address_beyond_ascii_arrives(way: Way) -> None:
    desk = ListDesk([make_outgoing(1, address="jörg@xn--bcher-kva.example")])
    converse(way.channel, desk)
    assert desk.verdicts == ["accepted"]


def test_a_channel_that_cannot_begin_takes_nothing_and_says_its_name(way: Way) -> None:
    desk = ListDesk([make_outgoing(1)])
    with pytest.raises(ChannelUnavailable, match=f"channel {way.dead.name}: "):
        converse(way.dead, desk)
    assert (desk.taken, desk.settled) == ([], [])
