"""Which of the pictures around an article is its picture: one reader for feeds, pages, files and databases. Pure.

srcset, <picture>      the widest that a mail has use for: up to 1,600 pixels, else the next above; `src` where that is as
                       wide as a mail
lazy pictures          what a script would have put into `src`: data-src, data-srcset and the like, or the <noscript> beside
no pictures            pixels that count readers, by their size, style or name; smileys, portraits, placeholders; hidden ones
SVG, AVIF, HEIC, TIFF  taken where there is no other, since most mail programs show none of them
small ones             likewise; icons never

source   html.spec.whatwg.org/multipage/images.html (srcset), caniemail.com (kinds of picture)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from lxml import html as lxml_html

from digest.model.article import Image
from digest.sources import bounds, clean
from digest.sources.dedupe import is_web_url
from digest.sources.links import joined

SMALL_PX = 150
"""A picture that says it is no wider is taken where there is no other."""

TINY_PX = 48
"""One that says it is no wider is an icon."""

WIDE_PX = 1_600
"""Of a set the widest up to this: twice what a mail shows, and no more than phones like to load."""

MAIL_PX = 600
"""As wide as the column of a mail: a `src` that says so is what its site has chosen for such a place."""

MOST_TAGS = 500
"""Looked at in one text."""

PICTURES = ("text", "featured")
"""Whence the picture of a database's article may come; an option of several kinds of source."""

_START = re.compile(r"<(?:img|picture|amp-img)\b", re.I)
_NO_PICTURE = re.compile(
    r"\b(?:emoji|wp-smiley|avatars?|gravatar|spinner|feedflare)\b"
    r"|(?:feedburner|feedsportal|doubleclick|/pixel|/stat\?|/beacon|1x1\.|blank\.gif|spacer\.)"
    r"|(?:matomo|piwik)\.php|[?&]idsite=|://(?:pixel|stats)\.wp\.com/|facebook\.com/tr\b|google-analytics\.com"
    r"|met\.vgwort\.de|scorecardresearch\.com|/utm\.gif"
    r"|/(?:placeholder|blank|spacer|transparent|empty|loading|lazy(?:load)?|clear|pixel)(?:[-_]?\d+(?:x\d+)?)?"
    r"\.(?:gif|png|svg|jpe?g|webp)",
    re.I,
)
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-src-set", "data-original-set")
_LAZY = (
    *("data-src", "data-lazy-src", "data-lazyload", "data-lazy", "data-original", "data-large-file", "data-orig-file"),
    *("data-echo", "data-hi-res-src", "data-full-src", "data-image", "data-image-src", "data-url"),
)
_PREVIEW = re.compile(r"place|thumb|low|blur|small|tiny|error|fallback|avatar|logo", re.I)

_SHOWN = {"jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "bmp"}
_UNSHOWN = {"svg", "svgz", "avif", "heic", "heif", "tif", "tiff", "jxl", "jp2", "eps", "ico"}
_FORMAT = re.compile(r"[?&](?:format|fm|output|ext)=([A-Za-z]+)")

_IN_SET = re.compile(r"([^\s,]\S*?),+(?=\s|$)|([^\s,]\S*)(?:\s+([^\s,][^,]*))?")
_STYLE_SIZE = re.compile(r"(?:^|[;\s])(?:max-)?(width|height)\s*:\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*(?:!|;|$)", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)


_Sized = tuple[str, int | None]
"""An address, and the width in pixels where it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A candidate.

    width   as it is shown, else as the file says
    kind    its media type, where that is said
    also    other addresses of the same
    """

    src: str
    alt: str = ""
    width: int | None = None
    kind: str = ""
    also: tuple[str, ...] = ()


def pictures_in(html: str) -> Iterator[Picture]:
    """The pictures of an HTML fragment, in their order."""
    if _START.search(html, 0, bounds.TEXT) is None:
        return
    fragment = "<div>" + html[: bounds.TEXT].replace("\0", "")
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    yield from pictures_of(lxml_html.document_fromstring(fragment.encode("utf-8", "replace"), parser=parser))


def pictures_of(tree: Any) -> Iterator[Picture]:
    """The same of a tree of lxml."""
    found = (_picture_of(each) for each in islice(tree.iter("img", "picture", "amp-img"), MOST_TAGS))
    yield from islice(filter(None, found), bounds.FEW)


def choose(candidates: Iterable[Picture], *, base: str) -> Image | None:
    """The first that is no thumbnail and that mail programs show; else the best there is."""
    best, best_rank = None, (False, False)
    for each in candidates:
        if not _may_be(each) or not is_web_url(absolute := joined(base, each.src)):
            continue
        rank = (is_shown(absolute, each.kind), each.width is None or each.width > SMALL_PX)
        if best is None or rank > best_rank:
            best, best_rank = Image(src=absolute, alt=each.alt), rank
        if best_rank == (True, True):
            break
    return best


def is_shown(url: str, kind: str = "") -> bool:
    """By mail programs, as far as its kind or its name tells."""
    named = kind.partition("/")[2].partition("+")[0].partition(";")[0].strip().lower() or _ending(url)
    return named not in _UNSHOWN


def is_named_as_picture(url: str) -> bool:
    return _ending(url) in _SHOWN | _UNSHOWN


def number(value: object) -> int | None:
    """ "640", "640px" -> 640."""
    found = re.match(r"\s*([0-9]{1,5})(?:px)?\s*(?:$|[.;])", str(value or "")[:100])
    return int(found[1]) if found else None


def _ending(url: str) -> str:
    """In small letters, without its dot; what a server is asked to make of it goes before the name."""
    if found := _FORMAT.search(url[:2_000]):
        return found[1].lower()
    try:
        name = urlsplit(url[:2_000]).path.rpartition("/")[2]
    except ValueError:
        return ""
    return name.rpartition(".")[2].lower() if "." in name else ""


def _may_be(each: Picture) -> bool:
    return bool(each.src.strip()) and not _NO_PICTURE.search(each.src) and (each.width is None or each.width > TINY_PX)


# --- one element -----------------------------------------------------------------------------------------------------


def _picture_of(element: Any) -> Picture | None:
    """None for what is no picture, or is one that another element shows better."""
    if element.tag == "picture":
        return None if any(True for _ in element.iter("img")) else _chosen(element, element, {})
    given, width = _said_of(element)
    if given is None:
        return None
    # libxml2 has <img> stand within the <source> before it
    frame = next((each for each in islice(element.iterancestors(), 20) if each.tag == "picture"), element)
    if not any(name in given for name in (*_LAZY, *_LAZY_SETS)) and _is_said_again(frame):
        return None
    return _chosen(element, frame, given, width)


def _said_of(element: Any) -> tuple[Mapping[str, str] | None, int | None]:
    """The attributes of an <img>, and its width; None for a pixel, a smiley, or one that nobody sees."""
    given = {str(name).lower(): str(value) for name, value in element.attrib.items()}
    sizes = {name: number(given.get(name)) for name in ("width", "height")}
    for name, pixels in _STYLE_SIZE.findall(given.get("style", "")[:1_000]):
        sizes[name.lower()] = int(pixels)
    is_pixel = any(size is not None and size <= 2 for size in sizes.values())
    if is_pixel or _NO_PICTURE.search(given.get("class", "")) or _is_hidden(element):
        return None, None
    return given, sizes["width"]


def _is_hidden(element: Any) -> bool:
    for each in (element, *islice(element.iterancestors(), 5)):
        if each.get("hidden") is not None or _HIDDEN.search(each.get("style", "")[:1_000]):
            return True
    return False


def _is_said_again(frame: Any) -> bool:
    """For those without scripts, who then see the picture that a script would have loaded."""
    beside = frame.getnext()
    if beside is None or beside.tag != "noscript":
        return False
    return any(_said_of(each)[0] and _is_picture(each.get("src") or "") for each in islice(beside.iter("img"), 3))


def _chosen(element: Any, frame: Any, given: Mapping[str, str], width: int | None = None) -> Picture | None:
    """The best address of one element: what is loaded late goes before what stands there until then."""
    tags = (element, *_sources(frame))
    late = [pair for name in _LAZY_SETS for tag in tags for pair in _in_set(tag.get(name))]
    late += [(given[name], None) for name in _LAZY if name in given]
    sets = [pair for tag in tags for pair in _in_set(tag.get("srcset"))]
    src = given.get("src", "").strip()
    stated = next((size for url, size in sets if url == src), None) or width
    late, now = ([pair for pair in pairs if _is_picture(pair[0])] for pairs in (late, [(src, stated), *sets]))
    if not late and not now:
        late = [(value, None) for name, value in given.items() if _is_picture_of_somebody_s(name, value)]
    if not late and (src, stated) in now and (stated or 0) >= MAIL_PX and is_shown(src):
        best: _Sized | None = (src, stated)
    else:
        best = _best(late, shown=True) or _best(now, shown=True) or _best([*late, *now])
    if best is None:
        return None
    also = tuple(dict.fromkeys(url for url, _ in (*late, *now)))
    return Picture(src=best[0], alt=clean.line(given.get("alt", "")[: bounds.TITLE]), width=width or best[1], also=also)


def _sources(frame: Any) -> Iterator[Any]:
    """Of a <picture>, for people who read by daylight and with programs that know but the usual kinds."""
    for each in islice(frame.iter("source"), 20) if frame.tag == "picture" else ():
        if not re.search(r"dark|print", (each.get("media") or "")[:200]) and is_shown("", each.get("type") or ""):
            yield each


def _is_picture_of_somebody_s(name: str, value: str) -> bool:
    """An attribute that nobody else has: what is called like a picture, and not like a preview of one."""
    return name.startswith("data-") and is_named_as_picture(value) and not _PREVIEW.search(name + value)


def _best(pairs: Sequence[_Sized], *, shown: bool = False) -> _Sized | None:
    pairs = [pair for pair in pairs if is_shown(pair[0])] if shown else pairs
    sized = [pair for pair in pairs if pair[1]]
    if not sized:
        return pairs[0] if pairs else None
    fitting = [pair for pair in sized if (pair[1] or 0) <= WIDE_PX]
    return max(fitting, key=lambda pair: pair[1] or 0) if fitting else min(sized, key=lambda pair: pair[1] or 0)


def _in_set(text: str | None) -> Iterator[_Sized]:
    """Addresses with their widths; 2x is taken for a picture of 1,600 pixels, as it is for a column of 800."""
    for found in islice(_IN_SET.finditer((text or "")[: bounds.TEXT]), bounds.FEW):
        size = re.search(r"(?:^|\s)(\d{1,5}(?:\.\d+)?)([wx])(?:\s|$)", (found[3] or "")[:100])
        yield found[1] or found[2], int(float(size[1]) * (1 if size[2] == "w" else 800)) if size else None


def _is_address(text: str) -> bool:
    return bool(text.strip()) and not text.lstrip().startswith(("{", "[", "data:"))


def _is_picture(url: str) -> bool:
    return _is_address(url) and not _NO_PICTURE.search(url)
