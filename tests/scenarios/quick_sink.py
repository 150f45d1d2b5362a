"""An SMTP server that is as quick as the sender, in a process of its own: python -m tests.scenarios.quick_sink FILE

It prints its port, and writes the recipient of each message into FILE before it says 250.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TextIO

END = b"\r\n.\r\n"


class Session(asyncio.Protocol):
    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._buffer = b""
        self._recipient = ""
        self._is_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 quick\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = b""
        while True:
            message, end, rest = self._buffer.partition(END if self._is_body else b"\r\n")
            if not end:
                break
            self._buffer = rest
            answers += self._accept() if self._is_body else self._answer(message)
        self._transport.write(answers)
        if answers.endswith(b"221 bye\r\n"):
            self._transport.close()

    def _accept(self) -> bytes:
        self._is_body = False
        self._file.write(f"{self._recipient}\n")
        self._file.flush()
        return b"250 2.0.0 kept\r\n"

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return b"250-quick\r\n250-PIPELINING\r\n250 SIZE 0\r\n"
        if verb == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0].decode()
        elif verb == b"DATA":
            self._is_body = True
            return b"354 go on\r\n"
        return b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 fine\r\n"


async def serve(file: TextIO) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Session(file), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        asyncio.run(serve(output))
