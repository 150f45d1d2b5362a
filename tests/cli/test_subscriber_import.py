"""`digest subscriber import` and `suppress --file`: what is asked, what is said, how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Command


@pytest.fixture
def digest(tmp_path: Path) -> Command:
    (tmp_path / "digest.toml").write_text('[database]\nurl = "sqlite:///digest.db"\n')
    digest = Command(tmp_path)
    digest("db", "upgrade")
    names = ("--title", "Harbour Post", "--sender", "post@example.org", "--postal-address", "1 Quay St")
    digest("newsletter", "add", "harbour", *names)
    return digest


def bring(digest: Command, content: str, *options: str, code: int = 0) -> str:
    (digest.folder / "readers.csv").write_text(content)
    return digest("subscriber", "import", "readers.csv", "--newsletter", "harbour", *options, code=code)


def test_the_question_can_be_answered_as_it_says(digest: Command) -> None:
    content = "email,status\na@example.org,active\nb@example.org,VIP guest\nc@example.org,unsubscribed\n"
    said = bring(digest, content, code=6)
    assert "--subscribed 'status=VIP guest'" in said
    assert digest.json("subscriber", "list") == []
    said = bring(digest, content, "--subscribed", "status=VIP guest")
    assert "line 4: status: unsubscribed: kept out" in said
    assert "2 new" in said
    assert "1 kept out" in said


def test_a_file_of_which_nothing_was_taken_ends_with_6(digest: Command) -> None:
    assert "2 refused" in bring(digest, "email\nnobody\nno one\n", code=6)
    assert "2 refused" in bring(digest, "email\nnobody\nno one\n", "--json", "--dry-run", code=6).replace(
        '"refused_count": 2', "2 refused"
    )
    assert "1 refused" in bring(digest, "email\nnobody\na@example.org\n")


def test_a_list_of_suppressed_addresses_comes_along(digest: Command) -> None:
    (digest.folder / "list.csv").write_text("email,reason\na@example.org,550\nnobody,\n")
    suppress = ("subscriber", "suppress", "--file", "list.csv", "--reason", "bounce")
    assert "1 suppressed from now on" in digest(*suppress, "--dry-run")
    assert "nobody is there to ask" in digest(*suppress, code=2)
    assert "line 3: address" in digest(*suppress, "--yes")
    assert "1 were already" in digest(*suppress, "--yes")
    assert "0 new" in bring(digest, "email\na@example.org\n")
    assert "give one address, or --file" in digest("subscriber", "suppress", code=2)
