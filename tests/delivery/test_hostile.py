"""Thousands of dialogues with servers that break every rule: the ledger agrees with what was accepted, each time."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from digest.clock import FixedClock
from digest.db import migrate
from digest.db.engine import make_engine, reading
from digest.db.tables import delivery, subscriber, subscription
from digest.delivery.channels.smtp import Options, SmtpChannel
from digest.delivery.store import counts
from digest.flows import dispatch, publish
from digest.flows.admin import editions as editions_admin
from digest.flows.publish import Press
from digest.model.delivery import DeliveryStatus
from digest.model.edition import EditionStatus
from tests.delivery.hostile import HostileServer, Seen
from tests.flows.test_dispatch import build, status
from tests.site import ADMIN, NOW

IN_DOUBT_AT_WORST = {DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN}
READERS = 30
SIDE_BY_SIDE = 16
HOSTILE_ROUNDS, ROUNDS = 6, 60
HURRY = {"connect_timeout_s": 0.3, "command_timeout_s": 0.15, "data_timeout_s": 0.15, "body_timeout_s": 0.15}


@pytest.fixture
def approved(press: Press, tmp_path: Path) -> Path:
    """A database with an edition that may go."""
    engine = make_engine(f"sqlite:///{tmp_path / 'approved.sqlite'}")
    migrate.upgrade(engine)
    edition_id = build(engine, press, readers=READERS, retry_hours=24 * 14)
    dispatch.plan(engine, edition_id, now=NOW)
    engine.dispose()
    return tmp_path / "approved.sqlite"


def ledger(engine: Engine) -> dict[str, DeliveryStatus]:
    query = (
        select(subscriber.c.address, delivery.c.status)
        .join(subscription, subscription.c.subscriber_id == subscriber.c.id)
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
    )
    with reading(engine) as connection:
        return {address: DeliveryStatus(found) for address, found in connection.execute(query)}


def tell(engine: Engine, addresses: set[str]) -> list[str]:
    """What the ledger knows of them, for the one who reads a failure."""
    query = (
        select(delivery)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(subscriber.c.address.in_(addresses))
    )
    with reading(engine) as connection:
        return [str(row) for row in connection.execute(query)]


def check(engine: Engine, seen: Seen) -> None:
    rows = ledger(engine)
    assert seen.wrong == []
    assert DeliveryStatus.ATTEMPTING not in rows.values()
    assert {address for address, number in seen.accepted.items() if number > 1} == set()
    accepted = {address for address, found in rows.items() if found is DeliveryStatus.ACCEPTED}
    assert accepted <= seen.accepted.keys(), "accepted, says the ledger, and the server never said so"
    denied = {address for address in seen.accepted if rows[address] not in IN_DOUBT_AT_WORST}
    assert not denied, f"the server has what the ledger calls refused: {tell(engine, denied)}"
    with reading(engine) as connection:
        recounted = counts.recount(connection, 1)
        assert +counts.count(connection, 1) == +recounted
        assert counts.balance(connection, 1, recounted).is_balanced


async def converse(engine: Engine, press: Press, seed: str, *, malice: float) -> Seen:
    """Run after run, each some hours later, until nobody is left; after six of them the server means well."""
    maker = publish.open_maker(engine, press, 1)
    async with HostileServer(seed, malice=malice) as server:
        for number in range(ROUNDS):
            means_well = number >= HOSTILE_ROUNDS
            if means_well:
                server.malice = 0.0
            options = Options(
                host="127.0.0.1",
                port=server.port,
                security="none",
                connections=2,
                messages_per_connection=3,
                **({} if means_well else HURRY),  # type: ignore[arg-type]  # a busy machine is not a silent server
            )
            clock = FixedClock(NOW + timedelta(hours=6 * number))
            report = await dispatch.send(engine, maker, [SmtpChannel(options)], clock=clock)
            check(engine, server.seen)
            if report.is_finished and status(engine, 1) is EditionStatus.SENT:
                break
            if status(engine, 1) is EditionStatus.PAUSED:  # it refused us time after time: somebody looks, and goes on
                editions_admin.resume(engine, 1, now=clock.now(), actor=ADMIN)
        return server.seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("malice", [0.03, 0.12, 0.4])
def test_the_ledger_agrees_with_a_hostile_server(approved: Path, press: Press, malice: float, seed: int) -> None:
    """Many editions side by side, each with a database and a server of its own."""
    files = [approved.with_name(f"{number}.sqlite") for number in range(SIDE_BY_SIDE)]
    for file in files:
        shutil.copy(approved, file)
    engines = [make_engine(f"sqlite:///{file}") for file in files]

    async def all_of_them() -> list[Seen]:
        return await asyncio.gather(
            *(converse(engine, press, f"{seed}, {number}", malice=malice) for number, engine in enumerate(engines))
        )

    seen = asyncio.run(all_of_them())
    print(sum(each.dialogues for each in seen), "dialogues")  # noqa: T201
    assert sum(each.dialogues for each in seen) >= 2 * SIDE_BY_SIDE
    for engine in engines:
        assert status(engine, 1) is EditionStatus.SENT, ledger(engine)
        engine.dispose()


@pytest.mark.parametrize("seed", range(4))
def test_the_same_on_postgresql(postgresql_database: str, press: Press, seed: int) -> None:
    engine = make_engine(postgresql_database)
    migrate.upgrade(engine)
    dispatch.plan(engine, build(engine, press, readers=READERS, retry_hours=24 * 14), now=NOW)
    asyncio.run(converse(engine, press, f"postgresql, {seed}", malice=0.12))
    assert status(engine, 1) is EditionStatus.SENT
    engine.dispose()
