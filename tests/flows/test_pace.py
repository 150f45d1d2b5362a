"""Limits, hours, warm-up and canary in a real send, on both databases."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.delivery.store import canary, senders
from digest.delivery.throttle import Limits
from digest.flows import dispatch, publish
from digest.flows.admin import editions as editions_admin
from digest.flows.dispatch import DispatchReport
from digest.flows.publish import Press
from digest.model.edition import EditionStatus
from digest.model.limit import Limit
from digest.model.newsletter import Pace
from tests.flows.test_dispatch import balance, build, status
from tests.site import ADMIN, NOW, SmtpServer


def send(
    engine: Engine,
    press: Press,
    edition_id: int,
    server: SmtpServer,
    *,
    clock: FixedClock | None = None,
    limits: Limits | None = None,
) -> DispatchReport:
    clock = clock or FixedClock(NOW)
    dispatch.plan(engine, edition_id, now=clock.now())
    maker = publish.open_maker(engine, press, edition_id)
    return asyncio.run(dispatch.send(engine, maker, [server.channel()], clock=clock, limits=limits))


def test_no_faster_than_the_channel_may(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=30)
    started = time.monotonic()
    report = send(engine, press, edition_id, smtp_server, limits=Limits(channels={"smtp": [Limit(20, "second")]}))
    assert report.accepted == 30
    assert time.monotonic() - started > 0.4  # 20 at once, the other ten at 20 a second


def test_a_slow_domain_does_not_hold_up_the_others(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=10)
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "UPDATE subscriber SET address = 'r' || id || '@slow.example' WHERE id IN (1, 2, 3)",
        )
    limits = Limits(domains={"slow.example": [Limit(2, "second")]})
    assert send(engine, press, edition_id, smtp_server, limits=limits).accepted == 10
    order = [address.split("@")[1] for address, _ in smtp_server.recorder.accepted]
    assert order.index("slow.example") < 4
    assert order[-1] == "slow.example"


def test_a_daily_limit_holds_over_restarts_and_goes_on_the_next_day(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=9, pace=Pace(limits=("4/day",)))
    first = send(engine, press, edition_id, smtp_server)
    assert first.accepted == 4
    assert first.waiting_until is not None
    assert first.waiting_until.date() == (NOW + timedelta(days=1)).date()
    assert send(engine, press, edition_id, smtp_server).accepted == 0
    tomorrow = FixedClock(NOW + timedelta(days=1))
    assert send(engine, press, edition_id, smtp_server, clock=tomorrow).accepted == 4
    last = send(engine, press, edition_id, smtp_server, clock=FixedClock(NOW + timedelta(days=2)))
    assert (last.accepted, last.is_finished) == (1, True)


def test_what_was_not_used_of_a_share_is_given_back(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=3, pace=Pace(limits=("100/day",)))
    send(engine, press, edition_id, smtp_server)
    with writing(engine) as connection:
        window = f"{NOW:%Y-%m-%d}"
        left = senders.take_allowance(connection, "newsletter harbour per day", window, limit=100, wanted=1_000)
    assert left == 97


def test_a_warm_up_sends_more_each_day(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    pace = Pace(warm_up_first=2, warm_up_factor=2.0, warm_up_since=f"{NOW:%Y-%m-%d}")
    edition_id = build(engine, press, readers=20, pace=pace)
    sent = [
        send(engine, press, edition_id, smtp_server, clock=FixedClock(NOW + timedelta(days=day))).accepted
        for day in range(4)
    ]
    assert sent == [2, 4, 8, 6]


def test_a_warm_up_and_a_daily_limit_do_not_count_twice(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    pace = Pace(limits=("50/day",), warm_up_first=4, warm_up_factor=2.0, warm_up_since=f"{NOW:%Y-%m-%d}")
    edition_id = build(engine, press, readers=9, pace=pace)
    assert send(engine, press, edition_id, smtp_server).accepted == 4


def test_outside_its_hours_a_newsletter_waits_and_says_until_when(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=3, pace=Pace(hours="09:00-21:00"))
    early = send(engine, press, edition_id, smtp_server)
    assert (early.accepted, early.waiting_until) == (0, NOW.replace(hour=9, minute=0, second=0))
    assert send(engine, press, edition_id, smtp_server, clock=FixedClock(NOW + timedelta(hours=2))).is_finished


def test_readers_who_sleep_get_it_when_they_wake(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=4, pace=Pace(hours="07:00-21:00", hours_of="reader"))
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE subscriber SET time_zone = 'America/New_York' WHERE id IN (2, 3)")
    first = send(engine, press, edition_id, smtp_server)
    assert first.accepted == 2
    assert first.waiting_until == NOW.replace(hour=12, minute=0, second=0)
    assert balance(engine, edition_id).waiting == 2
    assert send(engine, press, edition_id, smtp_server, clock=FixedClock(first.waiting_until)).is_finished


def test_a_canary_goes_first_over_all_domains_and_the_rest_waits(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=12, pace=Pace(canary_readers=3, canary_minutes=30))
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "UPDATE subscriber SET address_key = 'r' || id || '@b.example', address = 'r' || id || '@b.example' "
            "WHERE id IN (11, 12)"
        )
    first = send(engine, press, edition_id, smtp_server)
    assert first.accepted == 3
    assert {address.split("@")[1] for address, _ in smtp_server.recorder.accepted} == {"example.org", "b.example"}
    assert first.waiting_until == NOW + timedelta(minutes=30)
    assert send(engine, press, edition_id, smtp_server, clock=FixedClock(NOW + timedelta(minutes=29))).accepted == 0
    rest = send(engine, press, edition_id, smtp_server, clock=FixedClock(NOW + timedelta(minutes=30)))
    assert (rest.accepted, rest.is_finished) == (9, True)


def test_a_canary_that_is_refused_pauses_the_edition_and_an_admin_lets_it_go(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=8, pace=Pace(canary_readers=4, canary_minutes=10, canary_percent=20))
    smtp_server.recorder.body_answers = ["554 5.7.1 looks like spam"] * 2
    send(engine, press, edition_id, smtp_server)
    later = FixedClock(NOW + timedelta(minutes=10))
    report = send(engine, press, edition_id, smtp_server, clock=later)
    assert "2 of the first 4 were refused, more than 20 %" in report.trouble
    assert status(engine, edition_id) is EditionStatus.PAUSED
    with reading(engine) as connection:
        assert canary.look(connection, edition_id).state == canary.FAILED
    editions_admin.resume(engine, edition_id, now=later.now(), actor=ADMIN)
    assert send(engine, press, edition_id, smtp_server, clock=later).is_finished
    assert balance(engine, edition_id).accepted == 6


def test_two_senders_never_take_the_same_share(engine: Engine) -> None:
    shares = []
    for _ in range(5):
        with writing(engine) as connection:
            shares.append(senders.take_allowance(connection, "x", "2026-11-23", limit=25, wanted=10))
    assert shares == [10, 10, 5, 0, 0]
