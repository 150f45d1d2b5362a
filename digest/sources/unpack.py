"""A body as it travels -> the body as it was written, never more of it than was asked for. Pure."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

ACCEPTED = "gzip, deflate, br"
"""For Accept-Encoding (RFC 9110 §12.5.3)."""

PIECE_BYTES = 65_536

MAX_MEMBERS = 100
"""Files that were joined (RFC 1952 §2.2)."""


class Unpacker(Protocol):
    def unpack(self, packed: bytes) -> Iterator[bytes]:
        """What these bytes give, in pieces of some 64 KB; ValueError for what is damaged."""
        ...

    def is_complete(self) -> bool: ...


class Plain:
    def unpack(self, packed: bytes) -> Iterator[bytes]:
        yield packed

    def is_complete(self) -> bool:
        return True


class Zlib:
    """gzip, of several members too, and both things that are called deflate: servers send either (RFC 9110 §8.4.1.2)."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._stream: zlib._Decompress | None = None
        self._is_fed = False
        self._members = 0

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        """The rest behind a member is copied, so members of no bytes would cost the square of their number."""
        while packed:
            if self._stream is None or self._stream.eof:
                if self._stream is not None and not (self._is_gzip and packed[:1] == b"\x1f"):
                    return  # what follows the end is padding
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise ValueError(f"packed in more than {MAX_MEMBERS} parts")
                self._stream = zlib.decompressobj(self._window(packed))
            self._is_fed = True
            try:
                piece = self._stream.decompress(packed, PIECE_BYTES)
                yield piece
                while len(piece) >= PIECE_BYTES or self._stream.unconsumed_tail:
                    tail = self._stream.unconsumed_tail
                    piece = self._stream.decompress(tail, PIECE_BYTES)
                    yield piece
                    if not piece and self._stream.unconsumed_tail == tail:
                        break
            except zlib.error as cause:
                raise ValueError(f"packed wrongly: {cause}") from cause
            packed = self._stream.unused_data

    def _window(self, packed: bytes) -> int:
        if self._is_gzip:
            return 16 + zlib.MAX_WBITS
        # RFC 1950 §2.2: the first byte of a zlib header; without one it is a bare stream
        return zlib.MAX_WBITS if packed[0] & 0x0F == 8 else -zlib.MAX_WBITS

    def is_complete(self) -> bool:
        return not self._is_fed or (self._stream is not None and self._stream.eof)


class Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._is_fed = False

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        self._is_fed = True
        try:
            yield self._stream.process(packed, output_buffer_limit=PIECE_BYTES)
            while not self._stream.can_accept_more_data():
                yield self._stream.process(b"", output_buffer_limit=PIECE_BYTES)
        except brotli.error as cause:
            raise ValueError(f"packed wrongly: {cause}") from cause

    def is_complete(self) -> bool:
        return not self._is_fed or bool(self._stream.is_finished())


class Unasked:
    """A coding that there is, and that ACCEPTED did not name."""

    def __init__(self, coding: str) -> None:
        self._coding = coding

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        raise ValueError(f"packed as {self._coding!r}, which nobody asked for")

    def is_complete(self) -> bool:
        return False


class Claimed:
    """What a header calls packed: servers and proxies say so of plain texts too, and of what they packed once, twice.

    What begins as feeds and pages do, or cannot be unpacked from its first byte on, is a text if it looks like one; all
    else is damaged.
    """

    def __init__(self, packed: Unpacker) -> None:
        self._packed = packed
        self._kept: bytearray | None = bytearray()  # what came until the first of it was unpacked
        self._is_plain = False

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        if self._kept is not None and not self._kept and _BEGINNING.match(packed) and _is_written(packed):
            self._is_plain = True  # some of them are deflate, too: a few bytes of noise
        if self._is_plain:
            yield packed
            return
        if self._kept is not None:
            self._kept += packed
        try:
            for piece in self._packed.unpack(packed):
                if piece:
                    self._kept = None
                    yield piece
        except ValueError:
            if self._kept is None or not _is_written(self._kept):
                raise
            self._is_plain = True
            yield bytes(self._kept)
        if self._kept is not None and len(self._kept) > PIECE_BYTES:
            self._kept = None

    def is_complete(self) -> bool:
        return self._is_plain or self._packed.is_complete()


def _is_written(start: bytes | bytearray) -> bool:
    return bool(start) and (start[:2] in _UTF16 or not _NEVER_WRITTEN.search(start, 0, 512))


_BEGINNING = re.compile(rb"\xef\xbb\xbf|\s*[<{]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NEVER_WRITTEN = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


class Twice:
    def __init__(self, outer: Unpacker, inner: Unpacker) -> None:
        self._outer, self._inner = outer, inner

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        for piece in self._outer.unpack(packed):
            yield from self._inner.unpack(piece)

    def is_complete(self) -> bool:
        return self._outer.is_complete() and self._inner.is_complete()


_UNASKED = ("compress", "x-compress", "zstd", "dcb", "dcz", "exi", "pack200-gzip")
"""The other words of IANA's registry of content codings."""


def unpacker(encoding: str) -> Unpacker:
    """For a Content-Encoding (RFC 9110 §8.4); ValueError for more than two codings at once: each may be a thousandfold.

    A word that is none of the registry's says nothing of the body, which is read as it is: so do browsers and Go.
    """
    words = [word.strip().lower() for word in encoding.split(",")]
    packed = [made for word in words if (made := _made(word)) is not None]
    if len(packed) > 2:
        raise ValueError(f"packed {len(packed)} times over")
    if len(packed) == 2:
        return Twice(packed[1], packed[0])  # the last one named was put on last
    return packed[0] if packed else Plain()


def _made(coding: str) -> Unpacker | None:
    match coding:
        case "gzip" | "x-gzip":
            return Claimed(Zlib(is_gzip=True))
        case "deflate":
            return Claimed(Zlib(is_gzip=False))
        case "br":
            return Claimed(Brotli())
    return Claimed(Unasked(coding)) if coding in _UNASKED else None


def unpack_gzip(packed: bytes, *, max_bytes: int) -> bytes:
    """A file that is gzipped itself, such as sitemap.xml.gz; ValueError where it is damaged or too long."""
    whole, stream = bytearray(), Zlib(is_gzip=True)
    for piece in stream.unpack(packed):
        whole += piece
        if len(whole) > max_bytes:
            raise ValueError(f"unpacked it is longer than {max_bytes:,} bytes")
    return bytes(whole)
