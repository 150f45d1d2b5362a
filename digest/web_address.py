"""Addresses of the web, and their hosts, as headers, links and certificates hold them: in ASCII."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

import idna

MAX_LENGTH = 2_000

_UNSEEN = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_SECTION, _STANDS_FOR = "{section}", "digest-section"  # of Newsletter.section_url


def ascii_host(host: str) -> str:
    """A host's name as DNS has it: bücher.example is xn--bcher-kva.example. ValueError for what is none.

    source   RFC 5891 §4.4, with the mapping of UTS 46
    """
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError as cause:
            raise ValueError(f"{host!r} is no name of a host: {cause}") from cause
    if not _NAME.fullmatch(host):
        raise ValueError(f"{host!r} is no name of a host")
    return host


def web_address(text: str) -> str:
    """An http or https address with its host in ASCII, and the rest of it too. ValueError with a reason for people."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH:,} characters")
    if any(unicodedata.category(char) in _UNSEEN for char in text):
        raise ValueError("holds a space, or a character that cannot be seen")
    try:
        parts = urlsplit(text.replace(_SECTION, _STANDS_FOR))
        port = parts.port
    except ValueError as cause:
        raise ValueError("its host or its port cannot be read") from cause
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must begin with https:// or http:// and a host")
    if "@" in parts.netloc:
        raise ValueError("holds a user name, which says nothing to readers and may mislead them")
    if re.search(r"[<>\"\\^`|]", text):
        raise ValueError('holds one of < > " \\ ^ ` |, which an address writes as %3C and so on')
    host = f"[{parts.hostname}]" if ":" in parts.hostname else ascii_host(parts.hostname)
    rest = text.partition("//")[2][len(parts.netloc.replace(_STANDS_FOR, _SECTION)) :]
    rest = re.sub(r"[^\x00-\x7f]+", lambda found: quote(found[0]), rest)  # RFC 3987 §3.1
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{rest}".replace(_STANDS_FOR, _SECTION)
