"""What counts as a reply, and what a refusal is worth when the line breaks right after it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Engine

from digest.delivery.channels.smtp_replies import Broken, Replies, Reply
from digest.flows.publish import Press
from digest.model.delivery import Balance
from tests.flows.test_bad_servers import ScriptedServer, scripted, servers
from tests.flows.test_dispatch import balance, build, send

__all__ = ["servers"]


def read(*pieces: bytes) -> list[Reply]:
    """All replies in these pieces of input; Broken when something in them is none."""

    async def run() -> list[Reply]:
        replies = Replies()
        for piece in pieces:
            replies.data_received(piece)
        found = []
        while replies.is_ahead:
            found.append(await replies.reply(0.1))
        return found

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("pieces", "replies"),
    [
        ([b"250 fine\r\n"], [Reply(250, "fine")]),
        ([b"250\r\n"], [Reply(250, "")]),
        ([b"250 \r\n"], [Reply(250, "")]),
        ([b"2", b"50 fi", b"ne\r", b"\n"], [Reply(250, "fine")]),
        ([b"250 a\r\n354 b\r\n"], [Reply(250, "a"), Reply(354, "b")]),
        ([b"250-a\r\n250-b\r\n250 c\r\n"], [Reply(250, "a b c")]),
        ([b"250-\r\n250\r\n"], [Reply(250, " ")]),
    ],
)
def test_replies_are_read_however_they_are_cut(pieces: list[bytes], replies: list[Reply]) -> None:
    assert read(*pieces) == replies


@pytest.mark.parametrize("line", [b"250_fine", b"2500", b"199 odd", b"666 beast", b"25", b"", b"fine", b"-250 x"])
def test_what_is_no_reply_ends_the_dialogue(line: bytes) -> None:
    """RFC 5321 §4.2: three digits, then a space, a hyphen or the end of the line. A guess would be a success."""
    with pytest.raises(Broken):
        read(line + b"\r\n")


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_refusal_counts_also_when_the_server_closes_right_after_it(
    engine: Engine, press: Press, servers: list[ScriptedServer], pipelining: bool
) -> None:
    """Else one reader whom a server answers like that is tried first, again and again, and the others never."""
    edition_id = build(engine, press, readers=8)
    rude = scripted(servers, answers={"RCPT": "550 5.1.1 no such user", "DATA": "503 5.5.1 no"}, breaks="RSET")
    report = send(engine, press, edition_id, rude.channel(pipelining=pipelining))
    assert report.trouble == ""
    assert balance(engine, edition_id) == Balance(planned=8, rejected=8)


def test_no_empty_message_is_made_for_a_reader(engine: Engine, press: Press, servers: list[ScriptedServer]) -> None:
    """A server that refuses the sender and yet takes recipient and DATA would take the lone dot for a message."""
    edition_id = build(engine, press, readers=2)
    confused = scripted(servers, answers={"MAIL": "451 4.3.0 later"})
    send(engine, press, edition_id, confused.channel())
    assert confused.script.bodies == []
    assert balance(engine, edition_id).deferred == 2


def test_a_server_that_never_stops_talking_fills_no_memory() -> None:
    async def run() -> int:
        replies = Replies()
        for _ in range(1_000):
            replies.data_received(b"250 by the way\r\n" * 100)
        kept = 0
        while replies.next() is not None:
            kept += 1
        with pytest.raises(Broken, match="without end"):
            await replies.reply(0.1)
        return kept

    assert asyncio.run(run()) <= 200
