"""Reading sources: one that fails is remembered with its error, and the others go on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.errors import BadInput, NotFound
from digest.flows.collect import collect_sources
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of
from digest.sources.store import add_source, get_source
from tests.site import NOW

FEED = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>B</title><link>https://b.example/</link>'
    "<item><title>{title}</title><link>https://b.example/{path}</link><guid>{guid}</guid>"
    "<pubDate>{date}</pubDate></item></channel></rss>"
)
TODAY = "Mon, 23 Nov 2026 06:00:00 GMT"


def add(engine: Engine, name: str, file: Path) -> None:
    with writing(engine) as connection:
        add_source(connection, name, "feed", {"file": str(file)}, now=NOW)


def titles(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(article.c.title).order_by(article.c.title)).scalars())


def test_a_source_that_fails_is_kept_with_its_error_and_the_rest_goes_on(engine: Engine, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_text(FEED.format(title="One", path="1", guid="1", date=TODAY))
    bad.write_text("<html>not here</html>")
    add(engine, "a-bad", bad)
    add(engine, "b-good", good)
    reports = collect_sources(engine, Fetcher(), now=NOW)
    assert [(report.source, bool(report.error)) for report in reports] == [("a-bad", True), ("b-good", False)]
    assert titles(engine) == ["One"]
    with reading(engine) as connection:
        found, other = get_source(connection, "a-bad"), get_source(connection, "b-good")
    assert found.errors_in_row == 1
    assert "a web page, not a feed" in found.last_error
    assert found.last_error_at == NOW
    assert (other.errors_in_row, other.last_success_at) == (0, NOW)
    bad.write_text(FEED.format(title="Two", path="2", guid="2", date=TODAY))
    collect_sources(engine, Fetcher(), now=NOW)
    with reading(engine) as connection:
        assert get_source(connection, "a-bad").errors_in_row == 0
    assert titles(engine) == ["One", "Two"]


def test_a_source_that_keeps_failing_rests_longer_and_longer(engine: Engine, tmp_path: Path) -> None:
    add(engine, "gone", tmp_path / "none.xml")
    now = NOW
    for _ in range(3):
        assert not collect_sources(engine, Fetcher(), now=now)[0].is_resting
    assert collect_sources(engine, Fetcher(), now=now + timedelta(minutes=9))[0].is_resting
    assert not collect_sources(engine, Fetcher(), now=now + timedelta(minutes=11))[0].is_resting
    assert collect_sources(engine, Fetcher(), now=now + timedelta(minutes=30))[0].is_resting
    [asked] = collect_sources(engine, Fetcher(), now=now + timedelta(minutes=30), names=["gone"])
    assert not asked.is_resting
    assert "cannot be read" in asked.error


def test_the_same_story_is_one_article_and_an_edited_one_is_changed(engine: Engine, tmp_path: Path) -> None:
    """P3: by its id in the source, or by its address, with or without tracking parameters."""
    file, other = tmp_path / "a.xml", tmp_path / "b.xml"
    file.write_text(FEED.format(title="One", path="1", guid="1", date=TODAY))
    other.write_text(FEED.format(title="One", path="1?utm_source=rss", guid="x", date=TODAY))
    add(engine, "a", file)
    add(engine, "b", other)
    collect_sources(engine, Fetcher(), now=NOW)
    assert titles(engine) == ["One"]
    file.write_text(FEED.format(title="One, corrected", path="one-moved", guid="1", date=TODAY))
    [report] = collect_sources(engine, Fetcher(), now=NOW, names=["a"])
    assert (report.stored.new, report.stored.changed) == (0, 1)
    assert titles(engine) == ["One, corrected"]
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(article)).scalar_one() == 1


def test_what_is_wrong_with_a_source_is_named(engine: Engine) -> None:
    with pytest.raises(NotFound, match="no source 'nope'"):
        collect_sources(engine, Fetcher(), now=NOW, names=["nope"])
    with pytest.raises(BadInput, match="no kind 'fed'"):
        options_of("fed", {}, name="x")
    with pytest.raises(BadInput, match="unknown option 'ulr'; did you mean url"):
        options_of("feed", {"ulr": "x"}, name="x")
    with pytest.raises(BadInput, match="either url or file"):
        options_of("feed", {}, name="x")
    with pytest.raises(BadInput, match="option url is missing"):
        options_of("sql", {"table": "x"}, name="x")
    with pytest.raises(BadInput, match="there is no field 'titel'"):
        options_of("sql", {"url": "sqlite://", "table": "x", "columns": {"titel": "y"}}, name="x")
    with pytest.raises(BadInput, match="overlap_minutes must be int"):
        options_of("sql", {"url": "sqlite://", "table": "x", "overlap_minutes": "ten"}, name="x")
