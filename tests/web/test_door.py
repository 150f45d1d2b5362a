"""What stands behind a link, and in front of it: mended, or refused, and nothing of it is repeated."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from sqlalchemy import Engine, update

from digest.audience.links import CHOOSE, LEAVE
from digest.db.engine import writing
from digest.db.tables import subscription
from tests.site import SmtpServer
from tests.web.running import RunningSite, Sent, send_edition

BEHIND = [
    ".",
    ")",
    ">",
    ",",
    ";",
    '"',
    "'",
    " ",
    "\u00a0",
    "/",
    "//",
    "/.",
    ").",
    "\r\n",
    "=",
    "=\n",
    "=20",
    "?",
    "!",
    "]",
    "\u201d",
    "&gt;",
]


@pytest.fixture
def site(database_url: str, engine: Engine) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url) as running:
        yield running


@pytest.fixture
def sent(site: RunningSite, smtp_server: SmtpServer) -> Sent:
    return send_edition(site, smtp_server)


def addresses(site: RunningSite, sent: Sent) -> list[str]:
    keyring = site.app.keyring
    choose, leave = keyring.sign(CHOOSE, 2), keyring.sign(LEAVE, 2)
    return [
        f"/u/{leave}",
        f"/c/{choose}",
        f"/c/{choose}/mute/topics/city",
        f"/e/{sent.public_key}",
        "/",
        "/health",
        "/i/x",
    ]


def test_what_no_token_holds_is_cut_off_its_end(site: RunningSite, sent: Sent) -> None:
    for address in addresses(site, sent)[:4]:
        headings = site.client.get(address).text.count("<h1")
        for behind in BEHIND:
            answer = site.client.get(address + quote(behind, safe="/.,;!'="))
            assert (answer.status_code, answer.text.count("<h1")) == (200, headings), (address, behind)


def test_a_reader_can_leave_by_a_link_that_has_something_behind_it(site: RunningSite, sent: Sent) -> None:
    """RFC 8058 §3.2: without a redirect."""
    for behind in BEHIND:
        with writing(site.app.engine) as connection:
            connection.execute(update(subscription).values(status="active", left_at=None))
        address = addresses(site, sent)[0] + quote(behind, safe="/.,;!'=")
        answer = site.client.post(address, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.text) == (200, "unsubscribed\n"), behind
        assert [row.status for row in site.tables()["subscription"]].count("left") == 1, behind


def test_links_of_a_page_lead_on_whatever_slashes_are_behind_its_address(site: RunningSite, sent: Sent) -> None:
    choose = addresses(site, sent)[1]
    for slashes in ("", "/"):
        page = site.client.get(f"{choose}/mute/topics/city{slashes}")
        link = page.text.split("All my choices")[0].rsplit('href="', 1)[1].split('"')[0]
        assert str(page.url.join(link)) == f"{site.url}{choose}"


def _raw(site: RunningSite, request: str) -> str:
    """Everything that comes back for a request as it is written here."""
    with contextlib.closing(
        socket.create_connection(("127.0.0.1", urlsplit(site.url).port or 0), timeout=10)
    ) as visitor:
        visitor.sendall(request.encode())
        answer = b""
        with contextlib.suppress(TimeoutError):
            while chunk := visitor.recv(65_536):
                answer += chunk
        return answer.decode("utf-8", "replace")


EVIL = "evil.example"
FORMS = {
    "host": "{method} {path} HTTP/1.1\r\nHost: evil.example\r\n",
    "host with a port": "{method} {path} HTTP/1.1\r\nHost: evil.example:80\r\n",
    "a name before the host": "{method} {path} HTTP/1.1\r\nHost: {host}@evil.example\r\n",
    "absolute": "{method} http://evil.example{path} HTTP/1.1\r\nHost: {host}\r\n",
    "absolute both": "{method} http://evil.example{path} HTTP/1.1\r\nHost: evil.example\r\n",
    "forwarded": "{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: evil.example\r\n",
    "standard": "{method} {path} HTTP/1.1\r\nHost: {host}\r\nForwarded: host=evil.example\r\n",
    "proto": "{method} {path}/ HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n",
    "two slashes": "{method} //evil.example{path} HTTP/1.1\r\nHost: {host}\r\n",
    "slash behind": "{method} {path}/ HTTP/1.1\r\nHost: evil.example\r\n",
    "old": "{method} {path} HTTP/1.0\r\nHost: evil.example\r\n",
}
REFUSED = {"host", "host with a port", "a name before the host", "absolute", "absolute both", "slash behind", "old"}


def test_no_answer_holds_a_foreign_name(site: RunningSite, sent: Sent) -> None:
    for form, path, method in itertools.product(FORMS, addresses(site, sent), ("GET", "POST")):
        request = FORMS[form].format(method=method, path=path, host=urlsplit(site.url).netloc)
        answer = _raw(site, f"{request}Content-Length: 0\r\nConnection: close\r\n\r\n")
        assert EVIL not in answer, (form, path)
        assert " 30" not in answer.partition("\r\n")[0]
        if form in REFUSED:
            assert answer.startswith(("HTTP/1.1 400", "HTTP/1.0 400")), (form, path)


def test_two_lengths_are_refused_and_the_connection_is_closed(site: RunningSite, sent: Sent) -> None:
    """RFC 9112 §6.1."""
    path, host = addresses(site, sent)[0], urlsplit(site.url).netloc
    smuggled = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    answer = _raw(
        site,
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(smuggled) + 5}\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
    )
    assert answer.startswith("HTTP/1.1 400")
    assert answer.count("HTTP/1.1") == 1
    assert "connection: close" in answer.lower()


def test_an_absolute_address_of_this_host_is_the_page(site: RunningSite, sent: Sent) -> None:
    """RFC 9112 §3.2.2."""
    path = addresses(site, sent)[0]
    request = f"GET {site.url}{path} HTTP/1.1\r\nHost: {urlsplit(site.url).netloc}\r\nConnection: close\r\n\r\n"
    assert _raw(site, request).startswith("HTTP/1.1 200")


def test_health_tells_of_the_database_alone(site: RunningSite, tmp_path: Path) -> None:
    del tmp_path
    assert site.client.get("/health").json() == {"status": "ok", "failing": []}
    assert site.client.get("/health", headers={"Host": "localhost:8025"}).status_code == 200
