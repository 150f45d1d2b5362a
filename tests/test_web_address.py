"""Addresses as headers and links hold them."""

from __future__ import annotations

import pytest

from digest.web_address import ascii_host, web_address


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("https://bücher.example/straße?q=ü", "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%BC"),
        ("https://BÜCHER.example:8443", "https://xn--bcher-kva.example:8443"),
        ("http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("http://[2001:db8::1]:8025/x", "http://[2001:db8::1]:8025/x"),
        ("https://example.org/topic/{section}", "https://example.org/topic/{section}"),
        ("https://{section}.example.org/", "https://{section}.example.org/"),
    ],
)
def test_an_address_is_written_in_ascii(text: str, written: str) -> None:
    assert web_address(text) == written


@pytest.mark.parametrize(
    "text",
    [
        *(
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://example.org/",
            "file:///etc/passwd",
            "//example.org",
            "example.org",
        ),
        *(
            "https://",
            "https:///x",
            "https://a b.example/",
            "https://example.org/\u202egnp",
            "https://example.org/\x9b2J",
        ),
        *(
            "https://example.org:99999/",
            "https://example.org:abc/",
            "https://user:pw@example.org/",
            "https://a@b@c.example/",
        ),
        *(
            'https://example.org/"x',
            "https://example.org/<b>",
            "https://-a.example/",
            "https://a..example/",
            "https://[::1/",
        ),
        *(
            "https://" + "a" * 64 + ".example/",
            "https://example.org/" + "a" * 2_000,
            "JAVASCRIPT:alert(1)",
            " https://x.example",
        ),
    ],
)
def test_what_is_no_address_of_a_page_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        web_address(text)


def test_a_host_that_no_dns_holds_is_refused() -> None:
    for host in ("a b", "\ud800.example", "ü" * 64 + ".example", "", "‮.example"):
        with pytest.raises(ValueError, match="no name of a host"):
            ascii_host(host)
