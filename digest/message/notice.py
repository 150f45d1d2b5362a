"""One message that is no edition, from its rendered parts to bytes. It belongs to no list, so it has no List-* header."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from digest.message.encode import encode_piece
from digest.message.frames import ended
from digest.message.headers import date, edition_key, header, mailbox, message_id, subject
from digest.model.address import EmailAddress
from digest.model.rendering import RenderedCopy

_BOUNDARY = "=_digest_notice"  # "=_" cannot stand in quoted-printable


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeHead:
    """Who writes to whom.

    message_key   a secret of this installation
    number        of the notice: all tries at it have one Message-ID
    """

    sender: EmailAddress
    sender_name: str
    to: EmailAddress
    message_key: bytes
    number: int


def notice_message(head: NoticeHead, rendered: RenderedCopy, *, at: datetime) -> bytes:
    """The whole message, unsigned; `at` becomes its Date. MessageInvalid for a header that cannot be written."""
    key = edition_key(head.message_key, "notice")  # no edition's public key is a word
    return b"".join(
        (
            date(at),
            header("From", mailbox(head.sender, head.sender_name)),
            header("To", mailbox(head.to)),
            subject(rendered.subject),
            header("Message-ID", message_id(key, head.number, head.sender.domain)),
            header("Auto-Submitted", "auto-generated"),  # RFC 3834 §5: a person's answer to it may go to a person
            header("MIME-Version", "1.0"),
            header("Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"'),
            b"\r\n",
            _part("plain", rendered.text),
            b"\r\n",
            _part("html", rendered.html),
            f"\r\n--{_BOUNDARY}--\r\n".encode(),
        )
    )


def _part(subtype: str, text: str) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + encode_piece(ended(text))
