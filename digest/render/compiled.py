"""Templates that this process compiled before. An edition is rendered in several environments, and each compiles anew."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from types import CodeType

from jinja2 import Environment
from jinja2.bccache import Bucket, BytecodeCache

MOST = 500
"""Templates; some 10 kB each."""


class Compiled(BytecodeCache):
    """Code by the name and the text of a template; what was not used for longest goes. For any number of threads.

    All environments that share it must compile alike.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, CodeType] = OrderedDict()
        self._turn = threading.Lock()

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        text = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
        bucket = Bucket(environment, f"{name} {text}", text)
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        with self._turn:
            if (code := self._kept.get(bucket.key)) is not None:
                self._kept.move_to_end(bucket.key)
                bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is None:
            return
        with self._turn:
            self._kept[bucket.key] = bucket.code
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
