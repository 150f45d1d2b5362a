"""A report finds its delivery: by the address that its message came from, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine

from digest.audience.links import BOUNCE, Links
from digest.audience.tokens import Keyring
from digest.db.engine import reading
from digest.delivery.store.returned import find_returned
from digest.delivery.store.rows import find_delivery
from digest.flows import dispatch
from digest.flows.publish import Press
from digest.model.delivery import DeliveryId
from tests.flows.test_dispatch import build, send
from tests.site import KEY, NOW, SmtpServer

LINKS = Links("https://digest.example.org", return_path="bounce+{token}@example.org", keyring=Keyring([KEY]))


def test_each_message_has_a_way_back_to_its_delivery(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, press, readers=5)
    send(engine, replace(press, links=LINKS), edition_id, smtp_server.channel())
    recorder = smtp_server.recorder
    assert len(recorder.accepted) == len(set(recorder.senders)) == 5
    for (address, _), sender in zip(recorder.accepted, recorder.senders, strict=True):
        purpose, number = LINKS.read_return_path(sender, now=NOW + timedelta(days=2)) or (None, 0)
        assert purpose is BOUNCE
        with reading(engine) as connection:
            found = find_returned(connection, DeliveryId(number))
            assert found is not None
            row = find_delivery(connection, edition_id, found.subscription_id)
        assert address == f"reader{found.subscription_id}@example.org"
        assert row is not None
        assert (row.id, found.edition_id, found.attempted_at) == (number, edition_id, row.attempted_at)


def test_without_the_setting_all_messages_come_from_the_newsletter(
    engine: Engine, press: Press, smtp_server: SmtpServer
) -> None:
    send(engine, press, build(engine, press, readers=3), smtp_server.channel())
    assert smtp_server.recorder.senders == ["news@harbourpost.example"] * 3


def test_nothing_comes_back_of_what_was_not_sent(engine: Engine, press: Press) -> None:
    edition_id = build(engine, press, readers=1)
    dispatch.plan(engine, edition_id, now=NOW)
    with reading(engine) as connection:
        row = find_delivery(connection, edition_id, 1)
        assert row is not None
        assert find_returned(connection, row.id) is None
        assert find_returned(connection, DeliveryId(99)) is None
