"""The templates of the readers' pages, and the languages that they are spoken in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest import log
from digest.errors import RenderFailed
from digest.render.files import BUILT_IN, read_words_files
from digest.render.words import words_of
from digest.words import Words, nearest


def page(name: str, words: Words, **values: object) -> str:
    return _environment(words).get_template(name).render(**values)


def words_for(wanted: Iterable[str], folder: Path | None) -> Words:
    """The first of these languages that there are words in; English where there is none.

    wanted  codes such as "pt-BR", the reader's first; "" is none
    folder  of the admin's own templates, which may have words of their own
    """
    files = _files(folder)
    language = nearest(filter(None, wanted), [name.removeprefix("words/").rpartition(".")[0] for name in files])
    try:
        return words_of(language, files)
    except RenderFailed:  # a slip in an admin's catalogue must not keep anybody from leaving
        log.warn("web.words_unreadable", language=language)
        return Words()


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language, the best first (RFC 9110 §12.5.4)."""
    parts = (part.partition(";") for part in header[:200].split(","))
    weighted = [(code.strip(), _weight(parameter)) for code, _, parameter in parts]
    return [
        code for code, weight in sorted(weighted, key=lambda each: -each[1]) if weight > 0 and code not in ("", "*")
    ]


def _weight(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
    except ValueError:
        return 0.0


@lru_cache(maxsize=4)
def _files(folder: Path | None) -> dict[str, str]:
    return read_words_files([BUILT_IN, *([folder] if folder else [])])


@lru_cache(maxsize=64)
def _environment(words: Words) -> Environment:
    environment = Environment(
        loader=_LOADER,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.globals |= {
        "_": words.gettext,
        "ngettext": words.ngettext,
        "pgettext": words.pgettext,
        "lang": words.language,
        "dir": words.direction,
    }
    return environment


_LOADER = FileSystemLoader(BUILT_IN / "web" / "public")
