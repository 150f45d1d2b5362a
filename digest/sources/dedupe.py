"""One story from several places -> one Article. Pure."""

from __future__ import annotations

import contextlib
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import idna

_TRACKING = re.compile(r"utm_.*|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|igshid|yclid|_hsenc|_hsmi|ref_src|cmpid", re.I)


def is_web_url(url: str) -> bool:
    """http or https with a host: what a mail may link to. `javascript:`, `data:` and the rest are not."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f]", url)
    except ValueError:
        return False


def canonical_url(url: str) -> str:
    """What several addresses of one page have in common; for comparing, not for linking.

    http and https are one, so are letters of the scheme and host, the default port, a fragment, tracking parameters
    and a slash at the end. `www.` stays: there are sites where it makes a difference.
    """
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    with contextlib.suppress(idna.IDNAError):
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    query = urlencode(
        [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(key)]
    )
    return urlunsplit(("https", host + port, parts.path.rstrip("/"), query, ""))
