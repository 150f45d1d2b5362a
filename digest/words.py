"""The phrases of mails and pages in the reader's language: gettext catalogues, one PO file a language. Pure.

English stands in the code and in the templates. A phrase that a catalogue lacks is said in English.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

SOURCE = "en"
"""The language that needs no catalogue."""

RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


_AS_WRITTEN = NullTranslations()


@dataclass(frozen=True, slots=True)
class Words:
    """What gettext answers in one language, as str.

    language      RFC 5646 §2.1: "de", "pt-BR"
    translations  of its catalogue; none is English
    """

    language: str = SOURCE
    translations: NullTranslations = field(default=_AS_WRITTEN, repr=False)

    @property
    def direction(self) -> str:
        """ "ltr" or "rtl", as HTML's `dir` has it."""
        return direction_of(self.language)

    def gettext(self, message: str, **values: object) -> str:
        """values   stand in the message as %(name)s"""
        return _filled(self.translations.gettext(message), values)

    def pgettext(self, context: str, message: str, **values: object) -> str:
        """context   tells two uses of one English phrase apart, and the translator where it stands"""
        return _filled(self.translations.pgettext(context, message), values)

    def ngettext(self, one: str, many: str, num: int, **values: object) -> str:
        """The plural that the language has for this number, which stands in it as %(num)s."""
        return _filled(self.translations.ngettext(one, many, num), {"num": num, **values})


def gettext_noop(message: str) -> str:
    """Marks a phrase of a table for the catalogues; who says it asks `Words.gettext`."""
    return message


def direction_of(language: str) -> str:
    return "rtl" if language.partition("-")[0].lower() in RIGHT_TO_LEFT else "ltr"


def read_words(language: str, catalogue: str) -> Words:
    """Of the text of a PO file; ValueError says in which line it is none."""
    return Words(language, _translations(catalogue))


def nearest(wanted: Iterable[str], available: Sequence[str], *, default: str = SOURCE) -> str:
    """The language to speak: the first wanted that there is, if need be without its region (RFC 4647 §3.4)."""
    there = {each.lower(): each for each in (*available, SOURCE)}
    for each in wanted:
        if found := negotiate_locale([each, each.partition("-")[0]], list(there), sep="-"):
            return there[found.lower()]
    return default


@lru_cache(maxsize=64)
def _translations(catalogue: str) -> NullTranslations:
    """Read as PO and asked as MO, because gettext reads nothing else: no compiled file can be older than its source."""
    compiled = io.BytesIO()
    try:
        write_mo(compiled, read_po(io.StringIO(catalogue), abort_invalid=True))
    except PoFileError as cause:
        raise ValueError(str(cause)) from cause
    compiled.seek(0)
    return GNUTranslations(compiled)


def _filled(text: str, values: Mapping[str, object]) -> str:
    return text % values if values else text
