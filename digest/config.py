"""Settings; the only reader of TOML and of the environment. Also the source of config.example.toml."""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource, InitSettingsSource

from digest.errors import ConfigError, Next, Step
from digest.web_address import ascii_host, web_address

KEY_LENGTH = 32

PLACEHOLDER = "{token}"
"""Where a token stands in mail.return_path."""

MAX_LOCAL, MAX_MAILBOX_TOKEN = 64, 39
"""Octets of a local part (RFC 5321 §4.5.3.1), and of the longest token in one (audience/tokens.py)."""

DEFAULT_FILE = Path("digest.toml")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Database(_Table):
    """Where everything is kept."""

    url: str = Field(
        "sqlite:///digest.sqlite",
        repr=False,
        description="sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME (needs digest-mailer[postgres])",
    )

    @field_validator("url")
    @classmethod
    def _is_of_a_known_kind(cls, value: str) -> str:
        if not re.match(r"(sqlite|postgresql)(\+\w+)?://", value):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value


def strong_key(value: str) -> str:
    """A key that nobody finds by trying; ValueError for one that is too short."""
    if len(value) < KEY_LENGTH or len(set(value)) < 8:
        raise ValueError(
            f"must have {KEY_LENGTH} characters at least, by chance: a reader with a link can try keys; make one: "
            f"""python3 -c "import secrets; print(secrets.token_hex(32))\""""
        )
    return value


class Web(_Table):
    """The pages that readers meet: leaving, and the web view of an edition."""

    public_url: str = Field(
        "", description="how readers reach this program: https://digest.example.org, or https://example.org/newsletter"
    )
    host: str = Field("127.0.0.1", description="where `digest serve` listens")
    port: int = Field(8025, ge=1, le=65535)
    hosts: list[str] = Field(
        [], description="other names in a request's Host than that of public_url: of a proxy that does not pass it on"
    )
    token_key: str = Field(
        "", repr=False, description="secret that signs links; made and kept in the database if empty"
    )
    token_key_file: Path | None = Field(None, description="a file that holds it")
    old_token_keys: list[str] = Field(
        [], repr=False, description="keys that were used before: links in mails that are out still work"
    )

    @property
    def token_keys(self) -> tuple[bytes, ...]:
        """What the settings say of them; the first signs."""
        return tuple(key.encode() for key in (self.token_key, *self.old_token_keys) if key)

    @field_validator("public_url")
    @classmethod
    def _is_a_site(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("must begin with https:// (http:// is for trials on this machine)")
        if value and not re.fullmatch(r"https?://[^\s/<>,?#]+(/[^\s<>,?#]*)?", value):
            raise ValueError("must be an address without spaces, ? and #: https://digest.example.org")
        return web_address(value).rstrip("/") if value else ""

    @field_validator("token_key")
    @classmethod
    def _is_a_strong_key(cls, value: str) -> str:
        return strong_key(value) if value else ""

    @field_validator("old_token_keys")
    @classmethod
    def _are_strong_keys(cls, value: list[str]) -> list[str]:
        return [strong_key(each) for each in value]


class Mail(_Table):
    """What is the same for all newsletters."""

    unsubscribe_mailbox: str = Field(
        "", description="unsubscribe@example.org: offered beside the link; a token is added as +PLACEHOLDER"
    )

    return_path: str = Field(
        "",
        description="bounce+{token}@example.org: where reports of non-delivery go, each message with a token of its own; "
        "the newsletter's sender if empty",
    )

    @field_validator("unsubscribe_mailbox")
    @classmethod
    def _is_a_mailbox(cls, value: str) -> str:
        local, at, domain = value.rpartition("@")
        if value and not (at and _is_local_part(local)):
            raise ValueError("must be an address like unsubscribe@example.org")
        return f"{local}@{ascii_host(domain)}" if value else ""

    @field_validator("return_path")
    @classmethod
    def _is_a_return_path(cls, value: str) -> str:
        local, at, domain = value.rpartition("@")
        if value and not (at and local.count(PLACEHOLDER) == 1 and _is_local_part(local.replace(PLACEHOLDER, ""))):
            raise ValueError(f"must be an address with {PLACEHOLDER} in it, like bounce+{PLACEHOLDER}@example.org")
        if len(local) - len(PLACEHOLDER) + MAX_MAILBOX_TOKEN > MAX_LOCAL:
            room = MAX_LOCAL - MAX_MAILBOX_TOKEN
            raise ValueError(
                f"must have at most {room} characters beside {PLACEHOLDER} before the @, since tokens are long"
            )
        return f"{local}@{ascii_host(domain)}" if value else ""


def _is_local_part(text: str) -> bool:
    return bool(re.fullmatch(r"[!-~]+", text)) and not set(text) & set('<>,@"')


def _are_limits(value: list[str]) -> list[str]:
    for each in value:
        if not re.fullmatch(r"\d{1,9}/(second|minute|hour|day)", each) or each.startswith("0"):
            raise ValueError(f"{each!r} is no limit like 20/second, 600/minute, 5000/hour or 20000/day")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


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
    auth: Literal["password", "xoauth2"] = Field(
        "password", description='"xoauth2": the password is an access token; its file is read for each connection'
    )
    insecure_login: bool = Field(
        False, description='with security = "none": send the password in the clear to another machine'
    )
    verify: bool = Field(True, description="check the server's certificate")
    local_hostname: str = Field("", description="name for EHLO; this machine's own if empty")
    connections: int = Field(4, ge=1, le=200)
    messages_per_connection: int = Field(500, ge=1)
    seconds_per_connection: float = Field(300, gt=0)
    limits: list[str] = Field([], description='how fast at most, all senders together: ["50/second", "20000/day"]')
    pipelining: bool = Field(True, description="used where the server offers it")
    headers: dict[str, str] = Field(
        {}, description='of your own, for this relay: { "X-SES-CONFIGURATION-SET" = "weekly" }; only X- names'
    )
    path: str = Field("outbox", description="kind folder: where the files go")

    _limits = field_validator("limits")(_are_limits)

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not re.fullmatch(r"X-[A-Za-z0-9-]{1,74}", name):
                raise ValueError(f"{name!r} is no name like X-SES-CONFIGURATION-SET")
            if not re.fullmatch(r"[ -~]{1,900}", text):
                raise ValueError(f"{name}: its value must be one line of ASCII")
        return value

    @field_validator("host", "local_hostname")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        return value if value.isascii() else ascii_host(value)

    @model_validator(mode="after")
    def _password_travels_safely(self) -> Channel:
        if self.username and self.security == "none" and not self.insecure_login and not _is_loopback(self.host):
            raise ValueError(  # RFC 4954 §4: no password in the clear, unless somebody said so
                'security = "none" would send the password in the clear; use "starttls" or "tls", '
                "or say insecure_login = true where nobody else reads the network"
            )
        return self


class Domain(_Table):
    """How fast to the mailboxes of one provider. "*" is for each domain that has no table of its own."""

    name: str = Field("gmail.com", description="what stands after the @")
    limits: list[str] = Field([], description='all senders together: ["20/second", "600/minute"]')
    in_flight: int = Field(0, ge=0, description="messages at once for each sender; 0: no limit")

    _limits = field_validator("limits")(_are_limits)

    @field_validator("name")
    @classmethod
    def _is_a_domain(cls, value: str) -> str:
        return value if value == "*" else ascii_host(value.strip().lower())


class Dkim(_Table):
    """A key that signs what goes out in the name of its domain or of one below. Several may: one table for each."""

    domain: str = Field(description="the domain of the sender, or the one above it", examples=["example.org"])
    selector: str = Field(description="the name under which DNS has the public key", examples=["s2026"])
    key_file: Path = Field(
        description="the private key, readable for this program alone; made by: digest dkim keygen",
        examples=["/etc/digest/dkim-s2026.example.org.pem"],
    )

    @field_validator("domain")
    @classmethod
    def _is_a_domain(cls, value: str) -> str:
        value = value if value.isascii() else ascii_host(value)
        if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})+", value):
            raise ValueError("must be a domain like example.org")
        return value.lower()

    @field_validator("selector")
    @classmethod
    def _is_a_selector(cls, value: str) -> str:
        if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", value):  # RFC 6376 §3.1
            raise ValueError("must be letters, digits and hyphens, like s2026")
        return value.lower()


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
    max_bytes: int = Field(10_000_000, ge=1_000, description="a longer answer is refused, unpacked")
    timeout_s: float = Field(30.0, gt=0, description="for a whole answer, from the first byte to the last")
    at_once: int = Field(8, ge=1, le=32, description="sources that are read at the same time")
    per_host: int = Field(2, ge=1, le=16, description="requests at the same time to one host")


class Images(_Table):
    """Copies of the pictures of articles, in the sizes that a mail shows. Off unless there is a folder."""

    folder: Path | None = Field(
        None,
        description="where they are kept; `digest serve` gives them out under web.public_url",
    )
    timeout_s: float = Field(60.0, gt=0, description="for all pictures of an edition; the rest stays at its address")


class Sending(_Table):
    """How this machine sends."""

    processes: int = Field(
        1, ge=1, le=64, description="more than one is faster where messages are signed; one for each core"
    )


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
    domains: list[Domain] = []
    dkim: list[Dkim] = []
    templates: Templates = Templates()
    collect: Collect = Collect()
    images: Images = Images()
    sending: Sending = Sending()
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

    @field_validator("dkim")
    @classmethod
    def _unique_selectors(cls, value: list[Dkim]) -> list[Dkim]:
        names = [f"{key.selector}._domainkey.{key.domain}" for key in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two keys are published as {twice}")
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
            raise ConfigError(f"{path}: there is no such file", next=Next(Step.MAKE_CONFIG, {"path": path})) from cause
        except (OSError, UnicodeDecodeError) as cause:
            raise ConfigError(f"{path}: cannot be read: {cause}") from cause
        except tomllib.TOMLDecodeError as cause:
            raise ConfigError(f"{path}: not TOML: {cause}") from cause
    if wrong := list(_environment_lines()):
        raise ConfigError("\n".join(wrong))
    try:
        settings = Settings(**values)
    except ValidationError as cause:
        raise ConfigError("\n".join(_lines(cause, path, values))) from cause
    return _with_secrets(settings, path)


_SERVICE_LINK = re.compile(
    r"DIGEST_(?:[A-Z0-9]+_)*?(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes puts into the environment of every pod beside a service that is called digest, or digest-web."""


def _environment_lines() -> Iterator[str]:
    """What pydantic-settings would pass over (an unknown table), or stop at without naming it (a value not JSON)."""
    for name in os.environ:
        if not name.startswith("DIGEST_") or name in ("DIGEST_CONFIG", "DIGEST_TEST_DATABASE_URL"):
            continue
        if _SERVICE_LINK.fullmatch(name) and (name != "DIGEST_PORT" or "://" in os.environ[name]):
            continue
        table, *keys = name.removeprefix("DIGEST_").lower().split("__")
        if table not in Settings.model_fields:
            near = difflib.get_close_matches(table, Settings.model_fields, n=1)
            meant = "__".join(["DIGEST_" + near[0], *keys]).upper() if near else ""
            yield f"environment {name}: unknown key" + (f"; did you mean {meant}?" if near else "")
        elif _of_list(table) and keys:
            yield f"environment {name}: all {table} come as one JSON list in DIGEST_{table.upper()}"
        elif (not keys or _is_list(table, keys)) and not _is_json(os.environ[name]):
            yield f"environment {name}: must be JSON, as tables and lists are"


def _of_list(table: str) -> type[BaseModel] | None:
    """What a list of tables is a list of; None for a single table."""
    field = Settings.model_fields.get(table)
    of = get_args(field.annotation) if field is not None else ()
    return of[0] if of and issubclass(of[0], BaseModel) else None


def _is_list(table: str, keys: list[str]) -> bool:
    fields: Any = getattr(Settings.model_fields[table].annotation, "model_fields", {})
    return keys[0] in fields and isinstance(fields[keys[0]].default, list)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


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
    names = ["DIGEST_" + "__".join(where[:count]).upper() for count in range(len(where), 0, -1)]
    for name in names:  # the value itself, or a table given as JSON in which it stands
        if name in os.environ:
            return f"environment {name}"
    return str(path) if path is not None and where[0] in values else f"environment {names[0]}"


def _siblings(where: list[str]) -> list[str]:
    model: Any = Settings
    for part in where[:-1]:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        model = _of_list(part) or annotation
    return list(getattr(model, "model_fields", {}))


def _with_secrets(settings: Settings, path: Path | None) -> Settings:
    """Fill in what stands in files of its own."""
    if settings.web.token_key_file is not None:
        key = _secret(settings.web.token_key_file, "web.token_key_file", path)
        try:
            settings.web.token_key = strong_key(key)
        except ValueError as cause:
            raise ConfigError(f"{path or 'environment'}: web.token_key_file: {cause}") from cause
    for index, channel in enumerate(settings.channels):
        if channel.password_file is not None:
            channel.password = _secret(channel.password_file, f"channels[{index}].password_file", path)
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


def example() -> str:
    """config.example.toml, from the declarations above."""
    lines = [
        "# The settings of digest, with their defaults. Copy to digest.toml and change what you need.",
        "# Looked for in --config FILE, then $DIGEST_CONFIG, then ./digest.toml.",
        "# Every value can come from the environment: DIGEST_DATABASE__URL, DIGEST_WEB__PORT, ...",
        "",
    ]
    for name, field in Settings.model_fields.items():
        rows = _of_list(name)
        model: Any = rows or field.annotation
        header = f"[[{name}]]" if rows else f"[{name}]"
        if any(key.is_required() for key in model.model_fields.values()):
            header = f"# {header}"
        lines += [f"# {line}" for line in str(model.__doc__).strip().splitlines()]
        lines += [header, *_example_keys(model), ""]
    return "\n".join(lines).rstrip() + "\n"


def _example_keys(model: type[BaseModel]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        if field.description:
            yield f"# {field.description}"
        if field.is_required():
            yield f'# {key} = "{(field.examples or [""])[0]}"'
            continue
        value = field.default
        file = f"/run/secrets/{key.removesuffix('_file')}" if key.endswith("_file") else f"my-{model.__name__.lower()}"
        yield f'# {key} = "{file}"' if value is None else f"{key} = {_toml(value)}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(each)}' for key, each in value.items()) + "}"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
