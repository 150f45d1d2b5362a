"""A message that is no edition arrives, once, from the service sender, whatever happens to whoever sends it."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from digest.audience.links import BOUNCE_NOTICE, CONFIRM, Links
from digest.audience.store.subscribers import suppress
from digest.audience.tokens import Keyring
from digest.clock import FixedClock
from digest.db.engine import reading, writing
from digest.db.tables import notice as table
from digest.delivery.answer import judge
from digest.delivery.channels import Channel
from digest.delivery.channels.folder import FolderChannel
from digest.delivery.channels.folder import Options as FolderOptions
from digest.delivery.store import notices as ledger
from digest.delivery.throttle import Limit, Limits
from digest.errors import BadInput
from digest.flows import notices
from digest.flows.notices.maker import NoticeMaker
from digest.flows.notices.sender import HOLD, RETRY_HOURS, NoticeReport, NoticeSender
from digest.message.keys import make_key
from digest.message.sign import Signer
from digest.model.address import EmailAddress
from digest.model.delivery import Stage
from digest.model.notice import Notice, NoticeId, NoticeKind, NoticeStatus
from digest.model.subscriber import SuppressionReason
from digest.render.files import BUILT_IN
from tests.mails import html_of, links_of, parse_without_defects, text_of
from tests.site import ADMIN, KEY, NOW, SmtpServer, add_newsletter
from tests.verifier import verdicts

KEYS = Keyring([KEY])
LINKS = Links("https://digest.example.org", return_path="bounce+{token}@example.org", keyring=KEYS)
SERVICE = EmailAddress("service", "harbourpost.example")
MIRA = "mira@example.org"


def maker(engine: Engine, **values: object) -> NoticeMaker:
    defaults: dict[str, object] = {
        "engine": engine,
        "template_folders": [BUILT_IN],
        "links": lambda: LINKS,
        "message_key": KEY,
        "service_sender": SERVICE,
    }
    return NoticeMaker(**(defaults | values))  # type: ignore[arg-type]


def sender(
    engine: Engine,
    *channels: Channel,
    clock: FixedClock | None = None,
    limits: Limits | None = None,
    owner: str = "",
    **values: object,
) -> NoticeSender:
    clock, limits = clock or FixedClock(NOW), limits or Limits()
    return NoticeSender(engine, maker(engine, **values), channels, clock, limits, owner=owner)


def send(engine: Engine, *channels: Channel, at_hours: float = 0.0) -> NoticeReport:
    clock = FixedClock(NOW + timedelta(hours=at_hours))
    return sender(engine, *channels, clock=clock).send_due(threading.Event())


def ask(engine: Engine, address: str = MIRA, language: str = "en") -> NoticeId:
    return notices.ask_for_test(engine, address, language=language, actor=ADMIN, now=NOW)


def found(engine: Engine, notice_id: int = 1) -> Notice:
    return notices.get_notice(engine, NoticeId(notice_id))


# --- the message ----------------------------------------------------------------------------------------------------


def test_a_notice_comes_from_the_service_sender_and_belongs_to_no_list(engine: Engine, smtp_server: SmtpServer) -> None:
    key = make_key("harbourpost.example", "s1")
    add_newsletter(engine)
    asked = ask(engine)
    sender(engine, smtp_server.channel(), signer=Signer([key])).send_due(threading.Event())
    ((address, raw),) = smtp_server.recorder.accepted
    message = parse_without_defects(raw)
    assert address == message["To"] == MIRA
    assert message["From"] == "service@harbourpost.example"
    assert message["Subject"] == "A test message"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{32}@harbourpost\.example>", message["Message-ID"])
    assert not [name for name in message if name.startswith("List-") or name in ("Precedence", "Feedback-ID")]
    assert verdicts(raw, [key]) == [True]
    assert LINKS.read_return_path(smtp_server.recorder.senders[0], now=NOW) == (BOUNCE_NOTICE, asked)
    assert "There is nothing for you to do" in html_of(message)
    assert "There is nothing for you to do" in text_of(message).replace("\n", " ")


def confirm(engine: Engine, language: str = "en") -> NoticeId:
    newsletter = add_newsletter(engine, languages=("de", "es", "fr", "he"))
    with writing(engine) as connection:
        return ledger.add_notice(
            connection,
            NoticeKind.CONFIRM,
            EmailAddress.parse(MIRA),
            now=NOW,
            language=language,
            newsletter_id=newsletter.id,
            subject_id=7,
            link_version=3,
        )


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "Please confirm: The Harbour Post"),
        ("de", "Bitte bestätigen: The Harbour Post"),
        ("es", "Por favor, confirme: The Harbour Post"),
        ("fr", "Merci de confirmer : The Harbour Post"),
        ("he", "נא לאשר: The Harbour Post"),
        ("xx", "Please confirm: The Harbour Post"),
    ],
)
def test_a_request_to_confirm_speaks_its_readers_language_and_leads_to_one_page(
    language: str, subject: str, engine: Engine, smtp_server: SmtpServer
) -> None:
    confirm(engine, language)
    send(engine, smtp_server.channel(), at_hours=1)
    message = parse_without_defects(smtp_server.recorder.accepted[0][1])
    page = html_of(message)
    assert message["Subject"] == subject
    assert message["From"] == "The Harbour Post <service@harbourpost.example>"
    assert f'dir="{"rtl" if language == "he" else "ltr"}"' in page
    (link,) = links_of(page)
    assert link in text_of(message)
    claim = KEYS.read(CONFIRM, link.rpartition("/")[2], now=NOW + timedelta(days=6))
    assert claim is not None
    assert (claim.subject, claim.version, claim.expires_at) == (7, 3, NOW + timedelta(days=7))


def test_without_a_service_sender_the_newsletter_writes(engine: Engine, smtp_server: SmtpServer) -> None:
    add_newsletter(engine)
    ask(engine)
    sender(engine, smtp_server.channel(), service_sender=None).send_due(threading.Event())
    assert parse_without_defects(smtp_server.recorder.accepted[0][1])["From"] == "news@harbourpost.example"


def test_where_nobody_can_write_it_waits_and_says_why(engine: Engine, smtp_server: SmtpServer) -> None:
    ask(engine)
    sender(engine, smtp_server.channel(), service_sender=None).send_due(threading.Event())
    assert found(engine).status is NoticeStatus.DEFERRED
    assert "mail.service_sender" in found(engine).reason
    send(engine, smtp_server.channel(), at_hours=1)
    assert found(engine).status is NoticeStatus.ACCEPTED


def test_a_folder_keeps_notices_apart_from_editions(engine: Engine, tmp_path: Path) -> None:
    add_newsletter(engine)
    ask(engine)
    send(engine, FolderChannel(FolderOptions(path=str(tmp_path / "out"))))
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["notice-000000001.eml"]


def test_what_is_no_address_is_refused(engine: Engine) -> None:
    with pytest.raises(BadInput, match="no e-mail address"):
        ask(engine, "mira@example.org\r\nBcc: all@example.org")


# --- what becomes of it ---------------------------------------------------------------------------------------------


def test_a_notice_that_is_refused_for_now_is_tried_again_as_the_same_message(
    engine: Engine, smtp_server: SmtpServer
) -> None:
    add_newsletter(engine)
    ask(engine)
    smtp_server.recorder.body_answers = ["451 4.3.0 later"]
    send(engine, smtp_server.channel())
    first = found(engine)
    assert (first.status, first.attempts, first.code) == (NoticeStatus.DEFERRED, 1, 451)
    assert first.due_at is not None
    assert NOW + timedelta(minutes=5) <= first.due_at <= NOW + timedelta(minutes=6)
    send(engine, smtp_server.channel())
    assert found(engine) == first  # its time has not come
    send(engine, smtp_server.channel(), at_hours=1)
    assert (found(engine).status, found(engine).due_at) == (NoticeStatus.ACCEPTED, None)
    assert len(smtp_server.recorder.accepted) == 1


def test_all_tries_have_one_message_id(engine: Engine) -> None:
    add_newsletter(engine)
    ask(engine)
    made = [maker(engine).outgoing(found(engine), at=NOW + timedelta(hours=hour)).content for hour in (0, 5)]
    assert len({parse_without_defects(each)["Message-ID"] for each in made}) == 1
    assert len({parse_without_defects(each)["Date"] for each in made}) == 2


def test_after_a_day_it_is_given_up(engine: Engine, smtp_server: SmtpServer) -> None:
    add_newsletter(engine)
    ask(engine)
    hours = 0.0
    while found(engine).due_at is not None:
        smtp_server.recorder.answers[MIRA] = ["450 4.2.0 busy"]
        send(engine, smtp_server.channel(), at_hours=hours)
        hours += 0.5
    assert found(engine).status is NoticeStatus.REJECTED
    assert RETRY_HOURS - 5 <= hours <= RETRY_HOURS + 1
    assert smtp_server.recorder.accepted == []


@pytest.mark.parametrize("pipelining", [True, False])
def test_an_address_that_is_not_there_is_given_up_at_once(
    engine: Engine, smtp_server: SmtpServer, pipelining: bool
) -> None:
    add_newsletter(engine)
    ask(engine)
    ask(engine, "other@example.org")
    smtp_server.recorder.answers[MIRA] = ["550 5.1.1 no such user"]
    send(engine, smtp_server.channel(pipelining=pipelining))
    assert (found(engine).status, found(engine).enhanced) == (NoticeStatus.REJECTED, "5.1.1")
    assert found(engine, 2).status is NoticeStatus.ACCEPTED


def test_a_refusal_of_us_costs_nobody_a_notice(engine: Engine, smtp_server: SmtpServer) -> None:
    """The next channel is asked; where there is none, later (P12)."""
    add_newsletter(engine)
    for address in (MIRA, "other@example.org"):
        ask(engine, address)
        smtp_server.recorder.answers[address] = ["554 5.7.1 relay access denied"]
    first = smtp_server.channel(name="first")
    send(engine, first, smtp_server.channel(name="second"))
    assert found(engine).status is NoticeStatus.ACCEPTED
    assert found(engine).channel == "second"
    ask(engine, "third@example.org")
    smtp_server.recorder.answers["third@example.org"] = ["554 5.7.1 relay access denied"]
    send(engine, first)
    assert found(engine, 3).status is NoticeStatus.DEFERRED


def test_a_channel_that_is_away_costs_no_try(engine: Engine, smtp_server: SmtpServer) -> None:
    add_newsletter(engine)
    ask(engine)
    away = smtp_server.channel(name="away", port=1)
    report = send(engine, away)
    assert "cannot be used" in report.trouble
    assert (found(engine).status, found(engine).attempts) == (NoticeStatus.PLANNED, 0)
    assert send(engine, away, smtp_server.channel(name="there")).accepted == 1


def test_one_that_cannot_be_made_holds_up_no_other(engine: Engine, smtp_server: SmtpServer) -> None:
    """This one has nothing that could be confirmed."""
    add_newsletter(engine)
    with writing(engine) as connection:
        ledger.add_notice(connection, NoticeKind.CONFIRM, EmailAddress.parse(MIRA), now=NOW)
    ask(engine)
    send(engine, smtp_server.channel())
    assert (found(engine).status, found(engine, 2).status) == (NoticeStatus.DEFERRED, NoticeStatus.ACCEPTED)
    assert "cannot be made" in found(engine).reason


def test_a_suppressed_address_gets_none(engine: Engine, smtp_server: SmtpServer) -> None:
    add_newsletter(engine)
    ask(engine)
    ask(engine, "other@example.org")
    with writing(engine) as connection:
        suppress(connection, EmailAddress.parse(MIRA), SuppressionReason.COMPLAINT, now=NOW)
    send(engine, smtp_server.channel())
    assert (found(engine).status, found(engine).due_at) == (NoticeStatus.SKIPPED, None)
    assert [address for address, _ in smtp_server.recorder.accepted] == ["other@example.org"]


def test_limits_hold_for_notices_and_are_shared_with_editions(engine: Engine, smtp_server: SmtpServer) -> None:
    add_newsletter(engine)
    for number in range(3):
        ask(engine, f"reader{number}@example.org")
    clock = FixedClock(NOW)
    limits = Limits(domains={"example.org": [Limit(2, "day")]})
    busy = sender(engine, smtp_server.channel(), clock=clock, limits=limits)
    busy.send_due(threading.Event())
    assert len(smtp_server.recorder.accepted) == 2
    again = sender(engine, smtp_server.channel(), clock=clock, limits=limits)  # a process that starts anew
    again.send_due(threading.Event())
    assert len(smtp_server.recorder.accepted) == 2
    clock.at += timedelta(days=1)
    again.send_due(threading.Event())
    assert len(smtp_server.recorder.accepted) == 3


# --- crashes and company --------------------------------------------------------------------------------------------


def test_what_a_sender_left_that_died_is_unknown_and_not_sent_again(engine: Engine, smtp_server: SmtpServer) -> None:
    """It was marked, so its message may have gone out (P1); nothing that was not marked is lost (P2)."""
    add_newsletter(engine)
    for address in (MIRA, "other@example.org"):
        ask(engine, address)
    with writing(engine) as connection:
        first, _ = ledger.claim(connection, owner="dead", now=NOW, hold=HOLD, limit=9)
        assert ledger.mark_attempting(connection, first.id, owner="dead", now=NOW)
    assert send(engine, smtp_server.channel()).accepted == 0
    assert send(engine, smtp_server.channel(), at_hours=0.1).accepted == 1
    assert found(engine).status is NoticeStatus.UNKNOWN
    assert [address for address, _ in smtp_server.recorder.accepted] == ["other@example.org"]


def test_an_answer_that_comes_late_settles_what_was_unknown(engine: Engine) -> None:
    ask(engine)
    with writing(engine) as connection:
        (claimed,) = ledger.claim(connection, owner="slow", now=NOW, hold=HOLD, limit=9)
        ledger.mark_attempting(connection, claimed.id, owner="slow", now=NOW)
        later = NOW + 2 * HOLD
        assert ledger.claim(connection, owner="other", now=later, hold=HOLD, limit=9) == []
    assert found(engine).status is NoticeStatus.UNKNOWN
    slow = sender(engine, owner="slow")
    slow.record(claimed, "smtp", judge(Stage.BODY, 250, "2.0.0 ok"))
    assert (found(engine).status, found(engine).attempts) == (NoticeStatus.ACCEPTED, 1)


def test_a_mark_of_a_sender_that_lost_its_claim_is_refused(engine: Engine) -> None:
    ask(engine)
    with writing(engine) as connection:
        (claimed,) = ledger.claim(connection, owner="slow", now=NOW, hold=HOLD, limit=9)
        ledger.claim(connection, owner="other", now=NOW + 2 * HOLD, hold=HOLD, limit=9)
        assert not ledger.mark_attempting(connection, claimed.id, owner="slow", now=NOW + 2 * HOLD)
        assert ledger.mark_attempting(connection, claimed.id, owner="other", now=NOW + 2 * HOLD)


def test_several_senders_send_each_notice_once(engine: Engine, smtp_server: SmtpServer) -> None:
    add_newsletter(engine)
    wanted = [f"reader{number}@example.org" for number in range(60)]
    for address in wanted:
        ask(engine, address)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(send, engine, smtp_server.channel()) for _ in range(4)]:
            done.result()
    send(engine, smtp_server.channel())
    assert sorted(address for address, _ in smtp_server.recorder.accepted) == sorted(wanted)


def test_a_sender_that_is_told_to_stop_takes_nothing_new(engine: Engine, smtp_server: SmtpServer) -> None:
    add_newsletter(engine)
    ask(engine)
    stop = threading.Event()
    stop.set()
    sender(engine, smtp_server.channel()).send_due(stop)
    assert (found(engine).status, smtp_server.recorder.accepted) == (NoticeStatus.PLANNED, [])


# --- the record -----------------------------------------------------------------------------------------------------


def test_the_newest_notices_are_listed_first_a_page_at_a_time(engine: Engine) -> None:
    for number in range(5):
        ask(engine, f"reader{number}@example.org")
    assert [each.id for each in notices.list_notices(engine, limit=2)] == [5, 4]
    assert [each.id for each in notices.list_notices(engine, before_id=4, limit=9)] == [3, 2, 1]


def test_what_ended_long_ago_is_forgotten(engine: Engine, smtp_server: SmtpServer) -> None:
    """The row holds an address."""
    add_newsletter(engine)
    for address in (MIRA, "other@example.org"):
        ask(engine, address)
    smtp_server.recorder.answers["other@example.org"] = ["450 4.2.0 busy"]
    send(engine, smtp_server.channel())
    sender(engine, clock=FixedClock(NOW + timedelta(days=29))).prune()
    assert len(notices.list_notices(engine)) == 2
    sender(engine, clock=FixedClock(NOW + timedelta(days=31))).prune()
    assert [each.id for each in notices.list_notices(engine)] == [2]  # it waits yet


def test_those_that_failed_are_counted(engine: Engine) -> None:
    for number in range(5):
        ask(engine, f"reader{number}@example.org")
    states = ["accepted", "rejected", "unknown", "deferred", "planned"]
    with writing(engine) as connection:
        for number, status in enumerate(states, 1):
            over = {"due_at": None, "finished_at": NOW} if number < 4 else {}
            connection.execute(update(table).where(table.c.id == number).values(status=status, **over))
    with reading(engine) as connection:
        assert ledger.count_failed(connection, since=NOW - timedelta(days=7), now=NOW) == {"test": 3}
        late = NOW + timedelta(minutes=6)
        assert ledger.count_failed(connection, since=NOW - timedelta(days=7), now=late) == {"test": 4}
        assert ledger.count_failed(connection, since=late, now=NOW) == {"test": 1}
