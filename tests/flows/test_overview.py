"""Lists that join rooms: right, and with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from digest.db.engine import reading
from digest.delivery.store.counts import balance
from digest.errors import NotFound
from digest.flows import dispatch
from digest.flows.overview import list_editions
from digest.flows.publish import Press, build_due
from tests.site import NOW, add_articles, add_newsletter, add_readers


@contextmanager
def queries(engine: Engine) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def build_weeks(engine: Engine, press: Press, weeks: int) -> list[int]:
    """Editions of a newsletter with three readers; every other one is planned."""
    add_readers(engine, add_newsletter(engine), 3)
    built = []
    for week in range(weeks):
        at = NOW + timedelta(weeks=week)
        add_articles(engine, 2, start=at, first=10 * week + 1)
        (report,) = build_due(engine, press, now=at)
        assert report.edition_id is not None
        if week % 2:
            dispatch.plan(engine, report.edition_id, now=at)
        built.append(report.edition_id)
    return built


def test_editions_have_their_balances_and_ten_cost_no_more_queries_than_one(engine: Engine, press: Press) -> None:
    built = build_weeks(engine, press, 10)
    with queries(engine) as for_ten:
        found = list_editions(engine)
    with queries(engine) as for_one:
        list_editions(engine, limit=1)
    assert len(for_ten) == len(for_one) == 5
    assert [each.edition.id for each in found] == built[::-1]
    with reading(engine) as connection:
        assert [each.balance for each in found] == [balance(connection, each.edition.id) for each in found]
    assert {each.balance.planned for each in found} == {0, 3}


def test_editions_of_one_newsletter_come_a_page_at_a_time(engine: Engine, press: Press) -> None:
    first, second = build_weeks(engine, press, 2)
    add_newsletter(engine, name="other")
    assert [each.edition.id for each in list_editions(engine, "harbour", before_id=second)] == [first]
    assert list_editions(engine, "other") == []
    with pytest.raises(NotFound, match="no newsletter 'none'"):
        list_editions(engine, "none")
