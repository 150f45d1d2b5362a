"""What a send is measured against: Postfix's smtp-source in C, and the loop that everybody writes first."""

from __future__ import annotations

import contextlib
import shutil
import smtplib
import socket
import subprocess
import time
from collections.abc import Iterator
from email.message import EmailMessage

from jinja2 import DictLoader, Environment
from premailer import transform

from benchmarks.site import NOW, PRESS
from digest.editions.snapshot import newsletter_to_json
from digest.flows.copies import CopyMaker
from digest.model.address import EmailAddress
from digest.model.edition import Edition
from digest.model.newsletter import Newsletter
from digest.model.subscriber import Recipient, Subscriber, SubscriberId


def need(program: str) -> str:
    """Its path; an explanation where it is not installed."""
    for place in (shutil.which(program), shutil.which(program, path="/usr/sbin:/usr/lib/postfix/sbin")):
        if place:
            return place
    raise SystemExit(f"{program} is missing; it comes with Postfix: apt-get install postfix")


@contextlib.contextmanager
def smtp_sink(backlog: int = 512) -> Iterator[int]:
    """A running smtp-sink on loopback; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([need("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", str(backlog)])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def smtp_source(port: int, *, messages: int, size_bytes: int, sessions: int) -> float:
    """Seconds for one fixed message, many times over, on connections that are used again (-d)."""
    line = [need("smtp-source"), "-d", "-s", str(sessions), "-l", str(size_bytes), "-m", str(messages)]
    started = time.perf_counter()
    subprocess.run(
        [*line, "-f", "news@harbourpost.example", "-t", "reader@example.org", f"127.0.0.1:{port}"], check=True
    )
    return time.perf_counter() - started


def plain_loop(port: int, newsletter: Newsletter, edition: Edition, *, messages: int) -> float:
    """Seconds for a mail to each reader: fill a Jinja2 template, inline it with premailer, hand it to smtplib."""
    maker = CopyMaker(edition, {"newsletter": newsletter_to_json(newsletter), "files": _files()}, PRESS.links)
    person = Subscriber(id=SubscriberId(1), address=EmailAddress("reader", "example.org"), name="Mira Example")
    copy = maker.plain(Recipient(subscription_id=1, subscriber=person, picks=range(12)))
    environment = Environment(loader=DictLoader({"body": _as_template(copy.html)}), autoescape=True)
    template = environment.get_template("body")
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(messages):
            html = transform(
                template.render(name=f"Reader {number}"),
                allow_network=False,
                disable_validation=True,
                cssutils_logging_level=50,
            )
            message = EmailMessage()
            message["From"], message["To"] = "news@harbourpost.example", f"reader.{number}@example.org"
            message["Subject"], message["Date"] = copy.subject, NOW
            message.set_content(copy.text)
            message.add_alternative(html, subtype="html")
            server.send_message(message)
    return time.perf_counter() - started


def _as_template(html: str) -> str:
    """The mail as it is before inlining is not at hand here; a style sheet of the same size makes the same work."""
    rules = "".join(f".c{number} {{color:#123456; margin:0; padding:{number}px}}" for number in range(60))
    body = html.replace("{", "&#123;").replace("}", "&#125;").replace("Mira", "{{ name }}")
    return body.replace("</head>", f"<style>{rules}</style></head>")


def _files() -> dict[str, str]:
    from digest.render.files import read_files

    return read_files("weekly", PRESS.template_folders)
