"""The built-in templates as mails: small enough, whole, readable everywhere, whatever is in them and whatever is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import html
from playwright.sync_api import Page

from digest.model.newsletter import Layout, Newsletter
from tests.browser import BrowserThread, faults, overflow
from tests.mails import html_of, links_of, text_of, urls_in
from tests.render.editions import BARE, FULL, HEBREW, NOTE, SITE, bare_article, full_article, make_mail

TEMPLATES = pytest.mark.parametrize("template", ["weekly", "plain"])

IGNORED = {  # a mail is no page with landmarks
    "weekly": ("region", "landmark-one-main"),
    "plain": ("region", "landmark-one-main"),
}

LONG_TITLE = "The ferry to the islands returns after nine years " * 4
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def page_and_text(newsletter: Newsletter, *articles: object, **values: object) -> tuple[str, str]:
    mail = make_mail(newsletter, articles, **values)  # type: ignore[arg-type]
    return html_of(mail), text_of(mail)


def assert_whole(page: str, text: str) -> None:
    """Nothing of the machinery shows, nothing is empty that should not be, and the text has every link."""
    assert "@@" not in page + text
    assert "None" not in text
    assert not re.findall(r"""\b(?:href|src)=(?:""|''|"#")""", page)
    assert not re.search(r"\{\{|\{%", page + text)
    assert {*links_of(page)} - urls_in(text) == set()
    assert "\n\n\n\n" not in text


# --- size -------------------------------------------------------------------------------------------------------------


@TEMPLATES
@pytest.mark.parametrize("count", [1, 7, 40, 80])
def test_the_html_stays_under_what_mail_programs_cut(count: int, template: str) -> None:
    newsletter = replace(FULL, template=template)
    page, text = page_and_text(newsletter, *map(full_article, range(1, count + 1)), note=NOTE)
    assert len(page.encode()) < 90_000
    assert_whole(page, text)


@pytest.mark.parametrize("count", [1, 7, 40, 80])
def test_every_article_is_in_however_many_there_are(count: int) -> None:
    page, text = page_and_text(FULL, *map(full_article, range(1, count + 1)))
    links = " ".join(links_of(page))
    for number in range(1, count + 1):
        assert f"/a{number}?" in links
        assert f"/a{number}?" in text


@TEMPLATES
def test_an_edition_without_articles_is_a_whole_mail(template: str) -> None:
    assert_whole(*page_and_text(replace(FULL, template=template), note=NOTE))


def test_the_kept_styles_are_fewer_than_what_mail_programs_drop() -> None:
    page, _ = page_and_text(FULL, *map(full_article, range(1, 41)), note=NOTE)
    kept = "".join(style.text or "" for style in html.fromstring(page).iter("style"))
    assert 0 < len(kept) < 16_384


# --- what may be absent -----------------------------------------------------------------------------------------------

ABSENT = {
    "summary": {"summary": ""},
    "image": {"image": None},
    "alt": {"image": full_article(1).image and replace(full_article(1).image, alt="")},  # type: ignore[type-var]
    "authors": {"authors": ()},
    "topics": {"topics": ()},
    "words": {"words": None},
    "comments": {"comments": (), "comment_count": None},
    "no comment": {"comments": (), "comment_count": 0},
    "reviewer": {"reviewer": "", "reviewed_at": None},
    "review date": {"reviewed_at": None},
    "citation": {"citation": ""},
}


@TEMPLATES
@pytest.mark.parametrize("absent", ABSENT.values(), ids=ABSENT)
def test_whatever_an_article_lacks_the_mail_is_whole(absent: dict[str, object], template: str) -> None:
    newsletter = replace(FULL, template=template, topics=())
    assert_whole(*page_and_text(newsletter, *(full_article(n, **absent) for n in range(1, 13)), note=NOTE))


@TEMPLATES
@pytest.mark.parametrize(
    "absent",
    [
        {"tagline": ""},
        {"url": ""},
        {"subscribe_url": ""},
        {"section_url": ""},
        {"postal_address": ""},
        {"sponsors": ()},
        {"sponsors": (replace(FULL.sponsors[0], text="", logo="", cta=""),)},
        {"sponsors": (replace(FULL.sponsors[0], label="Advertisement:", image=f"{SITE}/img/wide.png"),)},
        {"max_events": 0},
        {"look": BARE.look},
        {"layout": Layout(lead=False)},
        {"layout": Layout(headlines_after=1)},
        {"layout": Layout(cards_topic="City", headlines_after=2)},
    ],
    ids=lambda absent: "+".join(absent),
)
def test_whatever_a_newsletter_lacks_the_mail_is_whole(absent: dict[str, object], template: str) -> None:
    newsletter = replace(FULL, template=template, **absent)  # type: ignore[arg-type]
    assert_whole(*page_and_text(newsletter, *map(full_article, range(1, 13)), note=NOTE))


@TEMPLATES
@pytest.mark.parametrize("name", ["", "Mira"])
def test_with_nothing_but_a_title_the_mail_is_whole(name: str, template: str) -> None:
    assert_whole(*page_and_text(replace(BARE, template=template), bare_article(1), bare_article(2), name=name))


# --- hostile content --------------------------------------------------------------------------------------------------


@TEMPLATES
def test_html_in_a_title_is_text(template: str) -> None:
    title = "<script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" 'too'"
    page, text = page_and_text(replace(BARE, template=template), *(bare_article(n, title=title) for n in (1, 2)))
    tree = html.fromstring(page)
    assert list(tree.iter("script")) == []
    assert [image for image in tree.iter("img") if image.get("src") == "x"] == []
    assert tree.text_content().count("<script>alert(1)</script>") >= 2
    assert title.split(" & ")[0] in " ".join(text.split())


@TEMPLATES
def test_what_looks_like_a_template_or_a_mark_is_text(template: str) -> None:
    title = "{{ 7 * 7 }} {% raw %} @@1@@ @@H0@@"
    page, text = page_and_text(replace(BARE, template=template), bare_article(1, title=title), name="{{ 8 * 8 }}")
    assert title in html.fromstring(page).text_content()
    assert title in text
    assert "49" not in text


# --- the text part ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", [LONG_TITLE.strip(), LONG_WORD])
@TEMPLATES
def test_a_long_title_is_whole_in_both_parts(title: str, template: str) -> None:
    articles = [full_article(n, title=title) for n in range(1, 13)]
    page, text = page_and_text(replace(FULL, template=template), *articles)
    assert_whole(page, text)
    assert " ".join(html.fromstring(page).text_content().split()).count(title) >= 12
    assert " ".join(text.split()).count(title) >= 12


def test_the_text_has_lines_for_a_terminal_but_for_what_cannot_be_broken() -> None:
    _, text = page_and_text(FULL, *map(full_article, range(1, 13)), note=NOTE)
    assert [line for line in text.splitlines() if len(line) > 78 and "://" not in line] == []


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [640, 375])
@pytest.mark.parametrize("language", ["en", "he"])
@TEMPLATES
def test_a_mail_fits_its_window_and_can_be_read_by_everybody(
    template: str, language: str, width: int, dark: bool, browser: BrowserThread
) -> None:
    title = {"en": "The ferry returns", "he": HEBREW}[language]
    articles = [full_article(n, title=f"{title} {n}") for n in range(1, 13)]
    page, _ = page_and_text(replace(FULL, template=template), *articles, note=NOTE, language=language)

    def examine(window: Page) -> tuple[list[str], int, str]:
        window.set_content(page)
        direction = window.evaluate("getComputedStyle(document.body).direction")
        return faults(window, *IGNORED[template]), overflow(window), direction

    found, too_wide, direction = browser.look(examine, width=width, dark=dark)
    assert found == []
    assert too_wide <= 0
    assert direction == {"en": "ltr", "he": "rtl"}[language]


@TEMPLATES
def test_a_word_that_is_too_long_does_not_make_a_phone_scroll_sideways(template: str, browser: BrowserThread) -> None:
    title, summary = f"{LONG_WORD} {LONG_TITLE}", LONG_WORD * 3
    articles = [full_article(n, title=title, summary=summary, comments=()) for n in range(1, 13)]
    page, _ = page_and_text(replace(FULL, template=template), *articles, note=replace(NOTE, text=LONG_WORD))

    def examine(window: Page) -> int:
        window.set_content(page)
        return overflow(window)

    assert browser.look(examine, width=375) <= 0


# --- the same bytes again ---------------------------------------------------------------------------------------------


@TEMPLATES
def test_a_fixed_edition_is_rendered_as_it_always_was(template: str, golden: Callable[[str, str], None]) -> None:
    articles = [*(full_article(n) for n in range(1, 13)), bare_article(13, topics=("City",))]
    page, text = page_and_text(replace(FULL, template=template), *articles, note=NOTE)
    golden(f"{template}.html", page)
    golden(f"{template}.txt", text)
