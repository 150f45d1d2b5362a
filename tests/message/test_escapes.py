"""Values of a reader are never code: no way out of the sandbox, and none that only one way of rendering has."""

from __future__ import annotations

import re
from itertools import islice

import pytest

from digest.errors import RenderFailed
from digest.message.splice import Copy
from digest.model.edition import Pick, Region
from digest.model.place import arrange
from digest.render.html import Renderer
from digest.render.views import EditionInputs
from tests.message.conftest import MONDAY, NEWSLETTER, make_article, make_copy, make_edition, splicer
from tests.message.escapes import escapes
from tests.message.test_splice import decoded, parsed

# How a value of the reader comes into a template: what goes before, and how it is called then
WAYS = {
    "itself": ("", "reader.name"),
    "by its key": ("", "reader['name']"),
    "a column": ("", "reader.greeting"),
    "joined": ("", "(reader.name ~ '')"),
    "joined with text": ("", "('{0.__class__}' ~ reader.greeting)"),
    "filtered": ("", "(reader.name|trim)"),
    "settled": ("", "(reader.name|replace('z', 'y'))"),
    "of a method": ("", "reader.name.strip()"),
    "of a macro": ("{% macro told(x) %}{{ x }}{% endmacro %}", "told(reader.name)"),
    "set": ("{% set value = reader.name %}", "value"),
    "set as a block": ("{% set value %}{{ reader.name }}{% endset %}", "value"),
    "in a list": ("", "[reader.name][0]"),
    "in a namespace": ("{% set box = namespace(value=reader.name) %}", "box.value"),
    "of the template": ("", "'{0.__class__}'"),
    "a place": ("", "place.number"),
    "a place, joined": ("", "(place.subject ~ '')"),
}
READER = {
    "name": "{0.__class__.__mro__}",
    "attributes": {"greeting": "{0.__globals__} %(a)s %s {a.__class__}", "plan": "pro"},
}
SIGNS = re.compile(
    r"<class|<function|<bound|<built|<module|<slot|object at|0x[0-9a-f]{6}|root:|site-packages|environ\("
)


def outcomes(escape: str, before: str, value: str) -> tuple[str, str]:
    """What the fast way and the plain way make of it: the text, or that it is refused."""
    written = escape.replace("V", value)
    edition = make_edition([make_article(1)])
    before = "" if "extends" in written else before
    files = {
        "part.txt": "{% macro m(x) %}{{ x }}{% endmacro %}",
        "body.html": "<p>x</p>",
        "body.txt": f'{before}{{% picks "rows" as article, place %}}{before}{written}{{% endpicks %}}'
        if "place" in value
        else before + written,
        "subject.txt": "x",
    }
    if "{% block" in written and "place" in value:
        files["body.txt"] = before + written
    copy = make_copy(1, [Pick(candidate=edition.candidates[0], region=Region.ROWS)], **READER)
    try:
        renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files=files))
    except RenderFailed:
        return "refused", "refused"
    return _fast(renderer, copy), _plain(renderer, copy)


def _fast(renderer: Renderer, copy: Copy) -> str:
    try:
        return decoded(parsed(splicer(renderer).message(copy, at=MONDAY)), "plain").strip()
    except RenderFailed:
        return "refused"


def _plain(renderer: Renderer, copy: Copy) -> str:
    try:
        return renderer.plain({"reader": copy.reader}, arrange(copy.picks)).text.strip()
    except RenderFailed:
        return "refused"


@pytest.mark.parametrize("way", WAYS)
def test_no_escape_leads_out_and_both_ways_say_the_same(way: str) -> None:
    """All of them for two ways, and every sixth for the others, each way another sixth."""
    (before, value), number = WAYS[way], list(WAYS).index(way)
    wrong = []
    for escape in escapes() if way in ("itself", "joined with text") else islice(escapes(), number % 6, None, 6):
        fast, plain = outcomes(escape, before, value)
        if fast != plain or SIGNS.search(fast):
            wrong.append((escape, fast, plain))
    assert not wrong
