"""The command `digest`: where errors become one line and an exit code."""

from __future__ import annotations

import os
import sys

from digest.cli.output import guard_streams
from digest.cli.tree import command
from digest.cli.words import sentence
from digest.errors import DigestError


def run() -> None:
    """The command `digest`."""
    guard_streams()
    os.umask(0o077)  # addresses, tokens and keys are in what it writes: nobody else of this machine reads them
    try:
        command()()
    except DigestError as error:
        for line in sentence(error).splitlines():
            print(f"digest: {line}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("digest: stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        if hint := _storage_trouble(error):
            print(f"digest: {hint}", file=sys.stderr)
            raise SystemExit(3) from None
        raise


def _storage_trouble(error: Exception) -> str:
    """A full disk or a lost database is no bug: say what it is."""
    from digest.db.engine import trouble_of

    if trouble := trouble_of(error):
        return f"the database: {trouble}; nothing that was recorded is lost, run it again"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror}"
    return ""
