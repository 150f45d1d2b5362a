"""SMTP servers that misbehave, a full disk, and a database that goes away: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from sqlalchemy import Engine, event, text

from digest.clock import FixedClock
from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.delivery.channels.smtp import Options, SmtpChannel, Unavailable
from digest.delivery.store import counts
from digest.demo.catcher import SmtpThread
from digest.errors import DatabaseError
from digest.flows import dispatch, publish
from digest.flows.admin import editions as editions_admin
from digest.flows.publish import Press
from digest.model.delivery import Balance, ChannelHealth
from digest.model.edition import EditionStatus
from digest.model.newsletter import UnknownPolicy
from tests.contracts.desk import ListDesk, make_outgoing
from tests.flows.test_dispatch import balance, build, send, status
from tests.site import ADMIN, NOW, Recorder, SmtpServer


@dataclass
class Script:
    """What a scripted server says; `breaks` and `hangs` name the command at which it does so.

    breaks   "BODY" reads the message and closes without an answer, "HALF" closes in the middle of it
    breaks_for   closes instead of an answer to RCPT for these addresses
    """

    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 0")
    greeting: str = "220 here"
    breaks: str = ""
    breaks_for: tuple[str, ...] = ()
    hangs: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


class ScriptedServer:
    """One thread for each connection; as simple as a server can be, so that what it does is plain to see."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._is_over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._is_over.set()
        self._socket.close()

    def channel(self, **options: object) -> SmtpChannel:
        values: dict[str, object] = {"host": "127.0.0.1", "port": self.port, "security": "none", "connections": 1}
        values |= {"connect_timeout_s": 1.0, "command_timeout_s": 1.0, "data_timeout_s": 1.0, "body_timeout_s": 1.0}
        return SmtpChannel(Options(**(values | options)))  # type: ignore[arg-type]

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        script = self.script
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:

            def say(line: str) -> None:
                connection.sendall(line.encode() + b"\r\n")

            if script.hangs == "CONNECT":
                self._is_over.wait(10)
                return
            say(script.greeting)
            for raw in lines:
                command = raw.decode("latin-1").split(" ")[0].strip().upper()
                script.commands.append(command)
                if script.hangs == command:
                    self._is_over.wait(10)
                    return
                if script.breaks == command or (
                    command == "RCPT" and any(a in raw.decode("latin-1") for a in script.breaks_for)
                ):
                    return
                if command == "EHLO" and "EHLO" not in script.answers:
                    offered = ["here", *script.extensions]
                    say("\r\n".join(f"250{'-' if i < len(offered) - 1 else ' '}{x}" for i, x in enumerate(offered)))
                elif command == "DATA" and "DATA" not in script.answers:
                    say("354 go on")
                    if not self._body(lines):
                        return
                    say(script.answers.get("BODY", "250 2.0.0 taken"))
                elif command == "QUIT":
                    say("221 bye")
                    return
                else:
                    say(script.answers.get(command, "250 2.0.0 fine"))

    def _body(self, lines: Iterator[bytes]) -> bool:
        body = []
        for line in lines:
            if line == b".\r\n":
                break
            body.append(line)
            if self.script.breaks == "HALF" and len(body) > 5:
                return False
        else:
            return False
        self.script.bodies.append(b"".join(body))
        if self.script.hangs == "BODY":
            self._is_over.wait(10)
        return self.script.breaks != "BODY"


@pytest.fixture
def servers() -> Iterator[list[ScriptedServer]]:
    made: list[ScriptedServer] = []
    yield made
    for server in made:
        server.close()


def scripted(servers: list[ScriptedServer], **script: object) -> ScriptedServer:
    servers.append(ScriptedServer(Script(**script)))  # type: ignore[arg-type]
    return servers[-1]


def goes_on_elsewhere(engine: Engine, press: Press, edition_id: int, good: SmtpServer) -> set[str]:
    """Send the rest through a good server; who got something there."""
    if status(engine, edition_id) is EditionStatus.SENT:
        return set()
    send(engine, press, edition_id, good.channel())
    accepted = [address for address, _ in good.recorder.accepted]
    assert len(accepted) == len(set(accepted))
    assert status(engine, edition_id) is EditionStatus.SENT
    return set(accepted)


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    "script",
    [
        {"hangs": "CONNECT"},
        {"greeting": "554 5.7.1 go away"},
        {"greeting": "421 4.3.2 not now"},
        {"hangs": "EHLO"},
        {"breaks": "EHLO"},
        {"breaks": "MAIL"},
        {"hangs": "MAIL"},
        {"breaks": "RCPT"},
        {"breaks": "DATA"},
        {"hangs": "DATA"},
        {"answers": {"MAIL": "550 5.7.1 you may not send"}},
    ],
    ids=str,
)
def test_before_the_body_nothing_was_tried(
    script: dict[str, object],
    pipelining: bool,
    engine: Engine,
    press: Press,
    smtp_server: SmtpServer,
    servers: list[ScriptedServer],
) -> None:
    edition_id = build(engine, press, readers=3)
    bad = scripted(servers, **script)
    report = send(engine, press, edition_id, bad.channel(pipelining=pipelining))
    assert report.accepted == report.unknown == 0
    assert report.trouble.startswith("channel smtp: ")
    found = balance(engine, edition_id)
    assert (found.waiting, found.attempting, found.is_balanced) == (3, 0, True)
    assert len(goes_on_elsewhere(engine, press, edition_id, smtp_server)) == 3


@pytest.mark.parametrize("security", ["none", "starttls"])
@pytest.mark.parametrize("answer", ["421 4.3.2 not now", "450 later", "451 4.7.1 slower"])
def test_ehlo_refused_for_now_rests_the_channel_and_is_no_reason_for_helo(
    answer: str, security: str, servers: list[ScriptedServer]
) -> None:
    busy = scripted(servers, answers={"EHLO": answer})
    desk = ListDesk([make_outgoing(1)])
    with pytest.raises(Unavailable, match=f"answered {answer[:3]}") as raised:
        asyncio.run(busy.channel(security=security).converse(desk))
    assert raised.value.health is ChannelHealth.REST
    assert (busy.script.commands, desk.taken) == (["EHLO"], [])


@pytest.mark.parametrize("answer", ["500 what", "502 5.5.1 no", "550 5.7.1 no"])
def test_a_server_that_does_not_know_ehlo_is_greeted_by_helo(answer: str, servers: list[ScriptedServer]) -> None:
    old = scripted(servers, answers={"EHLO": answer})
    desk = ListDesk([make_outgoing(1)])
    asyncio.run(old.channel().converse(desk))
    assert old.script.commands == ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert desk.verdicts == ["accepted"]


def test_a_server_that_refuses_helo_too_stops_the_channel(servers: list[ScriptedServer]) -> None:
    shut = scripted(servers, answers={"EHLO": "502 no", "HELO": "550 5.7.1 no"})
    with pytest.raises(Unavailable, match="answered 550") as raised:
        asyncio.run(shut.channel().converse(ListDesk([make_outgoing(1)])))
    assert raised.value.health is ChannelHealth.STOP


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_reader_at_whom_the_line_always_breaks_is_deferred_and_the_edition_ends(
    pipelining: bool, engine: Engine, press: Press, servers: list[ScriptedServer]
) -> None:
    edition_id = build(engine, press, readers=5, retry_hours=1)
    bad = scripted(servers, breaks_for=("reader3@example.org",))
    clock = FixedClock(NOW)
    report = send(engine, press, edition_id, bad.channel(pipelining=pipelining), clock=clock)
    assert (report.accepted, report.deferred, report.trouble) == (4, 1, "")
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, deferred=1)
    while report.waiting_until is not None:
        clock.at = report.waiting_until
        report = send(engine, press, edition_id, bad.channel(pipelining=pipelining), clock=clock)
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, rejected=1)
    assert status(engine, edition_id) is EditionStatus.SENT
    assert len(bad.script.bodies) == 4
    with reading(engine) as connection:
        tries = counts.list_attempts(connection, edition_id, 3)
    assert [each.at - NOW for each in tries] == sorted({each.at - NOW for each in tries})
    assert {(each.verdict, each.stage, each.code) for each in tries} == {("deferred", "rcpt", 0)}


def test_many_readers_at_whom_the_line_breaks_do_not_hold_up_the_end(
    engine: Engine, press: Press, servers: list[ScriptedServer]
) -> None:
    """The channel rests before one of them has broken the line three times, in every run."""
    edition_id = build(engine, press, readers=9, retry_hours=2)
    bad = scripted(servers, breaks_for=tuple(f"reader{number}@" for number in range(2, 9)))
    clock = FixedClock(NOW)
    while status(engine, edition_id) is not EditionStatus.SENT:
        send(engine, press, edition_id, bad.channel(), clock=clock)
        clock.at += timedelta(minutes=20)
        assert clock.at - NOW < timedelta(hours=12)
    assert balance(engine, edition_id) == Balance(planned=9, accepted=2, rejected=7)


def test_a_message_behind_a_broken_one_is_not_to_blame(servers: list[ScriptedServer]) -> None:
    bad = scripted(servers, breaks="BODY")
    desk = ListDesk([make_outgoing(1), make_outgoing(2)])
    asyncio.run(bad.channel().converse(desk))
    found = [(outgoing.delivery_id, outcome.verdict, outcome.stage) for outgoing, outcome in desk.settled]
    assert found == [(1, "unknown", "body"), (2, "untried", "connect")]


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_refusal_counts_also_when_the_line_breaks_after_it(pipelining: bool, servers: list[ScriptedServer]) -> None:
    bad = scripted(servers, answers={"RCPT": "550 5.1.1 no such user"}, breaks="DATA" if pipelining else "RSET")
    desk = ListDesk([make_outgoing(1)])
    asyncio.run(bad.channel(pipelining=pipelining).converse(desk))
    assert [(outcome.verdict, outcome.code) for _, outcome in desk.settled] == [("rejected", 550)]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("script", [{"breaks": "BODY"}, {"breaks": "HALF"}, {"hangs": "BODY"}], ids=str)
def test_after_the_body_an_answer_that_is_lost_is_unknown(
    script: dict[str, object],
    pipelining: bool,
    engine: Engine,
    press: Press,
    smtp_server: SmtpServer,
    servers: list[ScriptedServer],
) -> None:
    """RFC 1047: the server may have taken it, so it is not sent again; each reader has at most one copy."""
    edition_id = build(engine, press, readers=3)
    bad = scripted(servers, **script)
    report = send(engine, press, edition_id, bad.channel(pipelining=pipelining))
    assert report.unknown >= 1
    found = balance(engine, edition_id)
    assert (found.attempting, found.is_balanced) == (0, True)
    assert found.unknown == report.unknown
    assert len(goes_on_elsewhere(engine, press, edition_id, smtp_server)) == 3 - report.unknown


def test_an_answer_with_a_nul_in_it_is_an_answer(engine: Engine, press: Press, servers: list[ScriptedServer]) -> None:
    edition_id = build(engine, press, readers=2)
    odd = scripted(servers, answers={"BODY": "451 4.3.0 later\0 or so"})
    report = send(engine, press, edition_id, odd.channel())
    assert (report.deferred, report.trouble) == (2, "")
    with reading(engine) as connection:
        (tried,) = counts.list_attempts(connection, edition_id, 1)
    assert tried.text == "4.3.0 later or so"


def test_a_newsletter_that_resends_tries_a_lost_answer_again_with_the_same_message_id(
    engine: Engine, press: Press, smtp_server: SmtpServer, servers: list[ScriptedServer]
) -> None:
    edition_id = build(engine, press, readers=2, unknown_policy=UnknownPolicy.RESEND)
    bad = scripted(servers, breaks="BODY")
    report = send(engine, press, edition_id, bad.channel())
    assert report.unknown >= 1
    assert balance(engine, edition_id).unknown == 0
    assert report.waiting_until is not None
    send(engine, press, edition_id, smtp_server.channel(), clock=FixedClock(NOW + timedelta(hours=1)))
    again = {message_id(content) for _, content in smtp_server.recorder.accepted}
    assert len(again) == 2
    assert {message_id(content) for content in bad.script.bodies} <= again


def message_id(content: bytes) -> str:
    return str(message_from_bytes(content)["Message-ID"])


def test_a_server_that_breaks_every_conversation_is_left_before_everybody_is_unknown(
    engine: Engine, press: Press, smtp_server: SmtpServer, servers: list[ScriptedServer]
) -> None:
    edition_id = build(engine, press, readers=60)
    report = send(engine, press, edition_id, scripted(servers, breaks="BODY").channel())
    assert "breaks every conversation" in report.trouble
    assert report.unknown <= 10
    assert len(goes_on_elsewhere(engine, press, edition_id, smtp_server)) == 60 - report.unknown


def test_a_server_that_only_claims_pipelining(
    engine: Engine, press: Press, smtp_server: SmtpServer, servers: list[ScriptedServer]
) -> None:
    """One that answers DATA with 250 is out of step: nothing counts as accepted."""
    edition_id = build(engine, press, readers=3)
    bad = scripted(servers, answers={"DATA": "250 fine"})
    report = send(engine, press, edition_id, bad.channel())
    assert report.accepted == 0
    assert balance(engine, edition_id).is_balanced
    assert len(goes_on_elsewhere(engine, press, edition_id, smtp_server)) == 3


def test_messages_that_the_server_finds_too_big_cost_nobody_the_edition(
    engine: Engine, press: Press, smtp_server: SmtpServer, servers: list[ScriptedServer]
) -> None:
    edition_id = build(engine, press, readers=12)
    small = scripted(servers, extensions=("PIPELINING", "SIZE 100"))
    report = send(engine, press, edition_id, small.channel())
    assert "the message is too big" in report.trouble
    assert (report.rejected, small.script.bodies) == (0, [])
    assert balance(engine, edition_id) == Balance(planned=12, waiting=12)
    editions_admin.resume(engine, edition_id, now=NOW, actor=ADMIN)
    assert len(goes_on_elsewhere(engine, press, edition_id, smtp_server)) == 12


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_relay_gets_the_headers_that_it_wants_before_the_messages_own(
    pipelining: bool, engine: Engine, press: Press, servers: list[ScriptedServer]
) -> None:
    edition_id = build(engine, press, readers=2)
    relay = scripted(servers)
    headers = {"X-SES-CONFIGURATION-SET": "weekly"}
    assert send(engine, press, edition_id, relay.channel(headers=headers, pipelining=pipelining)).accepted == 2
    assert all(body.startswith(b"X-SES-CONFIGURATION-SET: weekly\r\nDate: ") for body in relay.script.bodies)
    assert len(relay.script.bodies) == 2


def test_a_port_that_speaks_no_tls_is_named_with_the_way_out(servers: list[ScriptedServer]) -> None:
    with pytest.raises(Unavailable, match='security = "starttls"'):
        asyncio.run(scripted(servers).channel(security="tls").converse(ListDesk([make_outgoing(1)])))


# --- TLS and login ---------------------------------------------------------------------------------------------------


class Login(Recorder):
    def check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        good = (getattr(data, "login", b""), getattr(data, "password", b"")) == (b"digest", b"right")
        return AuthResult(success=good, handled=False)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[SmtpServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    login = Login()
    options = {"tls_context": context, "require_starttls": True, "authenticator": login.check, "auth_required": True}
    with SmtpThread(login, **options) as thread:
        yield SmtpServer(login, thread.port)


def secured(server: SmtpServer, **options: object) -> SmtpChannel:
    return server.channel(host="localhost", security="starttls", username="digest", **options)


def test_starttls_and_login(
    engine: Engine,
    press: Press,
    tls_server: SmtpServer,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    edition_id = build(engine, press, readers=2)
    assert send(engine, press, edition_id, secured(tls_server, password="right")).accepted == 2


def test_a_login_that_is_refused_stops_the_channel_and_loses_nothing(
    engine: Engine, press: Press, tls_server: SmtpServer, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=2)
    report = send(engine, press, edition_id, secured(tls_server, password="wrong", verify=False))
    assert "refused the login (535)" in report.trouble
    assert "wrong" not in report.trouble
    assert balance(engine, edition_id).waiting == 2
    assert len(goes_on_elsewhere(engine, press, edition_id, smtp_server)) == 2


def test_a_certificate_that_nobody_trusts_is_refused(engine: Engine, press: Press, tls_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=1)
    report = send(engine, press, edition_id, secured(tls_server, password="right"))
    assert "the certificate of localhost is not trusted" in report.trouble
    assert balance(engine, edition_id).waiting == 1


def test_starttls_never_falls_back_to_clear_text(
    engine: Engine, press: Press, smtp_server: SmtpServer, servers: list[ScriptedServer]
) -> None:
    edition_id = build(engine, press, readers=1)
    clear = scripted(servers, extensions=("AUTH PLAIN LOGIN",))
    report = send(
        engine, press, edition_id, clear.channel(security="starttls", username="digest", password="not in the clear")
    )
    assert report.trouble
    assert (clear.script.commands, clear.script.bodies) == (["EHLO"], [])


def test_no_login_is_sent_where_none_is_configured(servers: list[ScriptedServer]) -> None:
    clear = scripted(servers, extensions=("AUTH PLAIN LOGIN",))
    desk = ListDesk([make_outgoing(1)])
    asyncio.run(clear.channel(security="none", password="not asked for").converse(desk))
    assert clear.script.commands == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


# --- the disk and the database ---------------------------------------------------------------------------------------


def test_a_ledger_that_takes_no_outcome_ends_the_run(
    press: Press, smtp_server: SmtpServer, postgresql_database: str
) -> None:
    """Connections wait for what is out; when that cannot be written they must not wait for ever."""
    engine = make_engine(postgresql_database)
    migrate.upgrade(engine)
    edition_id = build(engine, press, readers=2)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE delivery ADD CONSTRAINT strict CHECK (status <> 'accepted')")
    maker = publish.open_maker(engine, press, edition_id)

    async def run() -> None:
        async with asyncio.timeout(10):
            await dispatch.send(engine, maker, [smtp_server.channel()], clock=FixedClock(NOW))

    with pytest.raises(DatabaseError, match="strict"):
        asyncio.run(run())
    engine.dispose()


def test_a_full_disk_stops_the_run_and_nobody_gets_two(press: Press, smtp_server: SmtpServer, tmp_path: Path) -> None:
    """SQLite says "database or disk is full" as on a full disk when its page limit is reached."""
    url = f"sqlite:///{tmp_path / 'small.sqlite'}"
    roomy = make_engine(url)
    migrate.upgrade(roomy)
    edition_id = build(roomy, press, readers=600)
    with writing(roomy) as connection:
        connection.execute(text("UPDATE delivery SET reason = ''"))
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    tight = make_engine(url)

    @event.listens_for(tight, "connect")
    def limit(connection: object, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")  # type: ignore[attr-defined]

    with pytest.raises(Exception, match="database or disk is full") as caught:
        send(tight, press, edition_id, smtp_server.channel())
    assert isinstance(caught.value, DatabaseError) or "OperationalError" in type(caught.value).__name__
    tight.dispose()
    send(roomy, press, edition_id, smtp_server.channel())
    accepted = [address for address, _ in smtp_server.recorder.accepted]
    assert len(accepted) == len(set(accepted))
    found = balance(roomy, edition_id)
    assert found.is_balanced
    assert found.still_to_do == found.rejected == 0
    assert found.accepted + found.unknown == 600
    assert len(accepted) >= found.accepted
    roomy.dispose()
