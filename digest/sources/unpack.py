"""A body as it travels -> the body as it was written, never more of it than was asked for. Pure."""

from __future__ import annotations

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


def unpacker(encoding: str) -> Unpacker:
    """For one Content-Encoding (RFC 9110 §8.4); ValueError for one that was not asked for, and for two at once."""
    match encoding.strip().lower():
        case "" | "identity":
            return Plain()
        case "gzip" | "x-gzip":
            return Zlib(is_gzip=True)
        case "deflate":
            return Zlib(is_gzip=False)
        case "br":
            return Brotli()
    raise ValueError(f"packed as {encoding[:40]!r}, which nobody asked for")


def unpack_gzip(packed: bytes, *, max_bytes: int) -> bytes:
    """A file that is gzipped itself, such as sitemap.xml.gz; ValueError where it is damaged or too long."""
    whole, stream = bytearray(), Zlib(is_gzip=True)
    for piece in stream.unpack(packed):
        whole += piece
        if len(whole) > max_bytes:
            raise ValueError(f"unpacked it is longer than {max_bytes:,} bytes")
    return bytes(whole)
