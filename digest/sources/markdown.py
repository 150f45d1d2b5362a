"""Markdown as generators of sites read it -> HTML. Pure.

CommonMark     and of GitHub: tables, `~~gone~~`, tasks, alerts (`> [!NOTE]`), footnotes
kramdown       `{: .lead}`, `{:toc}`, `{::comment}`: gone; lists of definitions
containers     `:::note` (Docusaurus, Starlight, VitePress, markdown-it): an aside, as alerts and footnotes are
MDX            import and export, `{expressions}`: gone, as components are by their tags

An aside is no teaser (body.py) as long as there is another text. Nothing of this is touched in code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from markdown_it import MarkdownIt
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from digest.sources import bounds

MOST_NOTES = 100
"""For each reference the parser looks through the text, so ten thousand of them take half a minute."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MODULE = re.compile(r"(?:import|export)\b")
_PLAIN_MODULE = re.compile(r"""import\s[^"']*["'][^"']+["'];?\s*$|export\s+(?:const|let|default|function|async)\b""")
_CODE = (
    r"(?P<code>^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?P<ticks>`+).+?(?<!`)(?P=ticks)(?!`))"
)
_CODE_OR_BRACE = re.compile(_CODE + r"|\\[{}]|\{", re.S | re.M)
_CODE_OR_MARK = re.compile(
    _CODE + r"|^[*+-] [^\n]*\n\{:\s*toc\b[^{}\n]*\}"  # the list that stands for a table of contents
    r"|\{::comment[^{}\n]*\}.*?\{:/(?:comment)?\}"
    r"|\{:[^{}\n]*\}"
    r"|[ \t]*\{[.#][\w-][^{}\n]*\}[ \t]*$"
    r"|^\[\[?_?toc_?\]\]?[ \t]*$"
    r"|^::[a-z][\w-]*(?:\[[^\]\n]*\])?(?:\{[^{}\n]*\})?[ \t]*$",
    re.S | re.M | re.I,
)
_MARKS = ("{:", "{.", "{#", "[toc]", "[[toc]]", "[[_toc_]]", "\n::")
_NOTE = re.compile(r"^ {0,3}\[\^([^\]\s]{1,100})\]:", re.M)


def html_of(text: str, *, is_mdx: bool = False) -> str:
    """Of its first 20,000 characters."""
    cut = text[: bounds.MARKDOWN]
    if "import" in cut or "export" in cut:
        cut = "\n".join(_without_modules(cut.split("\n"), is_mdx=is_mdx))
    if is_mdx and "{" in cut:
        cut = _without_expressions(cut)
    small = cut.lower()
    if any(mark in small for mark in _MARKS) or small.startswith("::"):
        cut = _CODE_OR_MARK.sub(lambda found: found["code"] or "", cut)
    if "[^" not in cut or cut.count("[^") > MOST_NOTES:
        return str(_reader(notes=False).render(cut))
    if len(text) > bounds.MARKDOWN:  # a note that stands behind the cut is one all the same
        cut += "".join(f"\n\n[^{name}]: -" for name in dict.fromkeys(_NOTE.findall(text, bounds.MARKDOWN)[:MOST_NOTES]))
    return str(_reader(notes=True).render(cut))


def inline_html_of(text: str) -> str:
    """Of a line such as a description: emphasis, code and links are marks there too."""
    return str(_reader(notes=False).renderInline(text[: bounds.TITLE])) if re.search(r"[*_`\[~]", text) else text


@lru_cache
def _reader(*, notes: bool) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"alerts": True, "tasklists": True})
    reader.enable(["table", "strikethrough"]).use(deflist_plugin)
    reader.use(container_plugin, "any", validate=lambda words, _mark: bool(words.strip()))
    if notes:
        reader.use(footnote_plugin, inline=False)
    for name, tag in (
        ("container_any", "aside"),
        ("alert", "aside"),
        ("alert_title", "h6"),
        ("footnote_block", "aside"),
    ):
        reader.add_render_rule(f"{name}_open", _writing(f"<{tag}>"))
        reader.add_render_rule(f"{name}_close", _writing(f"</{tag}>"))
    reader.add_render_rule("footnote_ref", _writing(""))
    reader.add_render_rule("footnote_anchor", _writing(""))
    return reader


def _writing(html: str) -> Callable[..., str]:
    return lambda *_: html


def _without_modules(lines: list[str], *, is_mdx: bool) -> Iterator[str]:
    """MDX: a block that begins with import or export is code up to a blank line outside of its brackets."""
    fence, depth, begins, is_module = "", 0, True, False
    for line in lines:
        if found := _FENCE.match(line):
            if not fence:
                fence = found[1]
            elif found[1].startswith(fence):
                fence = ""
        if not fence and not is_module and begins:
            is_module = bool((_MODULE if is_mdx else _PLAIN_MODULE).match(line))
        if is_module:
            depth += sum(map(line.count, "{[(")) - sum(map(line.count, "}])"))
            is_module = bool(line.strip()) or depth > 0
            begins = True
            if line.strip() or depth > 0:
                continue
            depth = 0
        begins = not line.strip()
        yield line


def _without_expressions(text: str) -> str:
    parts: list[str] = []
    at = kept = 0
    while found := _CODE_OR_BRACE.search(text, at):
        at = found.end()
        if found[0] != "{":
            continue
        end = _closing(text, found.start())
        if end is None:
            break
        parts.append(text[kept : found.start()])
        at = kept = end
    return "".join((*parts, text[kept:]))


_BRACE = re.compile(r"[{}]")


def _closing(text: str, start: int) -> int | None:
    depth = 0
    for found in _BRACE.finditer(text, start):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.end()
    return None
