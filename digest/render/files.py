"""Template files from the folders they live in. The one file of this room that reads the disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from digest.errors import RenderFailed

BUILT_IN = next(
    (
        path
        for path in (Path(__file__).parents[1] / "templates", Path(__file__).parents[2] / "templates")
        if path.is_dir()
    ),
    Path(__file__).parents[1] / "templates",
)
"""In a wheel inside the package, in a checkout beside it."""


def read_files(name: str, folders: Sequence[Path]) -> dict[str, str]:
    """Every file of the e-mail template `name`, and the words of all languages, by their names in templates.

    folders   the built-in one first; an admin's own folder overlays it file by file
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise RenderFailed(f"{name!r} cannot be a template's name: small letters, digits and hyphens only")
    files: dict[str, str] = {}
    for folder in folders:
        for start, prefix in ((folder / "email" / name, ""), (folder / "email" / "words", "words/")):
            for path in sorted(start.rglob("*")):
                if path.is_file() and path.suffix in (".html", ".txt", ".toml"):
                    files[prefix + path.relative_to(start).as_posix()] = _read(path)
    if "body.html" not in files:
        places = ", ".join(str(folder / "email" / name) for folder in folders)
        raise RenderFailed(f"there is no template {name!r}: looked for body.html in {places}")
    return files


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as cause:
        raise RenderFailed(f"{path}: not UTF-8: {cause}") from cause
