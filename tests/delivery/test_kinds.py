"""Channels declare their own options: what a table of the settings file may say, by kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digest.delivery.channels import folder, smtp
from digest.delivery.channels.kinds import KINDS, make_channel, options_of
from digest.errors import Invalid
from digest.model.setting import settings_of


def faults(**table: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        options_of(table)
    return [(each.field, each.text) for each in refused.value.faults]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_had_with_nothing_but_its_name(kind: str) -> None:
    options = options_of({"kind": kind})
    assert (options.kind, options.name) == (kind, kind)
    channel = make_channel(options)
    assert channel.name == kind
    assert channel.connections >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_each_key_says_what_it_is_for_or_has_a_name_that_does(kind: str) -> None:
    obvious = {"port", "username", "password", "connections", "messages_per_connection", "seconds_per_connection"}
    assert all(each.help for each in settings_of(KINDS[kind].Options) if each.name not in obvious)


def test_a_table_becomes_the_options_of_its_kind() -> None:
    found = options_of({"kind": "folder", "path": "mails", "limits": ["5000 per hour"]})
    assert found == folder.Options(path="mails", limits=("5000/hour",))
    assert options_of({"port": 25, "security": "none"}) == smtp.Options(port=25, security="none")


def test_a_key_of_another_kind_says_nothing() -> None:
    assert options_of({"kind": "folder", "host": "mail.example.org", "port": 25}) == folder.Options()


def test_everything_that_is_wrong_with_a_table_is_said_at_once() -> None:
    assert faults(hots="x", port="many", security="some", verify=7) == [
        ("hots", "unknown key; did you mean host?"),
        ("port", "'many' is no whole number from 1 to 65535"),
        ("security", "'some'; there are: tls, starttls, none"),
        ("verify", "7 is neither true nor false"),
    ]
    assert faults(kind="pigeon") == [("kind", "'pigeon'; there are: smtp, folder")]


def test_what_may_not_be_together_is_a_fault_of_the_table() -> None:
    [(field, text)] = faults(host="mail.example.org", username="u", password="p", security="none")
    assert (field, "in the clear" in text) == ("", True)


def test_no_fault_repeats_a_secret() -> None:
    assert "0pen" not in str(faults(password=["0pen-sesame"]))


def test_where_secrets_stand_is_known(tmp_path: Path) -> None:
    beside = options_of({"username": "u", "password": "p", "password_file": str(tmp_path / "secret")})
    assert beside.secret_files == {"password": tmp_path / "secret"}
    assert beside.inline_secrets == []
    assert options_of({"username": "u", "password": "p"}).inline_secrets == ["password"]
    assert "0pen" not in repr(options_of({"password": "0pen"}))


def test_what_lets_others_read_along_is_said() -> None:
    assert [stands.partition(":")[0] for stands, _ in smtp.Options(verify=False, insecure_login=True).list_risks()] == [
        "verify = false",
        "insecure_login = true",
    ]
    assert list(folder.Options().list_risks()) == []
