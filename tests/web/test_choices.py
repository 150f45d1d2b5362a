"""What readers choose, by the links of their mails alone, on both databases and in a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from lxml import html
from playwright.sync_api import Page
from sqlalchemy import Engine, select, update

from digest.audience.choosing import Wanted
from digest.audience.links import CHOOSE, LEAVE, PURPOSES
from digest.audience.store.subscribers import end_links, find_subscription
from digest.audience.tokens import Keyring
from digest.db.engine import reading, writing
from digest.db.tables import subscriber
from digest.editions.store.newsletters import change_newsletter
from digest.flows import keys, membership
from digest.model.choices import Choices, Length
from digest.model.feedback import Unsubscribe
from digest.model.newsletter import Newsletter, Offer, Schedule
from tests.browser import BrowserThread, faults, overflow
from tests.mails import html_of, links_of, parse_without_defects
from tests.site import ADMIN, NOW, SmtpServer, add_newsletter, add_readers
from tests.web.running import RunningSite, send_edition

ALL = Offer(
    topics=True,
    authors=True,
    cadences=("daily", "weekly", "monthly"),
    hours=(7, 18),
    lengths=("summaries", "headlines"),
    minutes=(5, 10),
    reasons=True,
)
TOPICS = ("City", "Health & Body", "Arts")
PICTURES = os.environ.get("DIGEST_TEST_PICTURES", "")
"""A folder for looking at the pages as they are in the tests below."""

SWITCHES = (
    "mute/topics/city",
    "mute/authors/ana",
    "mute/kinds/editor",
    "mute/kinds/popular",
    "follow/topics/city",
    "follow/authors/ana",
    "fewer/topics/city",
)


@pytest.fixture
def site(database_url: str, engine: Engine) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url) as running:
        assert running.app.keyring.keys  # the first look makes the key
        yield running


def press(page: Page, name: str) -> None:
    """The button, and the page that comes of it."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def publish(site: RunningSite, offer: Offer = ALL, **values: object) -> Newsletter:
    """A newsletter with three readers."""
    defaults: dict[str, object] = {"topics": TOPICS, "languages": ("de",), "offer": offer}
    newsletter = add_newsletter(site.app.engine, **(defaults | values))
    add_readers(site.app.engine, newsletter, 3)
    return newsletter


@pytest.fixture
def newsletter(site: RunningSite) -> Newsletter:
    return publish(site)


def path_of(site: RunningSite, number: int = 2) -> str:
    return f"/c/{site.app.keyring.sign(CHOOSE, number)}"


def wanted(site: RunningSite, number: int = 2) -> Wanted:
    with reading(site.app.engine) as connection:
        found = find_subscription(connection, number)
    assert found is not None
    return membership.wanted_of(found)


def chosen(site: RunningSite, **values: Any) -> None:
    """What reader 2 has chosen before."""
    to = Wanted(**{"choices": Choices(**values.pop("choices", {})), **values})
    assert membership.choose(site.app.engine, 2, lambda _: to, now=NOW) == to


def offer_now(site: RunningSite, newsletter: Newsletter, offer: Offer, **values: Any) -> None:
    with writing(site.app.engine) as connection:
        change_newsletter(connection, replace(newsletter, offer=offer, **values), now=NOW)


def fields_of(page: str) -> dict[str, str]:
    """The form as a browser sends it."""
    form = html.fromstring(page).forms[0]
    return {name: value or "" for name, value in form.form_values()}


def labels_of(page: str) -> list[str]:
    return [label.text_content() for label in html.fromstring(page).iterfind(".//label")]


def send(site: RunningSite, **changed: str) -> Any:
    """The form, opened, changed and sent; `__` stands for the dot of a name and `_` for a hyphen there."""
    page = site.client.get(path_of(site)).text
    return site.client.post(path_of(site), data={**fields_of(page), **_named(changed)})


def _named(fields: dict[str, str]) -> dict[str, str]:
    return {name.replace("__", ".") if "__" in name else name: value for name, value in fields.items()}


# --- GET changes nothing (P6) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_whoever_looks_changes_nothing(method: str, site: RunningSite, newsletter: Newsletter) -> None:
    before = site.tables()
    for path in (path_of(site), *(f"{path_of(site)}/{switch}" for switch in SWITCHES)):
        assert site.client.request(method, path).status_code == (405 if method == "OPTIONS" else 200), path
        assert site.client.request(method, path + "?undo=1&pause=2027-01-31").status_code in (200, 405)
    assert site.tables() == before


def test_a_head_is_a_get_without_its_body(site: RunningSite, newsletter: Newsletter) -> None:
    for path in (path_of(site), f"{path_of(site)}/mute/topics/city"):
        get, head = site.client.get(path), site.client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_has_what_the_newsletter_offers(site: RunningSite, newsletter: Newsletter) -> None:
    page = site.client.get(path_of(site)).text
    assert labels_of(page) == [
        *TOPICS,
        *("Editor’s picks", "Most read", "How often", "Day", "Hour", "Time zone"),
        *("Articles", "Reading time", "Language", "No mail until"),
    ]
    assert set(fields_of(page)) == {
        *("topics.city", "topics.health-body", "topics.arts", "kinds.editor", "kinds.popular", "cadence", "weekday"),
        *("hour", "time_zone", "length", "minutes", "language", "pause", "seen"),
    }


def test_a_newsletter_that_offers_nothing_shows_pausing_only(site: RunningSite) -> None:
    publish(site, Offer(hours=(7,)), schedule=Schedule(is_local=True))
    page = site.client.get(path_of(site)).text
    assert labels_of(page) == ["No mail until"]
    assert send(site, pause="2027-01-31").status_code == 200
    assert wanted(site).paused_until == datetime(2027, 1, 31, tzinfo=UTC)


def test_nothing_else_stands_there(site: RunningSite) -> None:
    newsletter = publish(site, languages=())
    offers: list[tuple[Offer, list[str]]] = [
        (Offer(topics=True), [*TOPICS, "Editor’s picks", "Most read"]),
        (Offer(authors=True), ["Editor’s picks", "Most read"]),
        (Offer(reasons=True), [*TOPICS, "Editor’s picks", "Most read"]),
        (Offer(cadences=("weekly",)), ["How often", "Day", "Time zone"]),
        (Offer(cadences=("daily",)), ["How often", "Time zone"]),
        (Offer(cadences=("daily",), hours=(7,)), ["How often", "Hour", "Time zone"]),
        (Offer(lengths=("headlines",)), ["Articles"]),
        (Offer(minutes=(5,)), ["Reading time"]),
    ]
    for offer, labels in offers:
        offer_now(site, newsletter, offer)
        assert labels_of(site.client.get(path_of(site)).text) == [*labels, "No mail until"]


def test_only_reasons_do_not_let_follow(site: RunningSite) -> None:
    publish(site, Offer(reasons=True))
    page = html.fromstring(site.client.get(path_of(site)).text)
    [select_] = page.xpath('//select[@name="topics.city"]')
    assert [each.get("value") for each in select_] == ["", "fewer", "mute"]


def test_topics_and_authors_that_were_chosen_stand_there(site: RunningSite) -> None:
    publish(site, topics=())
    chosen(site, choices={"follow_topics": ("sea",), "fewer": ("sea",), "mute_authors": ("ana-kovač",)})
    page = site.client.get(path_of(site)).text
    assert labels_of(page)[:2] == ["Sea", "Ana Kovač"]
    fields = fields_of(page)
    assert (fields["topics.sea"], fields["authors.ana-kovač"]) == ("follow-fewer", "mute")


def test_everything_can_be_chosen_and_is_said(site: RunningSite, newsletter: Newsletter) -> None:
    answer = send(
        site,
        topics__city="follow",
        topics__arts="mute",
        **{"topics.health-body": "follow-fewer"},
        kinds__editor="mute",
        cadence="weekly",
        weekday="thu",
        hour="18",
        time_zone="Europe/Berlin",
        length="headlines",
        minutes="10",
        language="de",
        pause="2027-01-31",
    )
    assert answer.status_code == 200
    assert wanted(site) == Wanted(
        slot="weekly.thu",
        hour=18,
        paused_until=datetime(2027, 1, 30, 23, tzinfo=UTC),
        choices=Choices(
            follow_topics=("city", "health-body"),
            mute_topics=("arts",),
            mute_kinds=("editor",),
            fewer=("health-body",),
            length=Length.HEADLINES,
            minutes=10,
        ),
    )
    with reading(site.app.engine) as connection:
        person = connection.execute(select(subscriber).where(subscriber.c.id == 2)).one()
    assert (person.language, person.time_zone) == ("de", "Europe/Berlin")
    said = [each.text_content() for each in html.fromstring(answer.text).iterfind(".//li")]
    assert said == [
        "City: Folgen",
        "Health & Body: Folgen, je einer",
        "Arts: Stummschalten",
        "Empfehlungen der Redaktion: Nein",
        "Wie oft: Jede Woche",
        "Tag: Donnerstag",
        "Uhrzeit: 18:00",
        "Zeitzone: Europe/Berlin",
        "Artikel: Nur Titel",
        "Lesezeit: 10 Minuten",
        "Sprache: Deutsch",
        "Keine Mail bis: 31. Januar 2027",
    ]
    assert wanted(site, 1) == wanted(site, 3) == Wanted()


def test_saving_twice_is_saving_once(site: RunningSite, newsletter: Newsletter) -> None:
    form = {**fields_of(site.client.get(path_of(site)).text), "topics.city": "mute", "pause": "2027-01-31"}
    assert site.client.post(path_of(site), data=form).status_code == 200
    after_one = site.tables()
    answer = site.client.post(path_of(site), data=form)
    assert "Nothing was changed." in answer.text
    assert site.tables() == after_one


def test_all_of_it_can_be_taken_back(site: RunningSite, newsletter: Newsletter) -> None:
    empty = fields_of(site.client.get(path_of(site)).text)
    del empty["seen"]
    send(site, topics__city="mute", cadence="daily", hour="7", length="summaries", minutes="5", pause="2027-01-31")
    assert wanted(site).slot == "daily"
    send(site, **empty)
    assert wanted(site) == Wanted()


def test_an_author_can_be_let_go(site: RunningSite, newsletter: Newsletter) -> None:
    chosen(site, choices={"follow_authors": ("ana",), "mute_authors": ("bo",)})
    answer = send(site, authors__ana="", authors__bo="")
    assert wanted(site) == Wanted()
    assert "Ana: No choice" in answer.text


def test_a_page_that_was_left_open_takes_nothing_back(site: RunningSite, newsletter: Newsletter) -> None:
    form = fields_of(site.client.get(path_of(site)).text)
    site.client.post(f"{path_of(site)}/mute/topics/city")
    site.client.post(path_of(site), data={**form, "topics.arts": "follow"})
    assert wanted(site).choices == Choices(mute_topics=("city",), follow_topics=("arts",))


def test_a_pause_that_is_over_is_none(site: RunningSite, newsletter: Newsletter) -> None:
    chosen(site, paused_until=NOW - timedelta(days=1))
    page = site.client.get(path_of(site)).text
    assert fields_of(page)["pause"] == ""
    assert "You have a pause" not in page


def test_a_pause_is_until_the_reader_s_own_midnight(site: RunningSite, newsletter: Newsletter) -> None:
    with writing(site.app.engine) as connection:
        connection.execute(update(subscriber).values(time_zone="Pacific/Auckland"))
    assert "no mail until <strong>31 January 2027" in send(site, pause="2027-01-31").text
    assert wanted(site).paused_until == datetime(2027, 1, 30, 11, tzinfo=UTC)
    send(site, pause="")
    assert wanted(site).paused_until is None


def test_a_day_alone_changes_when_it_comes(site: RunningSite, newsletter: Newsletter) -> None:
    send(site, cadence="weekly")
    assert wanted(site).slot == "weekly.mon"
    send(site, weekday="fri")
    assert wanted(site).slot == "weekly.fri"


# --- what cannot be saved ---------------------------------------------------------------------------------------------


REFUSED = [
    ("pause", "soon", "“soon” is no date like 2027-01-31."),
    ("pause", "2026-11-23", "23 November 2026 is no day to come."),
    ("pause", "0001-01-01", "1 January 1 is no day to come."),
    ("pause", "9999-12-31", "a pause can last until"),
    ("pause", "2027-02-30", "is no date"),
    ("pause", "soon\0", "“soon” is no date"),
    ("cadence", "biweekly", "How often: “biweekly” is not among the choices."),
    ("weekday", "someday", "is not among the choices"),
    ("hour", "9", "is not among the choices"),
    ("hour", "1e9", "is not among the choices"),
    ("length", "endless", "is not among the choices"),
    ("minutes", "-5", "is not among the choices"),
    ("language", "tlh", "is not among the choices"),
    ("time_zone", "../../etc/passwd", "is not among the choices"),
    ("topics.city", "hate", "is not among the choices"),
    ("topics.politics", "mute", "does not offer politics any more"),
    ("<script>", "1", "does not offer &lt;script&gt; any more"),
]


def test_what_cannot_be_saved_is_said_and_nothing_is_lost(site: RunningSite, newsletter: Newsletter) -> None:
    before = site.tables()
    for field, value, sentence in REFUSED:
        answer = send(site, **{"topics.arts": "follow", "pause": "2027-03-01", field: value})
        assert (field, answer.status_code) == (field, 422)
        assert '<div class="note wrong" role="alert">' in answer.text
        assert sentence in answer.text
        assert "<script" not in answer.text
        shown = fields_of(answer.text)
        assert shown["topics.arts"] == "follow"
        assert shown["pause"] == (value.replace("\0", "") if field == "pause" else "2027-03-01")
    assert site.tables() == before
    shown = fields_of(answer.text)
    assert site.client.post(path_of(site), data=shown).status_code == 200
    assert wanted(site).choices.follow_topics == ("arts",)


NO_FORMS = [
    ("application/x-www-form-urlencoded", b"a=1&" * 2_000),
    ("application/x-www-form-urlencoded", b"pause=" + b"1" * 300_000),
    ("application/x-www-form-urlencoded", b"pause=%ff"),
    ("application/x-www-form-urlencoded", b"pause=\xff"),
    ("application/x-www-form-urlencoded", b"pause=2027-01-31&seen=%ff"),
    ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
    ("application/json", b'{"pause": "2027-01-31"}'),
]


def test_what_is_no_form_of_ours_changes_nothing(site: RunningSite, newsletter: Newsletter) -> None:
    before = site.tables()
    for content_type, body in NO_FORMS:
        for path in (path_of(site), f"{path_of(site)}/mute/topics/city"):
            if b"seen" in body and "mute" in path:
                continue  # a switch does not read that field
            answer = site.client.post(path, content=body, headers={"Content-Type": content_type})
            assert (body[:20], answer.status_code) == (body[:20], 422)
            assert "Not found" not in answer.text
    assert site.tables() == before


def test_an_empty_form_changes_nothing(site: RunningSite, newsletter: Newsletter) -> None:
    chosen(site, slot="daily", choices={"mute_topics": ("city",)})
    before = site.tables()
    assert site.client.post(path_of(site)).status_code == 200
    assert site.client.post(path_of(site), data={"seen": ""}).status_code == 200
    assert site.tables() == before


# --- what is not on offer any more ------------------------------------------------------------------------------------


def drift(site: RunningSite, newsletter: Newsletter) -> None:
    """Reader 2 has chosen much of what the newsletter does not offer any more."""
    chosen(
        site,
        slot="daily",
        hour=18,
        choices={
            "follow_topics": ("arts", "city"),
            "fewer": ("arts",),
            "follow_authors": ("ana",),
            "length": Length.HEADLINES,
            "minutes": 10,
        },
    )
    offer_now(site, newsletter, Offer(topics=True, cadences=("weekly",), minutes=(5,)), topics=("City",))


def test_what_is_not_offered_any_more_is_named_and_can_be_dropped(site: RunningSite, newsletter: Newsletter) -> None:
    drift(site, newsletter)
    page = site.client.get(path_of(site)).text
    assert [each.text_content() for each in html.fromstring(page).iterfind(".//li")] == [
        *("Arts: Follow", "Ana: Follow", "Arts: Fewer: one each time"),
        *("How often: Every day", "Hour: 18:00", "Articles: Titles only", "Reading time: 10 minutes"),
    ]
    answer = site.client.post(path_of(site), data={"drop": "1"})
    assert "Dropped." in answer.text
    assert wanted(site) == Wanted(choices=Choices(follow_topics=("city",)))
    assert "Drop these" not in answer.text


def test_it_waits_and_stands_in_nobody_s_way(site: RunningSite, newsletter: Newsletter) -> None:
    drift(site, newsletter)
    before = wanted(site)
    assert send(site, topics__city="mute").status_code == 200
    assert site.client.post(f"{path_of(site)}/mute/topics/health-body").status_code == 200
    after = wanted(site)
    assert (after.slot, after.hour, after.choices.length) == (before.slot, before.hour, before.choices.length)
    assert after.choices.mute_topics == ("city", "health-body")


def test_a_link_whose_choice_is_not_offered_any_more_says_so(site: RunningSite, newsletter: Newsletter) -> None:
    offer_now(site, newsletter, Offer(minutes=(5,)))
    before = site.tables()
    for switch in SWITCHES:
        get, post = (site.client.request(how, f"{path_of(site)}/{switch}") for how in ("GET", "POST"))
        assert (get.status_code, post.status_code) == (200, 422)
        assert "does not offer that any more" in get.text
        assert "<button" not in get.text
        assert "does not offer that any more" in post.text
    assert site.tables() == before


def test_a_topic_that_there_is_not_cannot_be_followed(site: RunningSite, newsletter: Newsletter) -> None:
    assert site.client.post(f"{path_of(site)}/follow/topics/politics").status_code == 422
    assert wanted(site) == Wanted()


# --- one link of a mail -----------------------------------------------------------------------------------------------


def test_a_link_asks_does_and_can_be_undone(site: RunningSite, newsletter: Newsletter) -> None:
    for switch in SWITCHES:
        path = f"{path_of(site)}/{switch}"
        assert "Undo" not in site.client.get(path).text
        done = site.client.post(path)
        assert (switch, done.status_code) == (switch, 200)
        assert "Undo" in done.text
        [names] = [found for found in _lists(wanted(site).choices) if found]
        assert names == (switch.rsplit("/", 1)[1],)
        assert "Undo" in site.client.get(path).text
        undone = site.client.post(path, data=fields_of(done.text))
        assert undone.status_code == 200
        assert "Undo" not in undone.text
        assert wanted(site) == Wanted()


def _lists(choices: Choices) -> list[tuple[str, ...]]:
    return [
        *(choices.follow_topics, choices.follow_authors, choices.mute_topics, choices.mute_authors),
        *(choices.mute_kinds, choices.fewer),
    ]


def test_a_link_that_is_pressed_twice_is_pressed_once(site: RunningSite, newsletter: Newsletter) -> None:
    presses = [(f"{path_of(site)}/{switch}", data) for switch in SWITCHES for data in ({}, {"undo": "1"})]
    for path, data in presses:
        first = site.client.post(path, data=data)
        after_one = site.tables()
        second = site.client.post(path, data=data)
        assert (first.status_code, second.status_code) == (200, 200)
        assert re.findall("<h1>.*</h1>", first.text) == re.findall("<h1>.*</h1>", second.text)
        assert site.tables() == after_one


def test_a_topic_is_called_as_the_newsletter_spells_it(site: RunningSite, newsletter: Newsletter) -> None:
    page = site.client.get(f"{path_of(site)}/mute/topics/HEALTH-body").text
    assert "<h1>Mute Health &amp; Body?</h1>" in page
    assert "You will get no more articles about Health &amp; Body." in page


def test_muting_a_topic_offers_fewer_of_it_instead(site: RunningSite, newsletter: Newsletter) -> None:
    path = f"{path_of(site)}/mute/topics/health-body"
    forms = html.fromstring(site.client.get(path).text).forms
    assert [form.xpath("string(.//button)") for form in forms] == ["Mute Health & Body", "Fewer of these"]
    assert forms[1].get("action") == "../../fewer/topics/health-body"
    assert "Fewer of these" not in site.client.get(f"{path_of(site)}/mute/authors/ana").text


def test_undoing_brings_back_what_was_followed(site: RunningSite, newsletter: Newsletter) -> None:
    site.client.post(f"{path_of(site)}/follow/topics/city")
    done = site.client.post(f"{path_of(site)}/mute/topics/city")
    assert wanted(site).choices == Choices(mute_topics=("city",))
    undone = site.client.post(f"{path_of(site)}/mute/topics/city", data=fields_of(done.text))
    assert wanted(site).choices == Choices(follow_topics=("city",))
    assert "<h1>You follow City</h1>" in undone.text


NO_SWITCHES = [
    *("mute", "mute/topics", "mute/topics/", "mute/topics/%00", "mute/topics/---", "mute/kinds/new"),
    *("fewer/authors/ana", "follow/kinds/editor", "hate/topics/city", "mute/__class__/city", "mute/topics/a/b"),
    *("mute/topics/" + "a" * 101, "mute/topics/%2e%2e%2fcity", "mute/topics/%F0%9F%9A%B2", "mute%00/topics/city"),
    *("mute/topics/" + "%C3%A9" * 101, "MUTE/topics/city"),
]


def test_a_switch_that_there_is_not_is_404(site: RunningSite, newsletter: Newsletter) -> None:
    before = site.tables()
    for switch in NO_SWITCHES:
        for method in ("GET", "POST"):
            answer = site.client.request(method, f"{path_of(site)}/{switch}")
            assert (switch, answer.status_code) == (switch, 404)
            assert "This link is not valid any more" in answer.text
    assert site.tables() == before


NAMES = [
    *("<script>alert(1)<script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "a\0b", "a\r\nSet-Cookie: x", "a'b&c"),
]


def test_a_name_is_only_a_name(site: RunningSite, newsletter: Newsletter) -> None:
    bad = r"<(script|img)|onerror=|\0|7\*7|>49<"
    for name in NAMES:
        path = f"{path_of(site)}/mute/topics/{quote(name, safe='')}"
        for method in ("GET", "POST", "GET"):
            answer = site.client.request(method, path)
            assert (name, answer.status_code) == (name, 200)
            assert not re.search(bad, answer.text)
            assert "set-cookie" not in answer.headers
    assert not re.search(bad, site.client.get(path_of(site)).text)


# --- whose link it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_token_of_another_purpose_or_none_is_404(method: str, site: RunningSite, newsletter: Newsletter) -> None:
    before = site.tables()
    good = path_of(site)
    paths = [
        *(f"/c/{site.app.keyring.sign(each, 2, now=NOW)}" for each in PURPOSES.values() if each is not CHOOSE),
        *(path_of(site, 99), good[:-1], good + "A", good.swapcase(), good + "%00", "/c/x", "/c/" + "a" * 4_000),
        f"/c/{Keyring([b'another key of 32 bytes, or more']).sign(CHOOSE, 2)}",
    ]
    for path in paths:
        for end in ("", "/mute/topics/city"):
            assert site.client.request(method, path + end).status_code == 404, path + end
    assert site.tables() == before


def test_a_token_for_choosing_does_not_leave(site: RunningSite, newsletter: Newsletter) -> None:
    assert site.client.post(path_of(site).replace("/c/", "/u/")).status_code == 404


def test_whoever_has_left_is_told_so_and_nothing_changes(site: RunningSite, newsletter: Newsletter) -> None:
    form = fields_of(site.client.get(path_of(site)).text)
    membership.leave(site.app.engine, Unsubscribe(subscription_id=2, at=NOW, method="page"))
    before = site.tables()
    answers = [
        site.client.get(path_of(site)),
        site.client.post(path_of(site), data={**form, "pause": "2027-01-31", "language": "de"}),
        site.client.post(path_of(site), data={"drop": "1"}),
        site.client.post(path_of(site), data={**form, "pause": "soon"}),
        site.client.get(f"{path_of(site)}/mute/topics/city"),
        site.client.post(f"{path_of(site)}/mute/topics/city"),
        site.client.post(f"{path_of(site)}/mute/topics/city", data={"undo": "1"}),
    ]
    assert [(answer.status_code, "<h1>You have left</h1>" in answer.text) for answer in answers] == [(200, True)] * 7
    assert site.tables() == before


def test_the_pages_show_no_address_set_no_cookie_and_are_kept_nowhere(
    site: RunningSite, newsletter: Newsletter, capfd: pytest.CaptureFixture[str]
) -> None:
    path = path_of(site)
    for answer in (
        site.client.get(path),
        send(site, topics__city="mute"),
        send(site, pause="soon"),
        site.client.get(f"{path}/mute/topics/city"),
        site.client.post(f"{path}/mute/authors/ana"),
    ):
        assert "example.org" not in answer.text
        assert "Reader 1" not in answer.text
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "script-src" not in answer.headers["content-security-policy"]
    said = "".join(capfd.readouterr())
    assert "membership.chose" in said
    assert [word for word in (path.rsplit("/", 1)[1], "city", "ana", "example.org", "Traceback") if word in said] == []


# --- at the same moment -----------------------------------------------------------------------------------------------


def test_switches_of_the_same_moment_are_both_kept(site: RunningSite, newsletter: Newsletter) -> None:
    names = [f"topic-{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        posts = pool.map(lambda name: site.client.post(f"{path_of(site)}/mute/topics/{name}").status_code, names)
        assert list(posts) == [200] * 12
    assert sorted(wanted(site).choices.mute_topics) == sorted(names)


def test_a_form_and_a_link_of_the_same_moment_are_both_kept(site: RunningSite, newsletter: Newsletter) -> None:
    form = fields_of(site.client.get(path_of(site)).text)
    with ThreadPoolExecutor(2) as pool:
        saved = pool.submit(site.client.post, path_of(site), data={**form, "topics.arts": "follow", "cadence": "daily"})
        muted = pool.submit(site.client.post, f"{path_of(site)}/mute/topics/city")
        assert (saved.result().status_code, muted.result().status_code) == (200, 200)
    assert wanted(site).slot == "daily"
    assert wanted(site).choices == Choices(follow_topics=("arts",), mute_topics=("city",))


# --- from the mail, in a real browser ---------------------------------------------------------------------------------


def test_the_links_of_a_mail_lead_here(site: RunningSite, smtp_server: SmtpServer, browser: BrowserThread) -> None:
    sent = send_edition(site, smtp_server, template="weekly", topics=("City",), offer=ALL)
    links = links_of(html_of(parse_without_defects(sent.mails["reader2@example.org"])))
    [mute] = {link for link in links if link.endswith("/mute/topics/city")}
    [own] = {link for link in links if re.search(r"/c/[^/]+$", link)}

    def go_along(page: Page) -> list[str]:
        page.goto(mute)
        seen = [page.get_by_role("heading").inner_text()]
        for button in ("Fewer of these", "Undo", "Fewer of these"):
            press(page, button)
            seen.append(page.get_by_role("heading").inner_text())
        page.get_by_role("link").click()
        page.get_by_label("City").select_option(label="Mute")
        page.get_by_label("No mail until").fill("2027-01-31")
        press(page, "Save")
        assert page.url == own
        return [*seen, page.get_by_role("status").inner_text()]

    assert browser.look(go_along, width=375) == [
        "Mute City?",
        "Fewer about City",
        "City is not limited",
        "Fewer about City",
        "Saved.\n\nCity: Mute\nNo mail until: 31 January 2027",
    ]
    assert wanted(site).choices == Choices(mute_topics=("city",))


@pytest.mark.parametrize(("width", "dark"), [(375, False), (375, True), (640, False)])
def test_the_pages_are_for_everybody(width: int, dark: bool, site: RunningSite, browser: BrowserThread) -> None:
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    newsletter = publish(site, topics=(*TOPICS, long))
    drift(site, newsletter)
    offer_now(site, newsletter, replace(ALL, hours=(7,), cadences=("weekly",)), topics=("City", "Health & Body", long))
    path = site.url + path_of(site)

    def examine(page: Page) -> list[str]:
        found = []

        def look(name: str) -> None:
            if width == 375 and name in ("choices", "refused", "ask", "done"):
                found.extend(faults(page))
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}-{width}-{'dark' if dark else 'light'}.png", full_page=True)
            if overflow(page) > 0:
                found.append(f"{name} is {overflow(page)} px too wide")

        page.goto(path)
        look("choices")
        page.get_by_label("City").select_option(label="Mute")
        page.get_by_label("No mail until").fill("2026-01-31")
        press(page, "Save")
        assert page.get_by_role("alert").is_visible()
        look("refused")
        page.get_by_label("No mail until").fill("2027-01-31")
        press(page, "Save")
        assert page.get_by_role("status").is_visible()
        look("saved")
        press(page, "Drop these")
        look("dropped")
        page.goto(f"{path}/mute/topics/{quote(long.casefold())}")
        look("long")
        page.goto(f"{path}/mute/topics/health-body")
        look("ask")
        press(page, "Mute Health & Body")
        look("done")
        press(page, "Undo")
        look("undone")
        page.goto(f"{path}/follow/topics/politics")
        look("not-offered")
        return found

    assert browser.look(examine, width=width, dark=dark) == []


def test_a_choice_is_changed_twenty_times_an_hour_and_leaving_is_never_limited(
    site: RunningSite, engine: Engine
) -> None:
    newsletter = add_newsletter(engine, offer=Offer(topics=True))
    add_readers(engine, newsletter, 1)
    address = f"{path_of(site, 1)}/mute/topics/city"
    answers = [site.client.post(address, data={"undo": "1"} if number % 2 else {}) for number in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [422]
    assert "try again in an hour" in answers[-1].text
    assert site.client.post(f"/u/{site.app.keyring.sign(LEAVE, 1)}").status_code == 200


def test_links_to_choose_end_with_their_version_and_links_to_leave_do_not(
    site: RunningSite, newsletter: Newsletter
) -> None:
    del newsletter
    keyring = site.app.keyring
    first, second = (f"/c/{keyring.sign(CHOOSE, 2, version=version)}" for version in (0, 1))
    assert [site.client.get(path).status_code for path in (first, second)] == [200, 404]
    with writing(site.app.engine) as connection:
        subscription = find_subscription(connection, 2)
        assert subscription is not None
        end_links(connection, subscription.subscriber_id)
    assert [site.client.get(path).status_code for path in (first, second)] == [404, 200]
    assert site.client.post(f"{first}/mute/topics/city").status_code == 404
    assert site.client.post(f"/u/{keyring.sign(LEAVE, 2)}").status_code == 200


def test_a_key_that_another_process_made_or_retired_holds_at_once(site: RunningSite, newsletter: Newsletter) -> None:
    del newsletter
    path = path_of(site)
    keys.rotate(site.app.engine, (), actor=ADMIN, now=NOW)
    assert path_of(site) != path
    assert [site.client.get(each).status_code for each in (path, path_of(site))] == [200, 200]
    keys.retire(site.app.engine, (), "token_key", actor=ADMIN, now=NOW, at_once=True)
    assert [site.client.get(each).status_code for each in (path, path_of(site))] == [404, 200]
