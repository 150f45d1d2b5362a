"""What is said of a relay in the settings."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from digest.delivery.channels import ChannelOptions
from digest.model.setting import Setting
from digest.web_address import ascii_host


def _relay_headers(given: dict[str, str]) -> dict[str, str]:
    for name, text in given.items():
        if not re.fullmatch(r"X-[A-Za-z0-9-]{1,74}", name):
            raise ValueError(f"{name!r} is no name like X-SES-CONFIGURATION-SET")
        if not re.fullmatch(r"[ -~]{1,900}", text):
            raise ValueError(f"{name}: its value must be one line of ASCII")
    return given


def _host(text: str) -> str:
    return text if text.isascii() else ascii_host(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ChannelOptions):
    """hands over to a mail server.

    security   RFC 8314 §3 prefers "tls", from the first byte (port 465); "none" is for loopback and trusted networks
    auth       "password": CRAM-MD5, PLAIN or LOGIN, whichever the server offers first in this order (RFC 4954);
               "xoauth2": the token is short-lived, so its file is read anew
    headers    lines that this relay alone wants; they go before the message's own, unsigned
    timeouts   seconds; RFC 5321 §4.5.3.2 gives the defaults
    """

    kind: ClassVar[str] = "smtp"
    name: Annotated[str, Setting(help="letters, digits, hyphens; must be unique", is_needed=True)] = "smtp"
    host: Annotated[str, Setting(help="SMTP server", read=_host, is_needed=True)] = "localhost"
    port: Annotated[int, Setting(least=1, most=65_535)] = 587
    security: Annotated[
        str, Setting(help="tls, starttls or none; never falls back to less", choices=("tls", "starttls", "none"))
    ] = "starttls"
    username: Annotated[str, Setting()] = ""
    password: Annotated[str, Setting(is_secret=True)] = field(default="", repr=False)
    password_file: Annotated[Path | None, Setting(help="a file that holds the password", read=Path)] = None
    auth: Annotated[
        str,
        Setting(
            help='"xoauth2": the password is an access token; its file is read for each connection',
            choices=("password", "xoauth2"),
        ),
    ] = "password"
    insecure_login: Annotated[
        bool, Setting(help='with security = "none": send the password in the clear to another machine')
    ] = False
    verify: Annotated[bool, Setting(help="check the server's certificate")] = True
    local_hostname: Annotated[str, Setting(help="name for EHLO; this machine's own if empty", read=_host)] = ""
    connections: Annotated[int, Setting(least=1, most=200)] = 4
    messages_per_connection: Annotated[int, Setting(least=1)] = 500
    seconds_per_connection: Annotated[float, Setting(least=0.001)] = 300.0
    pipelining: Annotated[bool, Setting(help="used where the server offers it")] = True
    headers: Annotated[
        dict[str, str],
        Setting(
            help='of your own, for this relay: { "X-SES-CONFIGURATION-SET" = "weekly" }; only X- names',
            read=_relay_headers,
        ),
    ] = field(default_factory=dict)
    connect_timeout_s: float = 60.0
    command_timeout_s: float = 300.0
    data_timeout_s: float = 120.0
    body_timeout_s: float = 600.0

    def __post_init__(self) -> None:
        if self.username and self.security == "none" and not self.insecure_login and not _is_loopback(self.host):
            raise ValueError(  # RFC 4954 §4: no password in the clear, unless somebody said so
                'security = "none" would send the password in the clear; use "starttls" or "tls", '
                "or say insecure_login = true where nobody else reads the network"
            )

    def list_risks(self) -> Iterator[tuple[str, str]]:
        if not self.verify and self.security != "none":
            stands = "verify = false: whoever is in between can read and change what is sent"
            yield stands, "take it out; give the certificate authority to the system instead"
        if self.insecure_login:
            stands = "insecure_login = true: the password goes over the network in the clear"
            yield stands, 'take it out, with security = "starttls" or "tls"'


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
