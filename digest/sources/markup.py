"""Elements, comments and marks of foreign markup, found in one pass over the text, whatever stands in it. Pure.

`<x>.*?</x>` as a pattern looks for the end once more from every start, so 100 kB of starts without an end take minutes.
Here an end that is missing is looked for once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

_TAG_OR_CDATA = re.compile(r"<!\[CDATA\[|<[a-zA-Z]")
_BLANK = re.compile(r"\s*")
_DOCTYPE = re.compile(r"<!DOCTYPE\b", re.I)
_IN_DOCTYPE = re.compile(r"""[\[\]>"']|<!--|<\?""")
_ENDS = {"<!--": "-->", "<?": "?>"}


def elements_replaced(text: str, opening: re.Pattern[str], by: Callable[[re.Match[str], str], str]) -> str:
    """Each element gives way to what `by` makes of its opening tag and its inside; one that is not closed stays.

    opening   its first group is the element's name
    """
    parts: list[str] = []
    unclosed: set[str] = set()
    at = kept = 0
    while found := opening.search(text, at):
        name, at = found[1].lower(), found.end()
        if name in unclosed:
            continue
        end = _closing(name).search(text, at)
        if end is None:
            unclosed.add(name)
            continue
        parts += text[kept : found.start()], by(found, text[at : end.start()])
        at = kept = end.end()
    return "".join((*parts, text[kept:])) if parts else text


def first_element(text: str, opening: re.Pattern[str]) -> str:
    """The inside of the first that is closed; "" where there is none."""
    found = opening.search(text)
    end = _closing(found[1].lower()).search(text, found.end()) if found else None
    return text[found.end() : end.start()] if found and end else ""


def without_elements(text: str, opening: re.Pattern[str], by: str = " ") -> str:
    return elements_replaced(text, opening, lambda _opening, _inside: by)


def without_pairs(text: str, pairs: Mapping[str, str], by: str = " ") -> str:
    """Without what stands between two marks, and the marks; an opening one that is not closed stays."""
    return _pairs_replaced(text, pairs, lambda _inside: by)


def count_tags(text: str, *, at_most: int) -> int:
    """Opening tags outside of CDATA; a number over `at_most` where there are more than that."""
    count = at = 0
    last = text.rfind("]]>")
    while count <= at_most and (found := _TAG_OR_CDATA.search(text, at)):
        at = found.end()
        if found[0] != "<![CDATA[":
            count += 1
        elif at <= last:
            at = text.find("]]>", at)
    return count


def without_cdata_marks(text: str) -> str:
    return _pairs_replaced(text, {"<![CDATA[": "]]>"}, lambda inside: inside)


def after_prolog(text: str, at: int = 0) -> int:
    """Where the first element begins: behind declarations, comments and document types.

    Who reads from there reads no entities of a document's own. Nothing that we read needs them, and they are how a few bytes
    become gigabytes; a name that is then unknown stays as it is written.
    """
    while True:
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it always matches
        if _DOCTYPE.match(text, at):
            at = _end_of_doctype(text, at + 2)
            continue
        mark = next((each for each in _ENDS if text.startswith(each, at)), "")
        end = text.find(_ENDS[mark], at) if mark else -1
        if end < 0:
            return at
        at = end + len(_ENDS[mark])


def _end_of_doctype(text: str, at: int) -> int:
    """Behind its ">", which is not the one of a declaration in the brackets, in quotes or in a comment."""
    depth = 0
    while found := _IN_DOCTYPE.search(text, at):
        mark, at = found[0], found.end()
        if mark == "[":
            depth += 1
        elif mark == "]":
            depth = max(0, depth - 1)
        elif mark == ">":
            if not depth:
                return at
        else:
            end = text.find(_ENDS.get(mark, mark), at)
            if end >= 0:
                at = end + len(_ENDS.get(mark, mark))
    return len(text)


def _pairs_replaced(text: str, pairs: Mapping[str, str], by: Callable[[str], str]) -> str:
    opening = _opening(tuple(pairs))
    parts: list[str] = []
    unclosed: set[str] = set()
    at = kept = 0
    while found := opening.search(text, at):
        mark, at = found[0], found.end()
        if mark in unclosed:
            continue
        end = text.find(pairs[mark], at)
        if end < 0:
            unclosed.add(mark)
            continue
        parts += text[kept : found.start()], by(text[at:end])
        at = kept = end + len(pairs[mark])
    return "".join((*parts, text[kept:])) if parts else text


@lru_cache(maxsize=256)
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{re.escape(name)}\s*>", re.I)


@lru_cache(maxsize=16)
def _opening(marks: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, marks)))
