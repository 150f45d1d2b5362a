"""TLS and login, with servers that do it right and servers that do not: no password and no message leaks."""

from __future__ import annotations

import base64
import contextlib
import hmac
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from sqlalchemy import Engine

from digest.db import migrate
from digest.db.engine import make_engine
from digest.delivery.channels.smtp import Options, SmtpChannel
from digest.flows.publish import Press
from digest.model.delivery import Balance
from tests.flows.test_dispatch import balance, build, send

PASSWORD = "correct horse"
TOKEN = "an-access-token"
GOOD, WAITING = Balance(planned=1, accepted=1), Balance(planned=1, waiting=1)


class LoginServer:
    """Speaks TLS and AUTH line by line, and keeps every byte that it was sent in the clear and under TLS.

    mechanism   what it offers after TLS; `refusal` is its answer to every login instead of a check
    injects     said in the clear together with "220 go ahead", as by somebody in the middle (RFC 3207 §6)
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        implicit: bool = False,
        mechanism: str = "PLAIN",
        refusal: str = "",
        injects: bytes = b"",
    ) -> None:
        self.context, self.implicit, self.mechanism = context, implicit, mechanism
        self.refusal, self.injects = refusal, injects
        self.clear: list[bytes] = []
        self.secret: list[bytes] = []
        self.bodies = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._socket.accept()
                threading.Thread(target=self._talk, args=[plain], daemon=True).start()

    def _talk(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            if not self.implicit:
                plain.sendall(b"220 here\r\n")
                for line in _lines(plain):
                    self.clear.append(line)
                    if line.startswith(b"EHLO"):
                        plain.sendall(b"250-here\r\n250 STARTTLS\r\n")
                    elif line.startswith(b"STARTTLS"):
                        plain.sendall(b"220 go ahead\r\n" + self.injects)
                        break
                    else:
                        plain.sendall(b"530 5.7.0 STARTTLS first\r\n")
            with self.context.wrap_socket(plain, server_side=True) as secure:
                self._secure(secure)

    def _secure(self, secure: ssl.SSLSocket) -> None:
        if self.implicit:
            secure.sendall(b"220 here\r\n")
        lines = _lines(secure)
        for line in lines:
            self.secret.append(line)
            verb = line[:4].upper()
            if verb == b"EHLO":
                secure.sendall(b"250-here\r\n250-PIPELINING\r\n250 AUTH " + self.mechanism.encode() + b"\r\n")
            elif verb == b"AUTH":
                secure.sendall(self._login(secure, lines, line) + b"\r\n")
            elif verb == b"DATA":
                secure.sendall(b"354 go on\r\n")
                while next(lines) != b".":
                    pass
                self.bodies += 1
                secure.sendall(b"250 2.0.0 taken\r\n")
            else:
                secure.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 fine\r\n")

    def _login(self, secure: ssl.SSLSocket, lines: Iterator[bytes], line: bytes) -> bytes:
        _, mechanism, *initial = line.decode().split(" ")

        def ask(challenge: bytes) -> bytes:
            secure.sendall(b"334 " + base64.b64encode(challenge) + b"\r\n")
            return base64.b64decode(next(lines))

        if self.refusal:
            return self.refusal.encode()
        first = base64.b64decode(initial[0]) if initial else b""
        if mechanism == "PLAIN":
            is_right = first == b"\0digest\0" + PASSWORD.encode()
        elif mechanism == "LOGIN":
            is_right = (first or ask(b"Username:"), ask(b"Password:")) == (b"digest", PASSWORD.encode())
        elif mechanism == "CRAM-MD5":
            said = ask(b"<1896.697170952@here>").decode()
            digest = hmac.new(PASSWORD.encode(), b"<1896.697170952@here>", "md5").hexdigest()
            is_right = said == f"digest {digest}"
        else:
            is_right = first == f"user=digest\1auth=Bearer {TOKEN}\1\1".encode()
        return b"235 2.7.0 welcome" if is_right else b"535 5.7.8 no"


def _lines(connection: socket.socket) -> Iterator[bytes]:
    """Byte by byte, so that nothing after STARTTLS is read before TLS begins."""
    line = b""
    while byte := connection.recv(1):
        line += byte
        if line.endswith(b"\r\n"):
            yield line[:-2]
            line = b""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path / 'digest.sqlite'}")
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@contextlib.contextmanager
def serving(certificate: trustme.LeafCert, **options: object) -> Iterator[LoginServer]:
    server = LoginServer(context_of(certificate), **options)  # type: ignore[arg-type]
    yield server
    server.close()


def channel_to(server: LoginServer, **options: object) -> SmtpChannel:
    values: dict[str, object] = {
        "host": "localhost",
        "port": server.port,
        "security": "tls" if server.implicit else "starttls",
        "username": "digest",
        "password": PASSWORD,
        "connections": 1,
        "connect_timeout_s": 2.0,
        "command_timeout_s": 2.0,
    }
    return SmtpChannel(Options(**(values | options)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("implicit", [True, False], ids=["tls", "starttls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_password_opens_the_door(
    engine: Engine, press: Press, authority: trustme.CA, mechanism: str, implicit: bool
) -> None:
    edition_id = build(engine, press, readers=1)
    with serving(authority.issue_cert("localhost"), mechanism=mechanism, implicit=implicit) as server:
        send(engine, press, edition_id, channel_to(server))
    assert balance(engine, edition_id) == GOOD
    assert {line.split()[0] for line in server.clear} <= {b"EHLO", b"STARTTLS"}


@pytest.mark.usefixtures("trusted")
def test_a_token_opens_the_door(engine: Engine, press: Press, authority: trustme.CA, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    edition_id = build(engine, press, readers=1)
    with serving(authority.issue_cert("localhost"), mechanism="XOAUTH2") as server:
        send(engine, press, edition_id, channel_to(server, auth="xoauth2", password_file=tmp_path / "token"))
    assert balance(engine, edition_id) == GOOD


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("refusal", ["454 4.7.0 not now", "535 5.7.8 no", "534 5.7.9 weak", "500 what"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_login_that_fails_touches_nobody(
    engine: Engine, press: Press, authority: trustme.CA, mechanism: str, refusal: str
) -> None:
    edition_id = build(engine, press, readers=1)
    with serving(authority.issue_cert("localhost"), mechanism=mechanism, refusal=refusal) as server:
        report = send(engine, press, edition_id, channel_to(server))
    assert refusal[:3] in report.trouble
    assert PASSWORD not in report.trouble
    assert (balance(engine, edition_id), server.bodies) == (WAITING, 0)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("implicit", [True, False], ids=["tls", "starttls"])
@pytest.mark.parametrize("fault", ["another name", "expired", "another authority"])
def test_a_certificate_that_is_not_right_sees_no_password(
    engine: Engine, press: Press, authority: trustme.CA, fault: str, implicit: bool
) -> None:
    certificates = {
        "another name": lambda: authority.issue_cert("mail.example.org"),
        "expired": lambda: authority.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC)),
        "another authority": lambda: trustme.CA().issue_cert("localhost"),
    }
    edition_id = build(engine, press, readers=1)
    with serving(certificates[fault](), implicit=implicit) as server:
        report = send(engine, press, edition_id, channel_to(server))
    assert "the certificate of localhost is not trusted" in report.trouble
    assert (balance(engine, edition_id), server.secret, server.bodies) == (WAITING, [], 0)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "injected", [b"250-evil\r\n250 AUTH PLAIN\r\n", b"235 2.7.0 welcome\r\n", b"250 2.0.0 fine\r\n" * 9]
)
def test_what_was_said_before_tls_does_not_count_after_it(
    engine: Engine, press: Press, authority: trustme.CA, injected: bytes
) -> None:
    """RFC 3207 §4.2: whatever came in the clear is forgotten; a login that fails cannot be made to look well."""
    edition_id = build(engine, press, readers=1)
    with serving(authority.issue_cert("localhost"), refusal="535 5.7.8 no", injects=injected) as server:
        report = send(engine, press, edition_id, channel_to(server))
    assert report.trouble
    assert (balance(engine, edition_id), server.bodies) == (WAITING, 0)
