"""From a due newsletter to the inboxes, on both databases, through a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import time
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import Connection, Engine, func, insert, select

from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.db.tables import batch, secret, subscriber, subscription
from digest.delivery.store import counts
from digest.delivery.store import rows as delivery_store
from digest.delivery.store.batches import lease, release, settle_interrupted
from digest.delivery.store.plan import plan_next_range
from digest.editions.store import editions as edition_store
from digest.editions.store import transitions
from digest.errors import Refused
from digest.flows import dispatch, publish
from digest.flows.admin import editions as editions_admin
from digest.flows.dispatch import DispatchReport
from digest.flows.publish import Built, Press
from digest.model.actor import SENDER
from digest.model.delivery import Balance, DeliveryStatus
from digest.model.edition import EditionId, EditionStatus
from tests.site import ADMIN, NOW, SmtpServer, add_articles, add_newsletter, add_readers, leave_url


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
        return counts.balance(connection, edition_id)


def status(engine: Engine, edition_id: int) -> EditionStatus | None:
    with reading(engine) as connection:
        return edition_store.find_status(connection, edition_id)


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
        assert len(counts.list_attempts(connection, edition_id, 1)) == 3


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
        reasons = {reason for _, reason, _ in counts.reasons(counts.count(connection, edition_id))}
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
        batch_id = lease(connection, edition_id, owner="killed", now=NOW, hold=timedelta(seconds=60))
        delivery_store.mark_attempting(connection, edition_id, [1, 2], owner="killed", now=NOW)
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
    editions_admin.pause(engine, edition_id, now=NOW, actor=ADMIN)
    assert send(engine, press, edition_id, smtp_server.channel()).accepted == 0
    editions_admin.resume(engine, edition_id, now=NOW, actor=ADMIN)
    assert send(engine, press, edition_id, smtp_server.channel()).accepted == 5


def test_a_cancelled_edition_cancels_what_was_not_tried(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    assert editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN) == 5
    assert balance(engine, edition_id) == Balance(planned=5, cancelled=5)
    with pytest.raises(Refused, match="nothing to cancel"):
        editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN)


def test_cancelling_does_not_wait_for_rows_that_a_sender_writes(engine: Engine, press: Press) -> None:
    """The sender has one row and wants the next; who cancelled held that and wanted the first: a deadlock."""
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        lease(connection, edition_id, owner="sender", now=NOW, hold=timedelta(seconds=60))
    cancelled: list[int] = []
    admin = Thread(target=lambda: cancelled.append(editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN)))
    with writing(engine) as connection:
        assert delivery_store.mark_attempting(connection, edition_id, [5], owner="sender", now=NOW) == {5}
        admin.start()
        time.sleep(0.3)
        delivery_store.mark_attempting(connection, edition_id, [1, 2], owner="sender", now=NOW)
    admin.join(timeout=20)
    with reading(engine) as connection:
        found = counts.balance(connection, edition_id)
    assert cancelled == [found.cancelled]
    assert found.cancelled + found.attempting == 5
    assert found.attempting >= 1


def test_rows_cancelled_while_their_batch_is_given_back_are_counted(engine: Engine, press: Press) -> None:
    """The sender has counted its batch and not committed yet; who cancels must not leave that count behind."""
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        batch_id = lease(connection, edition_id, owner="sender", now=NOW, hold=timedelta(seconds=60))
    assert batch_id is not None
    admin = Thread(target=lambda: editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN))
    with writing(engine) as connection:
        release(connection, [batch_id], owner="sender", now=NOW)
        admin.start()
        time.sleep(0.3)
    admin.join(timeout=20)
    with reading(engine) as connection:
        assert counts.balance(connection, edition_id) == Balance(planned=5, cancelled=5)
        assert counts.count(connection, edition_id) == counts.recount(connection, edition_id)


def test_a_cancel_that_was_killed_in_the_middle_is_finished_by_the_next(engine: Engine, press: Press) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        transitions.move(connection, edition_id, "cancel", actor=ADMIN, now=NOW)
    assert editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN) == 5
    assert balance(engine, edition_id) == Balance(planned=5, cancelled=5)


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
        found = counts.recount(connection, edition_id)
    assert {status: number for (status, _), number in found.items()} == {
        DeliveryStatus.ACCEPTED: 25,
        DeliveryStatus.DEFERRED: 3,
        DeliveryStatus.REJECTED: 2,
    }


def test_p3_articles_of_a_cancelled_edition_that_somebody_has_are_not_given_again(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    smtp_server.recorder.answers = {"reader3@example.org": ["451 4.7.1 later"]}
    send(engine, press, edition_id, smtp_server.channel())
    editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN)
    (report,) = publish.build_due(engine, press, now=NOW + timedelta(days=7))
    assert report.result is Built.EMPTY


def test_articles_of_an_edition_that_was_cancelled_before_anybody_had_it_are_free_again(
    engine: Engine, press: Press
) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN)
    (report,) = publish.build_due(engine, press, now=NOW + timedelta(days=7))
    assert (report.result, report.items) == (Built.APPROVED, 3)


def test_a_template_that_would_lose_articles_is_refused(engine: Engine, press: Press) -> None:
    """Story 1 leads with a picture in no edition here, so all are rows: a text part without rows shows none of them."""
    (press.template_folders[0] / "email" / "thin" / "body.txt").write_text("{{ reader.unsubscribe_url }}")
    add_readers(engine, add_newsletter(engine), 1)
    add_articles(engine, 3)
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.result is Built.DRAFT
    assert "body.txt of template 'thin' has no {% picks \"rows\" %}" in report.message


def test_the_tallies_of_batches_agree_with_their_rows(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=9)
    smtp_server.recorder.answers = {
        "reader2@example.org": ["550 5.1.1 no such user"],
        "reader4@example.org": ["451 4.7.1 later"],
    }
    dispatch.plan(engine, edition_id, now=NOW)
    with reading(engine) as connection:
        assert counts.count(connection, edition_id) == counts.recount(connection, edition_id)
    send(engine, press, edition_id, smtp_server.channel())
    with reading(engine) as connection:
        assert counts.count(connection, edition_id) == counts.recount(connection, edition_id)
    editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN)
    with reading(engine) as connection:
        assert counts.count(connection, edition_id) == counts.recount(connection, edition_id)
        assert counts.balance(connection, edition_id) == Balance(planned=9, accepted=7, rejected=1, cancelled=1)


def test_a_resend_gives_every_unknown_row_back_and_says_how_many(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        batch_id = lease(connection, edition_id, owner="killed", now=NOW, hold=timedelta(seconds=60))
        assert batch_id is not None
        delivery_store.mark_attempting(connection, edition_id, [1, 2], owner="killed", now=NOW)
        settle_interrupted(connection, batch_id, resends=False, now=NOW)
        release(connection, [batch_id], owner="killed", now=NOW)
    assert editions_admin.resolve(engine, edition_id, resend=True, now=NOW, actor=ADMIN) == 2
    assert send(engine, press, edition_id, smtp_server.channel()).accepted == 5


def test_whoever_pauses_after_the_plan_gets_nothing(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE subscription SET paused_until = '2027-01-01 00:00:00' WHERE id = 2")
        connection.exec_driver_sql("UPDATE subscription SET paused_until = '2026-01-01 00:00:00' WHERE id = 3")
    send(engine, press, edition_id, smtp_server.channel())
    assert balance(engine, edition_id) == Balance(planned=5, accepted=4, skipped=1)


def test_an_edition_that_was_paused_for_days_still_tries_a_reader_again(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    """The time for retries runs from a reader's own first try, not from the approval."""
    edition_id = build(engine, press, readers=2)
    smtp_server.recorder.answers = {"reader2@example.org": ["451 4.7.1 greylisted"]}
    late = FixedClock(NOW + timedelta(hours=50))
    first = send(engine, press, edition_id, smtp_server.channel(), clock=late)
    assert (first.accepted, first.deferred, first.rejected) == (1, 1, 0)


def test_a_clock_that_jumps_does_not_take_a_sender_s_own_batch_from_it(engine: Engine, press: Press) -> None:
    edition_id = build(engine, press)
    dispatch.plan(engine, edition_id, now=NOW)
    later, hold = NOW + timedelta(hours=1), timedelta(seconds=60)
    with writing(engine) as connection:
        assert lease(connection, edition_id, owner="we", now=NOW, hold=hold) is not None
        assert lease(connection, edition_id, owner="we", now=later, hold=hold) is None
        assert lease(connection, edition_id, owner="others", now=later, hold=hold) is not None


def test_a_server_that_refuses_the_content_of_all_pauses_the_edition(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=60)
    smtp_server.recorder.body_answers = ["554 5.7.1 this is spam"] * 60
    report = send(engine, press, edition_id, smtp_server.channel())
    assert "what the messages say is refused (answered 554 5.7.1 at body, for 20 readers in a row)" in report.trouble
    assert status(engine, edition_id) is EditionStatus.PAUSED
    assert balance(engine, edition_id) == Balance(planned=60, waiting=60)


def test_who_slept_while_another_planned_sent_and_finished_plans_nobody_more(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    """A plans a page and is stopped; B plans, sends, finishes; somebody joins; A goes on."""
    edition_id = build(engine, press, readers=5)

    def meanwhile(_: int) -> None:
        if status(engine, edition_id) is EditionStatus.SENDING:
            assert send(engine, press, edition_id, smtp_server.channel()).is_finished
            with writing(engine) as connection:
                newsletter_id = edition_store.get_edition(connection, edition_id).newsletter_id
                person = insert(subscriber).values(
                    address="late@example.org", address_key="late@example.org", attributes={}, created_at=NOW
                )
                subscriber_id = connection.execute(person.returning(subscriber.c.id)).scalar_one()
                connection.execute(
                    insert(subscription).values(
                        subscriber_id=subscriber_id,
                        newsletter_id=newsletter_id,
                        status="active",
                        preferences={},
                        joined_at=NOW,
                    )
                )

    dispatch.plan(engine, edition_id, now=NOW, batch_size=2, progress=meanwhile)
    assert status(engine, edition_id) is EditionStatus.SENT
    assert balance(engine, edition_id) == Balance(planned=5, accepted=5)


def test_a_plan_that_was_interrupted_balances_and_is_finished_later(engine: Engine, press: Press) -> None:
    edition_id = build(engine, press)
    with writing(engine) as connection:
        transitions.move(connection, edition_id, "plan", actor=SENDER, now=NOW)
        newsletter_id = edition_store.get_edition(connection, edition_id).newsletter_id
        plan_next_range(connection, edition_id, newsletter_id, after=0, now=NOW)
    assert balance(engine, edition_id).is_balanced
    assert dispatch.plan(engine, edition_id, now=NOW) == 5
    assert balance(engine, edition_id) == Balance(planned=5, waiting=5)


def test_what_is_written_beside_a_batch_is_there_exactly_if_the_batch_is(engine: Engine, press: Press) -> None:
    edition_id = build(engine, press, readers=10)
    seen: list[int] = []

    def on_batch(connection: Connection, of: EditionId) -> None:
        assert of == edition_id
        if len(seen) == 2:
            raise ZeroDivisionError
        seen.append(connection.execute(select(func.count()).select_from(batch)).scalar_one())
        connection.execute(insert(secret).values(name=f"job {len(seen)}", value="", created_at=NOW))

    def rows() -> tuple[int, int]:
        with reading(engine) as connection:
            jobs = connection.execute(select(func.count()).where(secret.c.name.startswith("job"))).scalar_one()
            return jobs, connection.execute(select(func.count()).select_from(batch)).scalar_one()

    with pytest.raises(ZeroDivisionError):
        dispatch.plan(engine, edition_id, now=NOW, batch_size=3, on_batch=on_batch)
    assert (seen, rows()) == ([1, 2], (2, 2))
    seen[:] = []
    assert dispatch.plan(engine, edition_id, now=NOW, batch_size=3, on_batch=lambda _, of: seen.append(of)) == 10
    assert set(seen) == {edition_id}
    assert rows() == (2, 4)
