"""`digest doctor`: what it finds, and what it leaves in peace."""

from __future__ import annotations

import json
import os
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import config
from digest.app import make_app
from digest.audience.links import CHOOSE, LEAVE
from digest.flows.doctor import about_images
from tests.command import ADD, Command, write_articles, write_readers, write_settings


@pytest.fixture
def digest(tmp_path: Path) -> Command:
    write_settings(tmp_path, "sqlite:///digest.db", 25)
    settings = (tmp_path / "digest.toml").read_text().replace("http://127.0.0.1:8025", "https://digest.example.org")
    (tmp_path / "digest.toml").write_text(settings + '[images]\nfolder = "pictures/copies"\n')
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD)
    return digest


def test_where_nothing_is_wrong_it_says_so(digest: Command) -> None:
    assert "all is well" in digest("doctor")
    assert not (digest.folder / "pictures").exists()


def test_a_folder_for_pictures_that_is_none(digest: Command) -> None:
    (digest.folder / "pictures").write_text("a file")
    [[what, stands, _]] = _found(digest)
    assert what == "images.folder"
    assert stands.endswith("pictures is no folder")


@pytest.mark.parametrize(("mode", "said"), [(0o555, "cannot be written to"), (0o600, "Permission denied")])
def test_a_folder_for_pictures_that_is_closed(mode: int, said: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder, "inner")
        inner.mkdir()
        os.chmod(folder, 0o755)
        inner.chmod(mode)
        if (child := os.fork()) == 0:  # root may do everything; so somebody else looks
            code = 1
            try:
                if os.geteuid() == 0:
                    os.setuid(65_534)
                code = 0 if said in str([*about_images(inner / "copies")]) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        inner.chmod(0o755)


def test_a_source_that_fails_then_rests_and_is_well_again(digest: Command) -> None:
    feed = digest.folder / "feed.json"
    feed.write_text('{"version": "https://jsonfeed.org/version/1.1", "title": "B", "items": []}')
    digest("source", "add", "blog", "feed", "-o", f"file={feed}", "--yes")
    right = feed.read_text()
    feed.write_text("no feed")
    for _ in range(3):
        digest("collect", "blog", code=6)
    [[what, stands, do]] = _found(digest)
    assert what == "source blog"
    assert stands.startswith("3 errors in a row: ")
    assert "(rests until " in stands
    assert do == "mend it, then: digest collect blog"
    assert "rests: " in digest("collect", code=6)
    feed.write_text(right)
    digest("collect", "blog")
    assert "all is well" in digest("doctor")


def _found(digest: Command) -> list[list[str]]:
    found: list[list[str]] = json.loads(digest("doctor", "--json", code=1))
    return found


def test_what_commands_write_is_for_their_account_alone(digest: Command) -> None:
    digest(
        "article", "import", write_articles(digest.folder, f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%dT%H:%MZ}")
    )
    digest("subscriber", "import", write_readers(digest.folder, 1), "--newsletter", "harbour")
    before = {*digest.folder.rglob("*")} - {digest.folder / "digest.db"}
    digest("edition", "build", "harbour", "--no-collect")
    digest("edition", "preview", "1", "--for", "reader1@example.org")
    made = {*digest.folder.rglob("*")} - before
    assert {each.name for each in made} >= {"digest.db", "preview", "edition-1.eml", "edition-1.html"}
    assert {oct(each.stat().st_mode & 0o077) for each in made} == {"0o0"}


def test_the_links_of_a_preview_lead_nowhere(digest: Command) -> None:
    """Somebody else may come to read it."""
    test_what_commands_write_is_for_their_account_alone(digest)
    app = make_app(config.load(digest.folder / "digest.toml").model_copy(update={"database": _database(digest)}))
    text = (digest.folder / "preview" / "edition-1.txt").read_text()
    tokens = re.findall(r"/[uc]/([\w.~-]+)", text)
    assert tokens
    assert not any(app.keyring.read(each, token, now=app.clock.now()) for token in tokens for each in (LEAVE, CHOOSE))
    app.engine.dispose()


def _database(digest: Command) -> config.Database:
    return config.Database(url=f"sqlite:///{digest.folder}/digest.db")


def test_a_file_that_others_may_read_and_a_way_on_which_they_read_along(digest: Command) -> None:
    for name in ("password", "key"):
        (digest.folder / name).write_text("0123456789abcdef" * 4)
        (digest.folder / name).chmod(0o644)
    (digest.folder / "digest.db").chmod(0o644)
    with (digest.folder / "digest.toml").open("a") as file:
        file.write('[[channels]]\nname = "two"\nverify = false\npassword_file = "password"\nusername = "u"\n')
        file.write(
            '[[channels]]\nname = "three"\ninsecure_login = true\nsecurity = "none"\npassword = "x"\nusername = "u"\n'
        )
    text = (digest.folder / "digest.toml").read_text().replace("[web]", '[web]\ntoken_key_file = "key"')
    (digest.folder / "digest.toml").write_text(text)
    (digest.folder / "digest.toml").chmod(0o644)
    found = {what: (stands, do) for what, stands, do in _found(digest)}
    for name in ("password", "key", "digest.db", "digest.toml"):
        assert found[name] == ("others of this machine may read it", f"chmod 600 {name}")
    assert "verify = false" in found["channel two"][0]
    assert "insecure_login" in found["channel three"][0]
    assert found["channels[2].password"][1] == "put it into a file of its own: channels[2].password_file"
    for name in ("password", "key", "digest.db", "digest.toml"):
        (digest.folder / name).chmod(0o600)
    assert {what for what, *_ in _found(digest)} == {"channel two", "channel three", "channels[2].password"}
