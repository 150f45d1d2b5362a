"""An edition on its way, as an admin stops it and lets it go on: one act and one event for each."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from digest import audit, outbox
from digest.audit import Filters
from digest.db.engine import reading
from digest.errors import BadInput, Refused
from digest.flows import dispatch
from digest.flows.admin import editions
from digest.flows.publish import Press, build_due
from tests.flows.test_dispatch import build, send
from tests.site import ADMIN, NOW, SmtpServer, add_articles, add_newsletter


def acts(engine: Engine) -> list[tuple[str, str]]:
    """What was done to editions, and by whom, the oldest first."""
    with reading(engine) as connection:
        found = audit.list_entries(connection, Filters(noun=audit.Noun.EDITION))
    return [(each.action, str(each.actor)) for each in reversed(found)]


def told(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [each.event for each in outbox.list_events(connection)]


def test_an_edition_from_its_building_to_its_end_is_on_record(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    editions.pause(engine, edition_id, actor=ADMIN, now=NOW)
    editions.resume(engine, edition_id, actor=ADMIN, now=NOW)
    assert send(engine, press, edition_id, smtp_server.channel()).is_finished
    assert acts(engine) == [
        ("edition.build", "scheduler"),
        ("edition.approve", "scheduler"),
        ("edition.plan", "sender"),
        ("edition.pause", "cli:anna"),
        ("edition.resume", "cli:anna"),
        ("edition.finish", "sender"),
    ]
    verbs = ("built", "approved", "sending", "paused", "resumed", "sent")
    assert told(engine) == [f"edition.{verb}" for verb in verbs]


def test_cancelling_twice_is_one_act(engine: Engine, press: Press) -> None:
    edition_id = build(engine, press)
    assert editions.cancel(engine, edition_id, actor=ADMIN, now=NOW) == 0
    with pytest.raises(Refused, match="nothing to cancel"):
        editions.cancel(engine, edition_id, actor=ADMIN, now=NOW)
    assert acts(engine)[2:] == [("edition.cancel", "cli:anna")]
    assert told(engine)[2:] == ["edition.cancelled"]


@pytest.mark.parametrize(("verb", "state"), [(editions.pause, "sending"), (editions.resume, "paused")])
def test_what_does_not_fit_the_state_says_what_would(verb: object, state: str, engine: Engine, press: Press) -> None:
    edition_id = build(engine, press)
    with pytest.raises(Refused, match=f"edition {edition_id} is approved; .* works on one that is {state}"):
        verb(engine, edition_id, actor=ADMIN, now=NOW)  # type: ignore[operator]
    assert len(acts(engine)) == 2


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [({"subject": "\u200b"}, "subject", "empty"), ({"note": "x" * 5_001}, "note", "5,000 are the most")],
)
def test_a_text_that_cannot_be_is_refused_by_its_field(
    given: dict[str, str], field: str, why: str, engine: Engine, press: Press
) -> None:
    add_newsletter(engine, needs_review=True)
    add_articles(engine, 2)
    (report,) = build_due(engine, press, now=NOW)
    assert report.edition_id is not None
    with pytest.raises(BadInput, match=why) as refused:
        editions.change_texts(engine, report.edition_id, given, actor=ADMIN, now=NOW)
    assert refused.value.field == field
