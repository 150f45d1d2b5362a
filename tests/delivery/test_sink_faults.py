"""Every fault that Postfix's smtp-sink can play, with and without extensions: what becomes of the rows, and why."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.db import migrate
from digest.db.engine import make_engine
from digest.flows.publish import Press
from digest.model.delivery import Balance
from tests.flows.test_dispatch import balance, build, send
from tests.site import Recorder, SmtpServer

SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin")

pytestmark = pytest.mark.skipif(SINK is None, reason="smtp-sink, which comes with Postfix, is not installed")

HURRY = {"connect_timeout_s": 0.5, "command_timeout_s": 0.5, "data_timeout_s": 0.5, "body_timeout_s": 0.5}
READERS = 3

ACCEPTED = Balance(planned=READERS, accepted=READERS)
WAITING = Balance(planned=READERS, waiting=READERS)
DEFERRED = Balance(planned=READERS, deferred=READERS)
UNKNOWN = Balance(planned=READERS, unknown=READERS)

TABLE = [
    # what it offers: nothing of it is needed
    ("", ACCEPTED),
    ("-e", ACCEPTED),
    ("-p", ACCEPTED),
    ("-P", ACCEPTED),
    ("-8", ACCEPTED),
    ("-E", ACCEPTED),
    ("-N", ACCEPTED),
    ("-8 -a -C -E -F -N -p", ACCEPTED),
    ("-h another.example.org", ACCEPTED),
    # 5yz
    ("-f CONNECT", WAITING),
    ("-f EHLO", ACCEPTED),
    ("-f EHLO,HELO", WAITING),
    ("-f MAIL", WAITING),
    ("-f RCPT", WAITING),  # every reader, and in words that are no reader's: it refuses us
    ("-f DATA", WAITING),
    ("-f .", WAITING),
    ("-f RCPT,RSET", WAITING),
    ("-f QUIT", ACCEPTED),
    # 4yz
    ("-r CONNECT", WAITING),
    ("-r EHLO,HELO", WAITING),
    ("-r MAIL", DEFERRED),
    ("-r RCPT", DEFERRED),
    ("-r DATA", DEFERRED),
    ("-r .", DEFERRED),
    ("-r RCPT,RSET", DEFERRED),
    ("-r QUIT", ACCEPTED),
    # a line that breaks
    ("-q CONNECT", WAITING),
    ("-q EHLO", WAITING),
    ("-q MAIL", WAITING),
    ("-q RCPT", WAITING),
    ("-q DATA", WAITING),
    ("-q .", UNKNOWN),
    ("-q QUIT", ACCEPTED),
    # 421 and good-bye
    ("-Q CONNECT", WAITING),
    ("-Q EHLO", WAITING),
    ("-Q MAIL", DEFERRED),
    ("-Q RCPT", DEFERRED),
    ("-Q DATA", DEFERRED),
    ("-Q .", DEFERRED),
    ("-Q QUIT", ACCEPTED),
    # silence
    ("-W CONNECT:9", WAITING),
    ("-W EHLO:9", WAITING),
    ("-W MAIL:9", WAITING),
    ("-W RCPT:9", WAITING),
    ("-W DATA:9", WAITING),
    ("-w 9", WAITING),
    ("-W .:9", UNKNOWN),
    ("-H 9", UNKNOWN),
    ("-W QUIT:1", ACCEPTED),
]


OUT_OF_ORDER = "-W .:9"
"""With commands behind the dot it answers those first, and the message seconds later: no server that can be spoken to."""

BOTH_WAYS = [
    pytest.param(
        options, expected, pipelining, id=f"{options or 'nothing'}, {'pipelined' if pipelining else 'one by one'}"
    )
    for options, expected in TABLE
    for pipelining in (True, False)
    if (options, pipelining) != (OUT_OF_ORDER, True)
]


@contextlib.contextmanager
def sink(options: str) -> Iterator[SmtpServer]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    as_whom = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([str(SINK), *as_whom, *options.split(), f"127.0.0.1:{port}", "64"])
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, "smtp-sink does not start"
            time.sleep(0.01)
        yield SmtpServer(Recorder(), port)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path / 'digest.sqlite'}")
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(("options", "expected", "pipelining"), BOTH_WAYS)
def test_each_fault_ends_as_the_table_says(
    engine: Engine, press: Press, options: str, expected: Balance, pipelining: bool
) -> None:
    edition_id = build(engine, press, readers=READERS)
    with sink(options) as server:
        report = send(engine, press, edition_id, server.channel(connections=1, pipelining=pipelining, **HURRY))
    assert balance(engine, edition_id) == expected
    assert bool(report.trouble) == (expected == WAITING)


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO,HELO", "MAIL", "RCPT", "DATA", "."])
def test_after_a_refusal_for_now_everybody_gets_a_copy_when_the_server_is_well(
    engine: Engine, press: Press, smtp_server: SmtpServer, stage: str
) -> None:
    edition_id = build(engine, press, readers=READERS)
    with sink(f"-r {stage}") as server:
        report = send(engine, press, edition_id, server.channel(**HURRY))
    while report.waiting_until is not None:
        clock = FixedClock(report.waiting_until)
        report = send(engine, press, edition_id, smtp_server.channel(), clock=clock)
    assert balance(engine, edition_id) == ACCEPTED
