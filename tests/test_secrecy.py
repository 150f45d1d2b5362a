"""A secret stands nowhere but where it was put."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.db.engine import writing
from digest.errors import ConfigError, SourceUnreachable
from digest.secrecy import fit_to_show, without_secrets
from digest.sources.store.sources import add_source
from tests.command import ADD, Command, write_articles, write_readers
from tests.zygote import ZYGOTE

MARK = "zQ7xMark"

ADDRESSES = (
    f"https://bob:{MARK}@example.org/feed.xml",
    f"https://bob:{MARK}@x@example.org/feed.xml",
    f"https://bob:p/{MARK}?#@example.org/feed.xml",
    f"https://{MARK}@example.org/feed.xml",
    f"https://example.org/feed.xml?token={MARK}&page=2",
    f"https://example.org/feed.xml?page=2&api_key={MARK}",
    f"https://example.org/feed.xml?X-Amz-Signature={MARK}",
    f"https://example.org/feed.xml#access_token={MARK}",
    f"postgresql://u:Sturm@{MARK}!Boot@127.0.0.1/x",
    f"postgresql://db.example.org/site?user=u&password={MARK}",
    f"mysql+pymysql://reader:{MARK}@db.example.org:3306/site",
    f"mysql://:{MARK}@db.example.org/site",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_shown_without_its_secret(address: str) -> None:
    for text in (address, f"{address}: refused", f'"{address}" (and {address})', f"see <{address}>"):
        assert MARK not in without_secrets(text)
        assert MARK not in str(SourceUnreachable(text))
        assert MARK not in str(ConfigError(text))
    assert MARK not in json.dumps(fit_to_show({"url": address, "more": [{"deep": address}]}))


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/feed.xml?page=2",
        "https://example.org/@mira/story",
        "postgresql://reader@db.example.org/site",
        "mira@example.org, see https://example.org/",
        "sqlite:////srv/site/digest.sqlite",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_a_field_that_is_called_so_is_hidden() -> None:
    shown = fit_to_show(
        {"password": MARK, "api_key": MARK, "password_file": "/run/x", "url": "env:SITE", "columns": {"authors": "by"}}
    )
    assert shown == {
        "password": "***",
        "api_key": "***",
        "password_file": "/run/x",
        "url": "env:SITE",
        "columns": {"authors": "by"},
    }


def test_no_command_shows_the_secret_of_a_source(engine: Engine, database_url: str, tmp_path: Path) -> None:
    """Every command that looks at sources, with and without --json, while the sources fail."""
    (tmp_path / "digest.toml").write_text(f'[database]\nurl = "{database_url}"\n')
    (tmp_path / "password").write_text(MARK)
    command = Command(tmp_path, SITE_URL=f"mysql://reader:{MARK}@127.0.0.1:1/site")
    command(*ADD)
    with writing(engine) as connection:
        for name, kind, options in (
            ("login", "feed", {"url": f"http://bob:{MARK}@127.0.0.1:1/feed.xml"}),
            ("parameter", "feed", {"url": f"http://127.0.0.1:1/feed.xml?token={MARK}"}),
            ("database", "sql", {"url": f"mysql://reader:{MARK}@127.0.0.1:1/site", "table": "posts"}),
            ("unescaped", "sql", {"url": f"postgresql://u:Sturm@{MARK}!Boot@127.0.0.1:1/x", "table": "posts"}),
            ("environment", "ghost", {"url": "env:SITE_URL", "home": "https://example.org"}),
            ("missing", "ghost", {"url": "env:NOT_THERE", "home": "https://example.org"}),
            (
                *("file", "wordpress"),
                {"url": "mysql://reader@127.0.0.1:1/site", "password_file": str(tmp_path / "password")},
            ),
        ):
            add_source(connection, name, kind, options, now=datetime.now(UTC))
    said = ""
    for arguments in (
        ("collect",),
        ("collect", "--json"),
        ("source", "list"),
        ("source", "list", "--json"),
        *(
            ("source", "show", name, *form)
            for name in ("login", "database", "unescaped", "environment")
            for form in ((), ("--json",))
        ),
        ("source", "test", "unescaped"),
        ("source", "test", "file"),
        ("source", "change", "login", "-o", f"url=http://bob:{MARK}@127.0.0.1:1/other.xml"),
        ("edition", "build", "harbour"),
        ("run-due",),
        ("doctor",),
    ):
        done = ZYGOTE.run([*arguments], folder=tmp_path, env=command.env)
        assert "Traceback" not in done.stderr, done.stderr
        said += done.stdout + done.stderr
    assert MARK not in said
    assert "Boot" not in said
    assert "the environment has no NOT_THERE" in said


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        (f"postgresql://u:Sturm@{MARK}!Boot@127.0.0.1:1/x", "%40"),
        (f"postgresql://u:{MARK}/x@127.0.0.1:1/x", "cannot be opened"),
        (f"postgresql://u:{MARK}@127.0.0.1:1/x", "cannot be opened"),
        (f"postgresql://127.0.0.1:1/x?user=u&password={MARK}", "cannot be opened"),
        (f"mongodb://u:{MARK}@127.0.0.1/x", "must begin with"),
        ("sqlite://digest.sqlite", "sqlite:///FILE"),
        ("sqlite://", "sqlite:///FILE"),
        ("sqlite:///:memory:", "sqlite:///FILE"),
        ("sqlite:///", "sqlite:///FILE"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_line_without_its_password(url: str, hint: str, tmp_path: Path) -> None:
    command = Command(tmp_path, DIGEST_DATABASE__URL=url)
    for arguments in (("doctor",), ("db", "status"), ("db", "upgrade"), ("newsletter", "list", "--json")):
        done = ZYGOTE.run([*arguments], folder=tmp_path, env=command.env)
        said = done.stdout + done.stderr
        assert done.returncode in (2, 3), said
        assert hint in said
        assert MARK not in said
        assert "Boot" not in said
        assert len(said.splitlines()) == 1 or "psycopg" in said or "connection" in said, said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("is_valid", [True, False])
def test_nothing_shows_a_secret_of_the_settings(is_valid: bool, database_url: str, tmp_path: Path) -> None:
    """Logins that are refused, a server that is not there, settings that are wrong; commands, and `serve`."""
    smtp, pages = SmtpServerWithLogin(), free_port()
    key, old = f"{MARK}a{'k' * 32}", f"{MARK}b{'k' * 32}"
    wrong = "" if is_valid else 'bounce = "everywhere"'
    (tmp_path / "digest.toml").write_text(
        f"""
[database]
url = "{database_url}"
[web]
public_url = "http://127.0.0.1:{pages}"
port = {pages}
token_key = "{key}"
old_token_keys = ["{old}"]
[scheduler]
tick_s = 1
[mail]
{wrong}
[[channels]]
name = "one"
host = "127.0.0.1"
port = {smtp.port}
security = "none"
insecure_login = true
username = "mira"
password = "{MARK}c"
[[channels]]
name = "two"
host = "127.0.0.1"
port = 1
security = "none"
insecure_login = true
username = "mira"
password = "{MARK}d"
"""
    )
    command = Command(tmp_path)
    said = ""
    readers, articles = write_readers(tmp_path, 2), write_articles(tmp_path, f"{datetime.now(UTC):%Y-%m-%dT00:00Z}")
    for arguments in (
        *(("db", "upgrade"), ("config", "check"), ("doctor",), ADD),
        *(("doctor", "--json"), ("subscriber", "import", str(readers), "--newsletter", "harbour")),
        *(("article", "import", str(articles)), ("edition", "build", "harbour"), ("edition", "preview", "1")),
        *(("edition", "test", "1", "mira@example.org"), ("edition", "approve", "1"), ("edition", "send", "1")),
        *(("edition", "show", "1", "--json"), ("run-due",), ("doctor",), ("newsletter", "show", "harbour", "--json")),
    ):
        done = ZYGOTE.run([*arguments], folder=tmp_path, env=command.env)
        assert "Traceback" not in done.stderr, done.stderr
        said += done.stdout + done.stderr
    serving = command.start("serve")
    try:
        serving.wait(4)
    except subprocess.TimeoutExpired:
        serving.terminate()
    said += serving.communicate(timeout=60)[0]
    smtp.close()
    assert MARK not in said
    assert ("bounce" in said) is not is_valid
    if is_valid:
        assert smtp.logins, said


class SmtpServerWithLogin:
    """Refuses every login with an answer that repeats what it was given, as some servers do."""

    def __init__(self) -> None:
        self.logins: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
                    connection.sendall(b"220 here\r\n")
                    for line in lines:
                        if line.upper().startswith(b"EHLO"):
                            connection.sendall(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n")
                        elif line.upper().startswith(b"AUTH"):
                            self.logins.append(line)
                            given = base64.b64decode(line.split()[-1] + b"==")
                            connection.sendall(b"535 5.7.8 refused: " + given.replace(b"\0", b" ") + b"\r\n")
                        elif line.upper().startswith(b"QUIT"):
                            connection.sendall(b"221 bye\r\n")
                            break
                        else:
                            connection.sendall(b"530 5.7.0 authentication required\r\n")

    def close(self) -> None:
        self._socket.close()
