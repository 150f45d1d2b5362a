"""What an admin does to a newsletter: nobody's change is lost, nothing wrong gets in, and every act leaves its row."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from digest import audit
from digest.db.engine import reading
from digest.errors import BadInput, Invalid, NotFound, Refused, RenderFailed, Stale
from digest.flows.admin import newsletters
from digest.model.actor import Actor, ActorKind
from digest.model.newsletter import Newsletter
from digest.render.files import BUILT_IN
from tests.site import ADMIN, NOW

ANNA, BEN = (Actor(ActorKind.DESK, name) for name in ("anna", "ben"))
GIVEN = {"title": "The Harbour Post", "sender": "news@example.org", "postal_address": "12 Quay Street"}


def add(engine: Engine, name: str = "harbour", **more: object) -> Newsletter:
    return newsletters.add_newsletter(engine, name, {**GIVEN, **more}, folders=[BUILT_IN], actor=ADMIN, now=NOW)


def change(engine: Engine, given: dict[str, object], *, actor: Actor = ANNA, seen: int | None = None) -> Newsletter:
    return newsletters.change_newsletter(
        engine, "harbour", given, folders=[BUILT_IN], actor=actor, now=NOW + timedelta(hours=1), seen=seen
    )


def version(engine: Engine) -> int:
    return newsletters.get_newsletter(engine, "harbour", now=NOW).version


CHANGES = """
import sys
from digest.clock import SystemClock
from digest.db.engine import make_engine
from digest.flows.admin import newsletters
from digest.model.actor import Actor, ActorKind
url, field, rounds = sys.argv[1:]
engine, actor = make_engine(url), Actor(ActorKind.CLI, field)
print("ready", flush=True)
sys.stdin.readline()
for value in range(1, int(rounds) + 1):
    newsletters.change_newsletter(engine, "harbour", {field: value}, folders=(), actor=actor, now=SystemClock().now())
"""


def test_two_processes_that_change_different_settings_lose_none(engine: Engine) -> None:
    add(engine)
    rounds, fields = 40, ("max_items", "pace.warm_up_first")
    url = engine.url.render_as_string(hide_password=False)
    line = [sys.executable, "-c", CHANGES, url]
    admins = [
        subprocess.Popen([*line, field, str(rounds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for field in fields
    ]
    for admin in admins:
        assert admin.stdout is not None
        assert admin.stdout.readline() == "ready\n"
    for admin in admins:
        assert admin.stdin is not None
        admin.stdin.write("go\n")
        admin.stdin.flush()
    assert [admin.communicate() and admin.wait() for admin in admins] == [0, 0]
    found = newsletters.get_newsletter(engine, "harbour", now=NOW)
    assert (found.newsletter.max_items, found.newsletter.pace.warm_up_first) == (rounds, rounds)
    assert found.version == 1 + 2 * rounds
    with reading(engine) as connection:
        entries = audit.list_entries(connection, audit.Filters(action="newsletter.change"), limit=500)
    assert sorted(each.target.version or 0 for each in entries) == list(range(2, 2 + 2 * rounds))
    for entry in entries:  # each says what it found, so nobody wrote over what another had written
        assert entry.before.keys() - {"pace.warm_up_since"} == {entry.actor.name}


def test_two_who_looked_at_the_same_and_change_different_settings_both_keep_theirs(engine: Engine) -> None:
    add(engine)
    seen = version(engine)
    change(engine, {"max_items": 12}, actor=ANNA, seen=seen)
    after = change(engine, {"tagline": "The week"}, actor=BEN, seen=seen)
    assert (after.max_items, after.tagline) == (12, "The week")


def test_a_stale_change_of_the_same_setting_is_refused_and_says_who_when_and_what(engine: Engine) -> None:
    add(engine)
    seen = version(engine)
    change(engine, {"max_items": 12}, actor=ANNA, seen=seen)
    with pytest.raises(
        Stale, match=r"desk:anna changed max_items from 40 to 12 at 2026-11-23 \d\d:\d\d UTC"
    ) as refused:
        change(engine, {"max_items": 20, "tagline": "The week"}, actor=BEN, seen=seen)
    assert refused.value.field == "max_items"
    found = newsletters.get_newsletter(engine, "harbour", now=NOW).newsletter
    assert (found.max_items, found.tagline) == (12, "")
    assert change(engine, {"max_items": 20}, actor=BEN, seen=version(engine)).max_items == 20


def test_an_act_leaves_a_row_with_before_and_after(engine: Engine) -> None:
    add(engine)
    change(engine, {"pace.hours": "7:00 - 21:00", "max_items": 40})
    with reading(engine) as connection:
        changed, added = audit.list_entries(connection, audit.Filters())
    assert (changed.action, changed.actor, changed.target.version) == ("newsletter.change", ANNA, 2)
    assert (changed.before, changed.after) == ({"pace.hours": ""}, {"pace.hours": "07:00-21:00"})
    assert (added.action, added.after["title"], added.target.version) == ("newsletter.add", "The Harbour Post", 1)


def test_what_is_wrong_is_refused_all_at_once_and_nothing_is_written(engine: Engine) -> None:
    add(engine)
    with pytest.raises(Invalid) as refused:
        change(engine, {"max_items": 500, "look.accent": "red", "tagline": "Fine"})
    assert [each.field for each in refused.value.faults] == ["max_items", "look.accent"]
    with pytest.raises(Invalid, match="is more than the most"):
        change(engine, {"min_items": 50})
    with pytest.raises(RenderFailed, match="no template 'nope'"):
        change(engine, {"template": "nope"})
    assert version(engine) == 1


def test_an_old_fault_keeps_nobody_from_mending_another_thing(engine: Engine) -> None:
    add(engine, min_items=10)
    with pytest.raises(Invalid, match="is more than the most"):
        change(engine, {"max_items": 5})
    change(engine, {"max_items": 10})
    with pytest.raises(Invalid):
        change(engine, {"look.accent": "#ffff00"})
    assert change(engine, {"tagline": "The week"}).tagline == "The week"


def test_a_name_is_taken_once_and_has_to_be_one(engine: Engine) -> None:
    add(engine)
    with pytest.raises(Refused, match="already"):
        add(engine)
    with pytest.raises(BadInput, match="small letters") as refused:
        add(engine, "The Post")
    assert refused.value.field == "name"
    with pytest.raises(NotFound):
        newsletters.get_newsletter(engine, "harbor", now=NOW)
    assert [each.newsletter.name for each in newsletters.list_newsletters(engine, now=NOW)] == ["harbour"]
