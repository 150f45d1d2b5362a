"""CSS into style attributes with premailer, network off. Reads nothing but the document.

premailer finds the sheets, orders the rules, and says which of them meet which elements. What it does to declarations is
done here and in style_sheet.py instead: docs/DECISIONS.md "inlining". It is not thread-safe (cssutils is global), so a lock
is held while it works.

What a mail program has to see in a style sheet stays there: `<style data-premailer="ignore">` as it is written, and rules
such as `a:hover`. `bgcolor` and `valign` repeat what Outlook does not take from CSS.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree
from premailer import Premailer

from digest.errors import RenderFailed
from digest.render.style_sheet import Declaration, Rule, cascaded, own_declarations, rules_of

_LOCK = threading.Lock()

_MARK = re.compile(r"\br-(\d+):")
_STYLE = re.compile(r"<style(?P<attributes>[^>]*)>(?P<css>.*?)</style>", re.S | re.I)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_TAG = re.compile(r"<!--.*?-->|<[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.S)
_QUOTED = re.compile(r"=\s*(\"[^\"]*\"|'[^']*')")
_SHORT_COLOUR = re.compile(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])")

_ELSEWHERE = 'move it into <style data-premailer="ignore">'

# What would make a block look different beside other neighbours, and so differ between readers
_NEIGHBOURS = re.compile(r"[+~]|:(first|last|only|nth)-|:empty|:not\(|:has\(|:is\(|:where\(|\[")


class _Inliner(Premailer):  # type: ignore[misc]
    """premailer with declarations that it cannot spoil: it applies a mark for each rule, `r-7:0`, and what the marks of an
    element stand for is put in their place, with the element's own style behind it."""

    def __init__(self, page: Any) -> None:
        super().__init__(
            allow_network=False,
            disable_link_rewrites=True,
            strip_important=False,
            exclude_pseudoclasses=True,
            disable_validation=True,
            align_floating_images=False,
            cache_css_parsing=False,
        )
        self._rules: list[tuple[tuple[int, ...], Rule]] = []
        self._own = {element: str(element.get("style")) for element in page.iter() if element.get("style") is not None}
        for element in self._own:
            element.set("style", "")  # keeps its place among the attributes

    def inline(self, page: Any) -> None:
        self.transform(page)
        for element, style in self._own.items():  # those that no rule met stay as they are
            element.set("style", style)

    def _parse_style_rules(self, css: str | None, sheet: int) -> tuple[list[Any], list[str]]:
        found: list[Any] = []
        left: list[str] = []
        for number, rule in enumerate(rules_of(css or "")):
            if rule.specificity is None:
                left.append(_insisting(rule))
                continue
            rank = (*rule.specificity, sheet, number)
            found.append((rank, rule.selector, f"r-{len(self._rules)}:0"))
            self._rules.append((rank, rule))
        return found, left

    def _css_rules_to_string(self, rules: Sequence[str]) -> str:
        return "\n".join(rules)

    def _style_to_basic_html_attributes(self, element: Any, marks: str, force: bool = False) -> None:
        del force
        met = sorted(self._rules[int(number)] for number in _MARK.findall(marks))
        own = own_declarations(self._own.pop(element, ""))
        style = cascaded([*(each for _, rule in met for each in rule.declarations), *own])
        if style:
            element.set("style", "; ".join(each.text for each in style))
        else:
            del element.attrib["style"]
        for name, value in _repeated(style):
            element.set(name, value)


def inline(html: str) -> str:
    """The document with its first kind of <style> inlined; RenderFailed where something would go missing."""
    try:
        page: Any = etree.fromstring(html.strip(), etree.HTMLParser())
        with _LOCK:
            _Inliner(page).inline(page)
    except ValueError as cause:
        raise RenderFailed(f"the CSS of the template cannot be inlined: {cause}") from cause
    except Exception as cause:  # whatever lxml says: it is the template that cannot be inlined
        raise RenderFailed(f"the HTML of the template cannot be read: {cause}") from cause
    tree = page.getroottree()
    root = tree if html.strip().startswith(tree.docinfo.doctype) else page  # libxml2 adds one where there is none
    return _TAG.sub(_double_quotes, etree.tostring(root, method="html", encoding="utf-8").decode())


def _insisting(rule: Rule) -> str:
    """Else it would lose to what is inlined."""
    return f"{rule.selector} {{{';'.join(f'{each.text} !important' for each in rule.declarations)}}}"


def _repeated(style: Sequence[Declaration]) -> Iterator[tuple[str, str]]:
    """What Outlook for Windows wants as attributes; colours that it knows."""
    for name, value in ((each.name, each.value) for each in style):
        if name == "vertical-align":
            yield "valign", value
        elif name == "background-color" and "(" not in value and "transparent" not in value.lower():
            yield "bgcolor", _SHORT_COLOUR.sub(r"#\1\1\2\2\3\3", value) if len(value) == 4 else value


def _double_quotes(tag: re.Match[str]) -> str:
    """libxml2 chooses the quotes by the value, so a reader's name could change them: always double ones."""
    text = tag.group()
    if "'" not in text or text.startswith("<!--"):
        return text
    return _QUOTED.sub(_double_quoted, text)


def _double_quoted(match: re.Match[str]) -> str:
    value = match.group(1)
    if value.startswith('"'):
        return match.group()
    return '="' + value[1:-1].replace('"', "&quot;") + '"'


def lint(html: str, *, template: str) -> None:
    """Raise RenderFailed for CSS and markup that would be spoilt or go missing, or that looks at neighbours.

    source   docs/DECISIONS.md "what the template linter refuses"
    """
    bare = _COMMENT.sub("", html)
    if "<![if" in html:
        raise RenderFailed(f"{template}: <![if ...]> is destroyed by the inliner; write <!--[if ...]> <![endif]-->")
    if re.search(r"<link\b[^>]*stylesheet", bare, re.I):
        raise RenderFailed(f"{template}: <link rel=stylesheet>: mail has no external style sheets; use <style>")
    for style in _STYLE.finditer(bare):
        if "data-premailer" in style["attributes"]:
            continue
        css = style["css"]
        if "/*" in css:
            raise RenderFailed(
                f"{template}: '/*' in the <style> that is inlined (comments make Outlook skip the next rule); {_ELSEWHERE}"
            )
        for selectors in re.findall(r"([^{}]*)\{", css):
            if found := _NEIGHBOURS.search(selectors):
                raise RenderFailed(
                    f"{template}: the selector {selectors.strip()!r} looks at neighbours or attributes "
                    f"({found.group()!r}), which differ between readers; use a class, and `place` in the template"
                )
        try:
            rules_of(css)
        except ValueError as cause:
            raise RenderFailed(f"{template}: in the <style> that is inlined: {cause}; {_ELSEWHERE}") from cause
