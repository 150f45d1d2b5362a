"""Candidates as bits, the best rank the lowest: what a reader had and may have is a few ANDs of whole numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, count

_DIGITS = bytes.maketrans(b"01", b"\x00\x01")


@dataclass(slots=True)
class Past:
    """What one reader had before.

    had      candidates that are in an earlier copy
    passed   [candidates that one edition passed over at least, two editions, ...]
    """

    had: int = 0
    passed: tuple[int, ...] = ()


NOTHING_YET = Past()


def past_of(rows: Sequence[tuple[int, int]], carry: int) -> Past:
    """From one reader's earlier editions: (candidates that were in them, those of these that the copy held)."""
    had, passed = 0, [0] * (carry + 1)
    for held, picked in rows:
        had |= picked
        over = held & ~picked
        for number in range(carry + 1):
            passed[number], over = passed[number] | over, passed[number] & over
    return Past(had, tuple(passed))


def mask_of(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= 1 << bit
    return found


def bits_of(mask: int) -> Iterator[int]:
    """Numbers of the bits that are set, the lowest first. Looked for in the digits: a whole number of hundreds of bits is
    copied by every operation on it."""
    return compress(count(), f"{mask:b}"[::-1].encode().translate(_DIGITS))
