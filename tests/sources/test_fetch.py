"""Fetching from a real HTTP server on loopback, and refusing what lies inside."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import brotli
import pytest

from digest.errors import SourceBusy, SourceGone, SourceMalformed, SourceUnreachable
from digest.sources.addresses import is_public
from digest.sources.fetch import Fetcher, retry_after_s, user_agent
from tests.sources.http import Site


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


# --- where a name leads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_loopback_is_loopback_in_every_spelling(host: str, site: Site) -> None:
    site.give("/feed", b"secret")
    with pytest.raises(SourceUnreachable, match=r"^http://[^\n]*not a public address[^\n]*collect\.allow_hosts$"):
        Fetcher(timeout_s=2).get(f"http://{host}:{site.port}/feed")
    assert site.asked == []


def test_one_private_address_among_public_ones_is_enough(site: Site) -> None:
    careful = Fetcher(resolve=lambda _host, _port: ["93.184.216.34", "127.0.0.1"], timeout_s=2)
    with pytest.raises(SourceUnreachable, match=r"blog\.example is 127\.0\.0\.1, which is not a public address"):
        careful.get(f"http://blog.example:{site.port}/feed")
    assert site.asked == []


def test_a_name_that_changes_its_address_is_asked_once(site: Site) -> None:
    """Rebinding: the connection goes to the address that was judged, whatever the name says a moment later."""
    inside = Site("127.0.0.2", site.port)
    site.give("/feed", b"outside")
    inside.give("/feed", b"inside")
    answers = ["127.0.0.1", "127.0.0.2", "127.0.0.2"]
    fetcher = Fetcher(
        resolve=lambda _host, _port: [answers.pop(0)], allow_hosts=frozenset({"blog.example"}), timeout_s=2
    )
    try:
        assert fetcher.get(f"http://blog.example:{site.port}/feed").body == b"outside"
    finally:
        inside.close()
    assert inside.asked == []
    assert answers == ["127.0.0.2", "127.0.0.2"]


def test_a_name_that_turns_inside_for_its_redirect_is_refused(site: Site) -> None:
    """Each hop is resolved and judged like the first; here the first is allowed by name and port only."""
    site.give("/away", b"", 302, Location=f"http://inside.example:{site.port}/secret")
    site.give("/secret", b"secret")
    careful = Fetcher(resolve=lambda _host, _port: ["127.0.0.1"], allow_hosts=frozenset({"blog.example"}), timeout_s=2)
    with pytest.raises(SourceUnreachable, match=r"inside\.example is 127\.0\.0\.1"):
        careful.get(f"http://blog.example:{site.port}/away")
    assert site.asked == ["/away"]


def test_the_second_address_is_tried_where_nobody_listens_at_the_first(site: Site) -> None:
    site.give("/feed", b"hello")
    fetcher = Fetcher(
        resolve=lambda _host, _port: ["127.0.0.9", "127.0.0.1"], allow_hosts=frozenset({"blog.example"}), timeout_s=2
    )
    assert fetcher.get(f"http://blog.example:{site.port}/feed").body == b"hello"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/feed", "gopher://x/", "data:text/xml,x", ""])
def test_only_the_web_is_fetched(url: str) -> None:
    with pytest.raises(SourceUnreachable, match="no http or https address"):
        Fetcher().get(url)


# --- moved, gone, later ----------------------------------------------------------------------------------------------


def test_ten_thousand_redirects_are_five(site: Site, fetcher: Fetcher) -> None:
    for number in range(10_000):
        site.answers[f"/{number}"] = lambda handler: _lead(handler, f"/{int(handler.path[1:]) + 1}")
    with pytest.raises(SourceUnreachable, match="more than 5 redirects"):
        fetcher.get(f"{site.url}/0")
    assert len(site.asked) == 6


def _lead(handler: BaseHTTPRequestHandler, there: str, status: int = 302) -> None:
    handler.send_response(status)
    handler.send_header("Location", there)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize(
    ("hops", "remembered"),
    [
        ((301,), "/1"),
        ((308, 301), "/2"),
        ((302,), ""),
        ((307, 301), ""),
        ((301, 302), "/1"),
        ((301, 303, 308), "/1"),
    ],
)
def test_a_move_for_good_is_remembered_as_far_as_it_is_for_good(
    hops: tuple[int, ...], remembered: str, site: Site, fetcher: Fetcher
) -> None:
    for number, status in enumerate(hops):
        site.give(f"/{number}", b"", status, Location=f"/{number + 1}")
    site.give(f"/{len(hops)}", b"hello")
    found = fetcher.get(f"{site.url}/0")
    assert found.body == b"hello"
    assert found.moved_to == (site.url + remembered if remembered else "")


def test_what_is_gone_is_gone(site: Site, fetcher: Fetcher) -> None:
    site.give("/feed", b"", 410)
    with pytest.raises(SourceGone, match="410"):
        fetcher.get(f"{site.url}/feed")


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_patience_is_heard(status: int, site: Site, fetcher: Fetcher) -> None:
    site.give("/feed", b"", status, Retry_After="3600")
    with pytest.raises(SourceBusy, match="left alone for 3,600 seconds") as raised:
        fetcher.get(f"{site.url}/feed")
    assert raised.value.wait_s == 3600


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        (format_datetime(datetime(2026, 11, 23, 8, 0, tzinfo=UTC), usegmt=True), 3600),
        (format_datetime(datetime(2026, 11, 22, 8, 0, tzinfo=UTC), usegmt=True), 0),
        ("99999999999999999999", 604_800),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_how_long_to_wait(value: str, seconds: int | None) -> None:
    assert retry_after_s(value, date="Mon, 23 Nov 2026 07:00:00 GMT") == seconds


def test_we_say_who_we_are(site: Site) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.headers["User-Agent"].encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    site.answers["/"] = answer
    fetcher = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), user_agent=user_agent("https://digest.example.org"))
    assert fetcher.get(f"{site.url}/").body.startswith(b"digest-mailer/")
    assert fetcher.get(f"{site.url}/").body.endswith(b"(+https://digest.example.org)")


# --- packed ----------------------------------------------------------------------------------------------------------

TEXT = b"The ferry is back. " * 400


def _deflate_bare(text: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(text) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", lambda text: gzip.compress(text[:500]) + gzip.compress(text[500:])),
        ("deflate", zlib.compress),
        ("deflate", _deflate_bare),
        ("br", brotli.compress),
        ("identity", bytes),
    ],
)
def test_a_packed_answer_is_unpacked(
    encoding: str, pack: Callable[[bytes], bytes], site: Site, fetcher: Fetcher
) -> None:
    site.give("/feed", pack(TEXT), Content_Encoding=encoding)
    assert fetcher.get(f"{site.url}/feed").body == TEXT


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("br", lambda text: brotli.compress(text, quality=1))]
)
def test_a_bomb_of_200_megabytes_is_left_at_the_limit(
    encoding: str, pack: Callable[[bytes], bytes], site: Site, fetcher: Fetcher
) -> None:
    site.give("/bomb", pack(bytes(200_000_000)), Content_Encoding=encoding)
    tracemalloc.start()
    with pytest.raises(SourceMalformed, match="longer than 10,000 bytes"):
        fetcher.get(f"{site.url}/bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


XML = b'<?xml version="1.0"?><rss version="2.0"><channel><title>B</title></channel></rss>'


@pytest.mark.parametrize(
    "body", [XML, b'{"version": "https://jsonfeed.org/version/1.1"}', b"User-agent: *", "<p>é</p>".encode()]
)
@pytest.mark.parametrize(
    "encoding",
    ["aws-chunked", "utf-8", "none", "gzip", "br", "deflate", "zstd", "gzip, aws-chunked", "identity, identity", ","],
)
def test_what_says_that_it_is_packed_and_is_not_is_read_as_it_is(
    encoding: str, body: bytes, site: Site, fetcher: Fetcher
) -> None:
    site.give("/feed", body, Content_Encoding=encoding)
    assert fetcher.get(f"{site.url}/feed").body == body


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(XML))),
        ("gzip, gzip", gzip.compress(XML)),
        ("deflate, gzip", gzip.compress(zlib.compress(XML))),
        ("aws-chunked, gzip", gzip.compress(XML)),
    ],
    ids=["twice", "said twice", "both", "an unknown word"],
)
def test_what_is_packed_twice_is_unpacked_twice_and_what_only_says_so_once(
    encoding: str, body: bytes, site: Site, fetcher: Fetcher
) -> None:
    site.give("/feed", body, Content_Encoding=encoding)
    assert fetcher.get(f"{site.url}/feed").body == XML


def test_a_bomb_in_a_bomb_is_left_at_the_limit(site: Site, fetcher: Fetcher) -> None:
    site.give("/bomb", gzip.compress(gzip.compress(bytes(100_000_000))), Content_Encoding="gzip, gzip")
    with pytest.raises(SourceMalformed, match="longer than 10,000 bytes"):
        fetcher.get(f"{site.url}/bomb")


@pytest.mark.parametrize(
    ("encoding", "body", "error", "reason"),
    [
        ("gzip", b"\x00neither packed nor a text", SourceMalformed, "packed wrongly"),
        ("br", b"\x00neither packed nor a text", SourceMalformed, "packed wrongly"),
        ("gzip", b"\x1f\x8b\x08\x00" + b"x" * 60, SourceMalformed, "packed wrongly"),
        ("gzip", gzip.compress(TEXT)[:-20], SourceUnreachable, "breaks off"),
        ("br", brotli.compress(TEXT)[:-5], SourceUnreachable, "breaks off"),
        ("zstd", b"\x28\xb5\x2f\xfd\x24\x06" + TEXT, SourceMalformed, "nobody asked for"),
        ("gzip, gzip, gzip", gzip.compress(TEXT), SourceMalformed, "3 times over"),
    ],
    ids=["not gzip", "not brotli", "damaged gzip", "cut gzip", "cut brotli", "zstd", "three times"],
)
def test_what_is_packed_badly_is_said(
    encoding: str, body: bytes, error: type[Exception], reason: str, site: Site, fetcher: Fetcher
) -> None:
    site.give("/feed", body, Content_Encoding=encoding)
    with pytest.raises(error, match=reason):
        fetcher.get(f"{site.url}/feed")


# --- too long, too slow ----------------------------------------------------------------------------------------------


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
        "192.0.0.192",  # a large cloud's metadata
        "168.63.129.16",  # another's, in public space
        "100.100.100.200",
        "192.88.99.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "255.255.255.255",
        "240.0.0.1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:db8::1",
        "2001:20::1",
        "ff02::1",
        "4000::1",
        "fd00:ec2::254",
        "::ffff:0:169.254.169.254",
        "::ffff:168.63.129.16",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
    ],
)
def test_addresses_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "192.0.1.1", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"],
)
def test_addresses_outside(address: str) -> None:
    assert is_public(address)


def _trickle(server: socket.socket, parts: list[bytes], sent: list[int]) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        try:
            for number, part in enumerate(parts):
                connection.sendall(part)
                sent.append(number)
                time.sleep(0.1 if number < 15 else 0.7)
        except OSError:
            pass


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 200 OK\r\n", *(b"X-%d: y\r\n" % number for number in range(50))],
        [bytes([each]) for each in b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 50],
    ],
    ids=["a header without end", "a byte at a time", "chunks without end"],
)
def test_a_server_that_trickles_is_left_at_its_deadline(parts: list[bytes]) -> None:
    """Each read is short enough; all of them together are not."""
    sent: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_trickle, args=(server, parts, sent))
        thread.start()
        fetcher = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), timeout_s=1)
        with pytest.raises(SourceUnreachable, match="not complete after 1 seconds"):
            fetcher.get(f"http://127.0.0.1:{server.getsockname()[1]}/feed")
        thread.join()
        assert len(sent) < len(parts), "it was left before its end"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 302 Found\r\nLocation: http://[half\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_nonsense_is_one_line(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_trickle, args=(server, [answer], []))
        thread.start()
        fetcher = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), timeout_s=1)
        with pytest.raises(SourceUnreachable, match=r"\Ahttp://127[^\n]+\Z"):
            fetcher.get(f"http://127.0.0.1:{server.getsockname()[1]}/feed")
        thread.join()


def test_one_host_is_asked_by_two_at_once(site: Site) -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.1)
        with lock:
            inside -= 1
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.answers["/feed"] = answer
    fetcher = Fetcher(allow_hosts=frozenset({"127.0.0.1"}), per_host=2)
    threads = [threading.Thread(target=fetcher.get, args=(f"{site.url}/feed",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
    assert len(site.asked) == 8


def test_no_request_leaves_but_through_the_judge(site: Site) -> None:
    """By every name of this machine, and whatever the library of HTTP does: a listener that nobody allowed hears nothing."""
    site.give("/feed", b"secret")
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "127.1", "[::ffff:127.0.0.1]"):
        with pytest.raises(SourceUnreachable):
            Fetcher(timeout_s=2).get(f"http://{host}:{site.port}/feed")
    assert site.asked == []


# --- cookies and spaces on the way -----------------------------------------------------------------------------------


def test_a_cookie_is_given_back_on_the_way_and_to_nobody_else(site: Site, fetcher: Fetcher) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        has_it = handler.headers.get("Cookie", "") == "seen=1"
        handler.send_response(200 if has_it else 302)
        if not has_it:
            handler.send_header("Set-Cookie", "seen=1; Path=/")
            handler.send_header("Location", handler.path)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    site.answers["/feed"] = answer
    for _ in range(2):  # the second fetch starts without it
        assert fetcher.get(f"{site.url}/feed").body == b"ok"
    assert site.asked == ["/feed"] * 4


def test_another_host_on_the_way_gets_no_cookie(site: Site, fetcher: Fetcher) -> None:
    given: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        given.append(handler.headers.get("Cookie"))
        handler.send_response(200)
        handler.end_headers()

    site.answers["/there"] = answer
    there = f"http://elsewhere.example:{site.port}/there"
    site.give("/feed", b"", 302, Set_Cookie="secret=1; Path=/", Location=there)
    lenient = replace(
        fetcher,
        allow_hosts=frozenset({"127.0.0.1", "elsewhere.example"}),
        resolve=lambda _host, _port: ["127.0.0.1"],
    )
    assert lenient.get(f"{site.url}/feed").url == there
    assert given == [None]


@pytest.mark.parametrize("location", ["/my feed", " /my%20feed ", "my feed"])
def test_a_space_in_a_location_is_encoded(location: str, site: Site, fetcher: Fetcher) -> None:
    site.give("/feed", b"", 302, Location=location)
    site.give("/my%20feed", b"here")
    assert fetcher.get(f"{site.url}/feed").body == b"here"
    assert fetcher.get(f"{site.url}/my feed").body == b"here"
