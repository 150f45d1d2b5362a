"""Two senders and one batch: the first slept, the second took it over, and then the first wakes up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.delivery.store import counts, results
from digest.delivery.store import rows as delivery_store
from digest.delivery.store.batches import has_work, lease
from digest.flows import dispatch
from digest.flows.dispatch.commits import GroupCommit, Patience
from digest.flows.publish import Press
from digest.model.delivery import Balance, BatchId, Outcome, Stage, Verdict
from digest.model.edition import EditionStatus
from tests.flows.test_dispatch import balance, build, send, status
from tests.site import NOW, SmtpServer

MINUTE = timedelta(minutes=1)


@pytest.fixture
def edition_id(engine: Engine, press: Press, smtp_server: SmtpServer) -> int:
    """Of five readers the first was marked by a sender that fell asleep; another has sent the rest."""
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        assert lease(connection, edition_id, owner="asleep", now=NOW, hold=MINUTE) is not None
        assert delivery_store.mark_attempting(connection, edition_id, [1], owner="asleep", now=NOW) == {1}
    later = FixedClock(NOW + 2 * MINUTE)
    assert send(engine, press, edition_id, smtp_server.channel(), clock=later).is_finished
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, unknown=1)
    return edition_id


def result_of(verdict: Verdict, **values: object) -> results.Result:
    outcome = Outcome(verdict=verdict, stage=Stage.BODY, code=250)
    return results.Result(delivery_id=1, attempts=0, outcome=outcome, channel="smtp", at=NOW, **values)  # type: ignore[arg-type]


def record(engine: Engine, verdict: Verdict, **values: object) -> bool:
    with writing(engine) as connection:
        return results.record_results(connection, [result_of(verdict, **values)])


def is_counted_right(engine: Engine, edition_id: int) -> bool:
    with reading(engine) as connection:
        return +counts.count(connection, edition_id) == +counts.recount(connection, edition_id)


def test_an_answer_that_comes_late_settles_what_was_unknown(engine: Engine, edition_id: int) -> None:
    assert not record(engine, Verdict.ACCEPTED)
    assert balance(engine, edition_id) == Balance(planned=5, accepted=5)
    assert is_counted_right(engine, edition_id)


def test_a_refusal_for_now_that_comes_late_opens_its_batch_again(engine: Engine, edition_id: int) -> None:
    assert record(engine, Verdict.DEFERRED, retry_at=NOW + 5 * MINUTE)
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, deferred=1)
    assert is_counted_right(engine, edition_id)
    with reading(engine) as connection:
        assert has_work(connection, edition_id)


def test_an_edition_that_was_sent_is_being_sent_again_then(engine: Engine, edition_id: int) -> None:
    """Else nobody would try the reader again."""

    async def asleep() -> None:
        keeper = GroupCommit(
            engine,
            edition_id,
            FixedClock(NOW),
            "asleep",
            patience=Patience(1.0),
            on_recorded=lambda _: None,
            on_decided=lambda _: None,
            on_failed=lambda: None,
        )
        keeper.record(result_of(Verdict.DEFERRED, retry_at=NOW + 5 * MINUTE))
        keeper.close()
        await keeper.run()

    assert status(engine, edition_id) is EditionStatus.SENT
    asyncio.run(asleep())
    assert dispatch.unfinished(engine) == [edition_id]


def test_an_answer_to_a_try_before_the_last_changes_nothing(engine: Engine, edition_id: int) -> None:
    record(engine, Verdict.ACCEPTED)
    assert not record(engine, Verdict.DEFERRED, retry_at=NOW + 5 * MINUTE)
    assert balance(engine, edition_id) == Balance(planned=5, accepted=5)


def test_whoever_lost_the_lease_marks_nothing(engine: Engine, press: Press) -> None:
    """What it knows of the rows is old: the other may have tried them, and they wait for their next try."""
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        mine = lease(connection, edition_id, owner="asleep", now=NOW, hold=MINUTE)
        theirs = lease(connection, edition_id, owner="awake", now=NOW + 2 * MINUTE, hold=MINUTE)
        assert mine == theirs == BatchId(1)
        assert delivery_store.mark_attempting(connection, edition_id, [1, 2], owner="asleep", now=NOW) == set()
        assert delivery_store.mark_attempting(connection, edition_id, [1, 2], owner="awake", now=NOW) == {1, 2}
    assert status(engine, edition_id) is EditionStatus.SENDING


def test_a_lease_whose_answer_was_lost_is_taken_again(engine: Engine, press: Press) -> None:
    """The database went away while it committed: the sender does not know that the batch is its own."""
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        first = lease(connection, edition_id, owner="one", now=NOW, hold=MINUTE)
        assert first is not None
        assert lease(connection, edition_id, owner="one", now=NOW, hold=MINUTE, held=[first]) is None
        assert lease(connection, edition_id, owner="two", now=NOW, hold=MINUTE, held=[]) is None
        assert lease(connection, edition_id, owner="one", now=NOW, hold=MINUTE, held=[]) == first
