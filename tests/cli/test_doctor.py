"""`digest doctor`: what it finds, and what it leaves in peace."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from digest.app import _about_folder
from tests.command import ADD, Command, write_settings


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
                code = 0 if said in _about_folder(inner / "copies") else 2
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
