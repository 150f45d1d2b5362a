"""A refusal of us costs no reader the edition (promise P12): at every stage, with one channel and with two."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from digest.clock import FixedClock
from digest.db.engine import make_engine, reading, writing
from digest.db.tables import delivery, subscriber, subscription
from digest.db.tables import edition as edition_table
from digest.delivery.store import counts
from digest.demo.catcher import SmtpThread
from digest.editions.store import editions as edition_store
from digest.flows import publish
from digest.flows.admin import editions as editions_admin
from digest.flows.publish import Press
from digest.model.delivery import Balance
from digest.model.edition import EditionStatus
from tests.flows.test_dispatch import balance, build, send, status
from tests.site import ADMIN, NOW, Recorder, SmtpServer, add_newsletter


class Server(Recorder):
    """rcpt, body: an answer to everybody, or to those whose address has a word in it."""

    def __init__(self, rcpt: dict[str, str] | None = None, body: dict[str, str] | None = None) -> None:
        super().__init__()
        self.rcpt, self.body = rcpt or {}, body or {}
        self.asked = 0

    async def handle_RCPT(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]
        self.asked += 1
        for word, answer in self.rcpt.items():
            if word in address:
                return answer.replace("READER", address)
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]
        for word, answer in self.body.items():
            if word in envelope.rcpt_tos[0]:
                return answer
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
def started() -> Iterator[list[SmtpThread]]:
    threads: list[SmtpThread] = []
    yield threads
    for thread in threads:
        thread.__exit__(None, None, None)


def start(
    started: list[SmtpThread], rcpt: dict[str, str] | None = None, body: dict[str, str] | None = None
) -> SmtpServer:
    server = Server(rcpt, body)
    started.append(SmtpThread(server).__enter__())
    return SmtpServer(server, started[-1].port)


def spread(engine: Engine) -> None:
    """Readers of several domains: example.org, and three others."""
    with writing(engine) as connection:
        for id_ in connection.execute(select(subscriber.c.id)).scalars().all():
            if id_ % 4:
                address = f"reader{id_}@place{id_ % 4}.example"
                connection.execute(
                    update(subscriber).where(subscriber.c.id == id_).values(address=address, address_key=address)
                )


def reader_of(engine: Engine, number: int) -> str:
    with reading(engine) as connection:
        return str(
            connection.execute(
                select(delivery.c.status)
                .join(subscription, subscription.c.id == delivery.c.subscription_id)
                .where(subscription.c.subscriber_id == number)
            ).scalar_one()
        )


OF_US_AT_RCPT = [
    "553 5.7.1 <news@harbourpost.example>: Sender address rejected: not owned by user digest",
    "554 5.7.1 <READER>: Relay access denied",
    "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
    "504 5.5.2 <digest>: Helo command rejected: need fully-qualified hostname",
    "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.example",
    "550 5.7.1 go away",
    "550 no",
]
OF_US_AT_THE_BODY = [
    "554 Message rejected: Email address is not verified.",
    "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    "554 5.7.1 Message content rejected",
]
EVERYWHERE = [({"@": answer}, {}) for answer in OF_US_AT_RCPT] + [({}, {"@": answer}) for answer in OF_US_AT_THE_BODY]


@pytest.mark.parametrize("readers", [3, 40])
@pytest.mark.parametrize(("rcpt", "body"), EVERYWHERE, ids=lambda value: " ".join(value.values())[:50])
def test_who_is_refused_for_what_we_are_waits_and_gets_it_when_that_is_mended(
    rcpt: dict[str, str],
    body: dict[str, str],
    readers: int,
    engine: Engine,
    press: Press,
    smtp_server: SmtpServer,
    started: list[SmtpThread],
) -> None:
    edition_id = build(engine, press, readers=readers)
    spread(engine)
    bad = start(started, rcpt, body)
    report = send(engine, press, edition_id, bad.channel())
    assert "refuses us, not the readers" in report.trouble
    assert (report.accepted, report.rejected, report.is_finished) == (0, 0, False)
    assert balance(engine, edition_id) == Balance(planned=readers, waiting=readers)
    assert status(engine, edition_id) is EditionStatus.PAUSED
    assert bad.recorder.asked <= 12  # type: ignore[attr-defined]
    editions_admin.resume(engine, edition_id, now=NOW, actor=ADMIN)
    after = FixedClock(NOW + timedelta(days=5))  # nobody's time for retries has run since the refusal
    assert send(engine, press, edition_id, smtp_server.channel(), clock=after).is_finished
    assert balance(engine, edition_id) == Balance(planned=readers, accepted=readers)
    assert len({address for address, _ in smtp_server.recorder.accepted}) == readers


@pytest.mark.parametrize(("rcpt", "body"), EVERYWHERE[::2], ids=lambda value: " ".join(value.values())[:50])
def test_the_next_channel_is_asked(
    rcpt: dict[str, str],
    body: dict[str, str],
    engine: Engine,
    press: Press,
    smtp_server: SmtpServer,
    started: list[SmtpThread],
) -> None:
    edition_id = build(engine, press, readers=30)
    spread(engine)
    bad = start(started, rcpt, body)
    report = send(engine, press, edition_id, bad.channel(name="first"), smtp_server.channel(name="second"))
    assert (report.accepted, report.trouble, report.is_finished) == (30, "", True)
    assert balance(engine, edition_id) == Balance(planned=30, accepted=30)


def test_all_readers_in_one_domain_are_no_less_safe(engine: Engine, press: Press, started: list[SmtpThread]) -> None:
    edition_id = build(engine, press, readers=60)
    send(engine, press, edition_id, start(started, {"@": "550 5.7.1 no"}).channel())
    assert balance(engine, edition_id) == Balance(planned=60, waiting=60)


@pytest.mark.parametrize(
    ("rcpt", "body"),
    [
        ({"reader3@": "550 5.7.1 <READER>: Recipient address rejected: Access denied"}, {}),
        ({"reader3@": "550 no"}, {}),
        ({}, {"reader3@": "554 5.7.1 spam"}),
        ({"reader1@": "550 5.7.1 no", "reader30@": "550 5.7.1 no"}, {}),
    ],
    ids=str,
)
def test_what_one_address_alone_earns_stays_its_own(
    rcpt: dict[str, str], body: dict[str, str], engine: Engine, press: Press, started: list[SmtpThread]
) -> None:
    edition_id = build(engine, press, readers=30)
    spread(engine)
    refused = len(rcpt) + len(body)
    report = send(engine, press, edition_id, start(started, rcpt, body).channel())
    assert (report.accepted, report.rejected, report.trouble, report.is_finished) == (30 - refused, refused, "", True)
    assert balance(engine, edition_id) == Balance(planned=30, accepted=30 - refused, rejected=refused)
    with reading(engine) as connection:
        tries = counts.list_attempts(connection, edition_id, 3 if refused == 1 else 1)
    assert [str(each.verdict) for each in tries] == ["rejected"]


def test_a_run_ends_when_the_last_reader_is_the_one_that_is_refused(
    engine: Engine, press: Press, started: list[SmtpThread]
) -> None:
    """The refusal waits for others' answers, and the last of these is written only after it."""
    for number in range(5):
        name = f"n{number}"
        edition_id = build(engine, press, readers=3) if not number else again(engine, press, name)
        channel = start(started, {"reader3@": "550 5.7.1 no"}).channel(connections=1)
        report = send(engine, press, edition_id, channel)
        assert (report.accepted, report.rejected, report.is_finished) == (2, 1, True)


def again(engine: Engine, press: Press, name: str) -> int:
    """Another newsletter for the same readers."""
    other = add_newsletter(engine, name=name, title=name)
    with writing(engine) as connection:
        connection.execute(update(subscription).values(newsletter_id=other.id))
    (report,) = publish.build_due(engine, press, now=NOW, names=[name])
    assert report.edition_id is not None
    return report.edition_id


def test_one_reader_alone_whom_the_server_refuses_is_that_readers(
    engine: Engine, press: Press, started: list[SmtpThread]
) -> None:
    edition_id = build(engine, press, readers=1)
    assert send(engine, press, edition_id, start(started, {"@": "550 5.7.1 no"}).channel()).rejected == 1
    assert status(engine, edition_id) is EditionStatus.SENT


def test_dead_addresses_in_a_row_are_dead_addresses(engine: Engine, press: Press, started: list[SmtpThread]) -> None:
    edition_id = build(engine, press, readers=40)
    spread(engine)
    dead = {"place": "550 5.1.1 <READER>: Recipient address rejected: User unknown"}
    report = send(engine, press, edition_id, start(started, dead).channel())
    assert (report.accepted, report.rejected, report.trouble) == (10, 30, "")


def test_who_is_refused_for_us_while_others_are_taken_is_tried_again_later(
    engine: Engine, press: Press, started: list[SmtpThread]
) -> None:
    """A relay that takes mail for its own domain only."""
    edition_id = build(engine, press, readers=8)
    spread(engine)
    relay = start(started, {"place": "554 5.7.1 <READER>: Relay access denied"})
    first = send(engine, press, edition_id, relay.channel(connections=1))
    assert first.rejected == 0
    found = balance(engine, edition_id)
    assert (found.accepted, found.rejected, found.still_to_do) == (first.accepted, 0, 8 - first.accepted)


def test_what_is_put_off_for_ever_by_everybody_is_given_back(
    engine: Engine, press: Press, smtp_server: SmtpServer, started: list[SmtpThread]
) -> None:
    """A server that always says "later" does not work; its readers are not to blame when the time for retries is over."""
    edition_id = build(engine, press, readers=2, retry_hours=1)
    spread(engine)
    later = start(started, {"@": "451 4.3.0 later"})
    clock = FixedClock(NOW)
    report = send(engine, press, edition_id, later.channel(), clock=clock)
    while report.waiting_until is not None and not report.trouble:
        clock.at = report.waiting_until
        report = send(engine, press, edition_id, later.channel(), clock=clock)
    assert balance(engine, edition_id).rejected == 0
    assert status(engine, edition_id) is EditionStatus.PAUSED
    editions_admin.resume(engine, edition_id, now=clock.at, actor=ADMIN)
    assert send(
        engine, press, edition_id, smtp_server.channel(), clock=FixedClock(clock.at + timedelta(hours=9))
    ).is_finished
    assert balance(engine, edition_id) == Balance(planned=2, accepted=2)


class TwoConnections(Server):
    """Takes mail over two connections, and refuses any other by name."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer
        self.taken: list[object] = []

    async def handle_MAIL(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]
        if session.peer not in self.taken and len(self.taken) < 2:
            self.taken.append(session.peer)
        if session.peer not in self.taken:
            return self.answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):  # type: ignore[no-untyped-def]
        self.taken = [peer for peer in self.taken if peer != session.peer]
        return "221 bye"


@pytest.mark.parametrize(
    "answer",
    [
        "421 4.3.2 too many connections",
        "432 4.3.2 Concurrent connections limit exceeded",
        "450 4.7.0 too many connections",
    ],
)
def test_a_server_that_takes_few_connections_gets_few_and_everybody_is_served(
    answer: str, engine: Engine, press: Press, started: list[SmtpThread]
) -> None:
    edition_id = build(engine, press, readers=60)
    server = TwoConnections(answer)
    started.append(SmtpThread(server).__enter__())
    channel = SmtpServer(server, started[-1].port).channel(connections=6)
    report = send(engine, press, edition_id, channel)
    assert (report.accepted, report.deferred, report.trouble, report.is_finished) == (60, 0, "", True)


def test_what_holds_up_an_edition_is_kept_with_it_until_it_goes_on(
    engine: Engine, press: Press, smtp_server: SmtpServer, started: list[SmtpThread]
) -> None:
    edition_id = build(engine, press, readers=3)
    report = send(engine, press, edition_id, start(started, {"@": "454 4.7.0 Daily message quota exceeded"}).channel())
    assert "a limit of ours is used up" in report.trouble
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
    assert (edition.status, edition.hold_reason) == (EditionStatus.SENDING, report.trouble)
    send(engine, press, edition_id, smtp_server.channel(), clock=FixedClock(NOW + timedelta(hours=1)))
    with reading(engine) as connection:
        assert edition_store.get_edition(connection, edition_id).hold_reason == ""
    assert balance(engine, edition_id) == Balance(planned=3, accepted=3)


@pytest.mark.parametrize("readers", [5, 30])
def test_a_template_that_fails_for_everybody_skips_nobody(
    readers: int, engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, press, readers=readers)
    with writing(engine) as connection:
        frozen = dict(edition_store.get_frozen(connection, edition_id) or {})
        files = {**frozen["files"], "body.txt": "{{ reader.attributes.nothing.at.all }}"}
        connection.execute(update(edition_table).values(frozen={**frozen, "files": files}))
    report = send(engine, press, edition_id, smtp_server.channel())
    assert "copy after copy cannot be made" in report.trouble
    assert balance(engine, edition_id) == Balance(planned=readers, waiting=readers)


ANSWERS = [
    "250 2.1.5 OK",
    "550 5.1.1 <READER>: User unknown",
    "552 5.2.2 <READER>: mailbox full",
    "554 5.7.1 <READER>: Relay access denied",
    "553 5.7.1 Sender address rejected: not owned by user digest",
    "550 5.4.5 Daily user sending limit exceeded",
    "451 4.7.1 Greylisted",
    "454 4.7.0 Daily message quota exceeded",
    "550 5.7.1 policy",
]
NAMES_THE_READER = ("550 5.1.1", "552 5.2.2")


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_servers_answer_a_reader_is_accepted_untouched_or_refused_by_name(
    data: st.DataObject, press: Press, sqlite_schema: Path, tmp_path: Path
) -> None:
    """Whatever a first server says to whom: with a second one that takes all, only what names a reader is final."""
    engine = make_engine(f"sqlite:///{shutil.copy(sqlite_schema, tmp_path / f'{uuid.uuid4()}.sqlite')}")
    edition_id = build(engine, press, readers=12)
    spread(engine)
    said = {f"reader{number}@": data.draw(st.sampled_from(ANSWERS), label=str(number)) for number in range(1, 13)}
    refusing = {word: answer for word, answer in said.items() if not answer.startswith("250")}
    with SmtpThread(bad := Server(refusing)) as one, SmtpThread(good := Recorder()) as two:
        channels = [SmtpServer(bad, one.port).channel(name="a"), SmtpServer(good, two.port).channel(name="b")]
        send(engine, press, edition_id, *channels)
        accepted = [address for address, _ in (*bad.accepted, *good.accepted)]
    assert len(accepted) == len(set(accepted))
    rejected = [number for number in range(1, 13) if reader_of(engine, number) == "rejected"]
    named = {number for number in rejected if said[f"reader{number}@"].startswith(NAMES_THE_READER)}
    alone = [said[f"reader{number}@"] for number in rejected if number not in named]
    assert set(alone) <= {"550 5.7.1 policy"}
    if alone:  # its own only because the same server took others
        assert bad.accepted
    found = balance(engine, edition_id)
    assert found.is_balanced
    assert (found.accepted, found.unknown) == (len(accepted), 0)
    engine.dispose()
