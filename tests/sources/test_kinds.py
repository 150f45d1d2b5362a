"""Sources declare their options: what is asked for, what is stored, and what every kind says of itself."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from digest.errors import BadInput
from digest.model.setting import settings_of
from digest.sources.kinds import KINDS, complete, needed, options_of, settings_of_kind, to_store


@pytest.mark.parametrize("kind", KINDS)
def test_each_option_of_a_kind_explains_itself(kind: str) -> None:
    settings = settings_of(KINDS[kind].Options)
    assert settings
    assert [each.path for each in settings if not each.help] == []
    assert all(each.must_be_given or each.value(each.default) == each.default for each in settings)


def test_there_is_no_other_kind() -> None:
    with pytest.raises(BadInput, match="there is no kind 'fed'; there are: feed, page") as refused:
        settings_of_kind("fed")
    assert refused.value.field == "kind"


@pytest.mark.parametrize(
    ("kind", "given", "missing"),
    [
        ("feed", {}, ["url"]),
        ("feed", {"file": "x"}, []),
        ("folder", {"path": "x"}, ["base_url"]),
        ("sql", {}, ["url", "table"]),
        ("sql", {"url": "sqlite:///x", "query": "SELECT 1"}, []),
    ],
)
def test_what_a_kind_needs_is_known(kind: str, given: dict[str, object], missing: list[str]) -> None:
    assert [each.path for each in needed(kind, given)] == missing


def test_numbers_and_switches_are_stored_as_such_and_texts_as_they_came() -> None:
    given = {"url": "https://example.org/feed", "topics": "2024", "undated": "now"}
    assert to_store("feed", given) == given
    assert to_store("page", {"at_most": "7", "since_days": 3, "topics": "7"}) == {
        "at_most": 7,
        "since_days": 3,
        "topics": "7",
    }
    assert to_store("page", {"at_most": "many"}) == {"at_most": "many"}
    assert options_of("page", {"url": "https://example.org/", "at_most": "7"}, name="site").at_most == 7


def test_a_person_is_asked_for_what_only_the_table_can_tell(tmp_path: Path) -> None:
    file = tmp_path / "site.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as site, site:
        site.execute("CREATE TABLE posts (id INTEGER, slug TEXT, title TEXT, day TEXT)")
    answers = {
        "url": f"sqlite:///{file}",
        "table": "posts",
        "key": "id",
        "published_at": "day",
        "url_format": "https://example.org/{slug}",
    }
    asked: list[tuple[str, bool]] = []

    def ask(name: str, note: str = "", *, default: str | None = None, is_secret: bool = False) -> str:
        asked.append((name, is_secret))
        first_of_columns = name == "key"
        assert ("its columns: id, slug, title, day" in note) is first_of_columns
        if name == "url" and ("table", False) in asked:  # the column of that name
            return ""
        return answers.get(name, default or "")

    found = complete("sql", {}, ask)
    assert asked[:2] == [("url", True), ("table", False)]
    assert found == {
        "url": f"sqlite:///{file}",
        "table": "posts",
        "url_format": "https://example.org/{slug}",
        "columns": {"key": "id", "published_at": "day"},
    }
    assert complete("sql", found, ask) == found
