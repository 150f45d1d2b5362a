"""From a due newsletter to the inboxes, on both databases, through a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.delivery import store as ledger
from digest.editions import store as editions
from digest.errors import Refused
from digest.flows import dispatch, publish
from digest.flows.dispatch import DispatchReport
from digest.flows.publish import Built, Press
from digest.model.delivery import Balance, DeliveryStatus
from digest.model.edition import EditionStatus
from tests.site import NOW, SmtpServer, add_articles, add_newsletter, add_readers, leave_url


def build(engine: Engine, press: Press, readers: int = 5, **newsletter: object) -> int:
    add_readers(engine, add_newsletter(engine, **newsletter), readers)
    add_articles(engine, 3)
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.edition_id is not None
    return report.edition_id


def send(
    engine: Engine, press: Press, edition_id: int, *channels: object, clock: FixedClock | None = None
) -> DispatchReport:
    dispatch.plan(engine, edition_id, now=(clock or FixedClock(NOW)).now())
    maker = publish.open_maker(engine, press, edition_id)
    return asyncio.run(dispatch.send(engine, maker, channels, clock=clock or FixedClock(NOW)))  # type: ignore[arg-type]


def balance(engine: Engine, edition_id: int) -> Balance:
    with reading(engine) as connection:
        return ledger.balance(connection, edition_id)


def status(engine: Engine, edition_id: int) -> EditionStatus | None:
    with reading(engine) as connection:
        return editions.find_status(connection, edition_id)


@pytest.mark.parametrize("pipelining", [True, False])
def test_every_reader_gets_the_edition_once(
    engine: Engine, press: Press, smtp_server: SmtpServer, pipelining: bool
) -> None:
    edition_id = build(engine, press, readers=25)
    report = send(engine, press, edition_id, smtp_server.channel(pipelining=pipelining, messages_per_connection=7))
    assert sorted(address for address, _ in smtp_server.recorder.accepted) == sorted(
        f"reader{number}@example.org" for number in range(1, 26)
    )
    assert report.is_finished
    assert balance(engine, edition_id) == Balance(planned=25, accepted=25)
    assert status(engine, edition_id) is EditionStatus.SENT


def test_a_message_carries_the_headers_of_a_list(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=1)
    send(engine, press, edition_id, smtp_server.channel())
    message = email.message_from_bytes(smtp_server.recorder.accepted[0][1], policy=email.policy.default)
    assert message["From"] == "The Harbour Post <news@harbourpost.example>"
    assert message["To"] == "Reader 0 <reader1@example.org>"
    assert message["Subject"] == "Story 1"
    assert message["List-Id"] == "The Harbour Post <harbour.harbourpost.example>"
    assert leave_url(1) in message["List-Unsubscribe"]
    assert "mailto:leave+" in message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"].endswith("@harbourpost.example>")


def test_a_second_run_in_the_same_period_builds_and_sends_nothing(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    send(engine, press, edition_id, smtp_server.channel())
    (report,) = publish.build_due(engine, press, now=NOW + timedelta(hours=3))
    assert report.result is Built.THERE
    assert dispatch.unfinished(engine) == []
    assert len(smtp_server.recorder.accepted) == 5


def test_a_week_without_news_makes_no_mail_and_says_so(engine: Engine, press: Press) -> None:
    add_readers(engine, add_newsletter(engine), 3)
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.result is Built.EMPTY
    assert report.message == "nothing new: no mail"


def test_one_refused_recipient_does_not_stop_the_others(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press)
    smtp_server.recorder.answers = {"reader2@example.org": ["550 5.1.1 no such user"]}
    send(engine, press, edition_id, smtp_server.channel())
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, rejected=1)


def test_a_greylisted_reader_is_tried_again_later_and_only_then(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    smtp_server.recorder.answers = {"reader3@example.org": ["451 4.7.1 greylisted"]}
    first = send(engine, press, edition_id, smtp_server.channel())
    assert (first.accepted, first.deferred, first.is_finished) == (4, 1, False)
    assert first.waiting_until is not None
    too_soon = send(engine, press, edition_id, smtp_server.channel(), clock=FixedClock(NOW + timedelta(minutes=1)))
    assert too_soon.accepted == 0
    later = send(engine, press, edition_id, smtp_server.channel(), clock=FixedClock(first.waiting_until))
    assert (later.accepted, later.is_finished) == (1, True)
    assert len(smtp_server.recorder.accepted) == 5


def test_retries_end_when_the_newsletter_says_so(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=1, retry_hours=1)
    smtp_server.recorder.answers = {"reader1@example.org": ["451 4.3.0 later"] * 9}
    clock = FixedClock(NOW)
    report = send(engine, press, edition_id, smtp_server.channel(), clock=clock)
    while report.waiting_until is not None:
        clock.at = report.waiting_until
        report = send(engine, press, edition_id, smtp_server.channel(), clock=clock)
    assert balance(engine, edition_id) == Balance(planned=1, rejected=1)
    with reading(engine) as connection:
        assert len(ledger.list_attempts(connection, edition_id, 1)) == 3


def test_whoever_leaves_after_the_plan_gets_nothing(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE subscription SET status = 'left' WHERE id = 2")
    send(engine, press, edition_id, smtp_server.channel())
    assert "reader2@example.org" not in [address for address, _ in smtp_server.recorder.accepted]
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, skipped=1)


def test_suppressed_and_paused_readers_are_skipped_with_their_reason(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO suppression (address_key, reason, since_at) "
            "VALUES ('reader1@example.org', 'complaint', '2026-01-01 00:00:00')"
        )
        connection.exec_driver_sql("UPDATE subscription SET paused_until = '2027-01-01 00:00:00' WHERE id = 4")
    send(engine, press, edition_id, smtp_server.channel())
    assert balance(engine, edition_id) == Balance(planned=5, accepted=3, skipped=2)
    with reading(engine) as connection:
        reasons = {reason for _, reason, _ in ledger.count_reasons(connection, edition_id)}
    assert reasons == {"suppressed: complaint", "paused by the reader"}


def test_a_server_that_is_down_loses_nothing(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press)
    dead = smtp_server.channel(port=1)
    report = send(engine, press, edition_id, dead)
    assert "cannot be used" in report.trouble
    assert balance(engine, edition_id) == Balance(planned=5, waiting=5)
    assert send(engine, press, edition_id, smtp_server.channel()).is_finished


def test_the_next_channel_takes_over_when_the_first_is_down(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    report = send(
        engine, press, edition_id, smtp_server.channel(port=1, name="first"), smtp_server.channel(name="second")
    )
    assert report.is_finished
    assert report.trouble == ""
    assert len(smtp_server.recorder.accepted) == 5


def test_rows_that_a_killed_sender_left_become_unknown_and_are_not_sent_again(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        batch_id = ledger.lease(connection, edition_id, owner="killed", now=NOW, hold=timedelta(seconds=60))
        ledger.mark_attempting(connection, [1, 2], now=NOW)
    assert batch_id is not None
    held = send(engine, press, edition_id, smtp_server.channel())
    assert (held.accepted, held.is_finished) == (0, False)
    taken_over = send(engine, press, edition_id, smtp_server.channel(), clock=FixedClock(NOW + timedelta(minutes=2)))
    assert taken_over.accepted == 3
    assert balance(engine, edition_id) == Balance(planned=5, accepted=3, unknown=2)


def test_a_paused_edition_sends_nothing_until_it_is_resumed(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    publish.pause(engine, edition_id, now=NOW, actor="test")
    assert send(engine, press, edition_id, smtp_server.channel()).accepted == 0
    publish.resume(engine, edition_id, now=NOW, actor="test")
    assert send(engine, press, edition_id, smtp_server.channel()).accepted == 5


def test_a_cancelled_edition_cancels_what_was_not_tried(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    assert publish.cancel(engine, edition_id, now=NOW, actor="test") == 5
    assert balance(engine, edition_id) == Balance(planned=5, cancelled=5)
    with pytest.raises(Refused, match="nothing to cancel"):
        publish.cancel(engine, edition_id, now=NOW, actor="test")


def test_a_late_run_waits_for_an_admin(engine: Engine, press: Press) -> None:
    add_readers(engine, add_newsletter(engine), 3)
    add_articles(engine, 3)
    (report,) = publish.build_due(engine, press, now=NOW + timedelta(hours=30))
    assert report.result is Built.DRAFT
    assert "late by more than 24 hours" in report.message


def test_a_template_that_fails_leaves_a_draft_that_says_where(engine: Engine, press: Press) -> None:
    add_readers(engine, add_newsletter(engine), 3)
    add_articles(engine, 3)
    (press.template_folders[0] / "email" / "thin" / "body.html").write_text("<p>\n{{ reader.name }\n</p>")
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.result is Built.DRAFT
    assert "body.html, line 2" in report.message


def test_an_article_is_in_one_edition_only(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press)
    send(engine, press, edition_id, smtp_server.channel())
    add_articles(engine, 2, start=NOW + timedelta(days=6), first=10)
    (report,) = publish.build_due(engine, press, now=NOW + timedelta(days=7))
    assert (report.result, report.items) == (Built.APPROVED, 2)


def test_two_senders_at_once_send_each_message_once(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=40)
    dispatch.plan(engine, edition_id, now=NOW)

    async def both() -> list[DispatchReport]:
        makers = [publish.open_maker(engine, press, edition_id) for _ in range(2)]
        return await asyncio.gather(
            *(dispatch.send(engine, maker, [smtp_server.channel()], clock=FixedClock(NOW)) for maker in makers)
        )

    reports = asyncio.run(both())
    assert sum(report.accepted for report in reports) == 40
    assert len(smtp_server.recorder.accepted) == 40


def test_nothing_is_left_marked_as_attempting(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=30)
    smtp_server.recorder.body_answers = ["451 4.3.0 later"] * 3 + ["554 5.7.1 no"] * 2
    send(engine, press, edition_id, smtp_server.channel())
    with reading(engine) as connection:
        counts = ledger.count_by_status(connection, edition_id)
    assert counts == {DeliveryStatus.ACCEPTED: 25, DeliveryStatus.DEFERRED: 3, DeliveryStatus.REJECTED: 2}
