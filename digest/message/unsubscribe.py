"""The List-Unsubscribe pair."""

from __future__ import annotations

from digest.errors import MessageInvalid
from digest.message.headers import header


def list_unsubscribe(url: str, mailto: str = "") -> bytes:
    """Both headers, or nothing where there is no URL; MessageInvalid for a URI that cannot stand in them.

    url      the one-click address: https (http is for trials on loopback only)
    mailto   "unsubscribe+TOKEN@example.org", or ""
    source   RFC 2369 §3.2: URIs in angle brackets, best first; RFC 8058 §3.1: exactly one https URI
    """
    if not url:
        return b""
    uris = [url, *([f"mailto:{mailto}"] if mailto else [])]
    for uri in uris:
        if not uri.isascii() or any(char in uri for char in " <>,\t\r\n"):
            raise MessageInvalid("the unsubscribe address holds a character that cannot stand in a URI")
    value = ",\r\n ".join(f"<{uri}>" for uri in uris)  # folded at white space only: never inside a URI
    return header("List-Unsubscribe", value) + header(
        "List-Unsubscribe-Post",
        "List-Unsubscribe=One-Click",  # RFC 8058 §3.1: this value and no other
    )
