"""Two people at once, in two processes: each keeps what they changed, and whoever comes second on one field is told."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from digest import audit
from digest.audit import Filters
from digest.db.engine import reading, writing
from digest.errors import Stale
from digest.flows.admin import articles, calendar, editions, sources
from digest.flows.publish import Press, build_due
from digest.model.actor import Actor, ActorKind
from digest.sources.store import curation
from digest.sources.store.sources import get_source
from tests.site import ADMIN, NOW, add_articles, add_newsletter

TIMES = 15
BERT = Actor(ActorKind.DESK, "bert")

CHANGE = """
import sys
from datetime import UTC, datetime
from digest.db.engine import make_engine
from digest.flows.admin import articles, sources
from digest.flows.publish import Press, build_due
from digest.model.actor import Actor, ActorKind
url, what, field, times = sys.argv[1:]
engine = make_engine(url)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(times)):
    of = {"actor": Actor(ActorKind.CLI, field), "now": datetime.now(UTC)}
    if what == "source":
        sources.change(engine, "blog", {field: f"value {number}"}, **of)
    else:
        articles.edit(engine, 1, {field: f"value {number}"}, **of)
"""


def change_at_once(engine: Engine, what: str, *fields: str) -> None:
    """A process for each field, all let go at the same moment."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", CHANGE, url, what]
    pipe = subprocess.PIPE
    started = [subprocess.Popen([*command, field, str(TIMES)], stdin=pipe, stdout=pipe, text=True) for field in fields]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in started:
        process.communicate()
        assert process.returncode == 0


def add_source(engine: Engine) -> None:
    sources.add(engine, "blog", "feed", {"url": "https://example.org/feed"}, actor=ADMIN, now=NOW)


def test_two_options_of_a_source_are_both_kept(engine: Engine) -> None:
    add_source(engine)
    change_at_once(engine, "source", "topics", "url")
    with reading(engine) as connection:
        found = get_source(connection, "blog")
        acts = audit.list_entries(connection, Filters(action="source.change"))
    last = f"value {TIMES - 1}"
    assert found.options == {"url": last, "topics": last}
    assert (found.version, len(acts)) == (2 * TIMES + 1, 2 * TIMES)


def test_two_edits_of_an_article_are_both_kept(engine: Engine) -> None:
    add_articles(engine, 3)
    change_at_once(engine, "article", "title", "summary")
    with reading(engine) as connection:
        found = curation.get_article(connection, 1)
    last = f"value {TIMES - 1}"
    assert (found.edits, found.version) == ({"title": last, "summary": last}, 2 * TIMES + 1)


def test_a_stale_edit_of_the_same_field_is_refused_and_says_whose_it_is(engine: Engine) -> None:
    add_articles(engine, 3)
    with reading(engine) as connection:
        seen = curation.get_article(connection, 1).version
    articles.edit(engine, 1, {"title": "Bert's"}, actor=BERT, now=NOW, seen=seen)
    articles.edit(engine, 1, {"summary": "Anna's"}, actor=ADMIN, now=NOW, seen=seen)
    with pytest.raises(Stale, match=r"desk:bert changed title from null to .Bert's. at 2026-11-23 07:00 UTC"):
        articles.edit(engine, 1, {"title": "Anna's"}, actor=ADMIN, now=NOW, seen=seen)
    with reading(engine) as connection:
        assert curation.get_article(connection, 1).edits == {"title": "Bert's", "summary": "Anna's"}


def test_a_stale_change_of_a_source_is_refused(engine: Engine) -> None:
    add_source(engine)
    sources.change(engine, "blog", {"topics": "City"}, actor=BERT, now=NOW, seen=1)
    sources.change(engine, "blog", {}, enabled=False, actor=ADMIN, now=NOW, seen=1)
    with pytest.raises(Stale, match="desk:bert changed topics"):
        sources.change(engine, "blog", {"topics": "Culture"}, actor=ADMIN, now=NOW, seen=1)


def test_a_change_of_an_event_says_what_was(engine: Engine) -> None:
    add_newsletter(engine)
    texts = {"title": "Ferry day", "starts": "2026-12-05T14:00", "place": "Pier 3"}
    number, _ = calendar.add(engine, "harbour", texts, actor=ADMIN, now=NOW)
    calendar.change(engine, number, {"place": "Pier 4"}, actor=BERT, now=NOW + timedelta(hours=1))
    calendar.remove(engine, number, actor=ADMIN, now=NOW)
    with writing(engine) as connection:
        removed, changed, added = audit.list_entries(connection, Filters(noun=audit.Noun.EVENT, noun_id=number))
    assert (changed.before, changed.after) == ({"place": "Pier 3"}, {"place": "Pier 4"})
    assert (added.before, removed.after) == ({}, {})
    assert removed.before["place"] == "Pier 4"


def test_a_text_of_a_draft_that_somebody_else_changed_is_refused(engine: Engine, press: Press) -> None:
    add_newsletter(engine, needs_review=True)
    add_articles(engine, 3, start=NOW - timedelta(days=1))
    (report,) = build_due(engine, press, now=NOW)
    edition_id = report.edition_id
    assert edition_id is not None
    editions.change_texts(engine, edition_id, {"subject": "Bert's"}, actor=BERT, now=NOW, seen=1)
    editions.change_texts(engine, edition_id, {"preheader": "Anna's"}, actor=ADMIN, now=NOW, seen=1)
    with pytest.raises(Stale, match="desk:bert changed subject"):
        editions.change_texts(engine, edition_id, {"subject": "Anna's"}, actor=ADMIN, now=NOW, seen=1)
