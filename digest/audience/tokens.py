"""Signed links: a text that nobody can make or change without a key of ours. What each is for stands in links.py.

A token is a MAC and what the MAC covers: a version of the subject and an expiry, where the purpose has them, and the
subject's number. The MAC is keyed BLAKE2b (RFC 7693 §2.9), as strong as HMAC-SHA-256 and a third of its price. Each purpose
has a key of its own, derived from the installation's (RFC 5869 §2), so that a token of one purpose is noise to any other. A
token carries nothing personal; the number alone opens nothing.

In links a token is URL-safe text of 23 to 40 characters. In addresses of mailboxes, which some servers write in capitals, it
is base32 (RFC 4648 §6) of at most 39 characters.

Tokens without a derived key are older: mails that are out have them, so leaving and choosing take them on.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

MAX_NUMBER_BYTES = 8
_VERSION_BYTES, _EXPIRY_BYTES = 2, 4
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a token is for.

    subject        whose number it holds
    life           from its making; None: as long as its key
    is_versioned   ends when the subject's version moves on
    is_single_use  opens once (store/spent.py keeps what was used)
    outlives_key   holds after its key was replaced, until that key is retired
    has_old_form   tokens from before keys were derived hold as well
    is_mailbox     is a part of the address of a mailbox: shorter, and in letters that a change of case leaves the same
    """

    name: str
    subject: Literal["subscription", "account", "delivery", "notice"]
    life: timedelta | None = None
    is_versioned: bool = False
    is_single_use: bool = False
    outlives_key: bool = False
    has_old_form: bool = False
    is_mailbox: bool = False

    @property
    def mac_bytes(self) -> int:
        return 12 if self.is_mailbox else 16

    @property
    def head_bytes(self) -> int:
        """Of version and expiry."""
        return self.is_versioned * _VERSION_BYTES + (self.life is not None) * _EXPIRY_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a token says that one of our keys signed.

    version      of the subject when it was made: whoever has the subject compares it; 0 for a purpose without versions
    expires_at   None: never
    mark         what tells it from every other token
    """

    subject: int
    version: int = 0
    expires_at: datetime | None = None
    mark: bytes


class Keyring:
    """The keys of an installation. The first signs; the others are older."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = tuple(keys)

    def signer(self, purpose: Purpose) -> Callable[[int, int], str]:
        """Signs (subject, version) for a purpose without an expiry. Two links of each mail are made by it: it is as fast as
        can be. A purpose without versions passes over the second number."""
        if purpose.life is not None or purpose.is_mailbox:
            raise ValueError(f"a token to {purpose.name} says more than a number and a version")
        state = blake2b(key=derived_key(self.keys[0], purpose.name), digest_size=purpose.mac_bytes)
        is_versioned = purpose.is_versioned

        def sign(subject: int, version: int) -> str:
            body = subject.to_bytes((subject.bit_length() + 7) // 8 or 1, "big")
            if is_versioned:
                body = (version & 0xFFFF).to_bytes(_VERSION_BYTES, "big") + body
            mac = state.copy()
            mac.update(body)
            return _link_text(mac.digest() + body)

        return sign

    def sign(self, purpose: Purpose, subject: int, *, version: int = 0, now: datetime | None = None) -> str:
        """A token of any purpose.

        now   it lives from then on; needed where the purpose has a life
        """
        head = b""
        if purpose.is_versioned:
            head += (version & 0xFFFF).to_bytes(_VERSION_BYTES, "big")
        if purpose.life is not None:
            if now is None:
                raise ValueError(f"a token to {purpose.name} expires: say when it is made")
            head += int((now + purpose.life).timestamp()).to_bytes(_EXPIRY_BYTES, "big")
        body = head + subject.to_bytes((subject.bit_length() + 7) // 8 or 1, "big")
        raw = _mac(self.keys[0], purpose, body) + body
        return _mailbox_text(raw) if purpose.is_mailbox else _link_text(raw)

    def read(self, purpose: Purpose, token: str, *, now: datetime) -> Claim | None:
        """What it says; None for one of another purpose or key, one that is over, and for what is no token of ours.

        Whether its version is still the subject's, and whether it was used, is for whoever has the database to say.
        """
        raw = _raw(token, is_mailbox=purpose.is_mailbox)
        if raw is None:
            return None
        mac, body = raw[: purpose.mac_bytes], raw[purpose.mac_bytes :]
        keys = self.keys if purpose.outlives_key else self.keys[:1]
        if any(hmac.compare_digest(mac, _mac(key, purpose, body)) for key in keys):
            return _claim(purpose, mac, body, now)
        if purpose.has_old_form and any(hmac.compare_digest(mac, _old_mac(key, purpose, body)) for key in keys):
            return _number(mac, body)
        return None


@lru_cache(maxsize=256)
def derived_key(key: bytes, purpose: str) -> bytes:
    """The key of one purpose: HKDF-SHA256 (RFC 5869 §2) without a salt, as the key is one by chance already."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"digest token {purpose}".encode()).derive(key)


def _claim(purpose: Purpose, mac: bytes, body: bytes, now: datetime) -> Claim | None:
    """The body of a token whose MAC is right; None when it is over."""
    version, expires_at = 0, None
    if purpose.is_versioned:
        version, body = int.from_bytes(body[:_VERSION_BYTES], "big"), body[_VERSION_BYTES:]
    if purpose.life is not None:
        expires_at, body = (
            datetime.fromtimestamp(int.from_bytes(body[:_EXPIRY_BYTES], "big"), UTC),
            body[_EXPIRY_BYTES:],
        )
        if expires_at <= now:
            return None
    found = _number(mac, body)
    if found is None:
        return None
    return Claim(subject=found.subject, version=version, expires_at=expires_at, mark=mac)


def _number(mac: bytes, body: bytes) -> Claim | None:
    return Claim(subject=int.from_bytes(body, "big"), mark=mac) if 1 <= len(body) <= MAX_NUMBER_BYTES else None


def _mac(key: bytes, purpose: Purpose, body: bytes) -> bytes:
    return blake2b(body, key=derived_key(key, purpose.name), digest_size=purpose.mac_bytes).digest()


def _old_mac(key: bytes, purpose: Purpose, number: bytes) -> bytes:
    if len(key) > blake2b.MAX_KEY_SIZE:
        key = blake2b(key).digest()
    return blake2b(purpose.name.encode() + b"\0" + number, key=key, digest_size=purpose.mac_bytes).digest()


def _link_text(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode()


def _mailbox_text(raw: bytes) -> str:
    return base64.b32encode(raw).rstrip(b"=").decode().lower()


def _raw(token: str, *, is_mailbox: bool) -> bytes | None:
    """None for what is no text that we write: of two texts for one token the other one is refused."""
    try:
        if is_mailbox:
            raw = base64.b32decode(token + "=" * (-len(token) % 8), casefold=True)
            return raw if _mailbox_text(raw) == token.lower() else None
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return raw if _link_text(raw) == token else None
    except (binascii.Error, ValueError):
        return None
