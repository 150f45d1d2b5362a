"""Envelope: MAIL FROM and RCPT TO. Message: the RFC 5322 bytes that travel in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.model.delivery import DeliveryId

PLACEHOLDER = "{token}"
"""Where a token stands in mail.return_path."""


@dataclass(slots=True, kw_only=True)
class Envelope:
    """source  RFC 5321 §2.3.1; addresses are ready for the wire (domain as A-label)"""

    mail_from: str
    rcpt_to: str

    @property
    def needs_utf8(self) -> bool:
        """A local part beyond ASCII asks for SMTPUTF8 (RFC 6531 §3.4)."""
        return not (self.mail_from.isascii() and self.rcpt_to.isascii())


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """One message on its way out.

    delivery_id   its row in the ledger; 0 for a copy that has none
    notice        the number of a notice, which has a row of its own; 0 for a copy of an edition
    parts   the message in pieces, most of them shared with others: CRLF line ends, no line begins with a dot, ends with
            CRLF, so it may follow DATA as it is
    """

    delivery_id: DeliveryId
    envelope: Envelope
    parts: Sequence[bytes]
    notice: int = 0

    @property
    def content(self) -> bytes:
        return b"".join(self.parts)

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.parts))
