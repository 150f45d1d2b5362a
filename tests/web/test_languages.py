"""Readers' pages speak the reader's language, and are laid out in its direction."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html
from playwright.sync_api import Page
from sqlalchemy import update

from digest.audience.links import CHOOSE, CHOOSE_PATH, LEAVE, LEAVE_PATH
from digest.audience.tokens import Purpose
from digest.db.engine import writing
from digest.db.tables import subscriber
from digest.editions.store.newsletters import change_newsletter, get_newsletter
from digest.model.newsletter import Offer
from digest.web.pages import words_for
from digest.words import Words
from tests.browser import BrowserThread, faults, overflow
from tests.site import NOW, add_newsletter, add_readers
from tests.web.running import RunningSite

OFFER = Offer(
    topics=True, authors=True, cadences=("daily", "weekly"), hours=(7, 18), lengths=("headlines",), minutes=(5, 10)
)
LANGUAGES = ("de", "es", "fr", "he")
SWITCHES = (
    "mute/topics/city",
    "mute/authors/ana",
    "mute/kinds/editor",
    "follow/topics/city",
    "follow/authors/ana",
    "fewer/topics/city",
)
PICTURES = os.environ.get("DIGEST_TEST_PICTURES", "")


@pytest.fixture
def site(sqlite_schema: Path, tmp_path: Path) -> Iterator[RunningSite]:
    file = shutil.copyfile(sqlite_schema, tmp_path / "digest.sqlite")
    with RunningSite(f"sqlite:///{file}") as running:
        offering = add_newsletter(running.app.engine, topics=("City", "Arts"), languages=LANGUAGES, offer=OFFER)
        add_readers(running.app.engine, offering, 2)
        yield running


def speak(site: RunningSite, number: int, language: str) -> None:
    with writing(site.app.engine) as connection:
        connection.execute(update(subscriber).where(subscriber.c.id == number).values(language=language))


def path_of(site: RunningSite, number: int = 1, purpose: Purpose = CHOOSE) -> str:
    return f"{LEAVE_PATH if purpose is LEAVE else CHOOSE_PATH}{site.app.keyring.sign(purpose, number)}"


def pages(site: RunningSite, number: int) -> dict[str, str]:
    """Every page that a reader can see, by what it is; at the end this one has left."""
    get, post = site.client.get, site.client.post
    choose, leave = path_of(site, number), path_of(site, number, LEAVE)
    found = {"choices": get(choose).text}
    found |= {switch: get(f"{choose}/{switch}").text for switch in SWITCHES}
    found["done"] = post(f"{choose}/mute/topics/city").text
    found["saved"] = post(choose, data={"seen": "topics.city=mute&pause=", "pause": "2027-01-31"}).text
    found["refused"] = post(choose, data={"pause": "soon"}).text
    found["nothing"] = post(choose, data={"seen": ""}).text
    found["leave?"] = get(leave).text
    found["left"] = post(leave).text
    return found


def phrases(page: str) -> list[str]:
    """Everything that is read on a page, less the names of zones, days and languages."""
    tree = html.fromstring(page)
    for each in tree.xpath("//style | //option[contains(@value, '/')] | //select[contains(@name, 'language')]"):
        each.drop_tree()
    return [text.strip() for text in tree.xpath("//text()") if any(map(str.isalpha, text))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_on_a_page_is_said_in_another_language(site: RunningSite, language: str) -> None:
    speak(site, 1, "en")
    english = {phrase for page in pages(site, 1).values() for phrase in phrases(page)}
    speak(site, 2, language)
    found = pages(site, 2)
    for name, page in found.items():
        tree = html.fromstring(page)
        assert (tree.get("lang"), tree.get("dir")) == (language, "rtl" if language == "he" else "ltr"), name
    same = {phrase for page in found.values() for phrase in phrases(page)} & english
    assert not same - {
        "City",
        "Arts",
        "Ana",
        "The Harbour Post",
        "Pause",
        "Articles",
        "No",
        "5 minutes",
        "10 minutes",
    }  # names, or spelled alike


@pytest.mark.parametrize(
    ("reader", "spoken"), [("de-AT", "de"), ("DE", "de"), ("", "fr"), ("tlh", "fr"), ("en", "en"), ("not one", "fr")]
)
def test_who_has_no_language_of_ours_reads_that_of_the_newsletter(site: RunningSite, reader: str, spoken: str) -> None:
    with writing(site.app.engine) as connection:
        offering = get_newsletter(connection, "harbour")
        change_newsletter(connection, replace(offering, language="fr"), now=NOW)
    speak(site, 1, reader)
    assert html.fromstring(site.client.get(path_of(site)).text).get("lang") == spoken


@pytest.mark.parametrize(
    ("header", "spoken"),
    [
        ("de", "de"),
        ("pt, he;q=0.5, de;q=0.7", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("*", "en"),
        ("", "en"),
        ("de;q=much", "en"),
        ("\u00e9" * 10, "en"),
        ("de" + ",de" * 2_000, "de"),
    ],
)
def test_a_stranger_reads_what_the_browser_asks_for(site: RunningSite, header: str, spoken: str) -> None:
    answer = site.client.get("/u/nobody", headers={"Accept-Language": header.encode("latin-1")})
    assert answer.status_code == 404
    assert html.fromstring(answer.text).get("lang") == spoken


def test_words_of_an_admin_are_on_the_pages_too(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "pl.po").write_text(POLISH, "utf-8")
    assert words_for(["pl"], tmp_path).gettext("Save") == "Zapisz"
    assert words_for(["de"], tmp_path).gettext("Save") == "Speichern"


def test_a_slip_in_an_admin_s_words_keeps_nobody_from_leaving(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "de.po").write_text("msgid unquoted\n", "utf-8")
    assert words_for(["de"], tmp_path) == Words()


POLISH = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Save"\nmsgstr "Zapisz"\n'


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_fit_a_phone_and_have_no_faults(
    site: RunningSite, browser: BrowserThread, language: str, dark: bool
) -> None:
    speak(site, 1, language)

    def look(page: Page) -> None:
        for name, path in (
            ("choices", path_of(site)),
            ("switch", f"{path_of(site)}/mute/topics/city"),
            ("leave", path_of(site, purpose=LEAVE)),
        ):
            page.goto(site.url + path)
            assert faults(page) == [], name
            assert overflow(page) <= 0, name
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}-{language}-{'dark' if dark else 'light'}.png", full_page=True)

    browser.look(look, width=375, dark=dark)
