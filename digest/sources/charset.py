"""Bytes -> the text that was meant, whatever the document says about its encoding. Pure."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_XML = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""", re.I)
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})""", re.I)
_HEADER = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.I)
_TEXTS = frozenset(
    (
        *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
        *(f"cp{number}" for number in (437, 850, 852, 855, 866, 874, 932, 949, 950, *range(1250, 1259))),
        *("koi8-r", "koi8-u", "kz1048", "mac-roman", "mac-cyrillic", "mac-latin2", "tis-620", "ptcp154"),
        *("gb2312", "gbk", "gb18030", "hz", "big5", "big5hkscs", "euc_kr", "johab", "iso2022_kr"),
        *("euc_jp", "euc_jis_2004", "euc_jisx0213", "shift_jis", "shift_jis_2004", "shift_jisx0213"),
        *("iso2022_jp", *(f"iso2022_jp_{kind}" for kind in ("1", "2", "2004", "3", "ext"))),
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
    )
)
"""Python has codecs that are no encodings of text: zlib, hex, idna, undefined. They fail in ways of their own."""

_SEQUENCE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def decode(body: bytes, *, content_type: str = "") -> str:
    """Text without control characters.

    What says UTF-8 by being it, is; else the header of the answer, then what stands in the document. A byte that fits
    nowhere is read as Windows-1252: that is where the wrong quotes and dashes of the world come from.
    """
    return _CONTROL.sub("", _decode(body, content_type))


def _decode(body: bytes, content_type: str) -> str:
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body.decode(name, "replace").lstrip("\ufeff")
    if body[:4] in (b"<\0?\0", b"<\0r\0", b"<\0f\0"):
        return body.decode("utf-16-le", "replace")
    if body[:4] in (b"\0<\0?", b"\0<\0r", b"\0<\0f"):
        return body.decode("utf-16-be", "replace")
    declared = [_known(name) for name in _declared(body, content_type)]
    escapes = next(
        (name for name in declared if name.startswith(("iso2022", "hz"))), ""
    )  # ASCII bytes that mean others
    if escapes:
        return body.decode(escapes, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        pass
    for name in declared:
        if name and not name.startswith("utf"):
            try:
                return body.decode(name)
            except UnicodeDecodeError:
                continue
    if len(_SEQUENCE.findall(body)) > 2:  # it is UTF-8 but for some bytes that were pasted in
        return body.decode("utf-8", "digest_cp1252")
    return body.decode("cp1252", "replace")


def _declared(body: bytes, content_type: str) -> list[str]:
    head = body[:2_000]
    found = [match.group(1).decode("ascii") for match in (_XML.search(head), _META.search(head)) if match]
    return [match.group(1) for match in [_HEADER.search(content_type)] if match] + found


def _known(name: str) -> str:
    """Python's name for it; "" for one that it does not know. Latin-1 is Windows-1252, as in every browser."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return "cp1252" if known in ("iso8859-1", "ascii") else known if known in _TEXTS else ""


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.start + 1].decode("cp1252", "replace"), error.start + 1


codecs.register_error("digest_cp1252", _as_cp1252)
