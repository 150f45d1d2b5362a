"""Who joins and who leaves: others are told once for each transaction, and of nothing that did not happen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from digest import audit, outbox
from digest.audit import Filters
from digest.db.engine import reading
from digest.errors import Refused
from digest.flows import membership
from digest.flows.admin import articles, readers
from digest.flows.importing import BATCH, import_subscribers
from digest.flows.publish import Press, build_due
from digest.model.feedback import Unsubscribe
from digest.model.newsletter import Newsletter
from digest.outbox import Event
from tests.flows.test_syncing import Site
from tests.site import ADMIN, NOW, add_articles, add_newsletter

ADDRESS = "mira@example.org"


@pytest.fixture
def newsletter(engine: Engine) -> Newsletter:
    return add_newsletter(engine)


@pytest.fixture
def site(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site.db", engine)
    site.source()
    yield site
    site.theirs.dispose()


def told(engine: Engine) -> list[tuple[str, Any]]:
    """Events with their subscriptions and the method."""
    with reading(engine) as connection:
        found = outbox.list_events(connection)
    return [(each.event, (each.data["subscription_ids"], each.data["method"])) for each in found]


def bring(engine: Engine, newsletter: Newsletter, file: Path, content: str) -> None:
    file.write_text(content)
    import_subscribers(engine, file, newsletter_id=newsletter.id, now=NOW, actor=ADMIN)


def test_an_import_tells_of_all_its_readers_in_one_event_and_of_none_the_second_time(
    engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    for _ in range(2):
        bring(engine, newsletter, tmp_path / "a.csv", "email\na@example.org\nb@example.org\n")
    assert told(engine) == [(Event.SUBSCRIBER_JOINED, ([1, 2], "import"))]


def test_a_large_import_tells_once_for_each_batch_and_leaves_one_act(
    engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    rows = "".join(f"reader{number}@example.org\n" for number in range(BATCH + 3))
    bring(engine, newsletter, tmp_path / "a.csv", f"email\n{rows}")
    assert [len(ids) for _, (ids, _) in told(engine)] == [BATCH, 3]
    with reading(engine) as connection:
        [act] = audit.list_entries(connection, Filters(action="subscriber.import"))
    assert (act.actor, act.detail["new"], act.detail["file"]) == (ADMIN, BATCH + 3, "a.csv")


def test_a_dry_run_tells_of_nobody_and_is_no_act(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("email\na@example.org\n")
    import_subscribers(engine, tmp_path / "a.csv", newsletter_id=newsletter.id, now=NOW, actor=ADMIN, dry_run=True)
    assert told(engine) == []
    with reading(engine) as connection:
        assert audit.list_entries(connection, Filters()) == []


def test_whom_a_file_says_to_have_left_elsewhere_leaves_with_an_event(
    engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    bring(engine, newsletter, tmp_path / "a.csv", "email\na@example.org\nb@example.org\n")
    bring(
        engine, newsletter, tmp_path / "b.csv", "email,status\na@example.org,unsubscribed\nb@example.org,subscribed\n"
    )
    assert told(engine)[1:] == [(Event.SUBSCRIBER_LEFT, ([1], "import"))]


def test_a_sync_tells_who_joins_and_who_is_gone(engine: Engine, site: Site) -> None:
    site.add(1, 2, 3)
    site.sync()
    site.run("DELETE FROM people WHERE id = 2")
    site.sync(is_agreed=True)
    (joined, (ids, by)), (left, (gone, method)) = told(engine)
    assert (joined, len(ids), by) == (Event.SUBSCRIBER_JOINED, 3, "site")
    assert (left, gone, method) == (Event.SUBSCRIBER_LEFT, [ids[1]], "site")


def test_leaving_twice_is_told_once(engine: Engine, newsletter: Newsletter) -> None:
    readers.add(engine, "harbour", {"address": ADDRESS}, actor=ADMIN, now=NOW)
    for _ in range(2):
        membership.leave(engine, Unsubscribe(subscription_id=1, at=NOW, method="one-click"))
    assert told(engine)[1:] == [(Event.SUBSCRIBER_LEFT, ([1], "one-click"))]
    with pytest.raises(Refused, match="only they themselves"):
        readers.add(engine, "harbour", {"address": ADDRESS}, actor=ADMIN, now=NOW)
    assert len(told(engine)) == 2


def test_an_admin_who_takes_somebody_out_is_on_record(engine: Engine, newsletter: Newsletter) -> None:
    readers.add(engine, "harbour", {"address": ADDRESS, "name": "Mira"}, actor=ADMIN, now=NOW)
    readers.change(engine, ADDRESS, {"language": "de"}, actor=ADMIN, now=NOW)
    readers.leave(engine, "harbour", ADDRESS, actor=ADMIN, now=NOW)
    with reading(engine) as connection:
        left, changed, added = audit.list_entries(connection, Filters(noun=audit.Noun.SUBSCRIBER, noun_id=1))
    assert (added.before, added.after["name"]) == ({}, "Mira")
    assert (changed.before, changed.after) == ({"language": ""}, {"language": "de"})
    assert (left.before, left.after) == ({"status": "active"}, {"status": "left"})
    assert left.target.newsletter_id == newsletter.id


def test_a_withdrawn_article_is_told_with_its_editions(engine: Engine, newsletter: Newsletter, press: Press) -> None:
    add_articles(engine, 2)
    (report,) = build_due(engine, press, now=NOW)
    assert articles.withdraw(engine, press, 1, actor=ADMIN, now=NOW) == [report.edition_id]
    with reading(engine) as connection:
        last = outbox.list_events(connection)[-1]
        acts = audit.list_entries(connection, Filters(), limit=2)
    assert (last.event, last.data) == (Event.ARTICLE_WITHDRAWN, {"article_id": 1, "edition_ids": [report.edition_id]})
    assert [each.action for each in acts] == ["article.withdraw", "edition.withdraw"]
