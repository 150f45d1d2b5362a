"""EmailAddress: parse, compare, display. CR, LF and NUL die here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_INVISIBLE = {"Cc", "Cs", "Cn", "Co"}

_LABEL = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"
_PLAIN = re.compile(  # most of a million: RFC 5322 §3.4.1 dot-atom, RFC 1035 §2.3.4 labels, no A-labels
    rf"(?=.{{1,64}}@)([\w!#$%&'*+/=?^`{{|}}~-]+(?:\.[\w!#$%&'*+/=?^`{{|}}~-]+)*)@"
    rf"((?=.{{4,180}}\Z)(?!.*--)(?:{_LABEL}\.)+([a-z](?:[a-z0-9-]{{0,61}}[a-z])))",
    re.ASCII | re.IGNORECASE,
)
MAX_LOCAL = 64
"""Octets and not characters (RFC 5321 §4.5.3.1)."""

_RESERVED = {"arpa", "invalid", "local", "localhost", "onion", "test"}  # RFC 6761 §6: the slow way has the say


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """One mailbox. `local` as typed, `domain` as A-label (RFC 5891), so that both fit into an envelope."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """What two spellings of one mailbox have in common: unique in the database.

        The local part is compared without regard to case, though RFC 5321 §2.4 calls it case sensitive: no
        provider that we know of keeps Anna@ and anna@ apart, and a reader must not get two copies.
        """
        if self.local.isascii():
            return f"{self.local.lower()}@{self.domain}"
        return f"{unicodedata.normalize('NFKC', self.local).casefold()}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """May it travel without SMTPUTF8 (RFC 6531 §3.4)?"""
        return self.local.isascii()

    @classmethod
    def parse(cls, text: str) -> EmailAddress:
        """The address in `text`; ValueError with a reason for people where there is none.

        source   RFC 5321 §4.5.3.1 for lengths, RFC 5322 §3.4.1 for the dot-atom, RFC 6531 for other scripts
        """
        text = text.strip()
        return cls._parse_plain(text) or cls._parse_any(text)

    @classmethod
    def _parse_plain(cls, text: str) -> EmailAddress | None:
        """An ASCII dot-atom, twenty times as fast as the slow way and with the same answer; None: ask the slow way."""
        found = _PLAIN.fullmatch(text)
        if found is None or found[3].lower() in _RESERVED:
            return None
        return cls(found[1], found[2].lower())

    @classmethod
    def _parse_any(cls, text: str) -> EmailAddress:
        """Every address there is, and the reason why one is none."""
        from email_validator import (
            EmailNotValidError,
            validate_email,
        )  # its tables cost 12 ms, and few addresses need them

        if any(unicodedata.category(char) in _INVISIBLE for char in text):
            raise ValueError("contains a control character")
        try:
            found = validate_email(text, check_deliverability=False, strict=True, test_environment=True)
        except EmailNotValidError as refusal:
            raise ValueError(str(refusal)) from refusal
        if len(found.local_part.encode()) > MAX_LOCAL:
            raise ValueError(f"the part before the @ is longer than {MAX_LOCAL} bytes")
        return cls(found.local_part, found.ascii_domain)


def clean_line(text: str) -> str:
    """One line of text for a name or a title: white space runs become one space, what nobody sees goes.

    What stands in a header or in a reader's value passes through here first, so a value never starts or ends with a
    space, holds no line break, and means the same before and after an HTML parser has seen it. Nor does it hold what turns
    round the direction of the text behind it, or what has no width; joiners stay, since Persian, Hindi and emoji need them.
    A text of which nothing is to be seen is empty.
    """
    if text.isprintable():  # nothing invisible, and no white space but the space
        found = (re.sub(" {2,}", " ", text) if "  " in text else text).strip()
        return found if text.isascii() or found.strip(_LOOK_EMPTY) else ""
    text = "".join(char for char in text if not _is_unseen(char) or char in "\t\n\r")
    text = re.sub(r"[\s\u0085\u2028\u2029]+", " ", text).strip()
    return text if any(unicodedata.category(char) != "Cf" and char not in _LOOK_EMPTY for char in text) else ""


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _INVISIBLE or bool(_NO_WIDTH.match(char))


_NO_WIDTH = re.compile(  # soft hyphen, zero width space, embeddings and isolates, fillers, tags (UAX #9, TR #36)
    "[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LOOK_EMPTY = " \u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00\ufe0e\ufe0f"
