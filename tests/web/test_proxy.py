"""The proxies of the guide, as they stand there but for their ports and folders: pages, one-click, and no token in a log."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine

from digest.audience.links import CHOOSE, LEAVE
from digest.model.newsletter import Offer
from digest.sources.image_folder import put
from digest.sources.resize import Resized
from tests.mails import html_of, links_of, parse_without_defects
from tests.site import SmtpServer
from tests.web.running import RunningSite, Sent, send_edition

GUIDE = Path(__file__).parents[2] / "docs/guide.md"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CADDY = shutil.which("caddy")
HOST = "digest.example.org"


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text("utf-8"), re.S)
    return str(found)


@contextmanager
def running(line: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, f"{line[0]} does not start"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


def nginx(folder: Path, port: int, upstream: int, below: tuple[str, str] | None = None) -> list[str]:
    """below: other words for the location and for where it leads, as the guide has them"""
    server = block("nginx").replace("443 ssl", f"127.0.0.1:{port}")
    if below is not None:
        server = server.replace("location /", below[0]).replace("proxy_pass http://127.0.0.1:8025;", below[1])
    server = server.replace("127.0.0.1:8025", f"127.0.0.1:{upstream}")
    server = server.replace("/var/log/nginx/digest.log", str(folder / "access.log"))
    server = server.replace("/var/log/nginx/digest-error.log", str(folder / "error.log"))
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/start.log;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + f"events {{}}\nhttp {{\n{paths}{server}\n}}\n"
    )
    return [str(NGINX), "-c", str(folder / "nginx.conf"), "-e", str(folder / "start.log")]


def caddy(folder: Path, port: int, upstream: int, below: str = "reverse_proxy 127.0.0.1:8025") -> list[str]:
    server = block("caddy").replace(f"{HOST} {{", f"http://{HOST}:{port} {{")
    server = server.replace("reverse_proxy 127.0.0.1:8025", below)
    server = server.replace("127.0.0.1:8025", f"127.0.0.1:{upstream}").replace(
        "    log {\n", f"    log {{\n        output file {folder}/access.log\n", 1
    )
    (folder / "Caddyfile").write_text(server.replace("{\n    servers", "{\n    admin off\n    servers", 1))
    return [str(CADDY), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def nginx_below(target: str) -> Callable[[Path, int, int], list[str]]:
    return partial(nginx, below=("location /newsletter/", target))


PROXIES = [
    pytest.param(nginx, id="nginx", marks=pytest.mark.skipif(NGINX is None, reason="nginx is not installed")),
    pytest.param(caddy, id="caddy", marks=pytest.mark.skipif(CADDY is None, reason="caddy is not installed")),
]

NEEDS_NGINX, NEEDS_CADDY = PROXIES[0].marks, PROXIES[1].marks
BELOW = [
    pytest.param(nginx_below("proxy_pass http://127.0.0.1:8025;"), id="nginx hands the path on", marks=NEEDS_NGINX),
    pytest.param(nginx_below("proxy_pass http://127.0.0.1:8025/;"), id="nginx takes it away", marks=NEEDS_NGINX),
    pytest.param(
        partial(caddy, below="reverse_proxy /newsletter/* 127.0.0.1:8025"), id="caddy hands it on", marks=NEEDS_CADDY
    ),
    pytest.param(
        partial(caddy, below="handle_path /newsletter/* {\nreverse_proxy 127.0.0.1:8025\n}"),
        id="caddy takes it away",
        marks=NEEDS_CADDY,
    ),
]


@pytest.fixture
def site(database_url: str, engine: Engine) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url, public_url=f"https://{HOST}") as running_site:
        yield running_site


@pytest.fixture
def sent(site: RunningSite, smtp_server: SmtpServer) -> Sent:
    return send_edition(site, smtp_server)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("proxy", PROXIES)
def test_pages_work_behind_the_proxies_of_the_guide_and_no_token_is_in_their_logs(
    proxy: Callable[[Path, int, int], list[str]], site: RunningSite, sent: Sent, tmp_path: Path
) -> None:
    leave, choose = site.app.keyring.sign(LEAVE, 2), site.app.keyring.sign(CHOOSE, 2)
    port, upstream = free_port(), int(site.url.rpartition(":")[2])
    os.chmod(tmp_path, 0o755)
    with running(proxy(tmp_path, port, upstream), port), httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        head = {"Host": HOST}
        for path in (f"/u/{leave}", f"/c/{choose}", f"/e/{sent.public_key}"):
            answer = client.get(path, headers=head)
            assert (answer.status_code, answer.text.count("<h1")) == (200, 1)
            assert client.get(path + "/", headers={**head, "X-Forwarded-Host": "evil.example"}).status_code == 200
        assert client.get("/health", headers=head).status_code == 200
        done = client.post(f"/u/{leave}", data={"List-Unsubscribe": "One-Click"}, headers=head)  # RFC 8058 §3.2
        assert done.status_code == 200
        with suppress(httpx2.RemoteProtocolError):  # Caddy has begun to pass it on, and may close in the middle
            large = client.post(f"/u/{leave}", content=b"x" * 400_000, headers=head)
            assert large.status_code in (200, 413, 502)  # digest answers without reading what is no form
    assert [row.status for row in site.tables()["subscription"]].count("left") == 1
    logged = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert "/u/-" in logged
    assert not [secret for secret in (leave, choose, sent.public_key) if secret in logged]


@pytest.mark.parametrize("proxy", PROXIES)
def test_no_token_is_logged_while_digest_is_away(proxy: Callable[[Path, int, int], list[str]], tmp_path: Path) -> None:
    port = free_port()
    os.chmod(tmp_path, 0o755)
    with running(proxy(tmp_path, port, free_port()), port):
        answer = httpx2.get(f"http://127.0.0.1:{port}/u/7SECRET7", headers={"Host": HOST})
    assert answer.status_code == 502
    logged = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert "/u/-" in logged
    assert "7SECRET7" not in logged


@pytest.fixture
def below(database_url: str, engine: Engine, tmp_path: Path) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url, tmp_path / "images", f"https://{HOST}/newsletter") as running_site:
        yield running_site


def through(proxy: httpx2.Client, address: str) -> str:
    """A reader's link as the proxy is asked for it: it must lead below the path of the site."""
    assert address.startswith(f"https://{HOST}/newsletter/"), address
    return address.removeprefix(f"https://{HOST}")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("proxy", BELOW)
def test_a_site_below_a_path_works_behind_both_kinds_of_proxies(
    proxy: Callable[[Path, int, int], list[str]], below: RunningSite, smtp_server: SmtpServer, tmp_path: Path
) -> None:
    """Each link of a mail, the pages' own links and forms, a picture, and leaving by one click."""
    offer = Offer(topics=True, authors=True)
    sent = send_edition(below, smtp_server, template="weekly", offer=offer, topics=("City",))
    picture = put(tmp_path / "images", Resized(suffix="png", body=b"\x89PNG\r\n\x1a\n" + b"0" * 40))
    message = parse_without_defects(sent.mails["reader1@example.org"])
    ours = [each for each in links_of(html_of(message)) if HOST in each]
    one_click = str(message["List-Unsubscribe"]).partition(">")[0].lstrip("<")
    port, upstream = free_port(), int(below.url.rpartition(":")[2])
    os.chmod(tmp_path, 0o755)
    with running(proxy(tmp_path, port, upstream), port), httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.headers["Host"] = HOST
        assert {each.split("/")[4] for each in ours} >= {"u", "c", "e"}
        for address in (*ours, one_click):
            assert client.get(through(client, address)).status_code == 200, address
        switch = next(each for each in ours if "/c/" in each) + "/mute/topics/city"
        page = client.post(through(client, switch))
        assert page.status_code == 200
        for link in re.findall(r'(?:href|action)="([^"]*)"', page.text):
            lead = page.url.join(link)
            assert lead.path.startswith("/newsletter/c/")
            assert client.get(lead.path).status_code == 200
        assert client.get(f"/newsletter/i/{picture}").status_code == 200
        assert client.get("/newsletter/health").status_code == 200
        for nowhere in ("/newsletter/", "/newsletter/nope", "/u/x", "/newsletter/newsletter/health"):
            assert client.get(nowhere).status_code in (200, 404)  # Caddy says 200 and nothing of what is not its own
        assert client.post(through(client, one_click), data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert [row.status for row in below.tables()["subscription"]].count("left") == 1
    logged = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert "/newsletter/u/-" in logged
    assert not [each for each in ours if each.split("/")[5] in logged]
