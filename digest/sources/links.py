"""Addresses as people write them -> as browsers ask for them. Pure.

As the URL Standard has it (https://url.spec.whatwg.org/#concept-basic-url-parser), as far as people need it: what stands
around an address and the line breaks in it go, white space behind the host is encoded. A host with a space is none.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin

_AROUND = "".join(map(chr, range(0x21)))  # C0 controls and the space
_BREAKS = re.compile(r"[\t\n\r]+")
_UP_TO_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*+:)?(?://[^/?#\\]*+)?")
_SPACE = re.compile(r"\s")


def joined(base: str, address: str) -> str:
    """An address that may be relative; "" where it is none at all."""
    try:
        found = urljoin(base, _BREAKS.sub("", address.strip(_AROUND)))
    except ValueError:
        return ""
    if not _SPACE.search(found):
        return found
    rest = found[(end := _end_of_host(found)) :]
    return found[:end] + _SPACE.sub(lambda space: quote(space[0]), rest)


def _end_of_host(url: str) -> int:
    found = _UP_TO_HOST.match(url)
    return found.end() if found else 0
