"""The words of a mail: the catalogue, and an admin's own phrases before it."""

from __future__ import annotations

import pytest

from digest.errors import RenderFailed
from digest.render.files import BUILT_IN, read_files, read_words_files
from digest.render.words import OLDER_NAMES, older_words, words_of

FILES = read_words_files([BUILT_IN])
WHY = "You get this e-mail because {address} signed up for it"


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "he"])
def test_templates_that_know_the_older_names_say_what_the_catalogue_says(language: str) -> None:
    words, older = words_of(language, FILES), older_words(language, FILES)
    assert set(older) == {*OLDER_NAMES, "minutes", "comment", "comments", "why", "why_end"}
    assert older.read == words.gettext("Read the full story")
    assert f"2 {older.comments}" == words.ngettext("%(num)s comment", "%(num)s comments", 2)
    assert f"{older.why} {{address}} {older.why_end}" == words.gettext(WHY)


def test_an_older_name_that_there_is_not_is_named_with_its_language() -> None:
    with pytest.raises(AttributeError, match="the words of 'de' have no 'summery'"):
        _ = older_words("de-AT", FILES).summery


def test_an_admin_s_own_phrases_go_before_the_catalogue() -> None:
    own = 'unsubscribe = "Austragen"\ncomment = "Wortmeldung"\nwhy = "An"\nwhy_end = "geschickt"\nmotto = "Moin"\n'
    files = {**FILES, "words/de.toml": own}
    words, older = words_of("de", files), older_words("de", files)
    assert words.gettext("Unsubscribe") == older.unsubscribe == "Austragen"
    assert words.ngettext("%(num)s comment", "%(num)s comments", 1) == "1 Wortmeldung"
    assert words.ngettext("%(num)s comment", "%(num)s comments", 2) == "2 Kommentare"
    assert words.gettext(WHY) == "An {address} geschickt"
    assert words.pgettext("between the last two names", "and") == "und"
    assert (words.gettext("Save"), older.motto) == ("Speichern", "Moin")
    assert words_of("de", FILES).gettext("Unsubscribe") == "Abmelden"


def test_a_language_that_only_an_admin_has_falls_back_to_english() -> None:
    words = words_of("nl", {"words/nl.toml": 'hello = "Hallo"\n'})
    assert (words.pgettext("before a first name", "Hello"), words.gettext("Save")) == ("Hallo", "Save")


@pytest.mark.parametrize(("name", "text"), [("words/de.po", "msgid oops\n"), ("words/de.toml", "hello = \n")])
def test_a_file_that_cannot_be_read_is_named(name: str, text: str) -> None:
    with pytest.raises(RenderFailed, match=name):
        older_words("de", {name: text})


def test_an_edition_keeps_the_words_of_its_languages_alone() -> None:
    files = read_files("weekly", [BUILT_IN], languages=("de-AT", "fr"))
    assert {name for name in files if name.startswith("words/")} == {"words/de.po", "words/fr.po"}


def test_every_older_name_is_a_phrase_of_the_catalogues() -> None:
    words = words_of("de", FILES)
    for name, (context, phrase) in OLDER_NAMES.items():
        said = words.pgettext(context, phrase) if context else words.gettext(phrase)
        assert said != phrase, name
