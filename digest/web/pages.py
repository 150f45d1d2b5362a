"""The templates of the readers' pages."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.render.files import BUILT_IN


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(BUILT_IN / "web" / "public"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def page(name: str, **values: object) -> str:
    return _environment().get_template(name).render(**values)
