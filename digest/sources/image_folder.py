"""Copies of pictures in a folder, each under the name of its content: the same bytes are there once, and never change."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from digest.sources.resize import Resized

TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_NAME = re.compile(r"[0-9a-f]{32}\.(jpg|png)")


def is_name(name: str) -> bool:
    """Only what `put` makes; so a name never leads out of the folder."""
    return _NAME.fullmatch(name) is not None


def put(folder: Path, copy: Resized) -> str:
    """Its name. Whole or not at all, so that nobody is ever served a half; OSError if the folder refuses."""
    name = f"{hashlib.sha256(copy.body).hexdigest()[:32]}.{copy.suffix}"
    path = folder / name
    if path.exists():
        return name
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        os.chmod(folder, 0o755)  # noqa: S103  # commands make files for their account alone (umask); pictures are for everybody
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(copy.body)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's are for us alone; a web server may serve the folder
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return name
