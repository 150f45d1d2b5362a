"""Keys are replaced without a link in a mail that ends, and ended without one that was meant to go on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.audience.links import CONFIRM, LEAVE
from digest.audit import Filters, Noun, list_entries
from digest.db.engine import reading
from digest.errors import NotFound, Refused
from digest.flows import keys
from tests.command import Command
from tests.site import ADMIN, NOW

LATER = NOW + timedelta(days=2)
CONFIGURED = (b"a key of the settings, 32 characters", b"one that was there before it, as long")


def test_the_first_key_is_made_once(engine: Engine) -> None:
    assert keys.list_keys(engine, ()) == []
    first = keys.open_keyring(engine, (), now=NOW)
    assert keys.open_keyring(engine, (), now=LATER).keys == first.keys
    (found,) = keys.list_keys(engine, ())
    assert (found.name, found.origin, found.made_at, found.signs) == ("token_key", "database", NOW, True)


def test_a_key_of_the_settings_signs_and_the_one_of_the_database_holds_on(engine: Engine) -> None:
    token = keys.open_keyring(engine, (), now=NOW).sign(LEAVE, 7)
    both = keys.open_keyring(engine, CONFIGURED, now=NOW)
    assert both.keys[:2] == CONFIGURED
    assert both.read(LEAVE, token, now=NOW) is not None
    names = [each.name for each in keys.list_keys(engine, CONFIGURED)]
    assert names == ["web.token_key", "web.old_token_keys[0]", "token_key"]


def test_after_a_rotation_links_to_leave_work_and_links_to_confirm_do_not(engine: Engine) -> None:
    before = keys.open_keyring(engine, (), now=NOW)
    leave, confirm = before.sign(LEAVE, 7), before.sign(CONFIRM, 7, now=NOW)
    assert keys.rotate(engine, (), actor=ADMIN, now=NOW).name == "token_key.2"
    assert keys.rotate(engine, (), actor=ADMIN, now=LATER).name == "token_key.3"
    after = keys.open_keyring(engine, (), now=LATER)
    assert after.sign(LEAVE, 7) != leave
    assert after.read(LEAVE, leave, now=LATER) is not None
    assert after.read(CONFIRM, confirm, now=LATER) is None
    signs = {each.name: each.signs for each in keys.list_keys(engine, ())}
    assert signs == {"token_key.3": True, "token_key.2": False, "token_key": False}


def test_the_tenth_key_is_newer_than_the_ninth(engine: Engine) -> None:
    for number in range(11):
        keys.rotate(engine, (), actor=ADMIN, now=NOW + timedelta(days=number))
    assert [each.name for each in keys.list_keys(engine, ())][:3] == ["token_key.11", "token_key.10", "token_key.9"]


def test_a_message_is_made_again_with_the_key_of_its_day(engine: Engine) -> None:
    then = keys.open_keyring(engine, (), now=NOW)
    keys.rotate(engine, (), actor=ADMIN, now=LATER)
    assert keys.open_keyring(engine, (), now=LATER, at=NOW).sign(LEAVE, 7) == then.sign(LEAVE, 7)
    assert keys.open_keyring(engine, (), now=LATER, at=LATER).sign(LEAVE, 7) != then.sign(LEAVE, 7)


def test_a_key_that_was_retired_opens_nothing(engine: Engine) -> None:
    leave = keys.open_keyring(engine, (), now=NOW).sign(LEAVE, 7)
    keys.rotate(engine, (), actor=ADMIN, now=NOW)
    keys.retire(engine, (), "token_key", actor=ADMIN, now=LATER)
    assert keys.open_keyring(engine, (), now=LATER).read(LEAVE, leave, now=LATER) is None
    assert [each.name for each in keys.list_keys(engine, ())] == ["token_key.2"]


def test_the_next_key_bears_no_name_that_one_had(engine: Engine) -> None:
    for at in (NOW, LATER):
        keys.rotate(engine, (), actor=ADMIN, now=at)
    keys.retire(engine, (), "token_key", actor=ADMIN, now=LATER, at_once=True)
    assert keys.rotate(engine, (), actor=ADMIN, now=LATER).name == "token_key.3"


@pytest.mark.parametrize(
    ("name", "configured", "refusal", "why"),
    [
        ("token_key.2", (), Refused, "signs"),
        ("token_key", (), Refused, "less than a day"),
        ("web.token_key", CONFIGURED, Refused, "take it out there"),
        ("token_key.9", (), NotFound, "no key"),
        ("message_key", (), NotFound, "no key"),
    ],
)
def test_a_key_that_is_needed_is_not_retired(
    engine: Engine, name: str, configured: tuple[bytes, ...], refusal: type[Exception], why: str
) -> None:
    keys.open_keyring(engine, (), now=NOW)
    keys.rotate(engine, (), actor=ADMIN, now=NOW + timedelta(seconds=1))
    before = keys.list_keys(engine, configured)
    with pytest.raises(refusal, match=why):
        keys.retire(engine, configured, name, actor=ADMIN, now=NOW + timedelta(hours=1))
    assert keys.list_keys(engine, configured) == before


def test_a_key_that_somebody_else_has_ends_at_once(engine: Engine) -> None:
    keys.open_keyring(engine, (), now=NOW)
    keys.rotate(engine, (), actor=ADMIN, now=NOW + timedelta(seconds=1))
    keys.retire(engine, (), "token_key", actor=ADMIN, now=NOW + timedelta(seconds=2), at_once=True)
    assert [each.name for each in keys.list_keys(engine, ())] == ["token_key.2"]


def test_a_key_of_the_settings_is_replaced_in_the_settings(engine: Engine) -> None:
    with pytest.raises(Refused, match=r"web\.old_token_keys"):
        keys.rotate(engine, CONFIGURED, actor=ADMIN, now=NOW)


def test_no_secret_is_shown(engine: Engine) -> None:
    keyring = keys.open_keyring(engine, CONFIGURED, now=NOW)
    keys.rotate(engine, (), actor=ADMIN, now=NOW)
    shown = repr(keys.list_keys(engine, CONFIGURED)) + repr(keyring)
    own = keys.open_keyring(engine, (), now=NOW).keys
    assert not any(each.hex() in shown for each in own)
    assert not any(each.decode() in shown for each in CONFIGURED)


def test_who_replaced_a_key_and_who_ended_one_is_on_record(engine: Engine) -> None:
    keys.open_keyring(engine, (), now=NOW)
    keys.rotate(engine, (), actor=ADMIN, now=LATER)
    keys.retire(engine, (), "token_key", actor=ADMIN, now=LATER, at_once=True)
    with reading(engine) as connection:
        entries = list_entries(connection, Filters(noun=Noun.KEY))
    assert [(each.action, each.actor, each.detail) for each in entries] == [
        ("key.retire", ADMIN, {"name": "token_key"}),
        ("key.rotate", ADMIN, {"name": "token_key.2"}),
    ]


def test_keys_are_listed_replaced_and_ended_at_a_shell(tmp_path: Path) -> None:
    (tmp_path / "digest.toml").write_text(
        '[database]\nurl = "sqlite:///digest.db"\n[web]\npublic_url = "http://127.0.0.1:8025"\n'
    )
    digest = Command(tmp_path)
    digest("db", "upgrade")
    assert "no key yet" in digest("keys", "list")
    assert "token_key (" in digest("keys", "rotate")
    assert "token_key.2" in digest("keys", "rotate")
    assert [(each["name"], each["signs"]) for each in digest.json("keys", "list")] == [
        ("token_key.2", True),
        ("token_key", False),
    ]
    assert "less than a day" in digest("keys", "retire", "token_key", "--yes", code=5)
    assert "token_key is gone" in digest("keys", "retire", "token_key", "--yes", "--at-once")
    assert "--yes" in digest("keys", "retire", "token_key.2", code=2)
