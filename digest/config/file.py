"""The settings file, the environment over it, and the files that hold secrets."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from digest.config.faults import environment_lines, lines_of
from digest.config.settings import Settings, strong_key
from digest.errors import ConfigError, Next, Step

DEFAULT_FILE = Path("digest.toml")


def find_file(given: Path | None) -> Path | None:
    """The file to read: --config, else DIGEST_CONFIG, else ./digest.toml if it is there."""
    if given is not None:
        return given
    if named := os.environ.get("DIGEST_CONFIG"):
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load(path: Path | None) -> Settings:
    """Read the file and the environment; ConfigError with one line for each thing that is wrong."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as cause:
            raise ConfigError(f"{path}: there is no such file", next=Next(Step.MAKE_CONFIG, {"path": path})) from cause
        except (OSError, UnicodeDecodeError) as cause:
            raise ConfigError(f"{path}: cannot be read: {cause}") from cause
        except tomllib.TOMLDecodeError as cause:
            raise ConfigError(f"{path}: not TOML: {cause}") from cause
    if wrong := list(environment_lines()):
        raise ConfigError("\n".join(wrong))
    try:
        settings = Settings(**values)
    except ValidationError as cause:
        raise ConfigError("\n".join(lines_of(cause, path, values))) from cause
    return _with_secrets(settings, path)


def _with_secrets(settings: Settings, path: Path | None) -> Settings:
    """Fill in what stands in files of its own."""
    if settings.web.token_key_file is not None:
        key = _secret(settings.web.token_key_file, "web.token_key_file", path)
        try:
            settings.web.token_key = strong_key(key)
        except ValueError as cause:
            raise ConfigError(f"{path or 'environment'}: web.token_key_file: {cause}") from cause
    for index, channel in enumerate(settings.channels):
        secrets: dict[str, Any] = {
            name: _secret(file, f"channels[{index}].{name}_file", path) for name, file in channel.secret_files.items()
        }
        settings.channels[index] = replace(channel, **secrets)
    return settings


def _secret(file: Path, key: str, path: Path | None) -> str:
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except OSError as cause:
        raise ConfigError(f"{path or 'environment'}: {key}: {file} cannot be read: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:  # its text quotes what it met
        raise ConfigError(f"{path or 'environment'}: {key}: {file} is no text file") from cause
    if not secret:
        raise ConfigError(f"{path or 'environment'}: {key}: {file} is empty")
    return secret
