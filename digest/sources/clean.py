"""Foreign HTML -> one safe line of text. Pure."""

from __future__ import annotations

import html
import re

import nh3

from digest.model.address import clean_line

SUMMARY_LIMIT = 400

_BLOCK_END = re.compile(r"(?i)<(?:/p|/div|/li|/h[1-6]|/tr|/blockquote|br\s*/?)\s*>")
_TRAILER = re.compile(r"\s*The post .{1,300} (?:appeared first on|first appeared on) .{1,200}$")
_SENTENCE_END = re.compile(r"[.!?…。！？؟।]['\"”’»)\]]*(?=\s|$)|[。！？]")
_LOOKS_LIKE_HTML = re.compile(r"<[a-zA-Z/!][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")


def plain_text(foreign: str) -> str:
    """The text of an HTML fragment: no tags, no scripts, entities as the characters they mean.

    Some feeds escape twice; then what is left after the first round still looks like HTML, and is read once more.
    """
    text = foreign
    for _ in range(2):
        if not _LOOKS_LIKE_HTML.search(text):
            break
        bare = nh3.clean(_BLOCK_END.sub(r" \g<0>", text), tags=set(), clean_content_tags={"script", "style", "iframe"})
        text = html.unescape(bare)
    return clean_line(text)


def title(foreign: str) -> str:
    """A title on one line; a lone "<" that is no tag stays."""
    return plain_text(foreign)


def summary(foreign: str, limit: int = SUMMARY_LIMIT) -> str:
    """A paragraph of at most `limit` characters that ends at a sentence where it can, else at a word."""
    text = _TRAILER.sub("", plain_text(foreign))
    if len(text) <= limit:
        return text
    head = text[:limit]
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    if ends and ends[-1] > limit // 3:
        return head[: ends[-1]]
    cut, space, _ = head[: limit - 1].rpartition(" ")
    return (cut if space else head[: limit - 1]).rstrip(" ,;:-–—") + "…"
