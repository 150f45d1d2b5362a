"""A template that grows or goes on without end stops: soon, in little memory, with the file and the line."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping

import pytest

from digest.errors import RenderFailed
from digest.model.expression import Facts
from digest.model.subscriber import Reader
from digest.render.html import Renderer
from digest.render.views import EditionInputs
from tests.message.conftest import NEWSLETTER, make_article, make_edition

N = 999_999_999
DOUBLED = "{%% set box = namespace(v=%s) %%}{%% for i in range(40) %%}{%% set box.v = %s %%}{%% endfor %%}{{ %s }}"
LONG = "{% set long = 'abcdefghi ' * 50000 %}"

BOMBS = {
    "center": f"{{{{ 'x'|center({N}) }}}}",
    "center, named": f"{{{{ 'x'|center(width={N}) }}}}",
    "center by map": f"{{{{ ['x']|map('center', {N})|list }}}}",
    "center as a method": f"{{{{ 'x'.center({N}) }}}}",
    "ljust": f"{{{{ 'x'.ljust({N}, '-') }}}}",
    "rjust": f"{{{{ 'x'.rjust({N}) }}}}",
    "zfill": f"{{{{ 'x'.zfill({N}) }}}}",
    "zfill of a reader": f"{{{{ reader.name.zfill({N}) }}}}",
    "expandtabs": f"{{{{ '\\t'.expandtabs({N}) }}}}",
    "percent": f"{{{{ '%{N}d' % 1 }}}}",
    "percent, precise": f"{{{{ '%.{N}f' % 1 }}}}",
    "percent, with zeros before": f"{{{{ '%.{N:020}f' % 1 }}}}",
    "percent, with a star": f"{{{{ '%*d' % ({N}, 1) }}}}",
    "percent, with a precision of a star": f"{{{{ '%.*f' % ({N}, 1) }}}}",
    "percent, with a name": f"{{{{ '%(a){N}s' % {{'a': 1}} }}}}",
    "percent, with a name in parentheses": f"{{{{ '%((a)b){N}s' % {{'(a)b': 1}} }}}}",
    "percent, one name often": LONG + "{{ ('%(a)s' * 10000) % {'a': long} }}",
    "percent of a joined text": f"{{{{ ('%{N}d' ~ reader.name) % 1 }}}}",
    "format as a filter": f"{{{{ '%{N}d'|format(1) }}}}",
    "format as a filter, with a star": f"{{{{ '%*d'|format({N}, 1) }}}}",
    "format as a method": f"{{{{ '{{:>{N}}}'.format('x') }}}}",
    "format, with the width of a field": f"{{{{ '{{:>{{}}}}'.format('x', {N}) }}}}",
    "format, many fields": "{{ '" + "{0}" * 3000 + "'.format('x' * 900000) }}",
    "indent": f"{{{{ 'x\\ny'|indent({N}) }}}}",
    "indent of many lines": "{{ ('x\\n' * 90000)|indent(90000) }}",
    "indent with a text": "{{ ('x\\n' * 90000)|indent('y' * 90000) }}",
    "wordwrap": "{{ ('x ' * 90000)|wordwrap(1, wrapstring='y' * 90000) }}",
    "join": "{{ range(10000)|join('a' * 100000) }}",
    "join, named": "{{ range(10000)|join(d='a' * 100000) }}",
    "join as a method": "{{ ('a' * 100000).join(range(10000)|map('string')) }}",
    "join of one text often": LONG + "{{ ([long] * 10000)|join }}",
    "replace": "{{ ('x' * 90000)|replace('x', 'y' * 90000) }}",
    "replace of nothing": "{{ ('x' * 90000)|replace('', 'y' * 90000) }}",
    "replace as a method": "{{ ('x' * 90000).replace('x', 'y' * 90000) }}",
    "batch": "{{ [1]|batch(99999999, 1)|list }}",
    "slice": "{{ [1]|slice(99999999)|list }}",
    "round": f"{{{{ 1.5|round({N}, 'ceil') }}}}",
    "tojson": f"{{{{ [1, [2, [3]]]|tojson(indent={N}) }}}}",
    "urlize": "{{ ('a.com ' * 15000)|urlize(rel='x' * 90000) }}",
    "striptags": "{{ ('<!---->' * 100000)|striptags }}",
    "striptags as a method": "{{ ('<!---->' * 100000)|e|safe|striptags }}",
    "a text times a number": f"{{{{ 'x' * {N} }}}}",
    "twice times": "{{ 'x' * 100000 * 100000 }}",
    "a number times a text": "{{ 100000 * ('x' * 100000) }}",
    "a list times a number": "{{ ([1] * 100000 * 100000)|length }}",
    "a power": "{{ 99999 ** 99999 }}",
    "powers of powers": "{{ 9999 ** 999 ** 9 }}",
    "doubling by plus": DOUBLED % ("'a'", "box.v + box.v", "box.v"),
    "doubling by plus, on the reader": DOUBLED % ("reader.name", "box.v + box.v", "box.v"),
    "doubling by tilde": DOUBLED % ("'a'", "box.v ~ box.v", "box.v"),
    "doubling by tilde, on the reader": DOUBLED % ("reader.name", "box.v ~ box.v", "box.v"),
    "doubling by percent": DOUBLED % ("'a'", "'%s%s' % (box.v, box.v)", "box.v"),
    "doubling by format": DOUBLED % ("'a'", "'{}{}'.format(box.v, box.v)", "box.v"),
    "doubling by join": DOUBLED % ("'a'", "[box.v, box.v]|join", "box.v"),
    "doubling by replace": DOUBLED % ("'a'", "box.v|replace('a', 'aa')", "box.v"),
    "doubling by tabs": DOUBLED % ("'a\\t'", "(box.v ~ box.v).expandtabs(9)", "box.v"),
    "doubling of a list": DOUBLED % ("[1]", "box.v + box.v", "box.v|length"),
    "a list of lists": DOUBLED % ("[1]", "[box.v, box.v]", "box.v"),
    "a list of lists, as a text": DOUBLED % ("[1]", "[box.v, box.v]", "box.v|string"),
    "lists that are compared": DOUBLED % ("[1]", "[box.v, box.v]", "box.v == [box.v]"),
    "a tuple of tuples": DOUBLED % ("(1,)", "(box.v, box.v)", "box.v"),
    "a mapping of mappings": DOUBLED % ("{'a': 1}", "{'a': box.v, 'b': box.v}", "box.v"),
    "a mapping by dict": DOUBLED % ("{'a': 1}", "dict(a=box.v, b=box.v)", "box.v"),
    "a list that takes itself": "{% set a = [1] %}{% for i in range(40) %}{% set _ = a.extend(a) %}{% endfor %}{{ a|length }}",
    "a macro that doubles": "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}"
    + DOUBLED % ("reader.name", "m(box.v)", "box.v"),
    "a block set that doubles": "{% set v = 'a' %}" + "{% set v %}{{ v }}{{ v }}{% endset %}" * 40 + "{{ v }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro that calls itself twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}"
    ),
    "a call block that calls itself twice": (
        "{% macro m(n) %}{% if n %}{% call m(n - 1) %}{% endcall %}{% call m(n - 1) %}{% endcall %}{% endif %}{% endmacro %}"
        "{{ m(40) }}"
    ),
    "a block that prints itself twice": (
        "{% set box = namespace(n=0) %}{% block b scoped %}{% set box.n = box.n + 1 %}{% if box.n % 40 %}"
        "{{ self.b() }}{{ self.b() }}{% endif %}{% endblock %}"
    ),
    "an include of itself": "{% include 'body.txt' %}",
    "an include that doubles": "{% set box = namespace(n=0) %}{% include 'part.txt' %}",
    "an import of itself": "{% import 'body.txt' as m with context %}",
    "a loop that calls itself twice": ("{% for n in [[1, 2]] recursive %}{{ loop([[1, 2], [1, 2]]) }}{% endfor %}"),
    "loops in loops": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    "long loops over long texts": LONG + "{% for a in range(9999) %}{{ long|upper|length }}{% endfor %}",
    "long loops of comparing": LONG + "{% for a in range(9999) %}{{ long[1:] < long[2:] }}{% endfor %}",
    "printing much": LONG + "{% for a in range(9999) %}{{ long }}{% endfor %}",
    "printing much of the template": "{% for a in range(9999) %}{% for b in range(19) %}"
    + "x" * 9000
    + "{% endfor %}{% endfor %}",
    "a range": f"{{{{ range({N})|list }}}}",
    "sum": "{{ ([[1] * 9000] * 9000)|sum(start=[])|length }}",
    "steps without end": "{% set box = namespace(v=reader.name) %}{% for i in range(9999) %}{% for j in range(19) %}"
    "{% set box.v = box.v|upper %}{% endfor %}{% endfor %}{{ box.v }}{{ 1 / 0 }}",
}


def renderer(text: str) -> Renderer:
    files: Mapping[str, str] = {
        "body.html": "<p>x</p>",
        "body.txt": f"\n\n{text}",
        "subject.txt": "x",
        "part.txt": "{% set box.n = box.n + 1 %}{% if box.n % 40 %}{% include 'part.txt' %}{% include 'part.txt' %}{% endif %}",
    }
    return Renderer(
        EditionInputs(newsletter=NEWSLETTER, edition=make_edition([make_article(1)]), language="en", files=files)
    )


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_out_soon_and_says_where_it_stands(bomb: str, is_fast: bool) -> None:
    facts = {"reader": Reader(address="mira@example.org", name="Mira")}
    began, memory = time.thread_time(), _peak()
    with pytest.raises(RenderFailed, match=r"(body|part)\.txt, line [1-9]"):
        _render(bomb, facts, is_fast=is_fast)
    assert time.thread_time() - began < 2
    assert _peak() - memory < 100_000_000


def _render(bomb: str, facts: Facts, *, is_fast: bool) -> None:
    one = renderer(bomb)
    one.frame(facts) if is_fast else one.plain(facts, {})


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{{ '%3.1f|%-5s|%05d'|format(1.25, 'a', 7) }}", "1.2|a    |00007"),
        ("{{ '{:,} of {n:>4}'.format(12345, n=reader.name) }}", "12,345 of Mira"),
        ("{{ 'x'.ljust(3, '.') }}{{ 'a'|center(3) }}|", "x.. a |"),
        ("{{ reader.name.upper().replace('M', 'T')[:3] }}", "TIR"),
        ("{% set a = [1] %}{% set _ = a.append(2) %}{{ a|sum }} {{ {'a': 1}.items()|list }}", "3 [('a', 1)]"),
        ("{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}", "aba"),
        ("{% for x in 'abc' %}{{ loop.cycle('-', '+') }}{{ loop.index }}{% endfor %}", "-1+2-3"),
        ("{% macro m(x) %}[{{ caller(x) }}]{% endmacro %}{% call(y) m(reader.name) %}{{ y }}!{% endcall %}", "[Mira!]"),
        ("{{ 'call +441234567890, %(n)s'|format(n=reader.name) }}", "call +441234567890, Mira"),
        ("{% block b %}{{ reader.name }}{% endblock %}{{ self.b().upper() }}", "MiraMIRA"),
        ("{{ (range(12)|list)[2:8:2] }} {{ 2 ** 10 }} {{ 'ab' * 3 }} {{ [1] + [2] }}", "[2, 4, 6] 1024 ababab [1, 2]"),
    ],
)
def test_what_templates_do_every_day_is_done(text: str, wanted: str) -> None:
    facts = {"reader": Reader(address="mira@example.org", name="Mira")}
    assert renderer(text).plain(facts, {}).text.strip() == wanted
