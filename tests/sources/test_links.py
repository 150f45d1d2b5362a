"""Addresses as people write them are taken as browsers take them, and no further."""

from __future__ import annotations

import re

import pytest

from digest.sources import sql_rows
from digest.sources.dedupe import is_web_url
from digest.sources.importing import article_of
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


@pytest.mark.parametrize("written", [" https://example.org/night ferry ", "https://example.org/night\n%20ferry"])
def test_files_and_databases_write_addresses_no_better_than_pages(written: str) -> None:
    row = {"key": "1", "url": written, "title": "A ferry at night", "published_at": "2026-11-23", "image": written}
    comments = [{"author": "A reader", "text": "Good.", "url": written}]
    imported = article_of({**row, "comments": comments})
    options = sql_rows.Options(url="sqlite://", table="posts")
    of_database = sql_rows.read(row, (), [("A reader", "Good.", written)], None, options=options)
    for found in (imported, of_database):
        assert found.image is not None
        assert found.url == found.image.src == found.comments[0].url == "https://example.org/night%20ferry"


def test_an_address_that_is_none_is_named_as_it_was_written() -> None:
    row = {"key": "1", "url": "http://[::1 /x", "title": "A ferry at night", "published_at": "2026-11-23"}
    with pytest.raises(ValueError, match=re.escape("'http://[::1 /x' is no web address")):
        article_of(row)
    with pytest.raises(ValueError, match=re.escape("'http://[::1 /x' is no web address")):
        sql_rows.read(row, (), (), None, options=sql_rows.Options(url="sqlite://", table="posts"))
