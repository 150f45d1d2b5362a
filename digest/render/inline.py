"""CSS into style attributes with premailer, network off. The only file that knows of it.

premailer is pinned and asleep since 2021; the traps that were met and the settings that avoid them stand in
docs/DECISIONS.md. It is not thread-safe (cssutils' serialiser is global), so a lock is held while it works.
"""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

import cssutils
from premailer import Premailer

from digest.errors import RenderFailed

cssutils.log.setLevel(logging.FATAL)  # it complains on standard error about CSS younger than 2011

_LOCK = threading.Lock()

_STYLE = re.compile(r"<style(?P<attributes>[^>]*)>(?P<css>.*?)</style>", re.S | re.I)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_TAG = re.compile(r"<!--.*?-->|<[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.S)
_QUOTED = re.compile(r"=\s*(\"[^\"]*\"|'[^']*')")

# What would make a block look different beside other neighbours, and so differ between readers
_NEIGHBOURS = re.compile(r"[+~]|:(first|last|only|nth)-|:empty|:not\(|:has\(|:is\(|:where\(|\[")


_PARSED: dict[tuple[str, int], tuple[list[Any], list[Any]]] = {}
"""Rules of style sheets; an edition's frames and blocks share one, and parsing it is most of the work."""

MAX_PARSED = 64


class _Inliner(Premailer):  # type: ignore[misc]
    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        key = (css_body, ruleset_index)
        if key not in _PARSED:
            if len(_PARSED) >= MAX_PARSED:
                _PARSED.clear()
            _PARSED[key] = super()._parse_style_rules(css_body, ruleset_index)
        rules, leftover = _PARSED[key]
        return list(rules), list(leftover)

    def _parse_css_string(self, css: str, validate: bool = True) -> Any:
        del validate

        def deny(url: str) -> None:
            raise RenderFailed(f"style sheets cannot load {url}: write the rules into the template")

        parser = cssutils.CSSParser(fetcher=deny, validate=False, parseComments=False)
        return parser.parseString(css, validate=False)


def inline(html: str) -> str:
    """The document with its first kind of <style> inlined; RenderFailed where the result could not be trusted."""
    with _LOCK:
        try:
            inlined = _Inliner(
                allow_network=False,
                allow_loading_external_files=False,
                base_url=None,
                disable_link_rewrites=True,
                strip_important=False,
                keep_style_tags=False,
                remove_classes=False,
                exclude_pseudoclasses=True,
                include_star_selectors=False,
                disable_basic_attributes=["width", "height", "align"],
                disable_validation=True,
                align_floating_images=False,
                remove_unset_properties=False,
                cache_css_parsing=False,
            ).transform(html, pretty_print=False)
        except RenderFailed:
            raise
        except Exception as cause:  # whatever lxml or cssutils say: it is the template that cannot be inlined
            raise RenderFailed(f"the CSS of the template cannot be inlined: {cause}") from cause
    return _TAG.sub(_double_quotes, inlined)


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
    """Raise RenderFailed for CSS and markup that premailer is known to spoil, or that looks at neighbours.

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
        for word, why in (
            ("@", "at-rules are not inlined"),
            ("!important", "loses its meaning inline"),
            ("/*", "comments make Outlook skip the next rule"),
        ):
            if word in css:
                raise RenderFailed(
                    f"{template}: {word!r} in the <style> that is inlined ({why}); "
                    'move it into <style data-premailer="ignore">'
                )
        for selectors in re.findall(r"([^{}]*)\{", css):
            if found := _NEIGHBOURS.search(selectors):
                raise RenderFailed(
                    f"{template}: the selector {selectors.strip()!r} looks at neighbours or attributes "
                    f"({found.group()!r}), which differ between readers; use a class, and `place` in the template"
                )
