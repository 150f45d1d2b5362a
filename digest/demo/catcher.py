"""An SMTP server on loopback that keeps what it accepts. It never passes anything on."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP


class SmtpThread:
    """aiosmtpd in a thread of its own, on a free port of 127.0.0.1.

    handler   an aiosmtpd handler: handle_RCPT, handle_DATA, ...
    port      known once started
    """

    def __init__(self, handler: object, **options: Any) -> None:
        self._handler, self._options = handler, {"hostname": "localhost", "enable_SMTPUTF8": True, **options}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        make = self._loop.create_server(lambda: SMTP(self._handler, loop=self._loop, **self._options), "127.0.0.1", 0)
        server = self._loop.run_until_complete(make)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class MailFolder:
    """A handler that writes every accepted message as an .eml file: 001-reader1@example.org.eml"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count(len(list(folder.glob("*.eml"))) + 1)
        self.count = 0

    async def handle_EHLO(
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        del server, envelope
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        del server, session
        recipient = "".join(char if char.isalnum() or char in "@.+-_" else "_" for char in envelope.rcpt_tos[0])
        (self.folder / f"{next(self._numbers):04d}-{recipient[:80]}.eml").write_bytes(envelope.content)
        self.count += 1
        return "250 2.0.0 kept"
