"""The List-Unsubscribe pair."""

from __future__ import annotations

import re

from digest.errors import MessageInvalid

_URI = re.compile(r"[!-+\--;=?-~]+")  # printable ASCII but "<", ">" and ","


def list_unsubscribe(url: str, mailto: str = "") -> bytes:
    """Both headers, or nothing where there is no URL; MessageInvalid for a URI that cannot stand in them.

    url      the one-click address: https (http is for trials on loopback only)
    mailto   "unsubscribe+TOKEN@example.org", or ""
    source   RFC 2369 §3.2: URIs in angle brackets, best first; RFC 8058 §3.1: exactly one https URI
    """
    if not url:
        return b""
    if not _URI.fullmatch(url) or (mailto and not _URI.fullmatch(mailto)):
        raise MessageInvalid("the unsubscribe address holds a character that cannot stand in a URI")
    also = f",\r\n <mailto:{mailto}>" if mailto else ""  # folded at white space only: never inside a URI
    return (
        f"List-Unsubscribe: <{url}>{also}\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # RFC 8058 §3.1: this value and no other
    ).encode()
