"""Polite HTTP: conditional GET, size and time limits, no private addresses. Every fetch of the program goes through here.

Each address that a name resolves to is judged, and the connection is made to the address that was judged, so that a DNS
answer that changes in between reaches nothing. Redirects start again from the beginning.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpcore2
import httpx2

from digest import __version__
from digest.errors import SourceMalformed, SourceUnreachable
from digest.sources.dedupe import is_web_url

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)  # RFC 9110 §15.4

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """status 200 with a body, or 304 without one; `url` is where the redirects ended."""

    url: str
    status: int
    body: bytes = b""
    content_type: str = ""
    etag: str = ""
    modified: str = ""


def is_public(address: str) -> bool:
    """May we connect to this IP address? Looks through IPv4 addresses that hide in IPv6 ones, then judges."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64_LOCAL or ip in _SITE_LOCAL:
            return False
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and (ip in _NAT64 or ip in _IPV4_COMPATIBLE):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """allow_hosts   names on private networks that may be fetched all the same"""

    allow_hosts: frozenset[str] = frozenset()
    max_bytes: int = 10_000_000
    timeout_s: float = 30.0
    user_agent: str = f"digest-mailer/{__version__}"
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, url: str, *, etag: str = "", modified: str = "") -> Fetched:
        """GET with validators (RFC 9110 §13.1); SourceUnreachable or SourceMalformed names the URL."""
        deadline = time.monotonic() + self.timeout_s
        headers = {"User-Agent": self.user_agent, "Accept-Encoding": "gzip, deflate", **self.headers}
        if etag:
            headers["If-None-Match"] = etag  # RFC 9110 §13.1.2
        if modified:
            headers["If-Modified-Since"] = modified  # RFC 9110 §13.1.3
        here = url
        transport = httpx2.HTTPTransport()
        transport._pool = httpcore2.ConnectionPool(
            network_backend=_JudgingBackend(self.allow_hosts), ssl_context=httpx2.create_ssl_context()
        )
        with httpx2.Client(transport=transport, timeout=self.timeout_s, trust_env=False) as client:
            for _ in range(MAX_REDIRECTS + 1):
                if not is_web_url(here):
                    raise SourceUnreachable(f"{url}: leads to {here!r}, which is no http or https address")
                try:
                    with client.stream("GET", here, headers=headers, follow_redirects=False) as answer:
                        if answer.status_code in _REDIRECTS and "location" in answer.headers:
                            here = urljoin(here, answer.headers["location"])
                            continue
                        return self._read(url, here, answer, deadline)
                except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as cause:
                    raise SourceUnreachable(f"{url}: {_reason(cause)}") from cause
        raise SourceUnreachable(f"{url}: more than {MAX_REDIRECTS} redirects")

    def _read(self, url: str, here: str, answer: httpx2.Response, deadline: float) -> Fetched:
        if answer.status_code == 304:
            return Fetched(url=here, status=304)
        if answer.status_code != 200:
            raise SourceUnreachable(f"{url}: the server answered {answer.status_code} {answer.reason_phrase}")
        body = bytearray()
        for chunk in answer.iter_bytes(65_536):
            body += chunk
            if len(body) > self.max_bytes:
                raise SourceMalformed(f"{url}: longer than {self.max_bytes:,} bytes")
            if time.monotonic() > deadline:
                raise SourceUnreachable(f"{url}: not complete after {self.timeout_s:.0f} seconds")
        return Fetched(
            url=here,
            status=200,
            body=bytes(body),
            content_type=answer.headers.get("content-type", ""),
            etag=answer.headers.get("etag", ""),
            modified=answer.headers.get("last-modified", ""),
        )


class _JudgingBackend(httpcore2.SyncBackend):
    """Resolves, judges every address, and connects to one that was judged."""

    def __init__(self, allow_hosts: Iterable[str]) -> None:
        super().__init__()
        self._allowed = {host.lower() for host in allow_hosts}

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(info[4][0]) for info in found]
        if not {host.lower(), f"{host.lower()}:{port}"} & self._allowed:
            for address in addresses:
                if not is_public(address):
                    raise PermissionError(
                        f"{host} is {address}, which is not a public address; "
                        "if it is yours, add the host to collect.allow_hosts"
                    )
        return super().connect_tcp(addresses[0], port, *args, **kwargs)


def _reason(cause: BaseException) -> str:
    if isinstance(cause, httpx2.TimeoutException):
        return "no answer in time"
    return str(cause) or type(cause).__name__
