"""An independent verifier of DKIM signatures (dkimpy), with the records of given keys in place of DNS."""

from __future__ import annotations

from collections.abc import Sequence

import dkim

from digest.message.keys import Key


def verdicts(message: bytes, keys: Sequence[Key]) -> list[bool]:
    """What a receiver says of each signature, the topmost first."""
    records = {f"{key.record_name}.".encode(): key.record.encode() for key in keys}

    def ask_dns(name: bytes, timeout: int = 5) -> bytes | None:
        return records.get(name)

    return [_verdict(message, index, ask_dns) for index in range(message.count(b"DKIM-Signature: "))]


def _verdict(message: bytes, index: int, ask_dns: object) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(index, dnsfunc=ask_dns))
    except dkim.DKIMException:
        return False


def tags(message: bytes, index: int = 0) -> dict[str, str]:
    """The tags of a signature, white space taken out."""
    value = message.split(b"DKIM-Signature: ")[index + 1].split(b"\r\n")
    end = next(at for at, line in enumerate(value) if at and not line.startswith(b" "))
    text = "".join(b"".join(value[:end]).decode().split())
    return dict(part.split("=", 1) for part in text.split(";"))
