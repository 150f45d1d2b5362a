"""Every error that digest raises on purpose.

DigestError                 says in one line what is wrong, with what, and what to do
├── ConfigError             a file, key or environment value is wrong; nothing was started (exit code 2)
├── DatabaseError           cannot be reached, or its schema is not ours (exit code 3)
├── NotFound                no newsletter, edition, subscriber, source or article of that name (exit code 4)
├── Refused                 a rule says no: an edition in the wrong state, a second run, ... (exit code 5)
│   └── Stale               somebody else changed the same field since the caller looked
├── BadInput                a file or a value that a person gave cannot be read (exit code 6)
│   └── Invalid             fields of a form, or settings: each that is wrong, with its reason
├── SourceError
│   ├── SourceUnreachable   "could not look": network, database or file not there
│   │   ├── SourceBusy      the server asks to be left alone for a while
│   │   └── SourceGone      the server says that it is gone for good
│   └── SourceMalformed     looked, and what came back cannot be understood
├── RenderFailed            a template is wrong: file, line, expression (exit code 7)
├── NothingLeft             all articles of a copy were withdrawn: it is not sent
├── MessageInvalid          a message that must not leave: a header with a line break, a missing address
└── ChannelUnavailable      nothing was tried; the rows stay as they are (exit code 8)

A text names no command, option, link or label: those are words of a door. What a door has to say besides is a value of the
error: the field that is wrong, and the next step. `cli/words.py` says them at the shell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from digest.secrecy import without_secrets


class Step(StrEnum):
    """What a person may do next. Behind each: the arguments that `Next` gives with it."""

    UPGRADE_DATABASE = "upgrade-database"
    MAKE_CONFIG = "make-config"  # path
    SHOW_CONFIG_EXAMPLE = "show-config-example"
    ADD_NEWSLETTER = "add-newsletter"
    CHANGE_NEWSLETTER = "change-newsletter"  # newsletter, field, value
    LIST_EDITIONS = "list-editions"
    SHOW_EDITION = "show-edition"  # edition
    APPROVE_EDITION = "approve-edition"  # edition
    RESUME_EDITION = "resume-edition"  # edition
    PREVIEW_EDITION = "preview-edition"  # edition
    EXPLAIN = "explain"  # edition, address
    LIST_EVENTS = "list-events"
    LIST_NOTICES = "list-notices"
    LIST_SUBSCRIBERS = "list-subscribers"
    SYNC_READERS = "sync-readers"  # source, newsletter
    LIST_ARTICLES = "list-articles"
    LIST_HELD = "list-held"
    RELEASE_HELD = "release-held"  # source
    ADD_SOURCE = "add-source"
    GIVE_NEW_ADDRESS = "give-new-address"  # source
    COLLECT = "collect"  # source
    END_SPONSOR = "end-sponsor"  # newsletter, sponsor
    MAKE_DKIM_KEY = "make-dkim-key"
    SAY_ENCODING = "say-encoding"  # encoding
    SAY_WHO_WANTS_MAIL = "say-who-wants-mail"  # wants, column


@dataclass(frozen=True, slots=True)
class Next:
    """A step, with what it is done to."""

    step: Step
    of: Mapping[str, object] = field(default_factory=dict)


class DigestError(Exception):
    """The root: its text is meant for a person, and may be stored and logged; so no secret is in it.

    code    kebab-case, and the same for ever: what a program goes by. Each class has one; an error may say it closer
    field   of what was given, the one that is wrong; "" for none
    next    what to do about it
    where   what the door calls that field; set by the door
    """

    exit_code = 1
    code: str = "failed"
    where: str = ""

    def __init__(self, *args: object, code: str = "", field: str = "", next: Next | None = None) -> None:
        super().__init__(*(without_secrets(each) if isinstance(each, str) else each for each in args))
        if code:
            self.code = code
        self.field = field
        self.next = next


class ConfigError(DigestError):
    exit_code = 2
    code = "config"


class DatabaseError(DigestError):
    exit_code = 3
    code = "database"


class NotFound(DigestError):
    exit_code = 4
    code = "not-found"


class Refused(DigestError):
    exit_code = 5
    code = "refused"


class Stale(Refused):
    code = "stale"


class BadInput(DigestError):
    exit_code = 6
    code = "bad-input"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field, in a sentence without its name: each door has a name of its own for it."""

    field: str
    text: str


class Invalid(BadInput):
    code = "invalid"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{each.field}: {each.text}" for each in self.faults))


class SourceError(DigestError):
    exit_code = 6
    code = "source"


class SourceUnreachable(SourceError):
    code = "source-unreachable"


class SourceBusy(SourceUnreachable):
    """wait_s   how long, as the server says"""

    code = "source-busy"

    def __init__(self, text: str, *, wait_s: int) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class SourceGone(SourceUnreachable):
    code = "source-gone"


class SourceMalformed(SourceError):
    code = "source-malformed"


class RenderFailed(DigestError):
    exit_code = 7
    code = "render-failed"


class NothingLeft(DigestError):
    code = "nothing-left"


class MessageInvalid(DigestError):
    exit_code = 7
    code = "message-invalid"


class ChannelUnavailable(DigestError):
    exit_code = 8
    code = "channel-unavailable"


def said(error: BaseException) -> str:
    """An error in one line for a person; one that nobody foresaw says what it is."""
    first_line = str(error).partition("\n")[0]
    return first_line if isinstance(error, DigestError) else f"{type(error).__name__}: {first_line}"
