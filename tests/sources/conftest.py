"""What the tests of this room share: a web site on loopback, and who may read it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digest.sources.fetch import Fetcher
from tests.sources.http import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(allow_hosts=frozenset({"127.0.0.1"}), max_bytes=10_000, timeout_s=2)
