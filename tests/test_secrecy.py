"""A secret stands nowhere but where it was put."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.db.engine import writing
from digest.errors import ConfigError, SourceUnreachable
from digest.secrecy import fit_to_show, without_secrets
from digest.sources.store import add_source
from tests.command import ADD, Command
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
