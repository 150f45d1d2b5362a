"""The states of an edition: who may do what, and what is on record afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select, update

from digest import audit, outbox
from digest.audit import Filters
from digest.db.engine import reading, writing
from digest.db.tables import edition
from digest.editions.store import transitions
from digest.editions.store.transitions import TRANSITIONS
from digest.errors import Refused
from digest.flows.publish import Press
from digest.model.actor import SCHEDULER, SENDER, Actor, ActorKind
from digest.model.edition import EditionStatus
from tests.flows.test_dispatch import build
from tests.site import ADMIN, NOW

VERBS = sorted({each.verb for each in TRANSITIONS.values()})


@pytest.fixture
def put(engine: Engine, press: Press) -> Callable[[EditionStatus], int]:
    edition_id = build(engine, press)

    def put(status: EditionStatus) -> int:
        with writing(engine) as connection:
            connection.execute(update(edition).values(status=status))
        return edition_id

    return put


def status(engine: Engine) -> str:
    with reading(engine) as connection:
        return str(connection.execute(select(edition.c.status)).scalar_one())


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("of", EditionStatus)
def test_a_verb_does_what_the_table_says_and_nothing_else(
    of: EditionStatus, verb: str, engine: Engine, put: Callable[[EditionStatus], int]
) -> None:
    edition_id = put(of)
    wanted = {to: each for (before, to), each in TRANSITIONS.items() if before is of and each.verb == verb}
    actor = SENDER if verb in ("plan", "finish") else ADMIN
    with writing(engine) as connection:
        assert transitions.move(connection, edition_id, verb, actor=actor, now=NOW) is bool(wanted)
        last = audit.list_entries(connection, Filters(), limit=1)[0]
        told = outbox.list_events(connection)[-1]
    assert status(engine) == (next(iter(wanted)) if wanted else of)
    for to, each in wanted.items():
        assert (last.action, last.before, last.after) == (f"edition.{verb}", {"status": of}, {"status": to})
        assert (last.actor, last.target.id, last.target.version) == (actor, edition_id, 3)
        assert (told.event, told.data["edition_id"]) == (each.event, edition_id)


@pytest.mark.parametrize(
    ("verb", "of", "actor"),
    [
        ("cancel", EditionStatus.SENDING, SCHEDULER),
        ("resume", EditionStatus.PAUSED, SENDER),
        ("finish", EditionStatus.SENDING, ADMIN),
        ("approve", EditionStatus.DRAFT, Actor(ActorKind.READER)),
    ],
    ids=str,
)
def test_who_may_not_is_refused_and_nothing_moves(
    verb: str, of: EditionStatus, actor: Actor, engine: Engine, put: Callable[[EditionStatus], int]
) -> None:
    edition_id = put(of)
    with writing(engine) as connection, pytest.raises(Refused, match=verb):
        transitions.move(connection, edition_id, verb, actor=actor, now=NOW)
    assert status(engine) == of


def test_no_such_edition_does_not_move(engine: Engine) -> None:
    with writing(engine) as connection:
        assert not transitions.move(connection, 99, "cancel", actor=ADMIN, now=NOW)
