"""What of a parsed fragment is no part of its text: what nobody sees, what is pressed, what only leads elsewhere. Pure."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import Any, cast

from lxml import etree

_NOT_TEXT = {
    **dict.fromkeys(("script", "style", "noscript", "template", "svg", "title", "rt", "rp", "rtc"), ""),
    **dict.fromkeys(("iframe", "object", "applet", "noembed", "noframes", "audio", "video", "canvas", "map"), " "),
    **dict.fromkeys(
        ("form", "select", "datalist", "optgroup", "option", "button", "textarea", "progress", "meter"), " "
    ),
}
"""Elements, and what stands in their place. A reading of a Chinese or Japanese word (rt) is for who cannot read it."""

FEW_PIECES = 20
"""Of text in a link or a raised sign, to tell what it is; one that has more is neither an anchor nor a note."""

_MARKED = etree.XPath("//*[@class or @id or @style or @hidden or @role or @data-fn or @data-footnote-ref]")

_ATTRIBUTES = re.compile(r"\s(?:class|id|style|hidden|role|data-f)")
_LINKS = re.compile(r"<(?:sup|dialog|a\s)|<a>")
_LEADING = etree.XPath(
    "//sup | //dialog | //a[not(@href) or contains(@href, '#') or @class or @role or @rel or @aria-hidden]"
)

_UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all|max-height\s*:\s*0(?!\.?[1-9])", re.I
)
_UNSEEN = re.compile(
    # for those who listen, and for the list of a mailbox
    r"(?:^|\s)(?:(?:wp-|u-|is-)?(?:screen-?reader(?:-(?:text|only))?|sr-only|visually-?hidden|element-invisible|offscreen)"
    r"(?:-focusable)?|assistive-text|a11y-hidden|pre-?header|preview-?text|mcnPreviewText"
    # buttons and forms of WordPress and Ghost
    r"|wp-block-buttons?|wp-block-(?:search|file|loginout|social-links)|kg-(?:button|signup|audio|video|file|bookmark)-card"
    # tables of contents
    r"|(?:[\w-]*[-_])?(?:toc|toc2|table[-_]?of[-_]?contents?|tableofcontents)(?:[-_](?:container|wrapper?|box|block|list))?"
    r"|doc-toc|lwptoc|ftwp-container"
    # notes
    r"|(?:[\w-]*[-_])?(?:footnotes|endnotes)(?:[-_](?:container|wrapper|list|block))?|footnote-definition|doc-endnotes?"
    r"|doc-footnote)(?=\s|$)",
    re.I,
)
_BUTTON = re.compile(r"(?:^|\s)(?:btn|button|wp-element-button)(?=\s|$)", re.I)
_ANCHOR = re.compile(
    r"(?:^|\s)(?:[\w-]*-)?(?:anchor|anchor-?link|anchorjs-link|header-?link|hash-link|permalink)(?=\s|$)", re.I
)
_ANCHOR_TEXT = re.compile(r"(?i)(?:[\W_]*|(?:direct |perma)?link (?:to|zu) .*|permalink|anchor|link)")
_NOTE = re.compile(
    r"(?:^|\s)(?:(?:[\w-]*-)?footnote(?:-?ref(?:erence)?|-anchor|-link)?|fn|noteref|doc-noteref|reference)(?=\s|$)",
    re.I,
)
_NOTE_HREF = re.compile(
    r"#(?:user-content-|easy-)?_?(?:fn|ftn|foot_?note|end_?note|edn|cite_note|sdfootnote|note)", re.I
)
_MARK = re.compile(r"[\[(]?\s*(?:\d{1,3}|[a-z]|[ivxlc]{1,6}|[*†‡§¶⁂#↑]{1,4})\s*[\])]?", re.I)
_NUMBER = re.compile(r"\[?\d{1,3}\]?|[*†‡§]{1,3}")
_BEHIND_A_WORD = re.compile(r"(?:[^\W\d_]{4}|[.,;:!?…”’»\"'])$")
_EMOJI = re.compile(r"emoji|smil(?:ey|ie)|twemoji", re.I)


def without_unseen(root: Any, markup: str) -> None:
    """Changes the tree: what is not to be read is empty, a picture that stands for a sign is that sign.

    markup   what the tree was made of: what does not stand there need not be looked for
    """
    markup = markup.lower()
    for each in [*root.iter(*_NOT_TEXT)]:
        _leave(each, _NOT_TEXT[each.tag])
    for each in cast("list[Any]", _MARKED(root) if _ATTRIBUTES.search(markup) else []):
        if _is_unseen(each):
            _leave(each, " ")
    for each in root.iter("img") if "<img" in markup else ():
        if sign := _sign_of(each):
            each.text = sign
    for each in cast("list[Any]", _LEADING(root) if _LINKS.search(markup) else []):
        if _leads_away(each):
            _leave(each, "")


def _leave(element: Any, text: str) -> None:
    """Emptied and not removed: what follows need not be moved, which for many would take minutes."""
    element.clear(keep_tail=True)
    element.text = text


def _names(element: Any) -> str:
    return " ".join(element.get(name, "")[:400] for name in ("class", "id", "role"))


def _is_unseen(element: Any) -> bool:
    if element.get("hidden") is not None:
        return True
    style = element.get("style", "")
    if style and (found := _UNSEEN_STYLE.search(style)):
        return not found[0].lower().startswith("max-height") or "hidden" in style.lower()  # overflow:hidden
    names = _names(element)
    return _UNSEEN.search(names) is not None or (
        element.tag == "a" and (element.get("role") == "button" or _BUTTON.search(names) is not None)
    )


def _leads_away(element: Any) -> bool:
    """The reference to a note, the anchor of a heading, a window that is not open."""
    if element.tag == "dialog":
        return element.get("open") is None
    text = "".join(islice(element.itertext(), FEW_PIECES)).strip()[:80]
    names = _names(element)
    if element.tag == "sup":
        link = next(element.iter("a"), None) if _MARK.fullmatch(text) else None
        is_reference = link is not None and re.search(r"#|^javascript:", link.get("href", "#"))
        if _MARK.fullmatch(text) and (is_reference or _NOTE.search(names) or element.get("data-fn") is not None):
            return True
        return _NUMBER.fullmatch(text) is not None and _BEHIND_A_WORD.search(_before(element)) is not None
    href = element.get("href")
    is_here = href is None or "#" in href
    if is_here and (_ANCHOR_TEXT.fullmatch(text) if _ANCHOR.search(names) else text in _ANCHORS):
        return True
    if element.get("aria-hidden") == "true":
        return True
    is_note = _NOTE.search(names) or _NOTE_HREF.search(href or "") or "footnote" in element.get("rel", "")
    return bool((is_note or element.get("data-footnote-ref") is not None) and _MARK.fullmatch(text))


_ANCHORS = {"#", "¶", "§", "🔗", "⚓", "⚓︎", "∞", "↩", "↩︎", "↑"}


def _before(element: Any) -> str:
    previous = element.getprevious()
    if previous is not None:
        return str(previous.tail or previous.text or "")[-20:]
    parent = element.getparent()
    return str(parent.text or "")[-20:] if parent is not None else ""


def _sign_of(image: Any) -> str:
    """What a picture stands for: 🎉, ":-)"; "" for one that is a picture."""
    alt = str(image.get("alt") or "").strip()
    if not alt or len(alt) > 40:
        return ""
    is_sign = any(unicodedata.category(each) == "So" for each in alt) and not any(map(str.isalnum, alt))
    names = f"{image.get('class', '')} {image.get('src', '')[:400]}"
    return alt if is_sign or image.get("data-emoji") or _EMOJI.search(names) else ""
