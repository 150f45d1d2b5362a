"""Addresses as people write them are taken as browsers take them, and no further."""

from __future__ import annotations

import pytest

from digest.sources.dedupe import is_web_url
from digest.sources.links import joined

BASE = "https://example.org/blog/"


@pytest.mark.parametrize(
    ("written", "asked_for"),
    [
        ("https://example.org/a 1", "https://example.org/a%201"),
        (" \n https://example.org/a\n", "https://example.org/a"),
        ("https://example.org/a\n\tb", "https://example.org/ab"),
        ("my photo.jpg", "https://example.org/blog/my%20photo.jpg"),
        ("/search?q=night ferry#the end", "https://example.org/search?q=night%20ferry#the%20end"),
        ("https://example.org/a\u00a0b\u3000c", "https://example.org/a%C2%A0b%E3%80%80c"),
        ("//other.example/x y", "https://other.example/x%20y"),
        ("https://example.org/100%/a%20b", "https://example.org/100%/a%20b"),
        ("https://example.org/straße", "https://example.org/straße"),
    ],
)
def test_a_space_is_encoded_and_what_stands_around_goes(written: str, asked_for: str) -> None:
    assert joined(BASE, written) == asked_for
    assert is_web_url(asked_for)


@pytest.mark.parametrize(
    "written",
    [
        "https://exa mple.org/",
        "https://bank.example @evil.example/",
        "java script:alert(1)",
        "javascript:alert(1 + 1)",
        "https://[::1 /x",
        "https://e.example/\u202egnp",
        "https:// /x",
    ],
)
def test_a_space_in_a_host_is_none_of_the_forgiven(written: str) -> None:
    assert not is_web_url(joined("", written))
