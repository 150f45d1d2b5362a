"""Which of the pictures around an article is its picture. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from digest.model.article import Image
from digest.sources import bounds, clean
from digest.sources.dedupe import is_web_url
from digest.sources.links import joined as joined

SMALL_PX = 150
"""A picture that says it is no wider is taken where there is no other."""

LONGEST_TAG = 4_000

TINY_PX = 48
"""One that says it is no wider is an icon."""

_IMG = re.compile(r"<img\b[^<>]*>", re.I)
_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_NO_PICTURE = re.compile(
    r"\b(?:emoji|wp-smiley|avatars?|gravatar|spinner|feedflare)\b"
    r"|(?:feedburner|feedsportal|doubleclick|/pixel|/stat\?|/beacon|1x1\.|blank\.gif|spacer\.)",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    src: str
    alt: str = ""
    width: int | None = None


def pictures_in(html: str) -> Iterator[Picture]:
    """The pictures of an HTML fragment, without the pixels that count readers, smileys and portraits."""
    for found in islice(_IMG.finditer(html, 0, bounds.TEXT), bounds.FEW):
        given = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(found[0][:LONGEST_TAG])}
        lazy = given.get("data-src") or given.get("data-lazy-src") or given.get("data-original") or ""
        src = clean.unescaped(lazy or given.get("src", ""))
        width = number(given.get("width"))
        sizes = (width, number(given.get("height")))
        if not src or src.startswith("data:") or any(size is not None and size <= 2 for size in sizes):
            continue
        if not _NO_PICTURE.search(given.get("class", "")):
            yield Picture(src=src, alt=clean.line(clean.unescaped(given.get("alt", ""))[: bounds.TITLE]), width=width)


def choose(candidates: Iterable[Picture], *, base: str) -> Image | None:
    """The first that is no thumbnail, else the first; only what a mail can show."""
    shown = [
        (each, absolute)
        for each in candidates
        if _may_be(each) and is_web_url(absolute := joined(base, each.src.strip()))
    ]
    large = [pair for pair in shown if pair[0].width is None or pair[0].width > SMALL_PX]
    for each, absolute in (large or shown)[:1]:
        return Image(src=absolute, alt=each.alt)
    return None


def _may_be(each: Picture) -> bool:
    return bool(each.src.strip()) and not _NO_PICTURE.search(each.src) and (each.width is None or each.width > TINY_PX)


def number(value: object) -> int | None:
    """ "640", "640px" -> 640."""
    found = re.match(r"\s*([0-9]{1,5})(?:px)?\s*(?:$|[.;])", str(value or "")[:100])
    return int(found[1]) if found else None
