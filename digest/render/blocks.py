"""The tag that stands where a reader's articles go.

    {% picks "rows" as article, place %} ... {% endpicks %}

The plain way loops over this reader's picks of the region. The fast way leaves a mark, keeps the body, and renders
it once for every article and for every answer that the body gets from `place` and `reader`.
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Macro
from markupsafe import Markup

from digest.model.edition import Region


class Picks(Extension):
    tags = {"picks"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        region = parser.stream.expect("string").value
        if region not in set(Region):
            parser.fail(f"picks: unknown region {region!r}; there are {', '.join(Region)}", line)
        parser.stream.expect("name:as")
        names = [parser.parse_assign_target(name_only=True)]
        while parser.stream.skip_if("comma"):
            names.append(parser.parse_assign_target(name_only=True))
        if len(names) != 2:
            parser.fail('picks: write {% picks "rows" as article, place %}', line)
        for name in names:
            name.set_ctx("param")
        body = parser.parse_statements(("name:endpicks",), drop_needle=True)
        is_html = bool(parser.name and parser.name.endswith(".html"))
        call = self.call_method("place", [nodes.Const(region), nodes.Const(is_html)])
        return nodes.CallBlock(call, names, [], body).set_lineno(line)

    def place(self, region: str, is_html: bool, caller: Macro) -> Any:
        """What the tag calls: the articles, or the mark for them."""
        environment: Any = self.environment
        content = environment.place_picks(region, caller, is_html)
        return Markup(content) if is_html else content  # noqa: S704
