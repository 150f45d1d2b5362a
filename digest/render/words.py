"""The words of a mail: its language's catalogue, and what an admin's own template folder says instead."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from gettext import NullTranslations

from digest.errors import RenderFailed
from digest.words import SOURCE, Words, read_words

OLDER_NAMES: Mapping[str, tuple[str, str]] = {
    "and": ("between the last two names", "and"),
    "by": ("before the names of the authors", "By"),
    "reviewed_by": ("", "Reviewed by"),
    "issue": ("before the number of an edition", "Issue"),
    "view": ("", "View in browser"),
    "read": ("", "Read the full story"),
    "all": ("", "All stories"),
    "all_in": ("before the name of a section", "All stories in"),
    "sponsored_by": ("before a name", "Sponsored by"),
    "from_the_comments": ("", "From the comments"),
    "on": ("between a reader's name and the title of the article", "on"),
    "more": ("", "More from this week"),
    "this_week": ("", "This week"),
    "hello": ("before a first name", "Hello"),
    "preferences": ("", "Preferences"),
    "unsubscribe": ("", "Unsubscribe"),
    "forwarded": ("", "Forwarded by a friend?"),
    "subscribe": ("", "Get your own copy"),
    "reason_new": ("before a topic", "New in"),
    "reason_topic": ("before a topic", "You follow"),
    "reason_author": ("before an author", "You follow"),
    "reason_editor": ("", "Recommended by the editor"),
    "reason_popular": ("", "Among the most read"),
    "end_new": ("", "Mute this topic"),
    "end_topic": ("", "Mute this topic"),
    "end_author": ("", "Mute this author"),
    "end_editor": ("", "No more of these"),
    "end_popular": ("", "No more of these"),
    "missed": ("", "What you missed"),
    "events": ("", "Coming up"),
}
"""What templates that were written before the catalogues call a phrase, `t.read`: its context and the phrase."""

_COUNTED = {"minutes": ("%(num)s min read", 2), "comment": ("%(num)s comment", 1), "comments": ("%(num)s comment", 2)}
"""Those that stood behind a number, which is in the phrase now."""

_AROUND_ADDRESS = "You get this e-mail because {address} signed up for it"
"""`why` and `why_end`."""


def words_of(language: str, files: Mapping[str, str]) -> Words:
    """In this language, else in its own without a region, else in English; RenderFailed for a catalogue that is none.

    files   words/LANGUAGE.po, and words/LANGUAGE.toml of a template folder of one's own: phrases by their older names
    """
    return _words_of(*_sources(language, files))


def older_words(language: str, files: Mapping[str, str]) -> OlderWords:
    """The same, by their older names."""
    spoken, _, own = _sources(language, files)
    return OlderWords(words_of(language, files), _phrases_of(spoken, own))


def _sources(language: str, files: Mapping[str, str]) -> tuple[str, str, str]:
    """The language that is spoken, its catalogue and its own phrases, each "" where there is none."""
    for each in dict.fromkeys((language, language.partition("-")[0])):
        catalogue, own = files.get(f"words/{each}.po", ""), files.get(f"words/{each}.toml", "")
        if catalogue or own or each == SOURCE:
            return each, catalogue, own
    return SOURCE, files.get(f"words/{SOURCE}.po", ""), files.get(f"words/{SOURCE}.toml", "")


@lru_cache(maxsize=64)
def _words_of(language: str, catalogue: str, own: str) -> Words:
    try:
        words = read_words(language, catalogue) if catalogue else Words(language)
    except ValueError as cause:
        raise RenderFailed(f"words/{language}.po: {cause}") from cause
    if not own:
        return words
    translations = _Own(_phrases_of(language, own))
    translations.add_fallback(words.translations)
    return Words(language, translations)


@lru_cache(maxsize=64)
def _phrases_of(language: str, own: str) -> Mapping[str, str]:
    try:
        return {name: str(phrase) for name, phrase in tomllib.loads(own).items()}
    except tomllib.TOMLDecodeError as cause:
        raise RenderFailed(f"words/{language}.toml: {cause}") from cause


class _Own(NullTranslations):
    """An admin's phrases before those of the catalogue behind it."""

    def __init__(self, phrases: Mapping[str, str]) -> None:
        super().__init__()
        named = {OLDER_NAMES[name]: phrase for name, phrase in phrases.items() if name in OLDER_NAMES}
        if "why" in phrases and "why_end" in phrases:
            named["", _AROUND_ADDRESS] = f"{phrases['why']} {{address}} {phrases['why_end']}"
        self._phrases = named
        self._counted = {
            (message, num == 1): f"%(num)s {phrases[name]}"
            for name, (message, num) in _COUNTED.items()
            if name in phrases
        }

    def gettext(self, message: str) -> str:
        return self._phrases.get(("", message)) or super().gettext(message)

    def pgettext(self, context: str, message: str) -> str:
        return self._phrases.get((context, message)) or super().pgettext(context, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        own = self._counted.get((msgid1, n == 1)) or self._counted.get((msgid1, False))
        return own or super().ngettext(msgid1, msgid2, n)


class OlderWords(Mapping[str, str]):
    """Phrases by the names of OLDER_NAMES, for templates of one's own; a name that there is not is named as missing.

    own   of words/LANGUAGE.toml in a template folder of one's own, which may have more
    """

    def __init__(self, words: Words, own: Mapping[str, str]) -> None:
        self.language_ = words.language
        self._phrases = {**_older_phrases(words), **own}

    def __getitem__(self, key: str) -> str:
        return self._phrases[key]

    def __getattr__(self, key: str) -> str:
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self._phrases[key]
        except KeyError:
            raise AttributeError(f"the words of {self.language_!r} have no {key!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._phrases)

    def __len__(self) -> int:
        return len(self._phrases)


def _older_phrases(words: Words) -> dict[str, str]:
    found = {
        name: words.pgettext(context, phrase) if context else words.gettext(phrase)
        for name, (context, phrase) in OLDER_NAMES.items()
    }
    for name, (one, num) in _COUNTED.items():
        found[name] = words.ngettext(one, one + "s" * name.startswith("comment"), num).replace(str(num), "").strip()
    why, _, end = words.gettext(_AROUND_ADDRESS).partition("{address}")
    return {**found, "why": why.strip(), "why_end": end.strip()}
