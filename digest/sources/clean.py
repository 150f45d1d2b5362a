"""Foreign HTML -> one safe line of text. Pure.

What comes out holds no tag, no entity, no control character and nothing of zero width (but what Persian, Hindi and emoji
are written with), however often it was escaped; cleaning it once more changes nothing.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter

import nh3

from digest.model.address import clean_line
from digest.sources import bounds, sentences
from digest.sources.markup import without_elements, without_pairs
from digest.sources.shortcodes import without_shortcodes

SUMMARY_LIMIT = 400

ENOUGH = 4_000
"""Characters from which a summary is made."""

MAX_DEPTH = 500
"""Elements in one another. For each tag the parser looks through all that are open, so 50,000 take minutes."""

ROUNDS = 8
"""Feeds that escape twice are common, four times was seen; more than this is nobody's mistake."""

_PARAGRAPH = "\x1e"
_SPACES = f"\t\n\r{_PARAGRAPH}"
_BLOCK_END = re.compile(r"(?i)</(?:p|div|li|h[1-6]|tr|blockquote|section|article|figure|ul|ol)\s*>|<br\s*+(?:/\s*+)?>")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_NOT_TEXT = {"script", "style", "iframe", "noscript", "template", "svg", "object"}
_NOT_TEXT_START = re.compile(rf"<({'|'.join(sorted(_NOT_TEXT))})\b[^<>]*>", re.I)
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
_TAG = re.compile(
    r"<[a-zA-Z/!?][^<>]*>"
    r"|<(?:/|!--|[a-zA-Z][\w-]*\s[^<>=]*=)[^<>]*$"  # broken off: '<a href="https://exam'
)
_TAG_START = re.compile(r"<(?=[a-zA-Z/!?])")

_JOINERS = "\u200c\u200d"
_LOOSE_JOINERS = re.compile(
    rf"(?<![{_JOINERS}])(?:(?<![^\x00-\u036f\s])[{_JOINERS}]++|[{_JOINERS}]++(?![^\x00-\u036f\s]))"
)
_DIRECTION_MARKS = dict.fromkeys(map(ord, "\u061c\u200e\u200f"))
_RIGHT_TO_LEFT = re.compile("[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


def plain_text(foreign: str) -> str:
    """The text of an HTML fragment: no tags, no scripts, entities as the characters they mean. Of 200,000 characters."""
    return clean_line(_read(foreign).replace(_PARAGRAPH, " "))


def title(foreign: str) -> str:
    """A title on one line; a lone "<" that is no tag stays. Of 2,000 characters."""
    return plain_text(foreign[: bounds.TITLE])


def summary(foreign: str, limit: int = SUMMARY_LIMIT) -> str:
    """A paragraph of at most `limit` characters that ends at a sentence where it can, else at a word.

    Without shortcodes, and without what blogs append: "The post ... appeared first on ...", "Read more", "[…]".
    """
    paragraphs = _first_of([*filter(None, map(clean_line, _read(foreign).split(_PARAGRAPH)))])
    while paragraphs and (left := _without_end(paragraphs[-1])) != paragraphs[-1]:
        paragraphs[-1:] = [left] if left else []
    text, before = " ".join(paragraphs), None
    while text != before:  # what is cut off may lay bare what has to go as well
        before = text
        text = plain_text(without_shortcodes(text))
        text = plain_text(sentences.shortened(_without_end(text), limit))
    return text


def _first_of(paragraphs: list[str]) -> list[str]:
    """As many as a summary is made of: what a blog appended to all the others stands behind its end."""
    length = 0
    for number, each in enumerate(paragraphs, 1):
        length += len(each)
        if length > ENOUGH:
            return [*paragraphs[: number - 1], each[:ENOUGH]]
    return paragraphs


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
    return sum(1 for word in spaced.split() if _WORD.search(word)) + (east + 1) // 2 + (south + 4) // 5


_WORD = re.compile(r"[^\W_]")
_EAST = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)
_SOUTH_EAST = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # Thai, Lao, Burmese, Khmer
_NO_SPACES = re.compile(f"{_EAST.pattern}|{_SOUTH_EAST.pattern}")


def _read(foreign: str) -> str:
    """Without tags and entities; _PARAGRAPH stands where a block ended.

    Some feeds escape twice; then what is left after the first round still looks like HTML, and is read once more.
    """
    text = _visible(foreign[: bounds.TEXT].replace(_PARAGRAPH, " "))
    for _ in range(ROUNDS):
        text = _BLANK_LINE.sub(_PARAGRAPH, text)
        if not (("<" in text and _TAG.search(text)) or ("&" in text and _ENTITY.search(text))):
            return text
        marked = _BLOCK_END.sub(rf"{_PARAGRAPH}\g<0>", text)
        found = _visible(unescaped(_without_tags(marked)))
        if found == text:
            return text
        text = found
    return _visible(_TAG_START.sub("", _ENTITY.sub("", text)))


def _without_tags(marked: str) -> str:
    """Its entities stay."""
    if not _is_deep(marked):
        return nh3.clean(marked, tags=set(), clean_content_tags=_NOT_TEXT)
    return _TAG.sub("", without_pairs(without_elements(marked, _NOT_TEXT_START), {"<!--": "-->"}))


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
    is_marked = any(ord(c) in _DIRECTION_MARKS for c in there)
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


# --- what blogs append -----------------------------------------------------------------------------------------------

_FOOTERS = (  # how it begins, how it goes on
    (r"The post", r"(?:appeared first on|first appeared on|was originally published on)"),
    (r"(?:Der Beitrag|Der Artikel)", r"(?:erschien zuerst auf|ist zuerst erschienen auf)"),
    (r"(?:L[’'](?:article|actualité)|Cet article)", r"(?:est apparu en premier sur|est apparu en premier dans)"),
    (r"(?:La entrada|El artículo)", r"(?:se publicó primero en|aparece primero en|apareció primero en)"),
    (
        r"(?:O post|O artigo|O conteúdo|A publicação)",
        r"(?:apareceu primeiro (?:em|n[oa])|aparece primeiro (?:em|n[oa])|foi publicado primeiro em)",
    ),
    (r"L[’'](?:articolo)", r"(?:proviene da|sembra essere il primo su)"),
    (r"(?:Het bericht|Het artikel)", r"(?:verscheen eerst op|verscheen als eerste op)"),
)
_FOOTER = re.compile("|".join(rf"{begin} .{{1,300}}? ?{then} .{{1,200}}" for begin, then in _FOOTERS))
_MORE = (
    r"(?i:Continue reading|Keep reading|Read (?:more|on|the (?:full|whole|rest)[^.!?]{0,40})|Weiterlesen|Mehr lesen|"
    r"Weiter lesen|Lire la suite|Lire plus|En savoir plus|Continuer la lecture|Leer más|Seguir leyendo|Sigue leyendo|"
    r"Continuar leyendo|Ler mais|Leia mais|Continue (?:lendo|a ler)|Continuar (?:lendo|a ler)|Leggi (?:tutto|di più)|"
    r"Continua a leggere|Lees (?:verder|meer)|Verder lezen)"
)
_LINK = re.compile(
    rf"{_MORE}(?:\s+(?:[“\"„«‘][^“”\"„«»]{{1,200}}[”\"“»’]|[^.!?…]{{1,200}}(?=\s*(?:→|»|›|&raquo;|>+)$)))?"
    r"\s*(?:→|»|›|>+|\.\.\.|…|\.|:)?"
)
_AFTER_SENTENCE = r"(?:^|(?<=[.!?…。！？।؟\]\"”»’)])\s*)"
_END = re.compile(
    "|".join(
        rf"{_AFTER_SENTENCE}{begin} (?:(?!{begin} ).){{1,300}}? ?{then} (?:(?!{begin} ).){{1,200}}$"
        for begin, then in _FOOTERS
    )
    + rf"|{_AFTER_SENTENCE}(?:{_LINK.pattern})$"
    + rf"|\s+{_MORE}\s*(?:→|»|›|>>)\s*$"
    + r"|\s*\((?:more|mehr|suite|más)\s?(?:…|\.\.\.)\)\s*$"
)
_CUES = (
    *(
        "appeared",
        "originally published",
        "erschien",
        "en premier",
        "primero en",
        "primeiro",
        "proviene da",
        "il primo su",
    ),
    *("verscheen", "reading", "read more", "read on", "read the", "weiterlesen", "weiter lesen", "mehr lesen", "lire "),
    *(
        "savoir plus",
        "la lecture",
        "leer más",
        "leyendo",
        "ler mais",
        "leia mais",
        "lendo",
        "a ler",
        "leggi ",
        "leggere",
    ),
    *("lees verder", "lees meer", "verder lezen", "(more", "(mehr", "(suite", "(más"),
)
"""In small letters; without one of them _END finds nothing, and it takes a hundred times as long to say so."""

LONGEST_END = 1_000
"""Characters; what is looked for is bounded in itself, and a whole article need not be searched for it."""

_CUT_MARK = re.compile(r"\s*(?:\[\s*(?:…|\.{3,}|. . .)\s*\]|\(\s*(?:…|\.{3})\s*\))\s*[→»›]?\s*$")


def _without_end(text: str) -> str:
    """A "[…]" behind a whole sentence goes, one within a sentence becomes "…"."""
    before = None
    while text != before:
        before = text
        end = text[-LONGEST_END:].casefold()
        if any(cue in end for cue in _CUES) and (found := _END.search(text, max(0, len(text) - LONGEST_END))):
            text = text[: found.start()].rstrip()
        if _FOOTER.fullmatch(text):  # of a title that speaks of "The post" itself
            return ""
        mark = _CUT_MARK.search(text, max(0, len(text) - LONGEST_END))
        cut = text[: mark.start()] if mark else text
        if cut != text:
            text = cut if not cut or re.search(r"[.!?…。！？।؟][\"”»’)]*$", cut) else cut.rstrip(" ,;:-–—") + "…"
    return text
