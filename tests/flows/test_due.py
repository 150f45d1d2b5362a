"""What is due, done once: whatever the sources do, an edition is built from what there is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from digest import outbox
from digest.db.engine import reading, writing
from digest.flows import due
from digest.flows.publish import Built, Press
from digest.outbox import KEPT, Event
from digest.sources.fetch import Fetcher
from digest.sources.store.sources import add_source
from tests.site import NOW, add_articles, add_newsletter


def told(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [each.event for each in outbox.list_events(connection)]


def test_sources_are_read_before_the_edition_is_built(engine: Engine, press: Press, tmp_path: Path) -> None:
    add_newsletter(engine)
    feed = tmp_path / "feed.json"
    at = (NOW - timedelta(hours=3)).isoformat()
    item = f'{{"id": "1", "url": "https://example.org/1", "title": "Fed", "date_published": "{at}"}}'
    feed.write_text(f'{{"version": "https://jsonfeed.org/version/1.1", "title": "B", "items": [{item}]}}')
    with writing(engine) as connection:
        add_source(connection, "blog", "feed", {"file": str(feed), "topics": "City"}, now=NOW)
    report = due.build_due(engine, Fetcher(), press, now=NOW, at_once=1)
    assert [each.source for each in report.gathered.collected] == ["blog"]
    assert [(each.result, each.items) for each in report.built] == [(Built.APPROVED, 1)]
    assert told(engine) == [Event.EDITION_BUILT, Event.EDITION_APPROVED]


def test_an_accident_while_sources_are_read_keeps_no_edition_from_being_built(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add_articles(engine, 2, start=NOW - timedelta(days=1))
    report = due.build_due(engine, Fetcher(), press, now=NOW, at_once=0)  # no thread: nobody foresaw that
    assert report.gathered.accidents == ["collect: ValueError: max_workers must be greater than 0"]
    assert [each.result for each in report.built] == [Built.APPROVED]


def test_events_that_are_old_enough_are_forgotten_on_the_way(engine: Engine, press: Press) -> None:
    with writing(engine) as connection:
        outbox.tell(connection, Event.EDITION_SENT, now=NOW - KEPT - timedelta(days=1), newsletter_id=1, edition_id=1)
    due.build_due(engine, Fetcher(), press, now=NOW, at_once=1, gathers=False)
    assert told(engine) == []
