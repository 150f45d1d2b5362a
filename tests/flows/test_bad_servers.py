"""SMTP servers that misbehave, a full disk, and a database that goes away: nothing is lost, nothing comes twice."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from sqlalchemy import Engine, event, text

from digest.db.engine import make_engine, writing
from digest.delivery.channels.smtp import Options, SmtpChannel
from digest.demo.catcher import SmtpThread
from digest.errors import DatabaseError
from digest.flows.publish import Press
from digest.model.delivery import Balance
from digest.model.edition import EditionStatus
from tests.flows.test_dispatch import balance, build, send, status
from tests.site import Recorder, SmtpServer


@dataclass
class Script:
    """What a scripted server says; `breaks` and `hangs` name the command at which it does so.

    breaks   "BODY" reads the message and closes without an answer, "HALF" closes in the middle of it
    """

    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 0")
    greeting: str = "220 here"
    breaks: str = ""
    hangs: str = ""
    answers: dict[str, str] = field(default_factory=dict)
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
                command = raw.decode().split(" ")[0].strip().upper()
                if script.hangs == command:
                    self._is_over.wait(10)
                    return
                if script.breaks == command:
                    return
                if command == "EHLO":
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
    edition_id = build(engine, press, readers=2)
    bad = scripted(servers, answers={"DATA": "250 fine"})
    report = send(engine, press, edition_id, bad.channel())
    assert report.accepted == 0
    assert balance(engine, edition_id).is_balanced
    assert len(goes_on_elsewhere(engine, press, edition_id, smtp_server)) == 2


def test_a_message_that_the_server_finds_too_big_is_rejected_and_the_others_go(
    engine: Engine, press: Press, servers: list[ScriptedServer]
) -> None:
    edition_id = build(engine, press, readers=2)
    small = scripted(servers, extensions=("PIPELINING", "SIZE 100"))
    report = send(engine, press, edition_id, small.channel())
    assert (report.rejected, small.script.bodies) == (2, [])
    assert balance(engine, edition_id) == Balance(planned=2, rejected=2)


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
    clear = scripted(servers)
    report = send(engine, press, edition_id, clear.channel(security="starttls"))
    assert report.trouble
    assert clear.script.bodies == []


# --- the disk and the database ---------------------------------------------------------------------------------------


def test_a_full_disk_stops_the_run_and_nobody_gets_two(press: Press, smtp_server: SmtpServer, tmp_path: Path) -> None:
    """SQLite says "database or disk is full" as on a full disk when its page limit is reached."""
    from digest.db import migrate

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
