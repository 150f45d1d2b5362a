"""The readers' pages as mail programs, scanners and people meet them, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from sqlalchemy import Engine, select, update

from digest.audience.links import LEAVE, PURPOSES
from digest.audience.tokens import Keyring
from digest.db.engine import reading, writing
from digest.db.tables import consent, edition, subscription
from digest.editions.store import editions as edition_store
from digest.flows import publish
from digest.model.edition import EditionStatus
from tests.browser import BrowserThread, faults, overflow
from tests.mails import html_of, links_of, parse_without_defects, text_of, unfolded, urls_in
from tests.site import NOW, SmtpServer, add_articles, add_newsletter
from tests.web.running import RunningSite, Sent, send_edition

READER = "reader2@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def site(database_url: str, engine: Engine) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url) as running:
        yield running


@pytest.fixture
def sent(site: RunningSite, smtp_server: SmtpServer) -> Sent:
    return send_edition(site, smtp_server)


def own_links(site: RunningSite, mail: bytes) -> list[str]:
    """Every address of this site in a mail: in both parts and in the headers."""
    message = parse_without_defects(mail)
    found = {*links_of(html_of(message)), *urls_in(text_of(message)), one_click_url(mail)}
    return sorted(url for url in found if url.startswith(site.url))


def one_click_url(mail: bytes) -> str:
    [value] = unfolded(mail)["List-Unsubscribe"]
    return value.split(">")[0].lstrip("<")


def statuses(site: RunningSite) -> list[str]:
    with reading(site.app.engine) as connection:
        return list(connection.execute(select(subscription.c.status).order_by(subscription.c.id)).scalars())


# --- GET changes nothing (P6) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_scanner_that_follows_every_link_of_every_mail_changes_nothing(
    method: str, site: RunningSite, sent: Sent
) -> None:
    before = site.tables()
    for mail in sent.mails.values():
        links = own_links(site, mail)
        assert len(links) >= 2
        for url in links:
            assert site.client.request(method, url).status_code in (200, 405)
    assert site.tables() == before


def test_a_head_has_the_status_and_headers_of_a_get_and_no_body(site: RunningSite, sent: Sent) -> None:
    for url in own_links(site, sent.mails[READER]):
        get, head = site.client.get(url), site.client.head(url)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]


def test_the_page_of_a_link_asks_with_a_button(site: RunningSite, sent: Sent) -> None:
    page = site.client.get(one_click_url(sent.mails[READER])).text
    assert "Leave The Harbour Post?" in page
    assert '<form method="post"><button type="submit">' in page
    assert "<script" not in page


# --- POST leaves ------------------------------------------------------------------------------------------------------


def test_the_button_leaves_at_once_and_only_that_reader(site: RunningSite, sent: Sent) -> None:
    answer = site.client.post(one_click_url(sent.mails[READER]))
    assert (answer.status_code, "You have left" in answer.text) == (200, True)
    assert statuses(site) == ["active", "left", "active"]


@pytest.mark.parametrize("form", [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}])
def test_one_click_leaves_without_cookie_login_or_redirect(
    form: dict[str, object], site: RunningSite, sent: Sent
) -> None:
    answer = site.client.post(one_click_url(sent.mails[READER]), **form)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers
    assert statuses(site) == ["active", "left", "active"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b""),
        ("text/plain", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--y\r\nnonsense"),
        ("application/json", b"{"),
    ],
    ids=["empty", "text", "no boundary", "wrong boundary", "json"],
)
def test_whatever_a_mail_program_posts_the_token_alone_leaves(
    content_type: str, body: bytes, site: RunningSite, sent: Sent
) -> None:
    headers = {"Content-Type": content_type, "Origin": "null"}
    answer = site.client.post(one_click_url(sent.mails[READER]), content=body, headers=headers)
    assert answer.status_code == 200
    assert statuses(site) == ["active", "left", "active"]


def test_leaving_twice_is_leaving_once(site: RunningSite, sent: Sent) -> None:
    url = one_click_url(sent.mails[READER])
    assert site.client.post(url, data=ONE_CLICK).status_code == 200
    after_one = site.tables()
    assert site.client.post(url, data=ONE_CLICK).status_code == 200
    assert site.client.post(url).status_code == 200
    assert site.tables() == after_one


@pytest.mark.parametrize(("form", "method"), [(ONE_CLICK, "one-click"), ({}, "page")])
def test_that_they_left_is_kept_as_proof_with_how(
    form: dict[str, str], method: str, site: RunningSite, sent: Sent
) -> None:
    site.client.post(one_click_url(sent.mails[READER]), data=form)
    with reading(site.app.engine) as connection:
        [row] = connection.execute(select(consent)).all()
    assert (row.subscription_id, row.given, row.method, row.at) == (2, False, method, NOW)


def test_whoever_has_left_is_told_so(site: RunningSite, sent: Sent) -> None:
    url = one_click_url(sent.mails[READER])
    site.client.post(url)
    assert "You have left" in site.client.get(url).text


# --- links that are not valid -----------------------------------------------------------------------------------------


def bad_tokens(good: str) -> list[str]:
    return [
        good[:-1],
        good[1:],
        good + "A",
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        good.swapcase(),
        good + "%00",
        good + "==",
        "x",
        "%F0%9F%9A%B2",
        "..%2f..%2fetc",
        Keyring([b"another key of 32 bytes, or more"]).sign(LEAVE, 2),
        "a" * 4_000,
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_that_was_cut_or_forged_is_404_and_changes_nothing(method: str, site: RunningSite, sent: Sent) -> None:
    good = one_click_url(sent.mails[READER]).rsplit("/", 1)[1]
    before = site.tables()
    for token in bad_tokens(good):
        assert site.client.request(method, f"/u/{token}").status_code == 404, token
    assert site.tables() == before


def test_a_token_of_another_purpose_does_not_leave(site: RunningSite, sent: Sent) -> None:
    del sent
    for purpose in (each for each in PURPOSES.values() if each is not LEAVE):
        token = site.app.keyring.sign(purpose, 2, now=NOW)
        assert site.client.post(f"/u/{token}").status_code == 404
    assert statuses(site) == ["active"] * 3


def test_a_token_of_a_subscription_that_is_gone_is_404(site: RunningSite, sent: Sent) -> None:
    del sent
    assert site.client.get(f"/u/{site.app.keyring.sign(LEAVE, 99)}").status_code == 404


def test_an_unknown_path_is_a_friendly_page(site: RunningSite) -> None:
    for path in ("/", "/nope", "/u/", "/e/", "/e/nope", "/docs", "/openapi.json", "/%00", "/e/%00", "/a/b?x=<b>"):
        answer = site.client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("text/html")
        assert "This link is not valid any more, or was cut in two." in answer.text
        assert "<b>" not in answer.text


def test_a_database_that_is_gone_is_a_friendly_page_too(
    site: RunningSite, sent: Sent, capfd: pytest.CaptureFixture[str]
) -> None:
    with site.app.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE subscription RENAME TO gone")
    url = one_click_url(sent.mails[READER])
    answer = site.client.post(url)
    assert answer.status_code == 500
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "Please try again" in answer.text
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    assert url.rsplit("/", 1)[1] not in said


# --- headers ----------------------------------------------------------------------------------------------------------


def test_every_page_is_strict_about_itself(site: RunningSite, sent: Sent) -> None:
    paths = [one_click_url(sent.mails[READER]), f"/e/{sent.public_key}", "/nope"]
    for path in paths:
        headers = site.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "noindex" in headers["x-robots-tag"]


def test_a_reader_s_page_is_kept_by_no_cache(site: RunningSite, sent: Sent) -> None:
    assert site.client.get(one_click_url(sent.mails[READER])).headers["cache-control"] == "no-store"


# --- the web view -----------------------------------------------------------------------------------------------------


def test_the_web_view_has_the_articles_and_nothing_personal(site: RunningSite, sent: Sent) -> None:
    page = site.client.get(f"/e/{sent.public_key}").text
    for number in range(1, 5):
        assert f"https://harbourpost.example/a{number}" in page
    for address, mail in sent.mails.items():
        token = one_click_url(mail).rsplit("/", 1)[1]
        name = str(parse_without_defects(mail)["To"]).split(" <")[0]
        assert [found for found in (address, token, name, "/u/", "example.org") if found in page] == []


def test_what_was_approved_is_public(site: RunningSite, sent: Sent) -> None:
    for status in (EditionStatus.APPROVED, EditionStatus.SENDING, EditionStatus.PAUSED):
        with writing(site.app.engine) as connection:
            connection.execute(update(edition).values(status=status))
        assert site.client.get(f"/e/{sent.public_key}").status_code == 200


def test_a_draft_is_not_public(site: RunningSite) -> None:
    app = site.app
    add_newsletter(app.engine, template="plain", needs_review=True)
    add_articles(app.engine, 2)
    (report,) = publish.build_due(app.engine, app.press, now=NOW)
    assert report.edition_id is not None
    with reading(app.engine) as connection:
        key = edition_store.get_public_key(connection, report.edition_id)
    assert site.client.get(f"/e/{key}").status_code == 404


# --- with a real browser ----------------------------------------------------------------------------------------------


def test_a_person_opens_the_link_of_a_mail_presses_the_button_and_has_left(
    site: RunningSite, sent: Sent, browser: BrowserThread
) -> None:
    [link] = [url for url in links_of(html_of(parse_without_defects(sent.mails[READER]))) if "/u/" in url]

    def leave(page: Page) -> str:
        page.goto(link)
        page.get_by_role("button").click()
        return page.get_by_role("heading").inner_text()

    assert browser.look(leave, width=375) == "You have left"
    assert statuses(site) == ["active", "left", "active"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_are_for_everybody(
    site: RunningSite, smtp_server: SmtpServer, browser: BrowserThread, dark: bool
) -> None:
    sent = send_edition(site, smtp_server, template="weekly")
    url = one_click_url(sent.mails[READER])

    def examine(page: Page) -> list[str]:
        found = []
        for address in (url, f"{site.url}/nope", f"{site.url}/e/{sent.public_key}"):
            page.goto(address)
            found += faults(page, "region", "landmark-one-main")
            assert overflow(page) <= 0
        page.goto(url)
        with page.expect_navigation():
            page.get_by_role("button").click()
        return found + faults(page)

    assert browser.look(examine, width=375, dark=dark) == []
