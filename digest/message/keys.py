"""The keys that sign: read, made, and as DNS shows them to whoever checks a signature."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

LEAST_BITS = 1024  # RFC 8301 §3.2: with less a signature counts for nothing
NEW_BITS = 2048

_PADDING, _SHA256 = PKCS1v15(), hashes.SHA256()
_TXT_STRING = 255  # RFC 1035 §3.3: a character-string


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One private key, and the name under which DNS has its public half."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def is_rsa(self) -> bool:
        return isinstance(self.private, RSAPrivateKey)

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if self.is_rsa else "ed25519-sha256"

    @property
    def bits(self) -> int:
        return self.private.key_size if isinstance(self.private, RSAPrivateKey) else 256

    def sign(self, data: bytes) -> bytes:
        """The same for the same data, with either kind."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, _PADDING, _SHA256)
        return self.private.sign(hashlib.sha256(data).digest())  # RFC 8463 §3: what is signed is the hash

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"  # RFC 6376 §3.6.2.1

    @property
    def record(self) -> str:
        """The text of the TXT record."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            raw = public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )  # RFC 6376 §3.6.1
        else:
            raw = public.public_bytes(
                serialization.Encoding.Raw, serialization.PublicFormat.Raw
            )  # RFC 8463 §4: the 32 bytes as they are
        return f"v=DKIM1; k={'rsa' if self.is_rsa else 'ed25519'}; p={base64.b64encode(raw).decode()}"

    @property
    def zone_line(self) -> str:
        """The record as a zone file has it, in strings that are short enough."""
        text = self.record
        strings = [f'"{text[start : start + _TXT_STRING]}"' for start in range(0, len(text), _TXT_STRING)]
        value = strings[0] if len(strings) == 1 else "( " + " ".join(strings) + " )"
        return f"{self.record_name}. IN TXT {value}"


def load_key(domain: str, selector: str, pem: bytes) -> Key:
    """The key in a PEM file; ValueError says what it is instead."""
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except TypeError as cause:
        raise ValueError("is protected by a passphrase; write it without one") from cause
    except (ValueError, UnsupportedAlgorithm) as cause:  # its text may tell of what is in the file
        raise ValueError("holds no private key (PEM)") from cause
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("is neither an RSA nor an Ed25519 key")
    if isinstance(private, RSAPrivateKey) and private.key_size < LEAST_BITS:
        raise ValueError(f"is an RSA key of {private.key_size} bits; {LEAST_BITS} are the least, {NEW_BITS} are good")
    return Key(domain=domain, selector=selector, private=private)


def make_key(domain: str, selector: str, *, ed25519: bool = False) -> Key:
    """A new key; it is nowhere else yet."""
    private = Ed25519PrivateKey.generate() if ed25519 else generate_private_key(65537, NEW_BITS)
    return Key(domain=domain, selector=selector, private=private)


def pem_of(key: Key) -> bytes:
    return key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def covering(keys: list[Key], domain: str) -> Iterator[Key]:
    """The keys that speak for a sender of that domain: its own and its parents', RSA first."""
    for key in sorted(keys, key=lambda key: not key.is_rsa):
        if domain == key.domain or domain.endswith("." + key.domain):
            yield key
