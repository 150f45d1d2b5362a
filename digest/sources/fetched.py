"""What a fetch brought: a value, apart from the client that fetches, for those who only read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """status 200 with a body, or 304 without one.

    url        where the redirects ended
    moved_to   where the page lives from now on, if the server said so; never from https to http
    """

    url: str
    status: int
    body: bytes = b""
    content_type: str = ""
    etag: str = ""
    modified: str = ""
    moved_to: str = ""
