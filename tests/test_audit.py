"""Who did what: what is kept of an act, what is found again, and what a stale write is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from digest import audit
from digest.audit import Filters, Noun, Target
from digest.db.engine import reading, writing
from digest.errors import Stale
from digest.model.actor import SCHEDULER, Actor, ActorKind
from tests.site import ADMIN, NOW

HARBOUR = Target(noun=Noun.NEWSLETTER, id=7, newsletter_id=7, version=2)
EDITION = Target(noun=Noun.EDITION, id=12, newsletter_id=7)


def test_an_act_keeps_what_differs_and_no_more(engine: Engine) -> None:
    before, after = {"title": "Harbour", "max_items": 40}, {"title": "Harbour", "max_items": 12}
    with writing(engine) as connection:
        audit.record(connection, "newsletter.change", ADMIN, HARBOUR, now=NOW, before=before, after=after, count=1)
        [entry] = audit.list_entries(connection, Filters())
    assert (entry.at, entry.actor, entry.action, entry.target) == (NOW, ADMIN, "newsletter.change", HARBOUR)
    assert (entry.before, entry.after, entry.detail) == ({"max_items": 40}, {"max_items": 12}, {"count": 1})


def test_no_secret_is_kept(engine: Engine) -> None:
    after = {"url": "postgresql://reader:geheim@db/site", "options": {"api_key": "geheim", "table": "posts"}}
    with writing(engine) as connection:
        audit.record(connection, "source.add", ADMIN, Target(noun=Noun.SOURCE, id=1), now=NOW, after=after)
        [entry] = audit.list_entries(connection, Filters())
    assert "geheim" not in str(entry)
    assert entry.after["options"]["table"] == "posts"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filters(newsletter_id=7), ["edition.approve", "newsletter.change"]),
        (Filters(noun=Noun.EDITION, noun_id=12), ["edition.approve"]),
        (Filters(actor_kind=ActorKind.SCHEDULER), ["edition.approve"]),
        (Filters(actor="anna"), ["source.add", "newsletter.change"]),
        (Filters(action="source.add"), ["source.add"]),
        (Filters(since=NOW + timedelta(hours=1)), ["source.add"]),
        (Filters(newsletter_id=8), []),
    ],
    ids=str,
)
def test_acts_are_found_by_what_is_asked_for(engine: Engine, wanted: Filters, found: list[str]) -> None:
    with writing(engine) as connection:
        audit.record(connection, "newsletter.change", ADMIN, HARBOUR, now=NOW)
        audit.record(connection, "edition.approve", SCHEDULER, EDITION, now=NOW)
        audit.record(connection, "source.add", ADMIN, Target(noun=Noun.SOURCE, id=1), now=NOW + timedelta(hours=2))
        assert [each.action for each in audit.list_entries(connection, wanted)] == found


def test_acts_come_a_page_at_a_time(engine: Engine) -> None:
    with writing(engine) as connection:
        for number in range(5):
            audit.record(connection, "edition.pause", ADMIN, EDITION, now=NOW, number=number)
        first = audit.list_entries(connection, Filters(), limit=2)
        second = audit.list_entries(connection, Filters(), before_id=first[-1].id, limit=2)
    assert [each.detail["number"] for each in (*first, *second)] == [4, 3, 2, 1]


def test_a_stale_write_is_told_who_was_first_and_when(engine: Engine) -> None:
    with writing(engine) as connection:
        values = {"before": {"max_items": 40}, "after": {"max_items": 12}}
        audit.record(connection, "newsletter.change", ADMIN, HARBOUR, now=NOW, **values)
    with reading(engine) as connection, pytest.raises(Stale) as refused:
        audit.check_fresh(connection, Noun.NEWSLETTER, 7, ["title", "max_items"], seen=1)
    assert str(refused.value) == (
        "newsletter 7: cli:anna changed max_items from 40 to 12 at 2026-11-23 07:00 UTC, after you looked; look again"
    )
    assert (refused.value.field, refused.value.code) == ("max_items", "stale")


@pytest.mark.parametrize(("fields", "seen"), [(["title"], 1), (["max_items"], 2), (["max_items"], None)])
def test_who_changes_something_else_or_looked_later_is_in_nobodys_way(
    engine: Engine, fields: list[str], seen: int | None
) -> None:
    with writing(engine) as connection:
        audit.record(connection, "newsletter.change", ADMIN, HARBOUR, now=NOW, after={"max_items": 12})
        audit.check_fresh(connection, Noun.NEWSLETTER, 7, fields, seen=seen)
        assert len(audit.list_entries(connection, Filters())) == 1


@pytest.mark.parametrize("actor", [ADMIN, SCHEDULER, Actor(ActorKind.API, "key:7")], ids=str)
def test_an_actor_is_read_as_it_is_written(actor: Actor) -> None:
    assert Actor.parse(str(actor)) == actor
