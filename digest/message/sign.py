"""DKIM: a signature for every key that speaks for the sender, over the bytes that are sent (RFC 6376 §5.3).

relaxed/relaxed and no l=, so nothing can be put behind the body. What is hashed of the body is the body: encode.py
writes no white space that the relaxed form would change, so nothing is rewritten for each message (docs/DECISIONS.md
"DKIM"). Signing the same message at the same instant gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from digest.errors import MessageInvalid
from digest.message.keys import Key, covering

# RFC 6376 §5.4.1, and RFC 8058 §4 for the List-Unsubscribe pair
SIGNED = (
    *(b"from", b"reply-to", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"),
    *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id", b"auto-submitted"),
)

# RFC 6376 §8.15: named once more than they are there, so that adding one breaks the signature
_NEVER_ADDED = frozenset(SIGNED[:8])
_NEVER_DOUBLED = frozenset({b"list-id", b"list-unsubscribe", b"list-unsubscribe-post"})

_SENDER_DOMAIN = re.compile(rb"@([^@<>\s]+)>?\Z")
_LINE = 72

Fields = dict[bytes, list[bytes]]


class Signer:
    """Signs by itself for whichever domains it has keys for. Holds no state but what it has seen to be the same."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys = list(keys)
        self._by_domain: dict[bytes, list[Key]] = {}
        self._names: dict[tuple[bytes, ...], bytes] = {}

    def signed(self, message: bytes, at: datetime) -> bytes:
        """A whole message with its signatures in front."""
        if not self.keys:
            return message
        end = message.index(b"\r\n\r\n") + 2
        return self.sign(message[:end], message[end + 2 :], at) + message

    def sign(self, headers: bytes, body: bytes, at: datetime) -> bytes:
        """The DKIM-Signature lines, one for each key; nothing where no key speaks for the sender.

        headers   whole lines, without the empty one behind them
        body      in the form that encode.py makes: no white space at the end of a line, none beside another, no tab
        at        becomes t=
        """
        fields = relaxed_fields(headers)
        keys = self._keys(_sender_domain(fields))
        if not keys:
            return b""
        body_hash = base64.b64encode(hashlib.sha256(_without_empty_end(body)).digest())
        names: list[bytes] = []
        lines: list[bytes] = []
        for name in SIGNED:
            values = fields.get(name, ())
            names += [name] * len(values)
            lines += [name + b":" + value + b"\r\n" for value in reversed(values)]  # RFC 6376 §5.4.2: the last first
            if name in _NEVER_ADDED or (values and name in _NEVER_DOUBLED):
                names.append(name)
        tail = b" t=%d;\r\n h=%b;\r\n bh=%b;\r\n b=" % (int(at.timestamp()), self._listed(tuple(names)), body_hash)
        content = b"".join(lines)
        return b"".join([_signature(key, tail, content) for key in keys])

    def _keys(self, domain: bytes) -> list[Key]:
        found = self._by_domain.get(domain)
        if found is None:
            found = self._by_domain[domain] = list(covering(self.keys, domain.decode("ascii", "replace")))
        return found

    def _listed(self, names: tuple[bytes, ...]) -> bytes:
        found = self._names.get(names)
        if found is None:
            lines = [b"h="]
            for name in names:
                if len(lines[-1]) + len(name) + 1 > _LINE:
                    lines.append(b"")
                lines[-1] += name + b":"
            found = self._names[names] = b"\r\n ".join(lines).removeprefix(b"h=").removesuffix(b":")
        return found


def relaxed_fields(headers: bytes) -> Fields:
    """Values by name in lower case, in the order of the lines (RFC 6376 §3.4.2)."""
    text = headers.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    fields: Fields = {}
    for line in text.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            fields.setdefault(name.rstrip(b" ").lower(), []).append(value.strip(b" "))
    return fields


def _sender_domain(fields: Fields) -> bytes:
    senders = fields.get(b"from", [])
    found = _SENDER_DOMAIN.search(senders[0]) if len(senders) == 1 else None
    if found is None:
        raise MessageInvalid("a message without one sender cannot be signed")
    return found[1].lower()


def _without_empty_end(body: bytes) -> bytes:
    """RFC 6376 §3.4.4: no empty lines at the end, and a line break at the end of what is left."""
    if body.endswith(b"\r\n") and not body.endswith(b"\r\n\r\n") and len(body) > 2:
        return body
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body and body + b"\r\n"


def _signature(key: Key, tail: bytes, content: bytes) -> bytes:
    start = f"v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n d={key.domain}; s={key.selector};".encode()
    unsigned = start + tail
    value = key.sign(content + b"dkim-signature:" + unsigned.replace(b"\r\n ", b" "))  # RFC 6376 §3.7: b= is empty
    text = base64.b64encode(value)
    folded = b"\r\n ".join([text[at : at + _LINE] for at in range(0, len(text), _LINE)])
    return b"DKIM-Signature: " + unsigned + folded + b"\r\n"
