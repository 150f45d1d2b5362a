"""From, To, Subject, Date, Message-ID, List-Id and the rest. CR, LF and NUL die here.

Written by hand because Python's own folding turns a long List-Unsubscribe URL into an encoded-word, which takes the
button away (docs/DECISIONS.md "headers"). Text headers are folded at 76; List-* only at white space.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from functools import lru_cache

from digest.errors import MessageInvalid
from digest.model.address import EmailAddress, clean_line

_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What the headers of all copies of an edition share.

    message_domain   right side of Message-ID and of List-Id
    message_key      of the edition (edition_key)
    """

    sender: EmailAddress
    sender_name: str
    reply_to: EmailAddress | None
    list_name: str
    list_title: str
    edition_id: int
    message_domain: str
    message_key: bytes
    boundary: str

    def static(self) -> bytes:
        """The lines that are the same in every copy."""
        list_label = re.sub(r"[^a-z0-9-]", "-", self.list_name.lower())
        lines = [
            header("From", mailbox(self.sender, self.sender_name)),
            *([header("Reply-To", str(self.reply_to))] if self.reply_to else []),
            header("List-Id", _named(self.list_title, f"{list_label}.{self.message_domain}")),  # RFC 2919 §3
            header("List-Post", "NO"),  # RFC 2369 §3.4: nobody answers to all
            header("Feedback-ID", f"e{self.edition_id}:{list_label}:digest:{self.message_domain}"),
            header("Auto-Submitted", "auto-generated"),  # RFC 3834 §5: made by a periodic process
            header("Precedence", "bulk"),
            header("MIME-Version", "1.0"),  # RFC 2045 §4
            f'Content-Type: multipart/alternative; boundary="{self.boundary}"\r\n'.encode(),  # RFC 2046 §5.1.4
        ]
        return b"".join(lines)


def header(name: str, value: str) -> bytes:
    """One header that may fold only where it already has a space; MessageInvalid for a control character."""
    if _FORBIDDEN.search(value.replace("\r\n ", "")):
        raise MessageInvalid(f"the header {name} holds a line break or a control character")
    return f"{name}: {value}\r\n".encode()


def mailbox(address: EmailAddress, name: str = "") -> str:
    """`name <address>` (RFC 5322 §3.4), or the address alone."""
    return _named(name, str(address)) if clean_line(name) else str(address)


def _named(name: str, what: str) -> str:
    """What is in angle brackets stands on a line of its own where the name is long: RFC 2047 §2 wants 76 at most."""
    shown = phrase(name)
    gap = "\r\n " if len(shown) + len(what) > 64 else " "
    return f"{shown}{gap}<{what}>"


@lru_cache(maxsize=4096)
def phrase(text: str) -> str:
    """A display name: bare atoms, else a quoted-string, else encoded-words (RFC 5322 §3.2.5, RFC 2047 §5 (3))."""
    text = clean_line(text)
    if text.isascii() and len(text) <= 60 and "=?" not in text:
        if _ATOMS.fullmatch(text):
            return text
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return Header(text, "utf-8", maxlinelen=66).encode(linesep="\r\n")


@lru_cache(maxsize=1024)
def subject(text: str) -> bytes:
    """The Subject line, folded at 76, beyond ASCII in encoded-words of at most 75 (RFC 2047 §2)."""
    text = clean_line(text)
    longest = max(map(len, text.split(" ")), default=0)
    charset = "us-ascii" if text.isascii() and "=?" not in text and longest < 60 else "utf-8"
    value = Header(text, charset, maxlinelen=76, header_name="Subject").encode(linesep="\r\n")
    return header("Subject", value)


def date(at: datetime) -> bytes:
    """RFC 5322 §3.3, in UTC; English names whatever the machine's locale says."""
    at = at.astimezone(UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"Date: {day}, {at.day:02d} {month} {at.year:04d} {at:%H:%M:%S} +0000\r\n".encode()


def edition_key(installation_key: bytes, public_key: str) -> bytes:
    """What the Message-IDs of one edition are made with.

    installation_key   a secret of this installation, that never changes
    public_key         drawn when the edition was built: after a restore from a backup an edition may get the number of one
                       that was sent and lost, but not its Message-IDs, by which mail stores drop what they know
    """
    return hashlib.blake2s(public_key.encode(), key=installation_key[:32]).digest()


def message_id(key: bytes, subscription_id: int, domain: str) -> str:
    """The same for every try at one copy, so that a receiver can see a resend for what it is; unique in the world, and
    nobody else can make it or read numbers of ours in it (RFC 5322 §3.6.4).

    key   of the edition (edition_key)
    """
    mark = hashlib.blake2s(subscription_id.to_bytes(8, "big"), key=key, digest_size=16).hexdigest()
    return f"<{mark}@{domain}>"
