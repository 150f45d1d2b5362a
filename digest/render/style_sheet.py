"""CSS as the inliner understands it: rules, declarations as they are written, and what wins on an element. Pure.

A value is never judged, and stays as it is written, `rgb(0 0 0 / 50%)` too; but `#ffffff` is `#fff`, since a mail has few
bytes. What cannot be inlined is refused with a reason (ValueError), so that nothing goes missing.

What wins, where several set a property: on one element all stand in the order of the cascade, the last wins as in a browser.
One is left out only if a later one makes it void for every mail program: the same property, or its shorthand, with a value
that CSS 2.1 knows. So `background:#fff; background:linear-gradient(...)` stays a pair.

source   CSS Syntax Level 3 §5.4, CSS Cascading Level 4 §6
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cssselect
import tinycss2

_FOUR = ("margin", "padding")
_SIDE = re.compile(rf"({'|'.join(_FOUR)})-(?:top|right|bottom|left)")
_COLOUR = re.compile(r"(?:[0-9a-f]{3}){1,2}", re.I)
_UNITS = {"px", "em", "ex", "pt", "pc", "in", "cm", "mm"}
_LONG_COLOUR = re.compile(r"#([0-9a-f])\1([0-9a-f])\2([0-9a-f])\3(?![0-9a-f])", re.I)
_MIXED = {"border", "flex", "grid", "inset", "margin", "overflow", "padding"}
"""Of whose properties one may set part of another that is called otherwise: border-left, border-color."""

_WORDS = """
absolute aqua auto baseline black block blue bold bolder both bottom break-all break-word capitalize center circle collapse
dashed decimal disc dotted double fixed fuchsia gray green groove hidden inherit inline inline-block inset italic justify
left lighter lime line-through list-item lowercase maroon medium middle navy no-repeat none normal nowrap oblique olive
orange outset overline pre pre-line pre-wrap purple red relative repeat repeat-x repeat-y ridge right scroll separate silver
small-caps solid square static sub super table table-cell table-row teal text-bottom text-top thick thin top transparent
underline uppercase visible white yellow
"""
_CLASSIC_WORDS = frozenset(re.findall(r"\S+", _WORDS))
"""Of CSS 2.1, and those that mail programs have always known beside it."""

SHOWN = 60
"""Characters of what is refused."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A property and its value.

    name         "" for what is none: value is all of it
    is_classic   understood by every mail program, as far as one can see
    """

    name: str
    value: str
    is_classic: bool = False
    is_important: bool = False

    @property
    def text(self) -> str:
        return f"{self.name}:{self.value}{' !important' if self.is_important else ''}" if self.name else self.value


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its declarations.

    specificity   ids, classes, elements; None where it is kept in a style sheet: `a:hover`
    """

    selector: str
    declarations: tuple[Declaration, ...]
    specificity: tuple[int, int, int] | None


@lru_cache(maxsize=64)  # an edition's frames and blocks share a sheet, and parsing it is most of the work
def rules_of(css: str) -> tuple[Rule, ...]:
    """In the order of the sheet; ValueError names what cannot be inlined."""
    rules: list[Rule] = []
    for node in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if node.type == "at-rule":
            raise ValueError(f"'@{node.at_keyword}': at-rules are not inlined")
        if node.type != "qualified-rule":
            raise ValueError(f"it is damaged: {getattr(node, 'message', node.type)}")
        selectors = tinycss2.serialize(node.prelude).strip()
        declarations = tuple(_declarations(tinycss2.parse_blocks_contents(node.content), f"{selectors} {{...}}"))
        for selector in selectors.split(","):
            rules.append(_rule(selector.strip(), declarations))
    return tuple(rules)


def own_declarations(style: str) -> list[Declaration]:
    """Of a style attribute. What is no declaration has no name and stays as it is written: mail programs pass it over.

    It is no error, because it may be a reader's own text, which must cost nobody a mail.
    """
    nodes = tinycss2.parse_component_value_list(style)
    if any(node.type == "error" for node in nodes):
        return [Declaration("", style.strip())]
    parts: list[list[tinycss2.ast.Node]] = [[]]
    for node in nodes:
        if node == ";":
            parts.append([])
        else:
            parts[-1].append(node)
    return [found for part in parts if (found := _own_declaration(part)) is not None]


def _own_declaration(part: list[tinycss2.ast.Node]) -> Declaration | None:
    text = tinycss2.serialize(part).strip()
    if not text:
        return None
    node = tinycss2.parse_one_declaration(part)
    return _declaration(node) if node.type == "declaration" else Declaration("", text)


def cascaded(declarations: Iterable[Declaration]) -> list[Declaration]:
    """What a style attribute has to hold, from what applies in the order of the cascade."""
    kept: list[Declaration] = []
    before: list[Declaration] = []
    for each in declarations:
        if each.is_classic:
            before = [one for one in kept if _is_void_by(one, each)]
            if len(before) == 1 and before[0].name == each.name and _may_stand_in(kept, before[0]):
                kept[kept.index(before[0])] = each
                continue
            kept = [one for one in kept if one not in before]
        kept.append(each)
    return kept


def _is_void_by(one: Declaration, later: Declaration) -> bool:
    if one.is_important and not later.is_important:
        return False
    side = _SIDE.fullmatch(one.name)
    return one.name == later.name or (side is not None and side[1] == later.name)


def _may_stand_in(kept: Sequence[Declaration], place: Declaration) -> bool:
    """No relative stands behind it, so that a new value there means the same as one at the end."""
    behind = kept[kept.index(place) + 1 :]
    return not any(_are_related(one.name, place.name) for one in behind)


def _are_related(one: str, other: str) -> bool:
    if one.startswith(f"{other}-") or other.startswith(f"{one}-") or {one, other} == {"font", "line-height"}:
        return True
    family = one.partition("-")[0]
    return "all" in (one, other) or (family in _MIXED and family == other.partition("-")[0])


def _rule(selector: str, declarations: tuple[Declaration, ...]) -> Rule:
    if ":" in selector:
        return Rule(selector, declarations, None)
    if "*" in selector:
        raise ValueError(f"{selector[:SHOWN]!r}: what holds for every element is not inlined; name them")
    try:
        [parsed] = cssselect.parse(selector)
        cssselect.HTMLTranslator().selector_to_xpath(parsed)
    except (cssselect.SelectorError, ValueError) as cause:
        raise ValueError(f"the selector {selector[:SHOWN]!r} is not understood: {cause}") from cause
    return Rule(selector, declarations, parsed.specificity())


def _declarations(nodes: Iterable[tinycss2.ast.Node], where: str) -> list[Declaration]:
    found: list[Declaration] = []
    for node in nodes:
        if node.type in ("whitespace", "comment"):
            continue
        if node.type in ("qualified-rule", "at-rule"):
            raise ValueError(f"{where}: {_shown(node)}: rules within rules are not inlined")
        if node.type != "declaration":
            raise ValueError(f"{where}: {getattr(node, 'message', node.type)}")
        if node.important:
            raise ValueError(f"{where}: '!important' loses its meaning inline")
        found.append(_declaration(node))
    return found


def _declaration(node: tinycss2.ast.Declaration) -> Declaration:
    name = node.name if node.name.startswith("--") else node.lower_name
    value = "".join(map(_written, node.value)).strip()
    return Declaration(name, value, all(_is_classic(each, name) for each in node.value), bool(node.important))


def _is_classic(node: tinycss2.ast.Node, name: str) -> bool:
    match node.type:
        case "whitespace" | "number" | "percentage" | "string" | "url":
            return True
        case "literal":
            return node.value in (",", "/")
        case "dimension":
            return node.lower_unit in _UNITS
        case "hash":
            return _COLOUR.fullmatch(node.value) is not None
        case "ident":  # any word may be the name of a font
            return name in ("font-family", "font") or node.lower_value in _CLASSIC_WORDS
        case "function":
            plain = all(each.type in ("whitespace", "number", "percentage") or each == "," for each in node.arguments)
            return node.lower_name == "rgb" and plain and "," in node.arguments
    return False


def _written(node: tinycss2.ast.Node) -> str:
    text = str(node.serialize())
    return _LONG_COLOUR.sub(r"#\1\2\3", text) if node.type == "hash" else text


def _shown(node: tinycss2.ast.Node) -> str:
    return repr(" ".join(node.serialize().split())[:SHOWN])
