"""Fetching from a real HTTP server on loopback, and refusing what lies inside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from digest.errors import SourceMalformed, SourceUnreachable
from digest.sources.fetch import Fetcher, is_public


class Site:
    """What it answers is set by the test: path -> function of the request handler."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answers[self.path](self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def give(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = answer


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(allow_hosts=frozenset({"127.0.0.1"}), max_bytes=10_000, timeout_s=2)


def test_loopback_is_refused_unless_allowed(site: Site, fetcher: Fetcher) -> None:
    site.give("/feed", b"hello", ETag='"1"')
    with pytest.raises(SourceUnreachable, match=r"not a public address; .* collect\.allow_hosts"):
        Fetcher().get(f"{site.url}/feed")
    found = fetcher.get(f"{site.url}/feed")
    assert (found.status, found.body, found.etag) == (200, b"hello", '"1"')


def test_a_redirect_leads_nowhere_inside(site: Site) -> None:
    """The first address is allowed by name and port, the one it leads to is not."""
    site.give("/away", b"", 302, Location="http://localhost:1/secret")
    careful = Fetcher(allow_hosts=frozenset({f"127.0.0.1:{site.port}"}))
    with pytest.raises(SourceUnreachable, match="not a public address"):
        careful.get(f"{site.url}/away")
    site.give("/file", b"", 302, Location="file:///etc/passwd")
    with pytest.raises(SourceUnreachable, match="no http or https address"):
        careful.get(f"{site.url}/file")


def test_redirects_end(site: Site, fetcher: Fetcher) -> None:
    site.give("/round", b"", 302, Location="/round")
    with pytest.raises(SourceUnreachable, match="more than 5 redirects"):
        fetcher.get(f"{site.url}/round")


def test_what_has_not_changed_is_not_sent_again(site: Site, fetcher: Fetcher) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        same = handler.headers.get("If-None-Match") == '"1"'
        handler.send_response(304 if same else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.answers["/feed"] = answer
    assert fetcher.get(f"{site.url}/feed", etag='"1"').status == 304
    assert fetcher.get(f"{site.url}/feed", etag='"2"').status == 200


def test_fifty_megabytes_are_not_read(site: Site, fetcher: Fetcher) -> None:
    sent = 0

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(800):
                handler.wfile.write(b"x" * 65_536)
                sent += 65_536
        except OSError:
            pass

    site.answers["/big"] = answer
    with pytest.raises(SourceMalformed, match="longer than 10,000 bytes"):
        fetcher.get(f"{site.url}/big")
    assert sent < 50_000_000


def test_a_server_that_drips_is_left_at_its_deadline(site: Site, fetcher: Fetcher) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(40):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.2)
        except OSError:
            pass

    site.answers["/slow"] = answer
    with pytest.raises(SourceUnreachable, match="not complete after 2 seconds"):
        fetcher.get(f"{site.url}/slow")


@pytest.mark.parametrize("status", [404, 500])
def test_an_error_answer_names_the_address(status: int, site: Site, fetcher: Fetcher) -> None:
    site.give("/feed", b"", status)
    with pytest.raises(SourceUnreachable, match=rf"127\.0\.0\.1:\d+/feed: the server answered {status}"):
        fetcher.get(f"{site.url}/feed")


def test_nobody_listens(fetcher: Fetcher) -> None:
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1:9/feed"):
        fetcher.get("http://127.0.0.1:9/feed")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:a00:1::",
        "::7f00:1",
    ],
)
def test_addresses_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_addresses_outside(address: str) -> None:
    assert is_public(address)
