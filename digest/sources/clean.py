"""Foreign HTML -> one safe line of text. Pure.

What comes out is text, and "<dialog>" in it is a word: who shows it escapes it. It holds no control character and nothing
of zero width (but what Persian, Hindi and emoji are written with). HTML is read once; cleaning what came out once more
would take such words away, so `line` is for what is text already.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from lxml import etree

from digest.model.address import clean_line
from digest.sources import angles, bounds, sentences
from digest.sources.footers import without_end
from digest.sources.markup import without_cdata_marks, without_elements, without_pairs
from digest.sources.shortcodes import without_shortcodes
from digest.sources.unseen import without_unseen

SUMMARY_LIMIT = 400

ENOUGH = 4_000
"""Characters from which a summary is made."""

MAX_DEPTH = 500
"""Elements in one another; parsers give up at some depth, and lose what stands there."""

ROUNDS = 4
"""A text that was escaped once too often is nothing but markup after it was read. More than this is nobody's mistake."""

_PARAGRAPH, _LINE = "\u2029", "\u2028"  # the separators of Unicode; parsers take them for text
_SPACES = f"\t\n\r{_PARAGRAPH}{_LINE}"
_BREAKS = re.compile(
    r"</?(?:(?P<paragraph>p|div|h[1-6]|blockquote|section|article|figure|ul|ol|dl|table|pre|hr|nav|header|footer|main|"
    r"aside|address|figcaption|caption|center|details|summary|fieldset|legend|form|menu|hgroup|search|dir|body)"
    r"|(?P<line>br|li|tr|dd|dt|option|optgroup|label)|td|th|thead|tbody|tfoot|audio|video)(?=[\s/>])"
    r"|</(?:del|ins|s)>(?=<(?:del|ins|s)\b)",
    re.I,
)
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_SELF_CLOSED = re.compile(
    r"<(?:audio|canvas|iframe|object|script|select|style|svg|textarea|title|video)\b[^<>]*/>", re.I
)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_NOT_TEXT = re.compile(r"<(script|style|iframe|noscript|template|svg|object)\b[^<>]*>", re.I)
_ADDRESS = re.compile(r"https?://\S+")

_JOINERS = "\u200c\u200d"
_LOOSE_JOINERS = re.compile(
    rf"(?<![{_JOINERS}])(?:(?<![^\x00-\u036f\s])[{_JOINERS}]++|[{_JOINERS}]++(?![^\x00-\u036f\s]))"
)
_DIRECTION_MARKS = dict.fromkeys(map(ord, "\u061c\u200e\u200f"))
_RIGHT_TO_LEFT = re.compile("[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def plain_text(foreign: str) -> str:
    """The text of an HTML fragment: no tags, no scripts, entities as the characters they mean. Of 200,000 characters."""
    return clean_line(_read(foreign[: bounds.TEXT], False))


def title(foreign: str) -> str:
    """A title in HTML, or of which nobody says whether it is, on one line. Of 2,000 characters.

    A tag that is never closed is a word in it: "A guide to <head> elements".
    """
    return clean_line(_read(foreign[: bounds.TITLE], True))


def line(text: str) -> str:
    """What is no HTML, on one line: all of it is to be read, "&amp;" and "<b>" too. Of 200,000 characters."""
    return clean_line(_visible(text[: bounds.TEXT]))


def paragraphs(foreign: str) -> list[str]:
    """The text of an HTML fragment, a line each; those in which nothing stands are left out."""
    return _lines(_read(foreign[: bounds.TEXT], False))


def summary(foreign: str, limit: int = SUMMARY_LIMIT) -> str:
    """A paragraph of at most `limit` characters that ends at a sentence where it can, else at a word.

    Without shortcodes, lines that are only an address, and what blogs append: "The post ... appeared first on ...",
    "Read more", "[…]".
    """
    return summary_of(_lines(_read(foreign[: bounds.TEXT], False).replace(_LINE, _PARAGRAPH)), limit)


def summary_of(lines: Sequence[str], limit: int = SUMMARY_LIMIT) -> str:
    """The same of lines that are text already."""
    kept = _first_of([each for each in lines if not _ADDRESS.fullmatch(each)] or lines)
    while kept and (left := without_end(kept[-1])) != kept[-1]:
        kept[-1:] = [left] if left else []
    text, before = " ".join(kept), None
    while text != before:  # what is cut off may lay bare what has to go as well
        before = text
        text = line(without_shortcodes(text))
        text = line(sentences.shortened(without_end(text), limit))
    return text


def _lines(text: str) -> list[str]:
    return [*filter(None, map(clean_line, text.split(_PARAGRAPH)))]


def _first_of(lines: Sequence[str]) -> list[str]:
    """As many as a summary is made of: what a blog appended to all the others stands behind its end."""
    length = 0
    for number, each in enumerate(lines, 1):
        length += len(each)
        if length > ENOUGH:
            return [*lines[: number - 1], each[:ENOUGH]]
    return [*lines]


def unescaped(text: str) -> str:
    """Entities as the characters they mean; as it was where a number in it is beyond every calculation."""
    try:
        return html.unescape(text)
    except ValueError:
        return text


def count_words(text: str) -> int:
    """Of a plain text. Where no spaces part words, two Chinese or Japanese and five Thai characters are one.

    So a reading time comes out right: 460 characters a minute, about what Japanese and Chinese readers do.
    """
    many = _NO_SPACES.search(text) is not None
    east = len(_EAST.findall(text)) if many else 0
    south = len(_SOUTH_EAST.findall(text)) if many else 0
    spaced = _NO_SPACES.sub(" ", text) if many else text
    return len([*filter(_WORD.search, spaced.split())]) + (east + 1) // 2 + (south + 4) // 5


_WORD = re.compile(r"[^\W_]")
_EAST = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)
_SOUTH_EAST = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # Thai, Lao, Burmese, Khmer
_NO_SPACES = re.compile(f"{_EAST.pattern}|{_SOUTH_EAST.pattern}")


@lru_cache(maxsize=8)  # one text is asked for its words, its paragraphs and its summary
def _read(foreign: str, is_title: bool) -> str:
    """Without tags and entities; _PARAGRAPH stands where a block began or ended, _LINE where a line did.

    Once, as the format says: what was written about markup, and escaped, is no markup. Only a text of which the first
    reading leaves nothing but markup was escaped once too often, and is read again.
    """
    text = _visible(foreign)
    if "<" not in text and "&" not in text:
        return _BLANK_LINE.sub(_PARAGRAPH, text) if "\n" in text else text
    found = _visible(_read_once(text, is_title))
    for _ in range(ROUNDS):
        again = _visible(_read_once(found, is_title)) if angles.is_whole(found) else ""
        if not again.strip():
            break
        found = again
    return found


def _read_once(text: str, is_title: bool) -> str:
    text = _BLANK_LINE.sub(_PARAGRAPH, text)
    if "<" in text:
        marked = without_cdata_marks(text) if "<![CDATA[" in text else text
        marked = _SELF_CLOSED.sub(" ", marked) if "/>" in marked else marked
        text = _parsed(angles.with_words(marked.replace("&", "&amp;"), is_title=is_title))
    return unescaped(text) if "&" in text else text


def _parsed(marked: str) -> str:
    """Its entities stay but the ones of `angles`."""
    marked = _BREAKS.sub(_with_break, marked)
    if _is_deep(marked):
        bare = without_pairs(without_elements(marked, _NOT_TEXT), {"<!--": "-->"})
        return _TAG.sub("", bare).replace("&lt;", "<").replace("&amp;", "&")
    root = etree.fromstring(f"<div>{marked}".encode(), _PARSER)
    if root is None:
        return ""
    without_unseen(root, marked)
    return str(etree.tostring(root, method="text", encoding="unicode"))


def _with_break(tag: re.Match[str]) -> str:
    if tag["paragraph"]:
        return _PARAGRAPH + tag[0]
    return (_LINE if tag["line"] else " ") + tag[0]


_PARSER = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True)


def _is_deep(marked: str) -> bool:
    """More elements in one another than any writer makes, also where they overlap."""
    if marked.count("<") < MAX_DEPTH:
        return False
    open_now: Counter[str] = Counter()
    depth = 0
    for found in _ANY_TAG.finditer(marked):
        name = found[2].lower()
        step = -1 if found[1] else 1
        if name in _VOID or (step < 0 and not open_now[name]):
            continue
        open_now[name] += step
        depth += step
        if depth > MAX_DEPTH:
            return True
    return False


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    there = set(text)
    if gone := [ord(c) for c in there if not c.isprintable() and c not in _SPACES and _is_nothing(c)]:
        text = text.translate(dict.fromkeys(gone))
    if not there.isdisjoint(_JOINERS):
        text = _LOOSE_JOINERS.sub("", text)
    is_marked = not there.isdisjoint("\u061c\u200e\u200f")
    return text.translate(_DIRECTION_MARKS) if is_marked and not _RIGHT_TO_LEFT.search(text) else text


def _is_nothing(character: str) -> bool:
    """What clean_line takes out, before it could have parted a "<" from a "b"; and what nobody sees.

    Overrides of direction too: one left open turns round what stands behind it.
    """
    return unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co") or character in _UNSEEN


_UNSEEN = frozenset(
    chr(number)
    for first, last in (
        *((0xAD, 0xAD), (0x180E, 0x180E), (0x200B, 0x200B), (0x202A, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF)),
        *((0xFFF9, 0xFFFB), (0xE0000, 0xE007F)),
    )
    for number in range(first, last + 1)
)
