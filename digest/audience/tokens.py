"""Signed links: one purpose, one subject, no expiry for leaving (a link in a mail must work for years).

A token is URL-safe text of 24 to 32 characters: the subject's number, and 128 bits of keyed BLAKE2b (RFC 7693 §2.9, as
strong as HMAC-SHA-256 and a third of its price) over purpose and number. It carries nothing personal and can't be
guessed; the number alone opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import blake2b

MAC_BYTES = 16


def sign(purpose: str, subject: int, *, key: bytes) -> str:
    number = subject.to_bytes((subject.bit_length() + 7) // 8 or 1, "big")
    mac = _mac(purpose, number, key)
    return base64.urlsafe_b64encode(mac + number).rstrip(b"=").decode()


def verify(purpose: str, token: str, *, keys: Sequence[bytes]) -> int | None:
    """The subject, or None for a token of another purpose, another key, or of nobody's.

    keys   the first one signs; the others are older and still hold for mails that are out
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, number = raw[:MAC_BYTES], raw[MAC_BYTES:]
    if not 1 <= len(number) <= 8:
        return None
    subject = int.from_bytes(number, "big")
    for key in keys:
        wanted = _mac(purpose, number, key)
        if hmac.compare_digest(mac, wanted) and sign(purpose, subject, key=key) == token:
            return subject
    return None


def _mac(purpose: str, number: bytes, key: bytes) -> bytes:
    if len(key) > blake2b.MAX_KEY_SIZE:
        key = blake2b(key).digest()
    return blake2b(purpose.encode() + b"\0" + number, key=key, digest_size=MAC_BYTES).digest()
