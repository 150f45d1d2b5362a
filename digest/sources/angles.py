"""What a "<" begins in a foreign text: a tag, or a word. Pure.

Who escapes once where twice was due, or writes about code, leaves words that look like tags: "The <dialog> element",
"List<String>", "Tom <tom@example.org>". A parser takes them away, and with some of them all that follows.
"""

from __future__ import annotations

import re
from collections import Counter


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_FORMATTING = _names(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark nobr q rb rp rt rtc ruby s samp small "
    "span strike strong sub sup time tt u var"
)
_RUNNING = _FORMATTING | {"p", "div", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
_ENDLESS = _names("br colgroup dd dt hr li option p rb rp rt rtc tbody td tfoot th thead tr wbr")
"""They end by themselves (HTML, §13.1.2.4), so one that is never closed is a tag all the same."""

_BLOCKS = _names(
    "address article aside blockquote caption center dd details dir div dl dt fieldset figcaption figure footer h1 h2 h3 "
    "h4 h5 h6 header hgroup hr legend li main menu nav ol p pre search section summary table tbody td tfoot th thead tr "
    "ul br colgroup picture"
)
_NEVER_IN_TEXT = _names(
    "area audio base body button canvas col datalist dialog embed form frame frameset head html iframe img input label "
    "link map meta meter noframes noscript object optgroup option output param progress script select slot source style "
    "svg template textarea title track video"
)
_RARE = _names("applet basefont bgsound blink g image isindex keygen listing marquee math menuitem multicol "
                  "nextid noembed path plaintext portal rect spacer wbr xmp circle defs use polygon line")  # fmt: skip
_EMPTY = _names("area base br col embed hr img input link meta param source track wbr")
_USUAL = (_ENDLESS | {"img"}) - {"rb", "option"}
KNOWN = _FORMATTING | _ENDLESS | _BLOCKS | _NEVER_IN_TEXT | _RARE
"""Elements of HTML (html.spec.whatwg.org, §4 and §16.2), and what stands in drawings."""

_SWALLOWS = _names("audio canvas iframe noembed noframes object plaintext select svg textarea title video")
"""What is behind one that is not closed would be gone."""

_NAME = re.compile(r"<(/?)([a-zA-Z][^\s<>/]*)")
_ELEMENT_NAME = re.compile(r"[a-z][\w.-]*(?::[a-z][\w.-]*)?")
_ATTRIBUTE = re.compile(r"\s+[\w:.@-]+\s*=|\s*/>")
_BOOLEANS = re.compile(r"\s[^<>=]*\w[^<>=]*>")
_BROKEN_OFF = re.compile(r"</|<[a-zA-Z][\w-]*\s[^<>=]*=")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s<>/]*)[^<>]*>")
_CUT = re.compile(r"\s*(?:…|\.{3}|\[(?:…|\.{3})\])$")
_NO_NAME = re.compile(r"<(?=/[^a-zA-Z])")
_DOCTYPE = re.compile(r"(?:(?<=[^\s>] )|^)<(?=!doctype\b)", re.I)
_CODE = re.compile(r"<(?=\?(?!xml\b))", re.I)
_BEFORE = " \t\n\r\u00a0([{\"'“‘«„/,"
_BEHIND = " \t\n\r\u00a0,.;:!?)]}\"'”’»“/…"


def with_words(text: str, *, is_title: bool = False) -> str:
    """With "&lt;" where a "<" begins no tag.

    A name that HTML does not know is a word unless it is closed or has attributes. One that it knows is a word where it
    stands among words, bare, and is never closed; in a title, which has no sections and no forms, wherever it stands.
    """
    text = _NO_NAME.sub("&lt;", text)
    if "<!" in text:
        text = _DOCTYPE.sub("&lt;", text)
    if "<?" in text and (is_title or "?>" not in text):
        text = _CODE.sub("&lt;", text)
    found = _NAME.findall(text)
    opened = {name.lower() for slash, name in found if not slash}
    closed = {name.lower() for slash, name in found if slash}
    last = text.rfind(">")
    doubtful = opened - closed - _USUAL if "<img>" not in text else opened
    if not (is_title or doubtful or closed - KNOWN or opened - KNOWN or last < text.rfind("<")):
        return text

    def judged(tag: re.Match[str]) -> str:
        return f"&lt;{tag[0][1:]}" if _is_word(text, tag, opened, closed, last, is_title) else tag[0]

    text = _NAME.sub(judged, text)
    for name in sorted((opened & _SWALLOWS) - closed):
        text = re.sub(rf"<{name}\b[^<>]*>", " ", text, flags=re.I)
    return text


def _is_word(text: str, tag: re.Match[str], opened: set[str], closed: set[str], last: int, is_title: bool) -> bool:
    name, end = tag[2].lower(), tag.end()
    if last < tag.start():  # no tag ends behind it
        return not _BROKEN_OFF.match(text, tag.start())
    if name not in KNOWN:
        is_name = _ELEMENT_NAME.fullmatch(name) is not None
        if tag[1]:
            return not is_name or (is_title and name not in opened)
        return not is_name or (name not in closed and not _ATTRIBUTE.match(text, end))
    if text[end : end + 1] != ">":  # "if a<b and b>c"
        return not tag[1] and name in _FORMATTING and _BOOLEANS.match(text, end) is not None
    if (name in opened) if tag[1] else (name in closed):
        return False
    before, behind = text[max(0, tag.start() - 80) : tag.start()].rstrip()[-1:], text[end + 1 : end + 2]
    is_alone = text[max(0, tag.start() - 1) : tag.start()] in _BEFORE and behind in _BEHIND
    if is_title:
        return name not in ("br", "wbr") and (is_alone or (not tag[1] and name not in _FORMATTING | _ENDLESS))
    if tag[1] or name in _ENDLESS or before in ("", ">"):
        return False
    if is_alone:
        return not (name in ("script", "style") and behind == "\n")  # as programs write them
    return name in _NEVER_IN_TEXT and min(before, behind or "") > "\u2e80"  # Chinese and Japanese put no space


def has_elements(text: str) -> bool:
    """Is there at least one element of running text that is opened and closed?"""
    tags = {(slash, name.lower()) for slash, name in _NAME.findall(text)} if "</" in text else set()
    return any(not slash and ("/", name) in tags and name in _RUNNING for slash, name in tags)


def is_whole(text: str) -> bool:
    """Is it nothing but markup: all that is opened is closed, and no word stands outside of it?"""
    text = text.strip()
    if text[:1] != "<" or (text := _CUT.sub("", text))[-1:] != ">":
        return False
    open_now: Counter[str] = Counter()
    at = depth = 0
    for tag in _TAG.finditer(text):
        name, step = tag[2].lower(), -1 if tag[1] else 1
        if name not in KNOWN or (not depth and text[at : tag.start()].strip()):
            return False
        at = tag.end()
        if name not in _EMPTY:
            open_now[name] += step
            depth += step
    return at == len(text) and not any(open_now.values())
