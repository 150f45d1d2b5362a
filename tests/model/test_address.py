"""One mailbox, however it is spelled; CR, LF and NUL die at this door."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.model.address import EmailAddress, clean_line

_ATEXT = "abcxyzABCXYZ0189_!#$%&'*+-/=?^`{|}~.\"@ é\\()<>[],;:"
_LOCALS = st.text(_ATEXT, max_size=12) | st.integers(60, 68).map(lambda n: "a" * n)
_LABELS = st.text("abzABZ019-_é", min_size=0, max_size=6) | st.sampled_from(["xn--bcher-kva", "a" * 63, "a" * 64])
_TLDS = st.sampled_from(
    [
        "org",
        "ORG",
        "de",
        "c",
        "test",
        "local",
        "Onion",
        "localhost",
        "arpa",
        "invalid",
        "c1",
        "1c",
        "org.",
        "xn--p1ai",
        "a-b",
    ]
)
_DOMAINS = st.builds(lambda labels, tld: ".".join([*labels, tld]), st.lists(_LABELS, max_size=5), _TLDS)
_ADDRESSES = st.builds(lambda local, domain: f"{local}@{domain}", _LOCALS, _DOMAINS) | st.emails()


@settings(max_examples=1_500)
@given(_ADDRESSES)
@example("a" * 64 + "@" + "b" * 60 + "." + "c" * 60 + "." + "d" * 50 + ".org")
@example("anna@example.org\n")
@example("anna@example.o٣g")
@example("ſam@example.org")
@example("anna@exampleK.org")  # the Kelvin sign, which a careless IGNORECASE takes for a k
@example("anna@a.b.c.d.e.f.example.travelersinsurance")
def test_the_fast_way_never_disagrees_with_the_slow_way(text: str) -> None:
    fast = EmailAddress._parse_plain(text)
    assert fast is None or fast == EmailAddress._parse_any(text)


@pytest.mark.parametrize(
    "text", ["anna@example.org", "Anna.Berg+news@mail.example.co.uk", "o'neil@example.com", "x@1.example.museum"]
)
def test_everyday_addresses_take_the_fast_way(text: str) -> None:
    assert EmailAddress._parse_plain(text) is not None


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        (" anna@Example.ORG ", "anna", "example.org"),
        ("Anna@bücher.example.org", "Anna", "xn--bcher-kva.example.org"),
        ("жанна@example.org", "жанна", "example.org"),
    ],
)
def test_an_address_keeps_its_local_part_and_gets_an_ascii_domain(text: str, local: str, domain: str) -> None:
    assert EmailAddress.parse(text) == EmailAddress(local, domain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "@example.org",
        "anna@",
        "anna@@example.org",
        "anna@example",
        "anna@.org",
        "a..b@example.org",
        "anna@exa mple.org",
        "anna@[127.0.0.1]",
        "Anna <anna@example.org>",
        "anna@example.org\r\nBcc: x@example.org",
        "an\0na@example.org",
        "anna@-a.org",
        "a" * 65 + "@example.org",
        "anna@localhost",
        "anna@site.local",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        EmailAddress.parse(text)


def test_two_spellings_of_one_mailbox_have_one_key() -> None:
    keys = {EmailAddress.parse(text).key for text in ("Anna@Example.org", "anna@example.ORG", "ANNA@example.org")}
    assert keys == {"anna@example.org"}


def _clean_line_in_full(text: str) -> str:
    unseen = {*map(chr, (0xAD, 0x180E, 0x200B, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xFFF9, 0xFFFA))}
    unseen |= {"\ufffb", *map(chr, range(0xE0000, 0xE0080))}
    gone = {"Cc", "Cs", "Cn", "Co"}
    kept = "".join(c for c in text if (unicodedata.category(c) not in gone and c not in unseen) or c in "\t\n\r")
    found = re.sub(r"[\s\u0085\u2028\u2029]+", " ", kept).strip()
    fillers = " \u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00\ufe0e\ufe0f"
    return found if any(unicodedata.category(c) != "Cf" and c not in fillers for c in found) else ""


@settings(max_examples=500)
@given(st.text(max_size=30))
@example(" a  b ")
@example("a\u00a0\u3000b")
def test_a_clean_line_is_the_same_with_and_without_its_short_cut(text: str) -> None:
    assert clean_line(text) == _clean_line_in_full(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Mira \u202egnp.exe", "Mira gnp.exe"),
        ("\u2067Mira\u2069 Kessler", "Mira Kessler"),
        ("Mi\u200bra\ufeff", "Mira"),
        ("نمی\u200cدانم", "نمی\u200cدانم"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        *(
            (blank, "")
            for blank in ("\u200b", " \u200d ", "\u2800", "\u3164", "\u00ad\u2060", "\u200e\u200f", "\ufe0f")
        ),
    ],
)
def test_what_nobody_sees_is_not_in_a_line(text: str, cleaned: str) -> None:
    assert clean_line(text) == cleaned


def test_a_local_part_is_counted_in_bytes() -> None:
    assert EmailAddress.parse("é" * 32 + "@example.org").local == "é" * 32
    with pytest.raises(ValueError, match="longer than 64 bytes"):
        EmailAddress.parse("é" * 33 + "@example.org")
