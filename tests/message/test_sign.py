"""Signatures as receivers see them: an independent verifier takes what we sign, and nothing that was changed since."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache

import dkim.canonicalization
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.errors import MessageInvalid
from digest.message.encode import encode_piece
from digest.message.headers import date, header, mailbox, subject
from digest.message.keys import Key, load_key, make_key, pem_of
from digest.message.sign import SIGNED, Signer
from digest.model.address import EmailAddress, clean_line
from digest.model.newsletter import Newsletter
from digest.model.subscriber import Recipient, Subscriber, SubscriberId
from tests.mails import parse_without_defects
from tests.render.editions import BARE, FULL, HEBREW, MONDAY, NOTE, full_article, make_maker
from tests.verifier import tags, verdicts

RSA = make_key("harbourpost.example", "s2026")
EDWARDS = make_key("harbourpost.example", "e2026", ed25519=True)
KEYS = (RSA, EDWARDS)

SENDER = EmailAddress("news", "harbourpost.example")


def mail(
    newsletter: Newsletter = FULL,
    *,
    keys: Sequence[Key] = KEYS,
    title: str = "The ferry is back",
    name: str = "Mira",
    summary: str = "",
) -> bytes:
    """A real mail, of the built-in template and as it would be sent."""
    articles = [full_article(number) for number in range(1, 6)]
    articles[0] = full_article(1, title=title, summary=summary or f"About {title}.")
    maker = make_maker(newsletter, articles, note=NOTE, signer=Signer(keys))
    reader = Subscriber(id=SubscriberId(7), address=EmailAddress("mira", "example.org"), name=name)
    recipient = Recipient(subscription_id=7, subscriber=reader, joined_at=MONDAY - timedelta(days=200))
    return maker.message(recipient, at=MONDAY)


@cache
def signed_mail() -> bytes:
    """With everything that can be signed."""
    return mail(replace(FULL, reply_to=EmailAddress("editor", "harbourpost.example")))


# --- what is right ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["weekly", "plain"])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"title": HEBREW},
        {"title": "Trams 🚋🏳️‍🌈 and ferries ⛴️ for everybody in Port Alder, from Monday on 🎉"},
        {"title": "A subject that is so long that it has to be folded, " * 8},
        {"name": "Maximiliane Theodora von und zu Langenname " * 6},
        {"name": "נועה לוי"},
        {"summary": ".\n..\n.hidden\n\n\nFrom here   on \t two\t\ttabs  \n\n\n"},
    ],
    ids=["plain", "hebrew", "emoji", "long", "long name", "hebrew name", "dots and blanks"],
)
def test_a_mail_verifies_with_either_key(template: str, values: dict[str, str]) -> None:
    content = mail(replace(FULL, template=template), **values)
    assert verdicts(content, KEYS) == [True, True]
    parse_without_defects(content)


def test_the_rsa_signature_comes_first() -> None:
    content = mail(keys=[EDWARDS, RSA])
    assert [tags(content, index)["a"] for index in (0, 1)] == ["rsa-sha256", "ed25519-sha256"]
    assert [tags(content, index)["s"] for index in (0, 1)] == ["s2026", "e2026"]


def test_the_body_is_signed_as_a_whole_and_in_relaxed_form() -> None:
    found = tags(signed_mail())
    assert found["c"] == "relaxed/relaxed"
    assert "l" not in found
    assert found["t"] == str(int(MONDAY.timestamp()))


def test_every_header_that_matters_is_signed_and_may_not_come_twice() -> None:
    listed = Counter(tags(signed_mail())["h"].split(":"))
    assert set(listed) == {name.decode() for name in SIGNED}
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(listed)  # RFC 8058 §4
    assert {name for name, count in listed.items() if count == 2} == set(listed) - {"feedback-id", "auto-submitted"}


def test_the_same_copy_is_signed_with_the_same_bytes() -> None:
    assert mail() == mail()


def test_signatures_keep_to_the_width_of_a_line_and_go_in_front() -> None:
    head = signed_mail().partition(b"\r\nDate: ")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert re.findall(rb"^[\w-]+(?=:)", head, re.M) == [b"DKIM-Signature"] * 2


# --- what was changed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name.decode() for name in SIGNED])
def test_a_signed_header_that_is_changed_fails(name: str) -> None:
    changed, count = re.subn(rf"(?mi)^({name}: .*)".encode(), rb"\1x", signed_mail(), count=1)
    assert count == 1
    assert verdicts(changed, KEYS) == [False, False]


@pytest.mark.parametrize("name", [name.decode() for name in SIGNED])
def test_a_signed_header_that_is_taken_out_fails(name: str) -> None:
    changed, count = re.subn(rf"(?mi)^{name}: .*\r\n(?:[ \t].*\r\n)*".encode(), b"", signed_mail(), count=1)
    assert count == 1
    assert verdicts(changed, KEYS) == [False, False]


@pytest.mark.parametrize(
    "line", ["From: x@evil.example", "Subject: Win", "Reply-To: x@evil.example", "To: x@y.example"]
)
@pytest.mark.parametrize("newsletter", [FULL, BARE], ids=["full", "bare"])
def test_a_second_header_fails_wherever_it_is_put(line: str, newsletter: Newsletter) -> None:
    content = mail(newsletter)
    assert verdicts(content, KEYS) == [True, True]
    added = line.encode() + b"\r\n"
    assert verdicts(added + content, KEYS) == [False, False]
    assert verdicts(content.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1), KEYS) == [False, False]


def test_a_body_that_is_changed_or_longer_fails() -> None:
    assert verdicts(signed_mail() + b"Buy this\r\n", KEYS) == [False, False]
    assert verdicts(signed_mail().replace(b"The ferry", b"The fairy"), KEYS) == [False, False]
    head, _, body = signed_mail().partition(b"\r\n\r\n")
    assert b"ferry" in body
    assert verdicts(head + b"\r\n\r\n" + body.replace(b"ferry", b"fairy"), KEYS) == [False, False]


def test_what_a_relay_may_do_on_the_way_leaves_it_valid() -> None:
    """White space at the end of lines, empty lines at the end, headers folded anew, lines of its own on top."""
    head, _, body = signed_mail().partition(b"\r\n\r\n")
    head = head.replace(b"\r\nFrom: ", b"\r\nfrom:  \r\n\t")
    body = body.replace(b"\r\n", b" \r\n") + b"\r\n\r\n"
    relayed = b"Received: from a.example\r\n" + head + b"\r\n\r\n" + body
    assert verdicts(relayed, KEYS) == [True, True]


def test_a_signature_of_another_key_fails() -> None:
    assert verdicts(signed_mail(), [make_key("harbourpost.example", "s2026")]) == [False, False]


# --- which key --------------------------------------------------------------------------------------------------------


def test_every_key_of_the_sender_s_domain_and_of_those_above_signs() -> None:
    keys = [
        make_key(domain, selector, ed25519=True)
        for domain, selector in [
            ("news.example.org", "own"),
            ("example.org", "above"),
            ("example.org", "second"),
            ("ample.org", "other"),
            ("deep.news.example.org", "below"),
        ]
    ]
    content = mail(replace(FULL, sender=EmailAddress("post", "news.example.org")), keys=keys)
    assert [tags(content, index)["s"] for index in range(3)] == ["own", "above", "second"]
    assert verdicts(content, keys) == [True, True, True]


def test_without_a_key_for_the_sender_a_mail_stays_as_it_is() -> None:
    assert mail(keys=[make_key("example.org", "s", ed25519=True)]) == mail(keys=[])
    assert b"DKIM-Signature" not in mail(keys=[])


@pytest.mark.parametrize("lines", [b"", b"From: a@x.example\r\nFrom: b@x.example\r\n", b"From: nobody\r\n"])
def test_without_one_sender_nothing_is_signed(lines: bytes) -> None:
    with pytest.raises(MessageInvalid):
        Signer(KEYS).sign(b"Subject: x\r\n" + lines, b"x\r\n", MONDAY)


# --- for any header and body ------------------------------------------------------------------------------------------

BLANKS = st.text(alphabet="a.= \t\n\u00a0é", max_size=200)


@given(text=st.one_of(BLANKS, st.text(max_size=200)))
@example(text="  ")
@example(text=" " * 76)
@example(text="x" * 74 + "   y")
def test_a_piece_is_its_own_relaxed_form(text: str) -> None:
    encoded = encode_piece(text)
    assert not re.search(rb"\t|  | \r", encoded)
    closed = encoded + b"--end--\r\n"
    assert dkim.canonicalization.Relaxed.canonicalize_body(closed) == closed


@given(pieces=st.lists(st.one_of(BLANKS, st.text(max_size=100)), max_size=6), name=st.text(max_size=80))
@settings(deadline=None, max_examples=60)
def test_any_body_and_any_name_verify(pieces: list[str], name: str) -> None:
    headers = (
        date(MONDAY)
        + header("From", mailbox(SENDER, clean_line(name)))
        + header("To", mailbox(EmailAddress("mira", "example.org"), clean_line(name)))
        + subject(clean_line(name))
    )
    body = b"".join(encode_piece(piece) for piece in pieces)
    content = headers + b"\r\n" + body
    assert verdicts(Signer(KEYS).signed(content, MONDAY), KEYS) == [True, True]


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n\r\n", b"x", b"x\r\n\r\n", b"\r\nx\r\n\r\n\r\n"])
def test_the_end_of_a_body_does_not_matter(body: bytes) -> None:
    content = header("From", str(SENDER)) + b"\r\n" + body
    assert verdicts(Signer(KEYS).signed(content, MONDAY), KEYS) == [True, True]


def test_an_address_beyond_ascii_is_signed_as_it_stands() -> None:
    lines = header("From", str(SENDER)) + header("To", mailbox(EmailAddress.parse("jörg@bücher.example"), "Jörg"))
    assert "jörg@xn--".encode() in lines
    assert verdicts(Signer(KEYS).signed(lines + b"\r\nx\r\n", MONDAY), KEYS) == [True, True]


def test_blanks_in_headers_do_not_matter() -> None:
    headers = b"FROM:  news@harbourpost.example \t\r\nSubject:\ta \t b\r\n \r\n\tc  \r\nTo:\r\n x@example.org\r\n"
    content = headers + b"\r\nx\r\n"
    assert verdicts(Signer(KEYS).signed(content, MONDAY), KEYS) == [True, True]


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS, ids=["rsa", "ed25519"])
def test_a_key_comes_back_from_its_file(key: Key) -> None:
    again = load_key(key.domain, key.selector, pem_of(key))
    assert again.record == key.record
    assert again.sign(b"x") == key.sign(b"x")


def test_new_rsa_keys_have_2048_bits() -> None:
    assert (RSA.bits, RSA.algorithm) == (2048, "rsa-sha256")


def test_a_zone_file_has_strings_of_at_most_255() -> None:
    strings = re.findall(r'"([^"]*)"', RSA.zone_line)
    assert max(map(len, strings)) == 255
    assert "".join(strings) == RSA.record
    assert RSA.zone_line.startswith('s2026._domainkey.harbourpost.example. IN TXT ( "v=DKIM1; k=rsa; p=')
    assert EDWARDS.zone_line == f'e2026._domainkey.harbourpost.example. IN TXT "{EDWARDS.record}"'


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    return private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password) if password else NoEncryption()
    )


def test_a_key_of_1024_bits_still_signs() -> None:
    key = load_key("harbourpost.example", "old", pem(rsa.generate_private_key(65537, 1024)))
    assert verdicts(mail(keys=[key]), [key]) == [True]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "holds no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither an RSA nor an Ed25519 key"),
        (pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "passphrase"),
    ],
    ids=["empty", "broken", "another kind", "passphrase"],
)
def test_what_is_no_key_says_what_it_is(content: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        load_key("example.org", "s", content)


def test_a_key_that_is_too_short_is_refused() -> None:
    short = (
        b"-----BEGIN PRIVATE KEY-----\n"
        b"MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEA0mvfMp9HnF38VCcr\n"
        b"4WZhIn26fc0z/F5X/XYFIuOrw8GcCF/LUN364GxVgqc9scjSOEvXUBFj2mRNaUu9\n"
        b"DNY/hQIDAQABAkBno5foYAkuXCBG9pAnUXywN0reYW6kc3dVMIbxGz/jhxgHZHzI\n"
        b"6WsButgBjZGuUOIFiBL/NCvqqXXetng3LSIBAiEA/uS16u3d/UoAKaJKiQTMQHIS\n"
        b"b8nmbvjeEJZZ46NqxgUCIQDTVbwhxf/K/tlpvenz0GzT9kCyU2CVg4ZgShZU7gFL\n"
        b"gQIgNiaaq01bgusMu8uZsCBP0EUru4oWJW9Dphx6/kyCa40CIDrLmnim9mBKgMA7\n"
        b"dvA/J1fdJei266MNIYB+fDIKuU+BAiEApCxdq4A+QRzPuYS1h7QikgXY/viGylNp\n"
        b"f1dmUAl99fw=\n"
        b"-----END PRIVATE KEY-----\n"
    )
    with pytest.raises(ValueError, match="512 bits; 1024 are the least"):
        load_key("example.org", "s", short)


def test_no_repr_shows_a_key() -> None:
    assert "private" not in repr(RSA).lower()
