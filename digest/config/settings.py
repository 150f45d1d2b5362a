"""Settings: every table and key, with its default and what it is for. A channel's keys stand in its adapter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource, InitSettingsSource

from digest.delivery.channels import ChannelOptions
from digest.errors import Invalid
from digest.model.address import MAX_LOCAL
from digest.model.envelope import PLACEHOLDER
from digest.model.parse import limit
from digest.web_address import ascii_host, web_address

KEY_LENGTH = 32

MAX_MAILBOX_TOKEN = 39
"""Octets of the longest token in a local part (audience/tokens.py)."""

CHANNEL_FAULTS = "channel_faults"

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
        "", description="unsubscribe@example.org: offered beside the link; a token is added as +TOKEN"
    )

    service_sender: str = Field(
        "",
        description="service@example.org: who writes what is no newsletter, such as a request to confirm; "
        "the newsletter that it is about if empty",
    )
    return_path: str = Field(
        "",
        description="bounce+{token}@example.org: where reports of non-delivery go, each message with a token of its own; "
        "the newsletter's sender if empty",
    )

    @field_validator("unsubscribe_mailbox", "service_sender")
    @classmethod
    def _is_a_mailbox(cls, value: str, info: ValidationInfo) -> str:
        local, at, domain = value.rpartition("@")
        if value and not (at and len(local) <= MAX_LOCAL and _is_local_part(local)):
            example = str(info.field_name).partition("_")[0]
            raise ValueError(f"must be an address like {example}@example.org")
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


class Domain(_Table):
    """How fast to the mailboxes of one provider. "*" is for each domain that has no table of its own."""

    name: str = Field("gmail.com", description="what stands after the @")
    limits: list[str] = Field([], description='all senders together: ["20/second", "600/minute"]')
    in_flight: int = Field(0, ge=0, description="messages at once for each sender; 0: no limit")

    @field_validator("limits")
    @classmethod
    def _are_limits(cls, value: list[str]) -> list[str]:
        return list(map(limit, value))

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
    channels: list[InstanceOf[ChannelOptions]] = []
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

    @field_validator("channels", mode="before")
    @classmethod
    def _by_their_kinds(cls, value: Any) -> Any:
        """Each table read by the adapter that it is for (delivery/channels/kinds.py)."""
        if not isinstance(value, list) or not any(isinstance(table, dict) for table in value):
            return value
        from digest.delivery.channels.kinds import options_of  # the adapters are imported where one is configured

        made, faults = [], []
        for index, table in enumerate(value):
            try:
                made.append(options_of(table) if isinstance(table, dict) else table)
            except Invalid as cause:
                faults += [(index, each.field, each.text) for each in cause.faults]
        if faults:
            raise PydanticCustomError(CHANNEL_FAULTS, "a channel is wrong", {"faults": faults})
        return made

    @field_validator("channels")
    @classmethod
    def _unique_names(cls, value: list[ChannelOptions]) -> list[ChannelOptions]:
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
