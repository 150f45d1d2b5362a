"""Where readers' links lead, and the way back of a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.audience.links import BOUNCE, BOUNCE_NOTICE, CHOOSE, LEAVE, Links, path_of
from digest.audience.tokens import Keyring, Purpose

NOW = datetime(2026, 11, 23, 7, 0, 5, tzinfo=UTC)
KEYS = Keyring([b"k" * 32])
LINKS = Links(
    "https://example.org/newsletter",
    unsubscribe_mailbox="leave@example.org",
    return_path="bounce+{token}@Example.org",
    keyring=KEYS,
)


def test_links_lead_below_the_path_of_the_site() -> None:
    url, mailbox = LINKS.leaving(7)
    assert url == f"https://example.org/newsletter/u/{KEYS.sign(LEAVE, 7)}"
    assert mailbox == f"leave+{KEYS.sign(LEAVE, 7)}@example.org"
    assert LINKS.choosing(7, 3) == f"https://example.org/newsletter/c/{KEYS.sign(CHOOSE, 7, version=3)}"
    assert LINKS.web_view("KEY") == "https://example.org/newsletter/e/KEY"
    assert LINKS.images == "https://example.org/newsletter/i/"


def test_without_a_site_there_are_no_links() -> None:
    nothing = Links()
    assert (nothing.leaving(7), nothing.choosing(7, 0), nothing.web_view("KEY")) == (("", ""), "", "")
    by_mail = Links(unsubscribe_mailbox="leave@example.org", keyring=KEYS)
    assert by_mail.leaving(7) == ("", f"leave+{KEYS.sign(LEAVE, 7)}@example.org")


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("", ""),
        ("https://example.org", ""),
        ("https://example.org/a", "/a"),
        ("https://example.org/a/b%C3%9F", "/a/bß"),
    ],
)
def test_the_path_of_a_site_is_as_a_server_reads_it(base_url: str, path: str) -> None:
    assert path_of(base_url) == path


@given(st.sampled_from([BOUNCE, BOUNCE_NOTICE]), st.integers(0, 2**63 - 1))
def test_a_way_back_leads_back(purpose: Purpose, subject: int) -> None:
    address = LINKS.return_path(purpose, subject, now=NOW)
    assert len(address.partition("@")[0]) <= 64
    for spelled in (address, address.upper(), address.lower(), f" {address} "):
        assert LINKS.read_return_path(spelled, now=NOW + timedelta(days=29)) == (purpose, subject)


def test_a_way_back_ends_after_thirty_days() -> None:
    address = LINKS.return_path(BOUNCE, 7, now=NOW)
    assert LINKS.read_return_path(address, now=NOW + timedelta(days=30)) is None


def test_what_somebody_made_up_leads_nowhere() -> None:
    address = LINKS.return_path(BOUNCE, 7, now=NOW)
    token = address.partition("+")[2].partition("@")[0]
    foreign = Links(return_path="bounce+{token}@example.org", keyring=Keyring([b"x" * 32]))
    for made_up in (
        *("", "@", "bounce@example.org", "bounce+@example.org", "news@example.org", token),
        *(f"bounce+{token}@evil.example", f"bounce-{token}@example.org", f"bounce+{token}x@example.org"),
        f"bounce+{KEYS.sign(LEAVE, 7)}@example.org",
        foreign.return_path(BOUNCE, 7, now=NOW),
        "bounce+" + "a" * 10_000 + "@example.org",
    ):
        assert LINKS.read_return_path(made_up, now=NOW) is None
    assert Links(keyring=KEYS).read_return_path(address, now=NOW) is None
