"""Bytes -> the text that was meant, whatever the document says about its encoding. Pure."""

from __future__ import annotations

import codecs
import contextlib
import re

import webencodings

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
        *(f"cp{number}" for number in (437, 850, 852, 855, 932, 949, 950)),
        *("euc_jis_2004", "euc_jisx0213", "shift_jis_2004", "shift_jisx0213", "iso8859-11"),
        *("hz", "johab", "iso2022_kr", "kz1048", "mac-latin2", "ptcp154", "utf-32", "utf-32-le", "utf-32-be"),
        *(f"iso2022_jp_{kind}" for kind in ("1", "2", "2004", "3", "ext")),
    )
)
"""What Python knows beyond the table. It has codecs too that are no encodings of text: zlib, hex, idna, undefined."""

_MEANT = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
"""Where Python's is narrower than the standard's. The library knows the others."""

_WIDER = {"euc_jp": "euc_jis_2004"}
"""The standard's EUC-JP has NEC's and IBM's signs, Python's has not: ①, ㈱."""

SAMPLE_BYTES = 8_000
"""From the first byte on that is no ASCII: so many are looked at where no encoding is named; 10 ms or less."""

_SEQUENCE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_HIGH = re.compile(rb"[\x80-\xff]+")
_OF_PAIRS = {"gb18030", "big5hkscs", "cp932", "cp949", "euc_jp"}
_WESTERN = {
    "cp1252",
    "cp1250",
    "cp1254",
    "cp1257",
    "mac-roman",
    *(f"iso8859-{n}" for n in (2, 3, 4, 10, 13, 14, 15, 16)),
}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def decode(body: bytes, *, content_type: str = "") -> str:
    """Text without control characters.

    What says UTF-8 by being it, is; else the header of the answer, then what stands in the document, by the names and
    widths of the Encoding Standard (encoding.spec.whatwg.org, §4.2): gb2312 is read as GB18030. A damaged byte is one
    "\ufffd"; where there are many, what was named is wrong. Where nothing was named, the bytes are looked at. What fits
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
    declared = [*filter(None, map(_known, _declared(body, content_type)))]
    escapes = next(
        (name for name in declared if name.startswith(("iso2022", "hz"))), ""
    )  # ASCII bytes that mean others
    if escapes:
        return body.decode(escapes, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        pass
    for name in declared or _detected(body):
        if not name.startswith("utf") and (text := _read_as(name, body)) is not None:
            return text
    if len(_SEQUENCE.findall(body)) > 2:  # it is UTF-8 but for some bytes that were pasted in
        return body.decode("utf-8", "digest_cp1252")
    return body.decode("cp1252", "replace")


def _declared(body: bytes, content_type: str) -> list[str]:
    head = body[:2_000]
    found = [match.group(1).decode("ascii") for match in (_XML.search(head), _META.search(head)) if match]
    return [match.group(1) for match in [_HEADER.search(content_type)] if match] + found


def _known(label: str) -> str:
    """Python's name for it; "" for one that nobody knows.

    The table calls what is unsafe in a browser "replacement"; here nothing runs, and Python reads it.
    """
    found = webencodings.lookup(label)
    if found is not None and found.name not in ("replacement", "x-user-defined"):
        name = str(found.codec_info.name)
        return _MEANT.get(name, name)
    try:
        known = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    return _MEANT.get(known, known if known in _TEXTS else "")


def _read_as(name: str, body: bytes) -> str | None:
    """None where more than every fifth of its signs is none: then it is something else."""
    try:
        return body.decode(name)
    except UnicodeDecodeError:
        text = body.decode(name, "replace")
    is_wrong = text.count("\ufffd") * 5 > len(text) - len(text.encode("ascii", "ignore"))
    return None if is_wrong else body.decode(name, "digest_one_sign")


def _detected(body: bytes) -> list[str]:
    """The encoding of a text that names none and is no UTF-8; none for letters of the West, which are Windows-1252.

    Only where most bytes beyond ASCII stand side by side, as in East Asian and Cyrillic texts; "für" has one alone.
    """
    first = _HIGH.search(body)
    sample = body[first.start() : first.start() + SAMPLE_BYTES] if first else b""
    high = sum(map(len, _HIGH.findall(sample)))
    together = sum(len(run) for run in _HIGH.findall(sample) if len(run) > 1)
    if high < 4 or together * 5 < high * 3 or _is_nearly_utf8(sample):
        return []
    import chardet  # its tables take a tenth of a second: only who needs them pays

    name = _known(str(chardet.detect(sample)["encoding"] or ""))
    return [name] if name and name not in _WESTERN else []


def _is_nearly_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    return text.count("\ufffd") * 2 < len(text) - len(text.encode("ascii", "ignore"))


def _as_one_sign(error: UnicodeError) -> tuple[str, int]:
    """A sign that the standard's wider encoding has; else "\ufffd" for one, so that those behind it stay in step."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    at, name = error.start, error.encoding
    sign = error.object[at : at + (3 if error.object[at] == 0x8F else 2)]
    if name in _WIDER:
        with contextlib.suppress(UnicodeDecodeError):
            return sign.decode(_WIDER[name]), at + len(sign)
    if name == "gb18030" and sign[0] == 0x80:
        return "€", at + 1  # §10.2.1
    is_pair = name in _OF_PAIRS and 0x81 <= sign[0] <= 0xFE and sign[1:2] > b"\x7f"
    return "\ufffd", at + (2 if is_pair else 1)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.start + 1].decode("cp1252", "replace"), error.start + 1


codecs.register_error("digest_one_sign", _as_one_sign)
codecs.register_error("digest_cp1252", _as_cp1252)
