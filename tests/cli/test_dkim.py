"""A key is made, published and used, as an admin does it; what arrives is verified with the record that was printed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer
from tests.verifier import tags, verdicts

DOMAIN = "harbourpost.example"


@pytest.fixture
def digest(tmp_path: Path) -> Command:
    return Command(tmp_path)


@dataclass
class Published:
    """A record as keygen printed it."""

    record_name: str
    record: str


def keygen(digest: Command, selector: str, *options: str) -> Published:
    """Make a key, and do with it what is said."""
    said = digest("dkim", "keygen", DOMAIN, "--selector", selector, *options)
    with (digest.folder / "digest.toml").open("a") as settings:
        settings.write(said[said.index("[[dkim]]") :])
    name, value = (re.search(rf"^{what} +(.+)$", said, re.M) for what in ("name", "value"))
    assert name is not None
    assert value is not None
    return Published(name[1], value[1])


def test_a_new_key_can_be_read_by_its_owner_alone(digest: Command) -> None:
    before = os.umask(0)
    try:
        digest("dkim", "keygen", DOMAIN, "--selector", "s2026")
        digest("dkim", "keygen", DOMAIN, "--selector", "e2026", "--ed25519", "--out", "mine.pem")
    finally:
        os.umask(before)
    files = sorted(digest.folder.iterdir())
    assert [file.name for file in files] == ["dkim-s2026.harbourpost.example.pem", "mine.pem"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]


def test_no_file_is_overwritten(digest: Command) -> None:
    (digest.folder / "key.pem").write_text("precious")
    (digest.folder / "link.pem").symlink_to("nowhere")
    for name in ("key.pem", "link.pem"):
        said = digest("dkim", "keygen", DOMAIN, "--selector", "s2026", "--out", name, code=5)
        assert said == f"digest: {name} is there already, and no key is overwritten; say --out ANOTHER\n"
    assert (digest.folder / "key.pem").read_text() == "precious"
    assert not (digest.folder / "nowhere").exists()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("localhost", "--selector", "s"), "domain: must be a domain like example.org"),
        (("../example.org", "--selector", "s"), "domain: must be a domain like example.org"),
        ((DOMAIN, "--selector", "../s"), "selector: must be letters, digits and hyphens"),
        ((DOMAIN, "--selector", "s", "--out", "no/such/folder.pem"), "cannot be written: No such file"),
    ],
)
def test_what_makes_no_key_is_said(digest: Command, arguments: Sequence[str], what: str) -> None:
    assert what in digest("dkim", "keygen", *arguments, code=6)
    assert list(digest.folder.iterdir()) == []


def test_what_is_sent_tried_and_previewed_is_signed(digest: Command, smtp_server: SmtpServer) -> None:
    write_settings(digest.folder, "sqlite:///mine.sqlite", smtp_server.port)
    keys = [keygen(digest, "s2026"), keygen(digest, "e2026", "--ed25519")]
    digest("config", "check")
    digest("db", "upgrade")
    digest(*ADD)
    digest("subscriber", "import", write_readers(digest.folder, 12), "--newsletter", "harbour")
    yesterday = (datetime.now(UTC) - timedelta(hours=20)).isoformat()
    digest("article", "import", write_articles(digest.folder, yesterday))
    digest("edition", "build", "harbour")
    digest("edition", "preview", 1)
    digest("edition", "test", 1, "me@example.org")
    digest("edition", "approve", 1)
    digest("edition", "send", 1, "--yes")

    arrived = [content for _, content in smtp_server.recorder.accepted]
    assert len(arrived) == 13
    preview = (digest.folder / "preview/edition-1.eml").read_bytes()
    for content in [*arrived, preview]:
        assert verdicts(content, keys) == [True, True]  # type: ignore[arg-type]
    assert [tags(preview, index)["a"] for index in (0, 1)] == ["rsa-sha256", "ed25519-sha256"]


def test_the_records_of_the_configured_keys_are_shown(digest: Command) -> None:
    assert "no key is configured" in digest("dkim", "show")
    assert digest.json("dkim", "show") == []
    keys = [keygen(digest, "s2026"), keygen(digest, "e2026", "--ed25519")]
    said = digest("dkim", "show")
    shown = digest.json("dkim", "show")
    for key, each in zip(keys, shown, strict=True):
        assert key.record in said
        assert (each["name"], each["value"]) == (key.record_name, key.record)
    assert "PRIVATE" not in said


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "cannot be read: No such file or directory"), ("nothing", "holds no private key (PEM)")],
)
def test_a_file_that_is_no_key_stops_who_signs_and_nobody_else(
    digest: Command, smtp_server: SmtpServer, content: str | None, what: str
) -> None:
    write_settings(digest.folder, "sqlite:///mine.sqlite", smtp_server.port)
    digest("db", "upgrade")
    digest(*ADD)
    keygen(digest, "s2026", "--out", "key.pem")
    (digest.folder / "key.pem").unlink()
    if content is not None:
        (digest.folder / "key.pem").write_text(content)
    complaint = f"digest: dkim[0].key_file: {digest.folder / 'key.pem'} {what}\n"
    for line in (("config", "check"), ("doctor",), ("run-due",), ("serve",), ("dkim", "show")):
        assert digest(*line, code=2) == complaint
    digest("newsletter", "list")


def test_doctor_says_what_is_wrong_with_keys(digest: Command, smtp_server: SmtpServer) -> None:
    write_settings(digest.folder, "sqlite:///mine.sqlite", smtp_server.port)
    digest("db", "upgrade")
    digest(*ADD)
    assert "DKIM" not in digest("doctor", code=1)
    keygen(digest, "s2026", "--out", "key.pem")
    said = digest("doctor", code=1)
    assert "dkim" not in said.lower()

    (digest.folder / "key.pem").chmod(0o644)
    digest(*ADD[:2], "other", *ADD[3:], "--sender", "news@other.example")
    said = digest("doctor", code=1)
    assert "others may read the key" in said
    assert f"chmod 600 {digest.folder / 'key.pem'}" in said
    assert "no DKIM key for other.example" in said
    assert "no DKIM key for harbourpost.example" not in said
