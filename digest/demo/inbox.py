"""One page in which a person can look through the mails of a folder, without a server and without the network."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digest.render.files import BUILT_IN

MAX_MAILS = 1_000
"""A page of more would take a browser's memory; the rest is there as .eml files."""


def write_inbox(page: Path, title: str, folders: Sequence[Path], pictures: Mapping[str, bytes]) -> int:
    """Write the page; returns how many mails are in it.

    folders    one for each edition, the newest first; its name is what the page calls it
    pictures   by the address that mails use
    """
    mails: list[dict[str, Any]] = []
    for folder in folders:
        for file in sorted(folder.glob("*.eml"))[: max(0, MAX_MAILS - len(mails))]:
            mails.append(_entry(file, folder.name))
    environment = Environment(
        loader=FileSystemLoader(BUILT_IN / "web" / "demo"), autoescape=True, undefined=StrictUndefined
    )
    sources = {url: f"data:image/png;base64,{base64.b64encode(data).decode()}" for url, data in pictures.items()}
    there = sum(len(list(folder.glob("*.eml"))) for folder in folders)
    page.write_text(
        environment.get_template("inbox.html").render(title=title, mails=mails, pictures=sources, there=there),
        encoding="utf-8",
    )
    return len(mails)


def _entry(file: Path, edition: str) -> dict[str, Any]:
    """What the list shows as it is; what one mail shows compressed, since the mails of an edition are much alike."""
    source = file.read_bytes()
    message = message_from_bytes(source, policy=policy.default)
    assert isinstance(message, EmailMessage)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    headers = [[name, str(value)] for name, value in message.items()]
    named = dict(headers)  # parsed once: asking the message again parses again
    content = {
        "headers": headers,
        "html": html.get_content() if html else "",
        "text": text.get_content() if text else "",
        "source": source.decode("utf-8", "replace"),
    }
    packed = gzip.compress(json.dumps(content, ensure_ascii=False).encode(), compresslevel=6, mtime=0)
    return {
        "edition": edition,
        "file": f"{file.parent.parent.name}/{edition}/{file.name}",
        "to": named["To"],
        "subject": named["Subject"],
        "size": len(source),
        "packed": base64.b64encode(packed).decode(),
    }
