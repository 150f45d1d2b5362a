"""Reading what was sent: parsed strictly, with every link that a reader or a scanner could follow."""

from __future__ import annotations

import email
import re
from email import policy
from email.errors import NonASCIILocalPartDefect
from email.message import EmailMessage

from lxml import html


def parse_without_defects(content: bytes) -> EmailMessage:
    """The message, whose every part and header Python's parser takes without a complaint.

    Its headers may be UTF-8 (RFC 6532 §3.2, for addresses such as jörg@): only the parser for text reads them so, and
    it calls such a local part a defect all the same.
    """
    message = email.message_from_string(content.decode(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
        defects = [defect for value in part.values() for defect in value.defects]
        assert [defect for defect in defects if not isinstance(defect, NonASCIILocalPartDefect)] == []
    return message


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def links_of(page: str) -> list[str]:
    """Every address that a page lets one click, in its order."""
    return [str(anchor.get("href")) for anchor in html.fromstring(page).iter("a")]


def urls_in(text: str) -> set[str]:
    return {found.rstrip(".,)") for found in re.findall(r"https?://[^\s<>\"]+", text)}


def unfolded(content: bytes) -> dict[str, list[str]]:
    """The raw headers as they stand on the wire, folding undone and nothing decoded (RFC 5322 §2.2.3)."""
    head = content.split(b"\r\n\r\n", 1)[0].decode()
    headers: dict[str, list[str]] = {}
    for line in re.sub(r"\r\n(?=[ \t])", "", head).split("\r\n"):
        name, _, value = line.partition(": ")
        headers.setdefault(name, []).append(value)
    return headers
