"""CSS into style attributes, element by element. Reads nothing but the document.

What a mail program has to see in a style sheet stays there: `<style data-premailer="ignore">` as it is written, and rules
such as `a:hover`. `bgcolor` and `valign` repeat what Outlook does not take from CSS. Turned down, and why: docs/DECISIONS.md
"inlining by ourselves".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Any

from lxml import etree

from digest.errors import RenderFailed
from digest.render.style_sheet import Declaration, Rule, cascaded, own_declarations, rules_of

IGNORED = "data-premailer"

_STYLE = re.compile(r"<style(?P<attributes>[^>]*)>(?P<css>.*?)</style>", re.S | re.I)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_TAG = re.compile(r"<!--.*?-->|<[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.S)
_QUOTED = re.compile(r"=\s*(\"[^\"]*\"|'[^']*')")
_SHORT_COLOUR = re.compile(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])")

_OWN = re.compile(r"""<[a-zA-Z][^<>]*?\sstyle\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')""")
_ELSEWHERE = 'move it into <style data-premailer="ignore">'

# What would make a block look different beside other neighbours, and so differ between readers
_NEIGHBOURS = re.compile(r"[+~]|:(first|last|only|nth)-|:empty|:not\(|:has\(|:is\(|:where\(|\[")


def inline(html: str) -> str:
    """The document with its first kind of <style> inlined; RenderFailed where something would go missing."""
    try:
        page: Any = etree.fromstring(html.strip(), etree.HTMLParser())
        _inline(page)
    except ValueError as cause:
        raise RenderFailed(f"the CSS of the template cannot be inlined: {cause}") from cause
    except Exception as cause:  # whatever lxml says: it is the template that cannot be inlined
        raise RenderFailed(f"the HTML of the template cannot be read: {cause}") from cause
    tree = page.getroottree()
    root = tree if html.strip().startswith(tree.docinfo.doctype) else page  # libxml2 adds one where there is none
    return _TAG.sub(_double_quotes, etree.tostring(root, method="html", encoding="utf-8").decode())


def _inline(page: Any) -> None:
    if page.find("head") is None:
        page.insert(0, etree.Element("head"))
    found: dict[Any, list[Declaration]] = {}
    for rule in sorted(_rules(page), key=lambda each: each.rank[:3]):  # the order of the sheets among equals
        found_here: Any = rule.find(page) if rule.find else ()
        for element in found_here:
            found.setdefault(element, []).extend(rule.declarations)
    for element, declarations in found.items():
        style = cascaded([*declarations, *own_declarations(element.get("style", ""))])
        if style:
            element.set("style", "; ".join(each.text for each in style))
        for name, value in _repeated(style):
            element.set(name, value)


def _rules(page: Any) -> Iterator[Rule]:
    """Of the sheets that are inlined, which give way to what is left of them."""
    for sheet in list(page.iter("style")):
        if sheet.get("media") not in (None, "", "all", "screen"):
            continue
        if IGNORED in sheet.attrib:
            del sheet.attrib[IGNORED]
            continue
        rules = rules_of(sheet.text or "")
        yield from (each for each in rules if each.find is not None)
        if left := [each for each in rules if each.find is None]:
            sheet.text = "\n".join(map(_insisting, left))
        else:
            sheet.getparent().remove(sheet)


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
    for style in _OWN.finditer(bare):
        try:
            own_declarations(unescape(style[1] or style[2]))
        except ValueError as cause:
            raise RenderFailed(f"{template}: {cause}") from cause
