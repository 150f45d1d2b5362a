"""What servers pack: whole, in parts, and in too many."""

from __future__ import annotations

import gzip
import time

import pytest

from digest.sources.unpack import unpack_gzip


def test_files_that_were_joined_are_one() -> None:
    assert unpack_gzip(gzip.compress(b"a") * 3 + b"\0\0", max_bytes=100) == b"aaa"


def test_many_empty_parts_are_refused_at_once() -> None:
    packed = gzip.compress(b"") * 100_000
    started = time.process_time()
    with pytest.raises(ValueError, match="more than 100 parts"):
        unpack_gzip(packed, max_bytes=10**7)
    assert time.process_time() - started < 5
