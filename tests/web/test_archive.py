"""The web view of an edition: made at approval and kept, so a visitor makes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, delete, select, update

from digest.db.engine import reading, writing
from digest.db.tables import edition, edition_article, web_view
from digest.flows.admin import articles as articles_admin
from digest.model.edition import EditionStatus
from tests.site import ADMIN, NOW, SmtpServer
from tests.web.running import RunningSite, send_edition


@pytest.fixture
def site(database_url: str, engine: Engine) -> Iterator[RunningSite]:
    del engine  # it makes the schema
    with RunningSite(database_url) as running:
        yield running


def test_a_page_is_there_from_the_approval_on_and_nobody_makes_it(
    site: RunningSite, smtp_server: SmtpServer, engine: Engine
) -> None:
    sent = send_edition(site, smtp_server)
    with writing(engine) as connection:  # nothing could be rendered from this any more
        connection.execute(update(edition).values(frozen={"newsletter": {}, "files": {}}))
    answers = [site.client.get(f"/e/{sent.public_key}") for _ in range(100)]
    assert {answer.status_code for answer in answers} == {200}
    assert "Story 1" in answers[0].text


def test_a_withdrawn_article_is_on_no_page_and_the_new_page_is_made_once(
    site: RunningSite, smtp_server: SmtpServer, engine: Engine
) -> None:
    sent = send_edition(site, smtp_server)
    before = site.client.get(f"/e/{sent.public_key}").text
    with writing(engine) as connection:  # it is still being sent
        connection.execute(update(edition).values(status=EditionStatus.SENDING))
        article = connection.execute(select(edition_article.c.article_id).limit(1)).scalar_one()
    assert articles_admin.withdraw(engine, site.app.press, article, now=NOW, actor=ADMIN) == [sent.edition_id]
    with writing(engine) as connection:  # as if it could not be made then
        connection.execute(delete(web_view))
    with ThreadPoolExecutor(8) as visitors:
        pages = set(visitors.map(lambda _: site.client.get(f"/e/{sent.public_key}").text, range(16)))
    [page] = pages
    assert page != before
    with reading(engine) as connection:
        kept = connection.execute(select(web_view.c.revision)).scalars().all()
        revision = connection.execute(select(edition.c.revision)).scalar_one()
    assert kept == [revision]


def test_a_withdrawal_makes_the_new_page_before_anybody_asks(
    site: RunningSite, smtp_server: SmtpServer, engine: Engine
) -> None:
    sent = send_edition(site, smtp_server)
    before = site.client.get(f"/e/{sent.public_key}").text
    with writing(engine) as connection:  # it is still being sent
        connection.execute(update(edition).values(status=EditionStatus.SENDING))
        articles = connection.execute(select(edition_article.c.article_id)).scalars().all()
    articles_admin.withdraw(engine, site.app.press, articles[0], now=NOW, actor=ADMIN)
    with reading(engine) as connection:
        assert connection.execute(select(web_view.c.revision)).scalars().all() == [1]
    assert site.client.get(f"/e/{sent.public_key}").text != before
    for article in articles[1:]:
        articles_admin.withdraw(engine, site.app.press, article, now=NOW, actor=ADMIN)
    assert site.client.get(f"/e/{sent.public_key}").status_code == 404


def test_a_page_that_was_never_kept_is_made_and_kept(
    site: RunningSite, smtp_server: SmtpServer, engine: Engine
) -> None:
    """Editions of before this table."""
    sent = send_edition(site, smtp_server)
    before = site.client.get(f"/e/{sent.public_key}").text
    with writing(engine) as connection:
        connection.execute(delete(web_view))
    assert site.client.get(f"/e/{sent.public_key}").text == before
    with reading(engine) as connection:
        assert connection.execute(select(web_view.c.edition_id)).scalars().all() == [sent.edition_id]
