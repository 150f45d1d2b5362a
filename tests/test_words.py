"""The catalogues: every phrase of code and templates is in each of them, and says the same."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.checkers import num_plurals, python_format
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from digest.words import Words, direction_of, nearest, read_words

ROOT = Path(__file__).parent.parent
WORDS = ROOT / "templates" / "words"
LANGUAGES = sorted(path.stem for path in WORDS.glob("*.po"))

Key = tuple[str | None, str, str | None]


def catalogue(path: Path) -> Catalog:
    return read_po(io.StringIO(path.read_text("utf-8")), locale=None if path.suffix == ".pot" else path.stem)


def key_of(message: Message) -> Key:
    one, many = message.id if isinstance(message.id, tuple | list) else (message.id, None)
    return message.context, one, many


def said_here() -> set[Key]:
    """What code and templates say now."""
    with (WORDS / "babel.cfg").open("rb") as file:
        methods, options = parse_mapping_cfg(io.StringIO(file.read().decode()))
    found: set[Key] = set()
    for _, _, message, _, context in extract_from_dir(ROOT, methods, options):
        one, many = (message[0], message[1]) if isinstance(message, tuple) else (message, None)
        found.add((context, one, many))
    return found


def test_there_are_the_languages_of_the_guide() -> None:
    assert LANGUAGES == ["de", "es", "fr", "he"]


def test_the_template_for_translators_has_every_phrase_and_no_other() -> None:
    template = {key_of(message) for message in catalogue(WORDS / "digest.pot") if message.id}
    assert template == said_here(), "make words"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing_in_a_language(language: str) -> None:
    messages = [message for message in catalogue(WORDS / f"{language}.po") if message.id]
    assert {key_of(message) for message in messages} == said_here(), "make words"
    for message in messages:
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        assert all(texts), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_stands_in_every_translation(language: str) -> None:
    found = catalogue(WORDS / f"{language}.po")
    for message in found:
        if not message.id:
            continue
        num_plurals(found, message)
        python_format(found, message)
        one, texts = key_of(message)[1], message.string
        for text in texts if isinstance(texts, tuple | list) else (texts,):
            assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", one), message.id


HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
POLISH = (
    HEADER[:-1] + '\n"Plural-Forms: nplurals=3; '
    'plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"\n\n'
    'msgid "%(num)s minute"\nmsgid_plural "%(num)s minutes"\n'
    'msgstr[0] "%(num)s minuta"\nmsgstr[1] "%(num)s minuty"\nmsgstr[2] "%(num)s minut"\n\n'
    'msgctxt "a month"\nmsgid "May"\nmsgstr "maj"\n'
)


@pytest.mark.parametrize(("number", "said"), [(1, "1 minuta"), (2, "2 minuty"), (5, "5 minut"), (22, "22 minuty")])
def test_a_language_has_the_plurals_that_it_has(number: int, said: str) -> None:
    assert read_words("pl", POLISH).ngettext("%(num)s minute", "%(num)s minutes", number) == said


def test_a_phrase_that_a_catalogue_lacks_is_said_in_english() -> None:
    words = read_words("pl", POLISH)
    assert words.gettext("Leave %(name)s", name="100 % Food") == "Leave 100 % Food"
    assert words.ngettext("%(num)s day", "%(num)s days", 2) == "2 days"
    assert (words.pgettext("a month", "May"), words.gettext("May")) == ("maj", "May")


def test_a_percent_sign_stays_where_nothing_is_filled_in() -> None:
    assert Words().gettext("100 % of it") == "100 % of it"


def test_a_file_that_is_no_catalogue_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match="on 3"):
        read_words("pl", HEADER + "msgid unquoted\n")


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        (["de"], "de"),
        (["de-AT"], "de"),
        (["pt-BR", "fr"], "fr"),
        (["EN-us", "de"], "en"),
        (["pt", "xx"], "en"),
        (["he-IL"], "he"),
        (["", "not a language", "de"], "de"),
        ([], "en"),
    ],
)
def test_the_first_language_that_there_is_is_spoken(wanted: list[str], spoken: str) -> None:
    assert nearest(wanted, ["de", "fr", "he"]) == spoken


def test_a_language_has_a_direction() -> None:
    assert [direction_of(each) for each in ("he", "ar-EG", "en", "de-AT")] == ["rtl", "rtl", "ltr", "ltr"]
