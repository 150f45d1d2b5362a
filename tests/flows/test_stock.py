"""What a sender holds: rows that come back are found again, whoever looks for them at the same moment."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from sqlalchemy import Engine, event

from digest.clock import FixedClock
from digest.flows import dispatch
from digest.flows.dispatch.commits import Patience
from digest.flows.dispatch.stock import Stock
from digest.flows.publish import Press
from tests.flows.test_dispatch import build
from tests.site import NOW

READERS = 5


@pytest.fixture
def stock(engine: Engine, press: Press) -> Stock:
    """Of an edition of one batch."""
    edition_id = build(engine, press, readers=READERS)
    dispatch.plan(engine, edition_id, now=NOW)
    return Stock(
        engine,
        edition_id,
        FixedClock(NOW),
        "we",
        patience=Patience(5),
        prepare=lambda _: None,
        choose=list,
        resends=False,
    )


async def take_all_and_bring_them_back(stock: Stock) -> None:
    """As when the marks of all of them are refused."""
    assert await stock.more()
    taken = []
    while (found := stock.pop()) is not None:
        taken.append(found)
    assert len(taken) == READERS
    assert not await stock.more(), "nothing is left but what is out"
    for held, _ in taken:
        stock.back(held)


def hear_late(engine: Engine) -> None:
    """Who looks for a batch while another one is given back hears that there is none, and hears it late."""
    is_looked_for, is_given_back = threading.Event(), threading.Event()

    @event.listens_for(engine, "before_cursor_execute")
    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE batch SET is_done="):
            assert is_looked_for.wait(5)
            is_given_back.set()

    @event.listens_for(engine, "after_cursor_execute")
    def after(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE batch SET lease_owner=") and not is_looked_for.is_set():
            is_looked_for.set()
            assert is_given_back.wait(5)
            time.sleep(0.3)  # until it is written, and whoever gave it back looks for it too


def test_rows_that_came_back_are_leased_again(stock: Stock) -> None:
    async def look() -> bool:
        await take_all_and_bring_them_back(stock)
        return await stock.look_again()

    assert asyncio.run(look())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite lets one after the other write
def test_one_who_looks_too_soon_does_not_hide_them(engine: Engine, stock: Stock) -> None:
    async def look() -> list[bool]:
        await take_all_and_bring_them_back(stock)
        hear_late(engine)
        return await asyncio.gather(stock.look_again(), stock.look_again())

    assert any(asyncio.run(look()))
