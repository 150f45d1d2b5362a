"""A MariaDB of the tests' own: for the databases of sites that sources read."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import OperationalError


@dataclass(frozen=True)
class MysqlSite:
    """engine   of who runs the site
    url      of who may only read it
    """

    PASSWORD: ClassVar[str] = "s3cret-of-the-reader"

    engine: Engine
    url: str


SERVER = next(
    (found for name in ("mariadbd", "mysqld") if (found := shutil.which(name, path="/usr/sbin:/usr/bin"))), ""
)
INSTALL = shutil.which("mariadb-install-db") or ""


def is_installed() -> bool:
    return bool(SERVER and INSTALL)


@contextmanager
def started() -> Iterator[str]:
    """The URL of its administrator, on loopback."""
    with tempfile.TemporaryDirectory(prefix="digest-mariadb-", ignore_cleanup_errors=True) as folder:
        yield from _started(Path(folder))


def _started(folder: Path) -> Iterator[str]:
    options = ["--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder}", f"--user={getpass.getuser()}"]
    options += ["--innodb-use-native-aio=0"]  # a machine has few of those
    install = [INSTALL, *options, "--auth-root-authentication-method=normal", "--skip-test-db"]
    done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = [
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}",
    ]
    small = ["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SERVER, *options, *own, *small], stdout=log, stderr=log)
        try:
            url = URL.create("mysql+pymysql", "root", host="127.0.0.1", port=port)
            _wait(url, server, folder / "log")
            yield url.render_as_string(hide_password=False)
        finally:
            server.terminate()
            server.wait(60)


def _wait(url: URL, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = create_engine(url)
    for _ in range(600):
        assert server.poll() is None, log.read_text(errors="replace")
        try:
            engine.connect().close()
        except OperationalError:
            time.sleep(0.1)
            continue
        engine.dispose()
        return
    raise AssertionError(log.read_text(errors="replace"))
