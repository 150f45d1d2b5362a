"""Files that people really have, through the door: what is wrong is said by line, the rest is in, nothing half."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.command import Command, write_settings
from tests.site import add_newsletter

PEOPLE = "email;name\ngood@example.org;Jörg\nnonsense;X\nGOOD@example.org;again\nnul\0@example.org;Y\n"


@pytest.fixture
def digest(engine: object, database_url: str, tmp_path: Path) -> Command:
    add_newsletter(engine, template="plain")  # type: ignore[arg-type]
    write_settings(tmp_path, database_url, 1)
    return Command(tmp_path)


def test_a_file_of_readers_with_bad_lines(digest: Command, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    said = digest("subscriber", "import", "people.csv", "--newsletter", "harbour")
    assert "1 new" in said
    assert "line 3" in said
    assert "line 5" in said
    assert [each["address"] for each in digest.json("subscriber", "list")] == ["good@example.org"]


def test_a_file_of_readers_in_another_encoding(digest: Command, tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("email,name\ngood@example.org,Jörg\n".encode("latin-1"))
    arguments = ("subscriber", "import", "latin.csv", "--newsletter", "harbour")
    said = digest(*arguments, code=6)
    assert "line 2 is not utf-8" in said
    assert "--encoding" in said
    assert "no readers" in digest("subscriber", "list")
    digest(*arguments, "--encoding", "latin-1")
    assert digest.json("subscriber", "show", "good@example.org")["name"] == "Jörg"


def test_a_file_of_articles_with_everything_wrong_that_editors_do(digest: Command, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    good = {
        "url": "https://harbourpost.example/1",
        "title": "One",
        "published_at": (now - timedelta(hours=1)).isoformat(),
    }
    rows = [
        good,
        good | {"url": "https://harbourpost.example/2", "title": "<b>Two</b> <script>x</script>&amp; more"},
        good | {"url": "https://harbourpost.example/3", "title": "Three", "summary": "A long tale. " * 310},
        good
        | {
            "url": "https://harbourpost.example/4",
            "title": "Four",
            "published_at": (now + timedelta(days=9)).isoformat(),
        },
        good | {"url": "javascript:alert(1)", "title": "Five"},
        good | {"url": "https://harbourpost.example/6", "title": "Six", "image": "javascript:alert(1)"},
        good | {"url": "https://harbourpost.example/7", "title": "Seven", "published_at": ""},
        good
        | {"url": "https://harbourpost.example/8", "title": "Eight", "image": "https://harbourpost.example/gone.png"},
    ]
    (tmp_path / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = digest("article", "import", "articles.jsonl")
    assert "5 new" in said
    for line, what in ((5, "url"), (6, "image"), (7, "published_at")):
        assert f"line {line}: {what}" in said
    articles = {each["url"].rsplit("/", 1)[1]: each for each in digest.json("article", "list")}
    assert sorted(articles) == ["1", "2", "3", "4", "8"]
    assert articles["2"]["title"] == "Two & more"
    digest("edition", "build", "harbour")
    held = [each["article"] for each in digest.json("edition", "show", 1)["edition"]["candidates"]]
    assert sorted(each["url"].rsplit("/", 1)[1] for each in held) == ["1", "2", "3", "8"]
    assert all(len(each["summary"]) <= 400 for each in held)
    said = digest("edition", "preview", 1)
    page = (tmp_path / "preview" / "edition-1.html").read_text()
    assert "<script" not in page
    assert "javascript:" not in page
