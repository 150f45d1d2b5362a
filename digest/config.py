"""Settings; the only reader of TOML and of the environment. Also the source of config.example.toml."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource, InitSettingsSource

from digest.errors import ConfigError

DEFAULT_FILE = Path("digest.toml")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Database(_Table):
    """Where everything is kept."""

    url: str = Field(
        "sqlite:///digest.sqlite",
        description="sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME (needs digest-mailer[postgres])",
    )


class Web(_Table):
    """The pages that readers meet: leaving, and the web view of an edition."""

    public_url: str = Field("", description="how readers reach this program: https://digest.example.org")
    host: str = Field("127.0.0.1", description="where `digest serve` listens")
    port: int = Field(8025, ge=1, le=65535)
    token_key: str = Field(
        "", repr=False, description="secret that signs links; made and kept in the database if empty"
    )
    token_key_file: Path | None = Field(None, description="a file that holds it")

    @field_validator("public_url")
    @classmethod
    def _is_a_site(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("must begin with https:// (http:// is for trials on this machine)")
        return value.rstrip("/")


class Mail(_Table):
    """What is the same for all newsletters."""

    unsubscribe_mailbox: str = Field(
        "", description="unsubscribe@example.org: offered beside the link; a token is added as +TOKEN"
    )


class Channel(_Table):
    """A way out. Several are tried in their order: the next takes over when one fails."""

    name: str = Field("smtp", description="letters, digits, hyphens; must be unique")
    kind: Literal["smtp", "folder"] = Field("smtp", description='"smtp" sends; "folder" writes .eml files for looking')
    host: str = Field("localhost", description="SMTP server")
    port: int = Field(587, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = Field("starttls", description="never falls back to less")
    username: str = ""
    password: str = Field("", repr=False)
    password_file: Path | None = Field(None, description="a file that holds the password")
    verify: bool = Field(True, description="check the server's certificate")
    local_hostname: str = Field("", description="name for EHLO; this machine's own if empty")
    connections: int = Field(4, ge=1, le=200)
    messages_per_connection: int = Field(500, ge=1)
    pipelining: bool = Field(True, description="used where the server offers it")
    path: str = Field("outbox", description="kind folder: where the files go")

    @model_validator(mode="after")
    def _password_travels_safely(self) -> Channel:
        if self.username and self.security == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError('security = "none" would send the password in the clear; use "starttls" or "tls"')
        return self


class Templates(_Table):
    """Your own templates."""

    folder: Path | None = Field(
        None, description="overlays the built-in templates file by file: FOLDER/email/NAME/body.html"
    )


class Collect(_Table):
    """Reading feeds and other sources."""

    allow_hosts: list[str] = Field(
        [], description='hosts on private networks that may be fetched all the same: ["intranet.example.org"]'
    )
    max_bytes: int = Field(10_000_000, ge=1_000, description="a longer answer is refused")
    timeout_s: float = Field(30.0, gt=0)


class Scheduler(_Table):
    """`digest serve`."""

    tick_s: int = Field(20, ge=1, le=3600, description="how often it looks for what is due")


class Log(_Table):
    """Events on standard error, never with an address or a name in them."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json_lines: bool = Field(False, description="one JSON object a line, for machines")


class Settings(BaseSettings):
    """All of it. Every value can come from the environment: DIGEST_DATABASE__URL, DIGEST_WEB__PORT, ..."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix="DIGEST_", env_nested_delimiter="__", hide_input_in_errors=True
    )

    database: Database = Database()
    web: Web = Web()
    mail: Mail = Mail()
    channels: list[Channel] = []
    templates: Templates = Templates()
    collect: Collect = Collect()
    scheduler: Scheduler = Scheduler()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which is given at construction."""
        del dotenv_settings, file_secret_settings
        assert isinstance(init_settings, InitSettingsSource)
        assert isinstance(env_settings, EnvSettingsSource)
        return env_settings, init_settings

    @field_validator("channels")
    @classmethod
    def _unique_names(cls, value: list[Channel]) -> list[Channel]:
        names = [channel.name for channel in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two channels are called {twice!r}")
        return value


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
            raise ConfigError(f"{path}: there is no such file; make one: digest config example > {path}") from cause
        except (OSError, UnicodeDecodeError) as cause:
            raise ConfigError(f"{path}: cannot be read: {cause}") from cause
        except tomllib.TOMLDecodeError as cause:
            raise ConfigError(f"{path}: not TOML: {cause}") from cause
    unknown = [name for name in _environment() if name.split("__")[0] not in _tables()]
    try:
        settings = Settings(**values)
    except ValidationError as cause:
        raise ConfigError("\n".join(_lines(cause, path, values))) from cause
    if unknown:
        raise ConfigError("\n".join(f"environment: DIGEST_{name.upper()}: unknown key" for name in unknown))
    return _with_secrets(settings, path)


def _environment() -> Iterator[str]:
    for name in os.environ:
        if name.startswith("DIGEST_") and name not in ("DIGEST_CONFIG", "DIGEST_TEST_DATABASE_URL"):
            yield name.removeprefix("DIGEST_").lower()


def _tables() -> set[str]:
    return set(Settings.model_fields)


def _lines(error: ValidationError, path: Path | None, values: Mapping[str, Any]) -> Iterator[str]:
    for found in error.errors():
        where = [str(part) for part in found["loc"]]
        key = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in where).lstrip(".")
        text = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            near = difflib.get_close_matches(where[-1], _siblings(where), n=1)
            text = "unknown key" + (f"; did you mean {near[0]}?" if near else "")
        yield f"{_origin(where, path, values)}: {key}: {text}"


def _origin(where: list[str], path: Path | None, values: Mapping[str, Any]) -> str:
    name = "DIGEST_" + "__".join(where).upper()
    if name in os.environ or path is None or where[0] not in values:
        return f"environment {name}"
    return str(path)


def _siblings(where: list[str]) -> list[str]:
    model: Any = Settings
    for part in where[:-1]:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        model = Channel if part == "channels" else annotation
    return list(getattr(model, "model_fields", {}))


def _with_secrets(settings: Settings, path: Path | None) -> Settings:
    """Fill in what stands in files of its own."""
    if settings.web.token_key_file is not None:
        settings.web.token_key = _secret(settings.web.token_key_file, "web.token_key_file", path)
    for index, channel in enumerate(settings.channels):
        if channel.password_file is not None:
            channel.password = _secret(channel.password_file, f"channels[{index}].password_file", path)
    return settings


def _secret(file: Path, key: str, path: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(f"{path or 'environment'}: {key}: {file} cannot be read: {cause}") from cause


def example() -> str:
    """config.example.toml, from the declarations above."""
    lines = [
        "# The settings of digest, with their defaults. Copy to digest.toml and change what you need.",
        "# Looked for in --config FILE, then $DIGEST_CONFIG, then ./digest.toml.",
        "# Every value can come from the environment: DIGEST_DATABASE__URL, DIGEST_WEB__PORT, ...",
        "",
    ]
    for name, field in Settings.model_fields.items():
        model: Any = Channel if name == "channels" else field.annotation
        header = f"[[{name}]]" if name == "channels" else f"[{name}]"
        lines += [f"# {line}" for line in str(model.__doc__).strip().splitlines()]
        lines += [header, *_example_keys(model), ""]
    return "\n".join(lines).rstrip() + "\n"


def _example_keys(model: type[BaseModel]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        if field.description:
            yield f"# {field.description}"
        value = field.default
        file = f"/run/secrets/{key.removesuffix('_file')}" if key.endswith("_file") else f"my-{model.__name__.lower()}"
        yield f'# {key} = "{file}"' if value is None else f"{key} = {_toml(value)}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
