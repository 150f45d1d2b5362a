"""What a request must be before any page sees it: meant for this host, framed one way, with an address that is put right."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.audience.links import CHOOSE_PATH, SECRET_PATHS, SITE_PATHS, path_of
from digest.config import Web

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
"""The machine itself: its own health checks, and a proxy on it that does not pass the name on."""

_TOKEN = re.compile(
    rf"((?:{'|'.join(SECRET_PATHS)})[A-Za-z0-9_-]+)(?!==)(?:[^A-Za-z0-9_/\0-].*|/+[^A-Za-z0-9_-]?)", re.DOTALL
)
"""An address with a token (or an edition's key), and behind it what no token holds and a mail program or a person took for
a part of it: a full stop, a bracket, a space, a slash, the = of a line that was broken."""


class Door:
    """Middleware. No answer is made from what a request says of its host, so a wrong one leads nowhere; it is refused all
    the same, since a cache in between might keep the page under that name."""

    def __init__(self, app: ASGIApp, *, web: Web) -> None:
        self._app = app
        public = urlsplit(web.public_url)
        self._hosts = {name.lower() for name in (public.hostname or "", web.host, *web.hosts) if name} | LOOPBACK
        self._is_open = not public.hostname
        self._front = path_of(web.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refusal(scope)
            if refusal:
                answer = PlainTextResponse(refusal + "\n", status_code=400, headers={"Connection": "close"})
                await answer(scope, receive, send)
                return
            scope = {**scope, **_mended(self._below_front(_bare(scope["path"])))}
        await self._app(scope, receive, send)

    def _below_front(self, path: str) -> str:
        """Without the path of public_url, whether the proxy handed it on or took it away. What is left must be one of ours:
        below https://example.org/u a proxy that took its part away says /u/TOKEN as well."""
        rest = path.removeprefix(self._front)
        return rest if self._front and rest.startswith(SITE_PATHS) else path

    def _refusal(self, scope: Scope) -> str:
        """ "" for a request that may pass. RFC 9112 §3.2.2: the host of an absolute address goes before the header."""
        names = [name for name, _ in scope["headers"]]
        if b"content-length" in names and b"transfer-encoding" in names:
            return "two lengths"  # RFC 9112 §6.1: an attempt at smuggling; the connection is closed
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if not scope["path"].startswith("/") and scope["path"] != "*":
            hosts.append(urlsplit(scope["path"]).netloc)
        if len(hosts) > 2 or any("@" in host for host in hosts):
            return "not this host"
        if self._is_open or all(_name(host) in self._hosts for host in hosts):
            return ""
        return "not this host"


def _name(host: str) -> str:
    """Without the port, and without the dot of a complete name."""
    try:
        return (urlsplit(f"//{host.strip()}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _bare(path: str) -> str:
    """Of an absolute address only the path."""
    return path if path.startswith("/") or path == "*" else urlsplit(path).path or "/"


def _mended(path: str) -> dict[str, object]:
    """The path that was meant; `up` leads from the address as the browser has it to that of the path."""
    found = _TOKEN.fullmatch(path)
    if found is not None:
        return {"path": found[1], "up": ""}
    whole = path.rstrip("/")
    if path.startswith(CHOOSE_PATH) and whole != path:
        return {"path": whole, "up": "../" * (len(path) - len(whole))}
    return {"path": path, "up": ""}
