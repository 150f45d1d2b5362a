"""Marked HTML and text -> static pieces, holes and sites. A hole knows how a value is written where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from markupsafe import escape

from digest.model.expression import Expression
from digest.model.rendering import Marks


class Context(StrEnum):
    """Where in a document a value stands; decides how it is escaped."""

    BARE = "bare"  # plain text, a header
    TEXT = "text"  # between tags
    ATTRIBUTE = "attribute"
    URL = "url"  # href, src, action
    COMMENT = "comment"  # what Jinja escaped stays as it is there


@dataclass(frozen=True, slots=True)
class Hole:
    expression: Expression
    context: Context


@dataclass(frozen=True, slots=True)
class SiteMark:
    """Here go the blocks of this site."""

    number: int


Piece = str | Hole | SiteMark

_URLS = frozenset({"href", "src", "action"})

_TAG_OR_COMMENT = re.compile(r"<!--.*?-->|<[a-zA-Z/](?:[^<>\"]|\"[^\"]*\")*>", re.S)
_ATTRIBUTE = re.compile(r"([^\s=\"<>/]+)\s*=\s*\"([^\"]*)\"")

# libxml2's HTML serialiser leaves these in a URL and writes every other byte as %XX: htmlAttrDumpOutput
_URL_SAFE = "\"#$%&+,/:;<=>?@[\\]^`{|}!'()*~"


def written(value: str, context: Context) -> str:
    """`value` as the inliner would have written it at such a place."""
    if context is Context.BARE:
        return value
    if context is Context.COMMENT:
        return str(escape(value))
    if context is Context.URL:
        value = quote(value, safe=_URL_SAFE)
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value if context is Context.TEXT else value.replace('"', "&quot;")


def cut_text(text: str, marks: Marks, holes: Sequence[Expression]) -> list[Piece]:
    return list(_split(text, marks, holes, Context.BARE))


def cut_html(html: str, marks: Marks, holes: Sequence[Expression]) -> list[Piece]:
    """Pieces of an inlined document, or of a block that begins and ends between tags."""
    pieces: list[Piece] = []
    end = 0
    for tag in _TAG_OR_COMMENT.finditer(html):
        if marks.nonce not in tag.group():
            continue
        pieces += _split(html[end : tag.start()], marks, holes, Context.TEXT)
        pieces += _cut_tag(tag.group(), marks, holes)
        end = tag.end()
    pieces += _split(html[end:], marks, holes, Context.TEXT)
    return _merged(pieces)


def _cut_tag(tag: str, marks: Marks, holes: Sequence[Expression]) -> Iterator[Piece]:
    if tag.startswith(f"<!--@@{marks.nonce}r"):
        yield SiteMark(int(tag.removeprefix(f"<!--@@{marks.nonce}r").removesuffix("@@-->")))
    elif tag.startswith("<!--"):
        yield from _split(tag, marks, holes, Context.COMMENT)
    else:
        end = 0
        for attribute in _ATTRIBUTE.finditer(tag):
            yield tag[end : attribute.start(2)]
            context = Context.URL if attribute.group(1).lower() in _URLS else Context.ATTRIBUTE
            yield from _split(attribute.group(2), marks, holes, context)
            end = attribute.end(2)
        yield tag[end:]


def _split(text: str, marks: Marks, holes: Sequence[Expression], context: Context) -> Iterator[Piece]:
    for index, part in enumerate(re.split(f"@@{marks.nonce}([hr][0-9]+)@@", text)):
        if index % 2 == 0:
            if part:
                yield part
        elif part[0] == "h":
            yield Hole(holes[int(part[1:])], context)
        else:
            yield SiteMark(int(part[1:]))


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
