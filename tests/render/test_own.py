"""Mails of a digest of one's own: each length, and one that says why each article is there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from playwright.sync_api import Page

from digest.editions.picks import EDITOR, FIRST_AUTHOR, FIRST_TOPIC, PLAIN, POPULAR, number_of, pack
from digest.flows.copies import CopyMaker
from digest.model.address import EmailAddress
from digest.model.choices import Length
from digest.model.newsletter import Offer, Ranking
from digest.model.subscriber import Recipient, Subscriber, SubscriberId
from tests.browser import BrowserThread, faults, overflow
from tests.mails import html_of, parse_without_defects, text_of
from tests.render.editions import FULL, MONDAY, NOTE, full_article, make_maker
from tests.render.test_mail import IGNORED, assert_whole

OFFER = Offer(topics=True, authors=True, lengths=("summaries", "headlines"), reasons=True)
CHOSEN = [(3, EDITOR), (0, PLAIN), (1, FIRST_TOPIC), (5, FIRST_AUTHOR), (7, POPULAR), (2, FIRST_TOPIC), (9, PLAIN)]


def make(template: str, language: str = "en") -> tuple[CopyMaker, Recipient]:
    own = replace(FULL, template=template, offer=OFFER, ranking=Ranking(popular=2))
    maker = make_maker(own, [full_article(number) for number in range(1, 13)], note=NOTE)
    reader = Subscriber(id=SubscriberId(7), address=EmailAddress("mira", "example.org"), name="Mira", language=language)
    return maker, Recipient(subscription_id=7, subscriber=reader, joined_at=MONDAY)


def mail(template: str, length: Length, language: str = "en") -> tuple[str, str, str]:
    """Subject, HTML and text, which are what the plain rendering gives (P8)."""
    maker, recipient = make(template, language)
    recipient = replace(recipient, picks=json.loads(pack(length, [number_of(*each) for each in CHOSEN])))
    parsed = parse_without_defects(maker.message(recipient, at=MONDAY))
    plain = maker.plain(recipient)
    assert (parsed["Subject"], html_of(parsed), text_of(parsed)) == (plain.subject, plain.html, plain.text)
    return str(parsed["Subject"]), html_of(parsed), text_of(parsed)


@pytest.mark.parametrize("template", ["weekly", "plain"])
@pytest.mark.parametrize("length", Length)
def test_a_mail_of_each_length_holds_what_was_chosen_and_nothing_else(length: Length, template: str) -> None:
    maker, _ = make(template)
    subject, page, text = mail(template, length)
    assert_whole(page, text)
    titles = {each.position: each.article.url for each in maker.edition.candidates}
    for position, url in titles.items():
        assert (url in text) == (position in dict(CHOSEN)), url
    assert subject.startswith(maker.edition.candidates[3].article.title[:20])


def test_each_reason_is_said_with_a_link_that_ends_it() -> None:
    _, page, text = mail("weekly", Length.SUMMARIES)
    for words in ("Recommended by the editor", "You follow", "Among the most read", "New in", "Mute this topic"):
        assert words in page
        assert words in text
    for switch in ("/mute/kinds/editor", "/mute/kinds/popular", "/mute/topics/", "/mute/authors/ana-kova"):
        assert f"https://digest.example.org/c/{_token(text)}{switch}" in text
        assert switch in page


def _token(text: str) -> str:
    return text.partition("https://digest.example.org/c/")[2].partition("/")[0]


def test_short_ones_are_short() -> None:
    sizes = [len(mail("weekly", length)[1]) for length in (Length.FULL, Length.SUMMARIES, Length.HEADLINES)]
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize(("language", "width", "is_dark"), [("en", 640, False), ("en", 375, True), ("he", 375, False)])
def test_it_fits_its_window_and_can_be_read_by_everybody(
    browser: BrowserThread, language: str, is_dark: bool, width: int
) -> None:
    for length in Length:
        page_html = mail("weekly", length, language)[1]

        def look(page: Page, content: str = page_html) -> tuple[list[str], bool]:
            page.set_content(content)
            return faults(page, *IGNORED["weekly"]), overflow(page) > 0

        assert browser.look(look, width=width, dark=is_dark) == ([], False), (length, language)
