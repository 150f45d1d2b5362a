"""Nobody can make or change a token, and one opens what it was made for, as long as it was made for."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from digest.audience.links import BOUNCE, CHOOSE, CONFIRM, LEAVE, LOGIN, PURPOSES
from digest.audience.store.spent import spend
from digest.audience.tokens import Claim, Keyring, Purpose
from digest.db.engine import reading, rehearsing, writing
from digest.db.tables import spent_token

NOW = datetime(2026, 11, 23, 7, 0, 5, tzinfo=UTC)
KEYS = Keyring([b"k" * 32])
NUMBERS = st.integers(0, 2**63 - 1)
ALL = st.sampled_from(list(PURPOSES.values()))


@given(ALL, NUMBERS, st.integers(0, 65_535))
def test_a_token_says_what_it_was_made_for(purpose: Purpose, subject: int, version: int) -> None:
    claim = KEYS.read(purpose, KEYS.sign(purpose, subject, version=version, now=NOW), now=NOW)
    assert claim is not None
    assert (claim.subject, claim.version) == (subject, version if purpose.is_versioned else 0)
    life = claim.expires_at and claim.expires_at - NOW
    assert life == purpose.life


@given(ALL, ALL, NUMBERS, st.integers(0, 65_535))
def test_a_token_of_one_purpose_opens_nothing_else(made: Purpose, asked: Purpose, subject: int, version: int) -> None:
    token = KEYS.sign(made, subject, version=version, now=NOW)
    assert (KEYS.read(asked, token, now=NOW) is not None) == (made is asked)


@pytest.mark.parametrize("purpose", [each for each in PURPOSES.values() if each.life], ids=lambda each: each.name)
def test_a_token_ends_with_its_life(purpose: Purpose) -> None:
    assert purpose.life is not None
    token = KEYS.sign(purpose, 7, now=NOW)
    assert KEYS.read(purpose, token, now=NOW + purpose.life - timedelta(seconds=1)) is not None
    assert KEYS.read(purpose, token, now=NOW + purpose.life) is None


@given(ALL, NUMBERS, st.data())
def test_a_token_with_anything_changed_is_none(purpose: Purpose, subject: int, data: st.DataObject) -> None:
    token = KEYS.sign(purpose, subject, now=NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AZaz059-_=.é\0"))
    changed = token[:at] + other + token[at + 1 :]
    if changed.lower() != token.lower() if purpose.is_mailbox else changed != token:
        assert KEYS.read(purpose, changed, now=NOW) is None
    for cut in (token[:-1], token[1:], token + "A", token + "=", "", token * 2):
        assert KEYS.read(purpose, cut, now=NOW) is None


@given(NUMBERS)
def test_a_token_for_a_mailbox_is_short_and_no_matter_of_case(subject: int) -> None:
    token = KEYS.sign(BOUNCE, subject, now=NOW)
    assert len(token) <= 39
    assert token.isascii()
    assert token.isalnum()
    assert KEYS.read(BOUNCE, token.upper(), now=NOW) == KEYS.read(BOUNCE, token, now=NOW) is not None


def test_a_purpose_that_expires_wants_to_know_when() -> None:
    with pytest.raises(ValueError, match="expires"):
        KEYS.sign(CONFIRM, 7)
    with pytest.raises(ValueError, match="more than a number"):
        KEYS.signer(CONFIRM)


@given(st.sampled_from([LEAVE, CHOOSE]), NUMBERS, st.integers(0, 65_535))
def test_the_quick_way_to_sign_is_the_same(purpose: Purpose, subject: int, version: int) -> None:
    assert KEYS.signer(purpose)(subject, version) == KEYS.sign(purpose, subject, version=version)


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=lambda each: each.name)
def test_after_a_key_was_replaced_only_what_may_outlive_it_holds(purpose: Purpose) -> None:
    old, new = b"o" * 32, b"n" * 32
    token = Keyring([old]).sign(purpose, 7, now=NOW)
    holds = Keyring([new, old]).read(purpose, token, now=NOW) is not None
    assert holds == purpose.outlives_key
    assert holds == (purpose not in (CONFIRM, LOGIN))
    assert Keyring([new]).read(purpose, token, now=NOW) is None


BEFORE = {  # made by the version that had one key for all purposes: they stand in mails that are out
    ("leave", 1): "60abKS6bRBs9OIM-35KNJwE",
    ("leave", 2): "NQAk06Lp2Vocib-Gtf5QIQI",
    ("leave", 256): "-_Okt1-QurpJCq1AIOJXMgEA",
    ("leave", 70_000): "dNUfl6M5HMVJFrjT9L6OEgERcA",
    ("leave", 2**40 + 5): "qvs4rjjl0hu4mXZ9B4IfjwEAAAAABQ",
    ("choose", 1): "o6oOahf3fHRp3mWCukwsFQE",
    ("choose", 70_000): "bJjosZ2-VOIJVjbBWjMC0gERcA",
    ("choose", 2**40 + 5): "iaw-QMBN2uFTasUocj0rDwEAAAAABQ",
}
BEFORE_WITH_A_KEY_OF_THE_SETTINGS = {
    ("leave", 255): "IjUtn7ZPvsx6MMgHBdnnev8",
    ("choose", 256): "HBX76RZtfn5nP-R8faUPfgEA",
}


def _old() -> Iterator[tuple[bytes, str, int, str]]:
    for key, tokens in (
        (b"k" * 32, BEFORE),
        (b"a-key-of-the-settings-0123456789abcdef", BEFORE_WITH_A_KEY_OF_THE_SETTINGS),
    ):
        for (name, subject), token in tokens.items():
            yield key, name, subject, token


@pytest.mark.parametrize(("key", "name", "subject", "token"), [*_old()])
def test_links_of_mails_that_are_out_go_on_working(key: bytes, name: str, subject: int, token: str) -> None:
    for keys in ([key], [b"n" * 32, key]):
        opens = {each.name for each in PURPOSES.values() if Keyring(keys).read(each, token, now=NOW)}
        assert opens == {name}
    claim = Keyring([key]).read(PURPOSES[name], token, now=NOW)
    assert claim is not None
    assert (claim.subject, claim.version) == (subject, 0)


def test_the_old_form_opens_nothing_that_is_new() -> None:
    raw = base64.urlsafe_b64decode(BEFORE["leave", 1] + "=")
    for purpose, behind in product(PURPOSES.values(), (b"", b"\0\0", b"\0" * 6)):
        token = base64.urlsafe_b64encode(raw[:16] + behind + raw[16:]).rstrip(b"=").decode()
        assert (KEYS.read(purpose, token, now=NOW) is not None) == (purpose is LEAVE and not behind)


# --- once -----------------------------------------------------------------------------------------------------------


def _claim(purpose: Purpose, subject: int, now: datetime = NOW) -> Claim:
    claim = KEYS.read(purpose, KEYS.sign(purpose, subject, now=now), now=now)
    assert claim is not None
    return claim


@pytest.mark.parametrize("purpose", [CONFIRM, LOGIN], ids=lambda each: each.name)
def test_a_token_that_opens_once_opens_once(engine: Engine, purpose: Purpose) -> None:
    with writing(engine) as connection:
        assert spend(connection, purpose, _claim(purpose, 7), now=NOW)
    with writing(engine) as connection:
        assert not spend(connection, purpose, _claim(purpose, 7), now=NOW)
        assert spend(connection, purpose, _claim(purpose, 8), now=NOW)


def test_a_use_that_is_taken_back_was_none(engine: Engine) -> None:
    with rehearsing(engine) as connection:
        assert spend(connection, CONFIRM, _claim(CONFIRM, 7), now=NOW)
    with writing(engine) as connection:
        assert spend(connection, CONFIRM, _claim(CONFIRM, 7), now=NOW)


def test_what_was_used_is_kept_until_it_is_over(engine: Engine) -> None:
    later = NOW + timedelta(days=8)
    for at, left in ((NOW, 1), (NOW + timedelta(days=1), 2), (later, 2)):
        with writing(engine) as connection:
            assert spend(connection, CONFIRM, _claim(CONFIRM, 7, at), now=at)
        with reading(engine) as connection:
            assert connection.execute(select(func.count()).select_from(spent_token)).scalar_one() == left


def test_a_link_that_may_be_used_again_is_not_used_up(engine: Engine) -> None:
    with writing(engine) as connection, pytest.raises(ValueError, match="not used up"):
        spend(connection, LEAVE, _claim(LEAVE, 7), now=NOW)
