"""Every error that digest raises on purpose.

DigestError                 says in one line what is wrong, with what, and what to do
├── ConfigError             a file, key or environment value is wrong; nothing was started (exit code 2)
├── DatabaseError           cannot be reached, or its schema is not ours (exit code 3)
├── NotFound                no newsletter, edition, subscriber, source or article of that name (exit code 4)
├── Refused                 a rule says no: an edition in the wrong state, a second run, ... (exit code 5)
├── BadInput                a file or a value that a person gave cannot be read (exit code 6)
├── SourceError
│   ├── SourceUnreachable   "could not look": network, database or file not there
│   │   ├── SourceBusy      the server asks to be left alone for a while
│   │   └── SourceGone      the server says that it is gone for good
│   └── SourceMalformed     looked, and what came back cannot be understood
├── RenderFailed            a template is wrong: file, line, expression (exit code 7)
├── NothingLeft             all articles of a copy were withdrawn: it is not sent
├── MessageInvalid          a message that must not leave: a header with a line break, a missing address
└── ChannelUnavailable      nothing was tried; the rows stay as they are (exit code 8)
"""

from digest.secrecy import without_secrets


class DigestError(Exception):
    """The root: its text is meant for a person, and may be stored and logged; so no secret is in it."""

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*(without_secrets(each) if isinstance(each, str) else each for each in args))


class ConfigError(DigestError):
    exit_code = 2


class DatabaseError(DigestError):
    exit_code = 3


class NotFound(DigestError):
    exit_code = 4


class Refused(DigestError):
    exit_code = 5


class BadInput(DigestError):
    exit_code = 6


class SourceError(DigestError):
    exit_code = 6


class SourceUnreachable(SourceError):
    pass


class SourceBusy(SourceUnreachable):
    """wait_s   how long, as the server says"""

    def __init__(self, text: str, *, wait_s: int) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class SourceGone(SourceUnreachable):
    pass


class SourceMalformed(SourceError):
    pass


class RenderFailed(DigestError):
    exit_code = 7


class NothingLeft(DigestError):
    pass


class MessageInvalid(DigestError):
    exit_code = 7


class ChannelUnavailable(DigestError):
    exit_code = 8


def said(error: BaseException) -> str:
    """An error in one line for a person; one that nobody foresaw says what it is."""
    first_line = str(error).partition("\n")[0]
    return first_line if isinstance(error, DigestError) else f"{type(error).__name__}: {first_line}"
