"""Quoted-printable in pieces: whatever is put between two of them, the whole stays within the rules.

Every piece begins at the start of a line and ends with a line break, a soft one ("=" CRLF) where the text goes on. So
lines keep to 76 whatever a hole is filled with, and no line begins with a dot, so DATA needs no dot-stuffing.

A body made of such pieces is its own relaxed form (RFC 6376 §3.4.4): no white space at the end of a line, no two side by
side, no tab. So a signature hashes what is sent, and nothing is rewritten for each message.
"""

from __future__ import annotations

import re

_LIMIT = 75  # RFC 2045 §6.7 (5): 76 with the "=" of a soft line break

_SIMPLE = re.compile(r"(?!\.|From )[!-<>-~ ]{1,75}")

_UNSAFE = re.compile(rb"[^ -<>-~]+")

_CODES = [b"=%02X" % byte for byte in range(256)]

_BLANKS = re.compile(rb" {2,}")


def encode_piece(text: str) -> bytes:
    """`text` in quoted-printable. "\\n" becomes a hard line break; CR is dropped before it."""
    if _SIMPLE.fullmatch(text) and "  " not in text:
        return text.encode() + b"=\r\n"
    lines = text.replace("\r\n", "\n").split("\n")
    encoded = [line for text_line in lines[:-1] for line in _encode_line(text_line, ends=True)]
    if lines[-1]:
        encoded += _encode_line(lines[-1], ends=False)
    return b"".join(encoded)


def _encode_line(text: str, *, ends: bool) -> list[bytes]:
    """One logical line as physical ones, each with its line break."""
    rest = _UNSAFE.sub(_code, text.encode())
    if b"  " in rest:
        rest = _BLANKS.sub(_part_blanks, rest)
    if ends and rest.endswith(b" "):  # RFC 2045 §6.7 (3): no white space at the end of a line
        rest = rest[:-1] + b"=20"
    lines: list[bytes] = []
    room = _LIMIT + ends
    while True:
        if rest.startswith(b"."):
            rest = b"=2E" + rest[1:]  # RFC 5321 §4.5.2: a dot at the start would have to be doubled
        elif rest.startswith(b"From "):
            rest = b"=46" + rest[1:]  # mbox files quote a line that begins so, which would break a signature
        if len(rest) <= room:
            lines.append(rest + (b"\r\n" if ends else b"=\r\n"))
            return lines
        cut = _LIMIT - 2 + (rest[_LIMIT - 2 : _LIMIT] + b"=").index(b"=")  # never within a code
        lines.append(rest[:cut] + b"=\r\n")
        rest = rest[cut:]


def _code(found: re.Match[bytes]) -> bytes:
    return b"".join([_CODES[byte] for byte in found[0]])


def _part_blanks(found: re.Match[bytes]) -> bytes:
    """Every other one of several spaces in a row is written as a code."""
    return (b" =20" * len(found[0]))[: 4 * (len(found[0]) // 2)] + b" " * (len(found[0]) % 2)
