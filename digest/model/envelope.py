"""Envelope: MAIL FROM and RCPT TO. Message: the RFC 5322 bytes that travel in it."""

from __future__ import annotations

from dataclasses import dataclass

from digest.model.delivery import DeliveryId


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

    content   CRLF line ends, no line begins with a dot, ends with CRLF: may follow DATA as it is
    """

    delivery_id: DeliveryId
    envelope: Envelope
    content: bytes
