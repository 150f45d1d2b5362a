"""Template files from the folders they live in. The one file of this room that reads the disk."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from pathlib import Path

from digest.errors import RenderFailed
from digest.words import SOURCE

BUILT_IN = next(
    (
        path
        for path in (Path(__file__).parents[1] / "templates", Path(__file__).parents[2] / "templates")
        if path.is_dir()
    ),
    Path(__file__).parents[1] / "templates",
)
"""In a wheel inside the package, in a checkout beside it."""


WORDS = ("words", "email/words")
"""Where LANGUAGE.po lies; the second is the older place, of an admin's LANGUAGE.toml."""


def read_files(name: str, folders: Sequence[Path], *, languages: Sequence[str] = ()) -> dict[str, str]:
    """Every file of the e-mail template `name`, and the words of these languages, by their names in templates.

    folders    the built-in one first; an admin's own folder overlays it file by file
    languages  as a newsletter names them; English is in the templates
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise RenderFailed(f"{name!r} cannot be a template's name: small letters, digits and hyphens only")
    spoken = {SOURCE, *languages, *(each.partition("-")[0] for each in languages)}
    files: dict[str, str] = {}
    for folder in folders:
        start = folder / "email" / name
        for path in sorted(start.rglob("*")):
            if path.is_file() and path.suffix in (".html", ".txt"):
                files[path.relative_to(start).as_posix()] = _read(path)
        files |= _words_in(folder, spoken)
    if "body.html" not in files:
        places = ", ".join(str(folder / "email" / name) for folder in folders)
        raise RenderFailed(f"there is no template {name!r}: looked for body.html in {places}")
    return files


def read_words_files(folders: Sequence[Path]) -> dict[str, str]:
    """The words of every language that there is, by their names in templates."""
    return {name: text for folder in folders for name, text in _words_in(folder, None).items()}


def _words_in(folder: Path, spoken: Set[str] | None) -> dict[str, str]:
    """Of these languages; None: of all."""
    found = (path for place in WORDS for path in sorted((folder / place).glob("*.*")))
    return {
        f"words/{path.name}": _read(path)
        for path in found
        if path.suffix in (".po", ".toml") and (spoken is None or path.stem in spoken)
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as cause:
        raise RenderFailed(f"{path}: not UTF-8: {cause}") from cause
