"""Headers as they stand on the wire: what was put in comes out again, and nothing that was not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import MessageInvalid
from digest.message.headers import Letterhead, date, edition_key, header, mailbox, message_id, phrase, subject
from digest.message.unsubscribe import list_unsubscribe
from digest.model.address import EmailAddress, clean_line
from digest.model.edition import Edition
from digest.render.html import Renderer
from tests.mails import parse_without_defects, unfolded
from tests.message.conftest import LETTERHEAD, MONDAY, make_article, make_copy, make_edition, splicer

MakeRenderer = Callable[[Mapping[str, str], Edition], Renderer]

TEMPLATE = {
    "body.html": '<html><body><p>{{ reader.name }}</p><p><a href="{{ reader.unsubscribe_url }}">Leave</a></p></body></html>',
    "body.txt": "{{ reader.name }}\n.\nFrom here\n{{ reader.unsubscribe_url }}\n",
    "subject.txt": "{{ edition.subject }}",
}

ONCE = ("Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "List-Id", "List-Unsubscribe")

NASTY = {
    "plain": "Mira Kessler",
    "nothing": "",
    "a quote": 'Wu, Li "Lily" <x@evil.example>',
    "a backslash": "back\\slash \\",
    "dots and commas": "Dr. A. B., Ph.D.; (retd.)",
    "an address": "news@harbourpost.example",
    "an encoded word": "=?utf-8?q?=0D=0ABcc=3A_x=40evil.example?=",
    "umlauts": "Jörg Weiß-Lüdenscheidt",
    "right to left": "נועה לוי",
    "emoji": "Sam 🚲🏳️‍🌈 Rivers",
    "long": "Maximiliane Theodora von und zu Langenname " * 6,
    "long without a space": "x" * 300,
    "long beyond ascii": "Ж" * 300,
    "long with quotes": '"' * 90,
    "a header": "Mira\r\nBcc: x@evil.example",
    "a body": "Mira\r\n\r\nBuy this",
    "bare ends of line": "Mira\rBcc: x@evil.example\nCc: y@evil.example",
    "other ends of line": "Mira\x0b\x0c\x85\u2028\u2029Bcc: x@evil.example",
    "invisible": "Mi\0ra\x07\x1b[31m\ud800",
    "tabs and spaces": "\t Mira \t  Kessler \t",
}


def texts(most: int = 400) -> st.SearchStrategy[str]:
    return st.text(max_size=most) | st.lists(st.sampled_from(list(NASTY.values())), max_size=3).map("".join)


def lines_of(raw: bytes) -> list[bytes]:
    """The physical lines; every line ends with CRLF and no CR, LF or NUL stands elsewhere."""
    assert raw.endswith(b"\r\n")
    lines = raw[:-2].split(b"\r\n")
    assert not any(char in line for line in lines for char in (b"\r", b"\n", b"\0"))
    return lines


def assert_well_folded(raw: bytes) -> None:
    """RFC 5322 §2.1.1 for lines, RFC 2047 §2 for encoded-words."""
    for line in lines_of(raw):
        assert len(line) <= 998
        assert line.strip(b" \t")
        if b"=?" in line:
            assert len(line) <= 76
        assert all(len(word) <= 75 for word in re.findall(rb"=\?[^?]*\?[bqBQ]\?[^?]*\?=", line))


def name_in(value: str) -> str:
    """The display name of an unfolded address header, decoded as RFC 2047 §6.2 says.

    Not by the parser of addresses: it puts a space between two encoded-words that a reader joins.
    """
    shown = value.rpartition("<")[0].strip()
    if shown.startswith('"'):
        return re.sub(r"\\(.)", r"\1", shown[1:-1])
    return str(make_header(decode_header(shown)))


def parsed(raw: bytes) -> EmailMessage:
    return parse_without_defects(raw + b"\r\n")


# --- one header -------------------------------------------------------------------------------------------------------


@given(texts())
def test_a_subject_comes_back_as_it_was(text: str) -> None:
    raw = subject(text)
    assert_well_folded(raw)
    assert raw.isascii()
    assert str(parsed(raw)["Subject"] or "") == clean_line(text)


@given(texts())
def test_a_name_comes_back_as_it_was_and_the_address_beside_it(text: str) -> None:
    raw = header("To", mailbox(EmailAddress("mira.kessler+x", "example.org"), text))
    assert_well_folded(raw)
    assert raw.isascii()
    [address] = parsed(raw)["To"].addresses
    assert address.addr_spec == "mira.kessler+x@example.org"
    assert name_in(unfolded(raw + b"\r\n")["To"][0]) == clean_line(text)


@given(texts())
def test_the_address_itself_is_never_encoded(text: str) -> None:
    raw = header("To", mailbox(EmailAddress("mira", "xn--bcher-kva.example"), text))
    assert raw.replace(b"<", b"").replace(b">", b"").endswith(b"mira@xn--bcher-kva.example\r\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mira Kessler", "Mira Kessler"),
        ("O'Brien & Sons!", "O'Brien & Sons!"),
        ("Dr. Kessler", '"Dr. Kessler"'),
        ('Li "Lily" Wu', '"Li \\"Lily\\" Wu"'),
        ("a\\b", '"a\\\\b"'),
        ("", '""'),
        ("Jörg", "=?utf-8?b?SsO2cmc=?="),
    ],
)
def test_a_phrase_is_bare_or_quoted_or_encoded(text: str, expected: str) -> None:
    assert phrase(text) == expected


@pytest.mark.parametrize(
    "char", ["\0", "\x07", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"]
)
@pytest.mark.parametrize("value", ["{}", "a{}Bcc: x@evil.example", "a{}", "\r\n {}"])
def test_a_header_with_a_control_character_is_refused(char: str, value: str) -> None:
    with pytest.raises(MessageInvalid, match="the header X-Test holds a line break or a control character"):
        header("X-Test", value.format(char))


@given(texts(60))
def test_whatever_is_put_into_a_header_it_is_one_header_or_refused(text: str) -> None:
    try:
        raw = header("X-Test", text)
    except (MessageInvalid, UnicodeEncodeError):
        return
    assert re.findall(rb"^\S", raw, re.M) == [b"X"]


@pytest.mark.parametrize(
    "address",
    [EmailAddress("a\r\nBcc: x", "example.org"), EmailAddress("a", "b\r\nc"), EmailAddress("a\0", "example.org")],
)
def test_an_address_that_was_never_parsed_cannot_add_a_header(address: EmailAddress) -> None:
    with pytest.raises(MessageInvalid):
        header("To", mailbox(address))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 11, 2, 7, 0, 5, tzinfo=UTC), b"Date: Mon, 02 Nov 2026 07:00:05 +0000\r\n"),
        (
            datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))),
            b"Date: Sat, 28 Feb 2026 22:30:00 +0000\r\n",
        ),
    ],
)
def test_the_date_is_english_with_a_numeric_zone(at: datetime, expected: bytes) -> None:
    assert date(at) == expected


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_date_comes_back_and_its_weekday_agrees(at: datetime) -> None:
    text = date(at).decode().removeprefix("Date: ").strip()
    assert parsedate_to_datetime(text) == at.replace(microsecond=0)
    assert text[:3] == ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday()]


def test_a_message_id_is_that_of_one_copy_and_stays() -> None:
    keys = [edition_key(b"k" * 32, f"edition{number}") for number in range(10)]
    made = [message_id(key, reader, "harbourpost.example") for key in keys for reader in range(1, 1001)]
    assert len(set(made)) == len(made)
    assert made[0] == message_id(keys[0], 1, "harbourpost.example")


def test_another_installation_or_an_edition_that_was_built_again_has_other_message_ids() -> None:
    ours, theirs = edition_key(b"k" * 32, "abc"), edition_key(b"j" * 32, "abc")
    again = edition_key(b"k" * 32, "abd")
    assert len({message_id(key, 1, "harbourpost.example") for key in (ours, theirs, again)}) == 3


def test_a_message_id_tells_no_number_of_ours() -> None:
    made = message_id(edition_key(b"k" * 32, "abc"), 4_711, "harbourpost.example")
    assert re.fullmatch(r"<[0-9a-f]{32}@harbourpost\.example>", made)
    assert "4711" not in made


# --- List-Unsubscribe -------------------------------------------------------------------------------------------------

LONG_URL = "https://digest.example.org/" + "a-long-path/" * 40 + "u/tOkEn?x=1&y=%20"


@pytest.mark.parametrize("url", ["https://digest.example.org/u/tOkEn", LONG_URL])
@pytest.mark.parametrize("mailto", ["", "leave+tOkEn@example.org", "l" * 60 + "+tOkEn@" + "d" * 60 + ".example"])
def test_the_unsubscribe_pair_is_exact_however_long_the_address(url: str, mailto: str) -> None:
    raw = list_unsubscribe(url, mailto)
    lines_of(raw)
    found = unfolded(raw + b"\r\n")
    [value] = found["List-Unsubscribe"]
    assert re.findall(r"<([^>]*)>", value) == [url, *([f"mailto:{mailto}"] if mailto else [])]
    assert re.sub(r"<[^>]*>", "", value).strip() == ("," if mailto else "")
    assert found["List-Unsubscribe-Post"] == ["List-Unsubscribe=One-Click"]
    assert b"=?" not in raw


@pytest.mark.parametrize(
    "url",
    [
        "https://digest.example.org/u/a b",
        "https://digest.example.org/u/a>,<https://evil.example/",
        "https://digest.example.org/u/a\r\nBcc: x@evil.example",
        "https://digest.example.org/u/ü",
        "https://digest.example.org/u/a,b",
        "https://digest.example.org/u/\0",
    ],
)
def test_an_unsubscribe_address_that_could_be_misread_is_refused(url: str) -> None:
    with pytest.raises(MessageInvalid):
        list_unsubscribe(url)
    with pytest.raises(MessageInvalid):
        list_unsubscribe("https://digest.example.org/u/x", url)


def test_without_an_address_there_is_no_unsubscribe_header() -> None:
    assert list_unsubscribe("") == b""


# --- what all copies share --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", [value for value in NASTY.values() if value], ids=[n for n, v in NASTY.items() if v])
def test_whatever_the_list_is_called_its_headers_are_well_formed(title: str) -> None:
    raw = replace(LETTERHEAD, list_title=title, sender_name=title).static()
    assert_well_folded(raw)
    message = parsed(raw.split(b"Content-Type: ")[0])
    found = unfolded(raw + b"\r\n")
    assert name_in(found["From"][0]) == name_in(found["List-Id"][0]) == clean_line(title)
    assert message["From"].addresses[0].addr_spec == "news@harbourpost.example"
    assert found["List-Id"][0].endswith(" <harbour.harbourpost.example>")
    assert "Bcc" not in message
    assert "Cc" not in message


def test_the_list_id_is_the_same_for_every_edition() -> None:
    first, second = (unfolded(replace(LETTERHEAD, edition_id=n).static() + b"\r\n")["List-Id"] for n in (1, 2))
    assert first == second == ["The Harbour Post <harbour.harbourpost.example>"]


def test_a_list_says_that_it_is_automatic_and_that_nobody_posts_to_it() -> None:
    found = unfolded(LETTERHEAD.static() + b"\r\n")
    assert found["Auto-Submitted"] == ["auto-generated"]
    assert found["Precedence"] == ["bulk"]
    assert found["List-Post"] == ["NO"]
    assert found["Feedback-ID"] == ["e12:harbour:digest:harbourpost.example"]


def test_a_reply_to_stands_only_where_there_is_one() -> None:
    letterhead: Letterhead = replace(LETTERHEAD, reply_to=EmailAddress("editors", "harbourpost.example"))
    assert unfolded(letterhead.static() + b"\r\n")["Reply-To"] == ["editors@harbourpost.example"]
    assert "Reply-To" not in unfolded(LETTERHEAD.static() + b"\r\n")


# --- a whole message --------------------------------------------------------------------------------------------------


def make_message(make_renderer: MakeRenderer, name: str, title: str = "The week", address: str = "") -> bytes:
    edition = replace(make_edition([make_article(1)]), subject=title)
    copy = make_copy(7, (), name=clean_line(name), address=address or "mira@example.org")
    copy = replace(copy, unsubscribe_mailto="leave+tOkEn@example.org")
    return splicer(make_renderer(TEMPLATE, edition)).message(copy, at=MONDAY)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_whatever_name_and_subject_are_the_message_is_whole(text: str, make_renderer: MakeRenderer) -> None:
    raw = make_message(make_renderer, text, text)
    lines_of(raw)
    head = raw.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    assert_well_folded(head)
    message = parse_without_defects(raw)
    assert [address.addr_spec for address in message["To"].addresses] == ["mira@example.org"]
    assert name_in(unfolded(raw)["To"][0]) == clean_line(text)
    assert (message["Subject"] or "") == clean_line(text)
    assert {name: len(message.get_all(name, [])) for name in ONCE} == dict.fromkeys(ONCE, 1)
    assert not {"Bcc", "Cc", "Sender"} & set(message.keys())


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_the_parts_are_text_then_html_in_short_seven_bit_lines(text: str, make_renderer: MakeRenderer) -> None:
    raw = make_message(make_renderer, text)
    body = raw.split(b"\r\n\r\n", 1)[1]
    assert body.isascii()
    assert max(map(len, lines_of(body))) <= 76
    assert not re.search(rb"[ \t]\r\n", body)
    assert not re.search(rb"^(\.|From )", body, re.M)
    message = parse_without_defects(raw)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.get_content_type() == "multipart/alternative"
    boundary = message.get_boundary()
    assert boundary is not None
    assert len(boundary) <= 70
    assert body.count(f"--{boundary}".encode()) == 3


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("greta@bücherei.example", "greta@xn--bcherei-n2a.example"),
        ("jörg@example.org", "jörg@example.org"),
        ("o'brien+x@example.net", "o'brien+x@example.net"),
    ],
)
def test_the_address_stands_as_it_travels(address: str, expected: str, make_renderer: MakeRenderer) -> None:
    [value] = unfolded(make_message(make_renderer, "Jörg", address=address))["To"]
    assert value.endswith(f" <{expected}>")
