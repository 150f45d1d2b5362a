"""Polite HTTP: conditional GET, size and time limits, no private addresses. Every fetch of the program goes through here.

What a server can do, and what comes of it:

answers 304                    nothing has changed
moves for good (301, 308)      followed, and `Fetched.moved_to` says where; for a while (302, 303, 307): followed
leads inside, or to file:      refused; each hop is judged like the first address
leads on and on                refused after five hops
is gone (410)                  SourceGone: nobody need ask again
asks for patience              SourceBusy with the time (429 or 503 with Retry-After)
sends without end, or slowly   refused at `max_bytes` of unpacked text, or at `timeout_s` after the start, whatever it sends
packs a gigabyte in a megabyte refused at `max_bytes`: it is unpacked in pieces of 64 KB
names a private address        refused; the connection is made to the address that was judged, so that a DNS answer that
                               changes in between reaches nothing

wants a cookie back            gets it, until the answer that this fetch is for; no other fetch sees it

At most `per_host` requests are under way to one host.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import CookieJar
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2

from digest import __version__
from digest.errors import SourceBusy, SourceGone, SourceMalformed, SourceUnreachable
from digest.sources.addresses import is_public
from digest.sources.dedupe import is_web_url
from digest.sources.fetched import Fetched
from digest.sources.links import joined
from digest.sources.unpack import ACCEPTED, unpacker

MAX_REDIRECTS = 5
LONGEST_VALIDATOR = 500
LONGEST_WAIT_S = 7 * 86_400
"""A server that asks for a year gets a week."""

_REDIRECTS = (301, 302, 303, 307, 308)  # RFC 9110 §15.4
_FOR_GOOD = (301, 308)  # RFC 9110 §15.4.2, RFC 9110 §15.4.9


def user_agent(home: str = "") -> str:
    """Our name, and where to find us (RFC 9110 §10.1.5)."""
    return f"digest-mailer/{__version__}" + (f" (+{home})" if home else "")


Resolver = Callable[[str, int], list[str]]
"""A name and a port -> the addresses it has."""


def resolve(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Doors:
    """One counter for each host; who finds it used up waits."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lock = threading.Lock()
        self._doors: dict[str, threading.BoundedSemaphore] = {}

    def of(self, url: str) -> threading.BoundedSemaphore:
        host = (urlsplit(url).hostname or "").lower()
        with self._lock:
            return self._doors.setdefault(host, threading.BoundedSemaphore(self._width))


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Serves any number of threads.

    allow_hosts   names on private networks that may be fetched all the same, as "host" or "host:port"
    per_host      requests at once to one host
    """

    allow_hosts: frozenset[str] = frozenset()
    max_bytes: int = 10_000_000
    timeout_s: float = 30.0
    per_host: int = 2
    user_agent: str = user_agent()
    headers: dict[str, str] = field(default_factory=dict)
    resolve: Resolver = resolve
    _doors: _Doors = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_doors", _Doors(self.per_host))

    def get(self, url: str, *, etag: str = "", modified: str = "") -> Fetched:
        """GET with validators (RFC 9110 §13.1); SourceUnreachable or SourceMalformed names the URL."""
        headers = {"User-Agent": self.user_agent, "Accept-Encoding": ACCEPTED, **self.headers}
        if etag:
            headers["If-None-Match"] = etag  # RFC 9110 §13.1.2
        if modified:
            headers["If-Modified-Since"] = modified  # RFC 9110 §13.1.3
        here, moved_to, is_for_good = joined("", url), "", True
        deadline: float | None = None
        cookies = CookieJar()
        for _ in range(MAX_REDIRECTS + 1):
            if not is_web_url(here, may_have_user=True):
                raise SourceUnreachable(f"{url}: leads to {here[:200]!r}, which is no http or https address")
            with self._doors.of(here):
                # the clock starts when it is our turn: waiting for a host that is busy with us is no fault of it
                deadline = deadline or time.monotonic() + self.timeout_s
                found = self._one(url, here, headers, cookies, deadline, moved_to)
            if isinstance(found, Fetched):
                return found
            status, there = found
            is_for_good = is_for_good and status in _FOR_GOOD and not _is_weaker(here, there)
            moved_to, here = (there if is_for_good else moved_to), there
        raise SourceUnreachable(f"{url}: more than {MAX_REDIRECTS} redirects")

    def _one(
        self, url: str, here: str, headers: dict[str, str], cookies: CookieJar, deadline: float, moved_to: str
    ) -> Fetched | tuple[int, str]:
        """One request: an answer, or where it leads."""
        transport = _Transport(_JudgingBackend(self.allow_hosts, self.resolve, deadline))
        try:
            with (
                httpx2.Client(transport=transport, cookies=cookies, timeout=self.timeout_s, trust_env=False) as client,
                client.stream("GET", here, headers=headers, follow_redirects=False) as answer,
            ):
                if answer.status_code in _REDIRECTS and "location" in answer.headers:
                    return answer.status_code, joined(here, answer.headers["location"])
                return self._read(url, here, answer, deadline, moved_to)
        except (*_HTTP_ERRORS, OSError, UnicodeError, ValueError) as cause:
            raise SourceUnreachable(f"{url}: {self._reason(cause, deadline)}") from cause

    def _read(self, url: str, here: str, answer: httpx2.Response, deadline: float, moved_to: str) -> Fetched:
        if answer.status_code == 304:
            return Fetched(url=here, status=304, moved_to=moved_to)
        if answer.status_code == 410:  # RFC 9110 §15.5.11
            raise SourceGone(f"{url}: the server answered 410: it is gone for good")
        if answer.status_code != 200:
            _raise_refusal(url, answer)
        try:
            packed = unpacker(answer.headers.get("content-encoding", ""))
            body = bytearray()
            for chunk in answer.iter_raw(65_536):
                for piece in packed.unpack(chunk):
                    body += piece
                    if len(body) > self.max_bytes:
                        raise SourceMalformed(f"{url}: longer than {self.max_bytes:,} bytes")
                if time.monotonic() > deadline:
                    raise SourceUnreachable(f"{url}: not complete after {self.timeout_s:.0f} seconds")
        except ValueError as cause:
            raise SourceMalformed(f"{url}: {cause}") from cause
        if not packed.is_complete():
            raise SourceUnreachable(f"{url}: the answer breaks off")
        return Fetched(
            url=here,
            status=200,
            body=bytes(body),
            content_type=answer.headers.get("content-type", ""),
            etag=_validator(answer.headers.get("etag", "")),
            modified=_validator(answer.headers.get("last-modified", "")),
            moved_to=moved_to,
        )

    def _reason(self, cause: BaseException, deadline: float) -> str:
        if time.monotonic() >= deadline:
            return f"not complete after {self.timeout_s:.0f} seconds"
        if isinstance(cause, httpx2.TimeoutException | httpcore2.TimeoutException):
            return "no answer in time"
        return (str(cause) or type(cause).__name__).splitlines()[0]


def _validator(text: str) -> str:
    """What can be kept and sent back; without one a server sends everything again, and that is all."""
    return text if len(text) <= LONGEST_VALIDATOR and text.isascii() and text.isprintable() else ""


def _is_weaker(here: str, there: str) -> bool:
    return urlsplit(here).scheme == "https" and urlsplit(there).scheme != "https"


def _raise_refusal(url: str, answer: httpx2.Response) -> None:
    said = f"{url}: the server answered {answer.status_code} {answer.reason_phrase}".rstrip()
    wait_s = retry_after_s(answer.headers.get("retry-after", ""), date=answer.headers.get("date", ""))
    if answer.status_code in (429, 503) and wait_s is not None:  # RFC 6585 §4, RFC 9110 §15.6.4
        raise SourceBusy(f"{said}; it asks to be left alone for {wait_s:,} seconds", wait_s=wait_s)
    raise SourceUnreachable(said)


def retry_after_s(value: str, *, date: str) -> int | None:
    """Seconds, or an instant by the server's own clock (RFC 9110 §10.2.3); None for what is neither."""
    if value.strip().isascii() and value.strip().isdigit():
        return min(int(value.strip()[:9]), LONGEST_WAIT_S)
    try:
        until, now = parsedate_to_datetime(value[:100]), parsedate_to_datetime(date[:100])
        return max(0, min(int((until.astimezone(UTC) - now.astimezone(UTC)).total_seconds()), LONGEST_WAIT_S))
    except (ValueError, TypeError, OverflowError):
        return None


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    """Read once: the certificates of all authorities are 20 ms of work."""
    return httpx2.create_ssl_context()


_HTTP_ERRORS = (
    *(httpx2.HTTPError, httpx2.InvalidURL, httpcore2.TimeoutException, httpcore2.NetworkError),
    *(httpcore2.ProtocolError, httpcore2.ProxyError, httpcore2.UnsupportedProtocol),
)


class _Transport(httpx2.BaseTransport):
    """Of a request, by connections of the backend that judges: there is no other way out, and none that an update of the
    library could open."""

    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._pool = httpcore2.ConnectionPool(network_backend=backend, ssl_context=_tls())

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                request.method,
                httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _JudgingBackend(httpcore2.SyncBackend):
    """Resolves, judges every address, and connects to one that was judged; nothing on it lasts beyond the deadline."""

    def __init__(self, allow_hosts: Iterable[str], resolve: Resolver, deadline: float) -> None:
        super().__init__()
        self._allowed = {host.lower() for host in allow_hosts}
        self._resolve = resolve
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore2.NetworkStream:
        addresses = self._resolve(host, port)
        if not {host.lower(), f"{host.lower()}:{port}"} & self._allowed:
            for address in addresses:
                if not is_public(address):
                    raise PermissionError(
                        f"{host} is {address}, which is not a public address; "
                        "if it is yours, add the host to collect.allow_hosts"
                    )
        for address in addresses[:-1]:  # one that is down, or an IPv6 address where there is no IPv6
            try:
                return self._connect(address, port, timeout, *args, **kwargs)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._connect(addresses[-1], port, timeout, *args, **kwargs)

    def _connect(self, address: str, port: int, timeout: float | None, *args: Any, **kwargs: Any) -> _TimedStream:
        left = _left(self._deadline, timeout)
        return _TimedStream(super().connect_tcp(address, port, left, *args, **kwargs), self._deadline)


class _TimedStream(httpcore2.NetworkStream):
    """A limit for one read is none for a server that sends a byte, waits, and sends a byte."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time is up")
    return min(left, timeout) if timeout is not None else left
