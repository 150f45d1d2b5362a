"""Quoted-printable in pieces: whatever is put between two of them, the whole stays within the rules.

Every piece begins at the start of a line and ends with a line break, a soft one ("=" CRLF) where the text goes on. So
lines keep to 76 whatever a hole is filled with, and no line begins with a dot, so DATA needs no dot-stuffing.
"""

from __future__ import annotations

import re

_LIMIT = 75  # RFC 2045 §6.7 (5): 76 with the "=" of a soft line break

_SIMPLE = re.compile(r"(?!\.|From )[!-<>-~ ]{1,75}")

_FROM = [b"F", b"r", b"o", b"m", b" "]

_CODES = [
    bytes((byte,)) if (33 <= byte <= 126 and byte != 0x3D) or byte in (0x20, 0x09) else b"=%02X" % byte
    for byte in range(256)
]


def encode_piece(text: str) -> bytes:
    """`text` in quoted-printable. "\\n" becomes a hard line break; CR is dropped before it."""
    if _SIMPLE.fullmatch(text):
        return text.encode() + b"=\r\n"
    lines = text.replace("\r\n", "\n").split("\n")
    encoded = [line for text_line in lines[:-1] for line in _encode_line(text_line, ends=True)]
    if lines[-1]:
        encoded += _encode_line(lines[-1], ends=False)
    return b"".join(encoded)


def _encode_line(text: str, *, ends: bool) -> list[bytes]:
    """One logical line as physical ones, each with its line break."""
    codes = [_CODES[byte] for byte in text.encode()]
    if ends and codes and codes[-1] in (b" ", b"\t"):  # RFC 2045 §6.7 (3): no white space at the end of a line
        codes[-1] = b"=%02X" % codes[-1][0]
    lines: list[bytes] = []
    line = bytearray()
    for index, code in enumerate(codes):
        room = _LIMIT if not ends or index < len(codes) - 1 else _LIMIT + 1
        if len(line) + len(code) > room:
            lines.append(bytes(line) + b"=\r\n")
            line.clear()
        if not line and code == b".":
            code = b"=2E"  # RFC 5321 §4.5.2: a dot at the start would have to be doubled
        elif not line and codes[index : index + 5] == _FROM:
            code = b"=46"  # mbox files quote a line that begins with "From ", which would break a signature
        line += code
    lines.append(bytes(line) + (b"\r\n" if ends else b"=\r\n"))
    return lines
