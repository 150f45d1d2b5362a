"""A site's own readers become the newsletter's, and who left here is never brought back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select, text

from digest.audience.importing import Person
from digest.audience.store import subscribers as subscriber_store
from digest.db.engine import reading, writing
from digest.db.tables import consent, reader_change, registration, subscriber, subscription, sync
from digest.errors import BadInput, NotFound, SourceMalformed, SourceUnreachable
from digest.flows import membership
from digest.flows.syncing import FRESH, SyncReport, sync_due, sync_readers
from digest.model.address import EmailAddress
from digest.model.feedback import Unsubscribe
from digest.model.newsletter import Newsletter
from digest.model.subscriber import SubscriptionId, SuppressionReason
from digest.sources.store.sources import add_source, change_source, get_source
from tests.site import NOW, add_newsletter

QUERY = (
    "SELECT id AS key, mail AS address, name, city, since AS consent_at, wording AS consent, wants AS subscribed "
    "FROM people"
)


class Site:
    """A site's database with a table of people."""

    def __init__(self, file: Path, ours: Engine) -> None:
        self.url, self.ours = f"sqlite:///{file}", ours
        self.theirs = create_engine(self.url)
        with self.theirs.begin() as connection:
            connection.execute(
                text(
                    "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, name TEXT, city TEXT, since TEXT, "
                    "wording TEXT, wants INTEGER DEFAULT 1)"
                )
            )

    def add(self, *numbers: int, **values: Any) -> None:
        row = {
            "city": "Bergen",
            "since": "2025-04-01 10:00:00",
            "wording": "the weekly, by the form",
            "wants": 1,
            **values,
        }
        with self.theirs.begin() as connection:
            connection.execute(
                text("INSERT INTO people VALUES (:id, :mail, :name, :city, :since, :wording, :wants)"),
                [
                    {"id": number, "mail": f"reader{number}@example.org", "name": f"Reader {number}", **row}
                    for number in numbers
                ],
            )

    def run(self, statement: str) -> None:
        with self.theirs.begin() as connection:
            connection.execute(text(statement))

    def source(self, name: str = "site", **options: Any) -> None:
        values = {"url": self.url, "readers_query": QUERY, **options}
        with writing(self.ours) as connection:
            add_source(connection, name, "sql", values, now=NOW)

    def sync(self, now: datetime = NOW, **values: Any) -> SyncReport:
        return sync_readers(self.ours, "site", "harbour", now=now, **values)


@pytest.fixture
def newsletter(engine: Engine) -> Newsletter:
    return add_newsletter(engine)


@pytest.fixture
def site(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site.db", engine)
    yield site
    site.theirs.dispose()


def statuses(engine: Engine) -> dict[str, str]:
    query = select(subscriber.c.address_key, subscription.c.status).join_from(subscriber, subscription)
    with reading(engine) as connection:
        return {row.address_key.partition("@")[0]: row.status for row in connection.execute(query)}


def consents(engine: Engine) -> list[tuple[bool, str, str, str]]:
    query = select(consent).order_by(consent.c.id)
    with reading(engine) as connection:
        return [(row.given, row.method, row.origin, row.wording) for row in connection.execute(query)]


def everything(engine: Engine) -> dict[str, list[Any]]:
    tables = (subscriber, subscription, consent, registration, reader_change)
    with reading(engine) as connection:
        return {
            each.name: [tuple(row) for row in connection.execute(select(each).order_by(each.c.id))] for each in tables
        }


def id_of(engine: Engine, address: str) -> SubscriptionId:
    with reading(engine) as connection:
        ((_, found),) = subscriber_store.list_subscriptions(
            connection, subscriber_store.get_subscriber(connection, address).id
        )
    return found.id


def leave(engine: Engine, address: str) -> None:
    request = Unsubscribe(subscription_id=id_of(engine, address), at=NOW, method="one-click")
    assert membership.leave(engine, request)


# --- who joins -------------------------------------------------------------------------------------------------------


def test_readers_of_the_site_join_with_the_consent_that_is_recorded_there(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1, 2)
    report = site.sync()
    assert (report.seen, report.joined, report.held) == (2, 2, "")
    assert statuses(engine) == {"reader1": "active", "reader2": "active"}
    assert consents(engine) == [(True, "site", "source site", "the weekly, by the form")] * 2
    with reading(engine) as connection:
        assert connection.execute(select(consent.c.at).distinct()).scalars().all() == [
            datetime(2025, 4, 1, 10, tzinfo=UTC)
        ]
        found = subscriber_store.get_subscriber(connection, "reader1@example.org")
        ((_, joined),) = subscriber_store.list_subscriptions(connection, found.id)
    assert (found.name, found.attributes) == ("Reader 1", {"city": "Bergen"})
    assert joined.joined_at == datetime(2025, 4, 1, 10, tzinfo=UTC)


def test_twice_changes_nothing(engine: Engine, site: Site) -> None:
    site.source()
    site.add(*range(1, 10))
    site.sync()
    before = everything(engine)
    report = site.sync(now=NOW + timedelta(hours=1))
    assert report.changes == 0
    assert not report.is_applied
    assert everything(engine) == before
    assert site.sync(now=NOW + timedelta(hours=1), is_agreed=True).changes == 0
    assert everything(engine) == before


def test_a_dry_run_says_what_would_happen_and_changes_nothing(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1, 2, 3)
    site.sync()
    site.add(4)
    site.run("UPDATE people SET name = 'Mira' WHERE id = 1")
    site.run("DELETE FROM people WHERE id = 2")
    before = everything(engine)
    report = site.sync(dry_run=True)
    assert (report.joined, report.changed, report.gone) == (1, 1, 1)
    assert everything(engine) == before
    done = site.sync()
    assert (done.joined, done.changed, done.gone) == (1, 1, 1)


def test_names_and_attributes_follow_the_site(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1)
    site.sync()
    site.run("UPDATE people SET name = 'Mira', city = 'Oslo'")
    assert site.sync().changed == 1
    with reading(engine) as connection:
        found = subscriber_store.get_subscriber(connection, "reader1@example.org")
    assert (found.name, found.attributes) == ("Mira", {"city": "Oslo"})


def test_what_was_changed_here_stays_until_the_site_says_something_else(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1)
    site.sync()
    with writing(engine) as connection:
        found = subscriber_store.get_subscriber(connection, "reader1@example.org")
        subscriber_store.change_subscriber(connection, found.id, now=NOW, name="Mira L.")
    site.sync()
    with reading(engine) as connection:
        assert subscriber_store.get_subscriber(connection, "reader1@example.org").name == "Mira L."


def test_who_wants_no_mail_there_does_not_join(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1, wants=0)
    assert site.sync().joined == 0
    assert statuses(engine) == {}


def test_a_reader_that_cannot_be_one_is_refused_by_the_site_s_key_and_the_rest_goes_on(
    engine: Engine, site: Site
) -> None:
    site.source()
    site.add(1, mail="nobody")
    site.add(2, since="2199-01-01 00:00:00")
    report = site.sync()
    assert report.refused_count == 1
    assert report.refused[0][0] == "1"
    assert statuses(engine) == {"reader2": "active"}
    with reading(engine) as connection:
        assert connection.execute(select(consent.c.at)).scalar() == NOW


def test_one_mailbox_under_two_names_is_one_reader_until_both_are_gone(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1, mail="Mira@example.org")
    site.add(2, mail="mira@example.org")
    site.sync()
    assert statuses(engine) == {"mira": "active"}
    site.run("DELETE FROM people WHERE id = 1")
    site.add(3)
    assert site.sync().gone == 0
    assert statuses(engine)["mira"] == "active"
    site.run("DELETE FROM people WHERE id = 2")
    assert site.sync().gone == 1
    assert statuses(engine)["mira"] == "left"


# --- who is not brought back (P5) ------------------------------------------------------------------------------------


def test_who_left_here_is_not_brought_back_whatever_the_site_says(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1, 2)
    site.sync()
    leave(engine, "reader1@example.org")
    before = everything(engine)
    assert site.sync().kept_out == 1
    assert site.sync(is_agreed=True).kept_out == 1
    site.run("UPDATE people SET name = 'New', since = '2026-11-22' WHERE id = 1")
    assert site.sync(is_agreed=True).changes == 0
    assert everything(engine) == before
    site.run("UPDATE people SET mail = 'other@example.org' WHERE id = 1")
    assert site.sync(is_agreed=True).joined == 0
    assert statuses(engine) == {"reader1": "left", "reader2": "active"}


def test_who_left_before_the_site_was_a_source_stays_out(engine: Engine, site: Site, newsletter: Newsletter) -> None:
    person = Person(address=EmailAddress.parse("reader1@example.org"))
    with writing(engine) as connection:
        subscriber_store.put_people(connection, [person], newsletter_id=newsletter.id, origin="readers.csv", now=NOW)
    leave(engine, "reader1@example.org")
    site.source()
    site.add(1)
    assert site.sync(is_agreed=True).kept_out == 1
    assert statuses(engine) == {"reader1": "left"}


def test_a_suppressed_address_does_not_join(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1)
    with writing(engine) as connection:
        subscriber_store.suppress(
            connection, EmailAddress.parse("READER1@example.org"), SuppressionReason.COMPLAINT, now=NOW
        )
    assert site.sync(is_agreed=True).kept_out == 1
    assert statuses(engine) == {}


# --- who goes --------------------------------------------------------------------------------------------------------


def test_who_is_gone_from_the_site_leaves_and_the_proof_says_why(engine: Engine, site: Site) -> None:
    site.source()
    site.add(*range(1, 4))
    site.sync()
    site.run("DELETE FROM people WHERE id = 2")
    assert site.sync().gone == 1
    assert statuses(engine) == {"reader1": "active", "reader2": "left", "reader3": "active"}
    assert consents(engine)[-1] == (False, "site", "source site", "is not on the site any more")
    before = everything(engine)
    site.add(2)
    assert site.sync().kept_out == 1
    assert everything(engine) == before


def test_who_is_gone_is_kept_if_the_source_says_so(engine: Engine, site: Site) -> None:
    site.source(gone="keep")
    site.add(1, 2)
    site.sync()
    site.run("DELETE FROM people WHERE id = 2")
    assert site.sync().changes == 0
    assert statuses(engine)["reader2"] == "active"


def test_who_unsubscribed_there_leaves_here_even_where_the_gone_are_kept(engine: Engine, site: Site) -> None:
    site.source(gone="keep")
    site.add(1, 2)
    site.sync()
    site.run("UPDATE people SET wants = 0 WHERE id = 2")
    assert site.sync().left == 1
    assert statuses(engine)["reader2"] == "left"
    assert consents(engine)[-1] == (False, "site", "source site", "unsubscribed on the site")
    assert site.sync().changes == 0


def test_only_those_who_came_from_the_source_leave_with_it(engine: Engine, site: Site, newsletter: Newsletter) -> None:
    people = [Person(address=EmailAddress.parse(f"reader{number}@example.org")) for number in (1, 2)]
    with writing(engine) as connection:
        subscriber_store.put_people(connection, people, newsletter_id=newsletter.id, origin="readers.csv", now=NOW)
    site.source()
    site.add(1, 3, 4)
    site.sync()
    site.run("DELETE FROM people WHERE id IN (1, 3)")
    assert site.sync().gone == 1
    assert statuses(engine) == {"reader1": "active", "reader2": "active", "reader3": "left", "reader4": "active"}
    site.add(1, wants=0)
    site.sync()
    assert statuses(engine)["reader1"] == "active"


def test_another_address_on_the_site_is_another_mailbox_with_the_same_wishes(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1, 2)
    site.sync()
    old = id_of(engine, "reader1@example.org")
    with writing(engine) as connection:
        connection.execute(
            subscription.update().where(subscription.c.id == old).values(slot="weekly.thu", hour=18, slot_since=NOW)
        )
    site.run("UPDATE people SET mail = 'mira@example.org' WHERE id = 1")
    report = site.sync()
    assert (report.moved, report.joined, report.gone) == (1, 0, 0)
    assert statuses(engine) == {"reader1": "left", "reader2": "active", "mira": "active"}
    with reading(engine) as connection:
        found = subscriber_store.find_subscription(connection, id_of(engine, "mira@example.org"))
    assert found is not None
    assert (found.slot, found.hour) == ("weekly.thu", 18)
    assert site.sync().changes == 0


# --- what is held ----------------------------------------------------------------------------------------------------


def test_a_large_loss_is_held_until_somebody_has_looked(engine: Engine, site: Site) -> None:
    site.source(max_few=2)
    site.add(*range(1, 21))
    assert site.sync(is_agreed=True).joined == 20
    site.run("DELETE FROM people WHERE id > 15")
    before = everything(engine)
    report = site.sync()
    assert report.held == "5 of 20 readers that came from there would leave, more than 20 %"
    assert not report.is_applied
    assert everything(engine) == before
    with reading(engine) as connection:
        assert connection.execute(select(sync.c.held)).scalar() == report.held
    assert site.sync(is_agreed=True).gone == 5
    with reading(engine) as connection:
        assert connection.execute(select(sync.c.held)).scalar() == ""


def test_a_loss_of_the_stated_share_is_not_too_large(engine: Engine, site: Site) -> None:
    site.source(max_few=2, max_percent=25)
    site.add(*range(1, 21))
    site.sync(is_agreed=True)
    site.run("DELETE FROM people WHERE id > 15")
    assert site.sync().gone == 5


def test_many_new_ones_at_once_are_held_too(engine: Engine, site: Site) -> None:
    site.source(max_few=5)
    site.add(*range(1, 7))
    report = site.sync()
    assert report.held == "6 would join 0 readers, more than 20 %"
    assert statuses(engine) == {}


def test_a_site_that_names_nobody_is_held_however_few_they_were(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1, 2)
    site.sync()
    site.run("DELETE FROM people")
    assert "names nobody" in site.sync().held
    assert set(statuses(engine).values()) == {"active"}


def test_unsubscriptions_count_as_a_loss(engine: Engine, site: Site) -> None:
    site.source(max_few=2)
    site.add(*range(1, 11))
    site.sync(is_agreed=True)
    site.run("UPDATE people SET wants = 0 WHERE id > 5")
    assert "5 of 10 readers" in site.sync().held
    assert set(statuses(engine).values()) == {"active"}


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_site_that_cannot_be_read_changes_nothing_and_is_remembered(engine: Engine, site: Site) -> None:
    site.source()
    site.add(1)
    site.sync()
    site.run("ALTER TABLE people RENAME TO persons")
    with pytest.raises(SourceMalformed, match="no such table"):
        site.sync()
    assert statuses(engine) == {"reader1": "active"}
    with reading(engine) as connection:
        assert "no such table" in str(connection.execute(select(sync.c.error)).scalar())


def test_killed_between_two_pages_it_is_run_again_and_ends_the_same(engine: Engine, site: Site) -> None:
    site.source()
    site.add(*range(1, 4_501))

    class Killed(Exception):
        pass

    def kill(_count: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        site.sync(is_agreed=True, progress=kill)
    assert len(statuses(engine)) == 2_000
    assert site.sync(is_agreed=True).joined == 2_500
    assert len(consents(engine)) == 4_500
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(registration)).scalar() == 4_500


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"readers_query": ""}, "no readers_query"),
        ({"readers_query": "SELECT mail FROM people"}, "there is no column 'address'; there are: mail"),
    ],
)
def test_a_source_without_readers_says_so(site: Site, options: dict[str, str], wanted: str) -> None:
    site.source(**options, table="people")
    with pytest.raises(SourceMalformed, match=wanted):
        site.sync()


def test_a_feed_has_no_readers(engine: Engine, newsletter: Newsletter) -> None:
    with writing(engine) as connection:
        add_source(connection, "blog", "feed", {"url": "https://b.example/feed"}, now=NOW)
    with pytest.raises(BadInput, match="a feed has no readers; these kinds have: sql, wordpress, ghost"):
        sync_readers(engine, "blog", "harbour", now=NOW)


# --- before each edition ---------------------------------------------------------------------------------------------


def test_what_a_source_says_is_done_by_itself_and_not_again_at_once(engine: Engine, site: Site) -> None:
    site.source(newsletters="harbour")
    site.add(1)
    assert [report.joined for report in sync_due(engine, now=NOW)] == [1]
    site.add(2)
    assert sync_due(engine, now=NOW + FRESH - timedelta(seconds=1)) == []
    assert [report.joined for report in sync_due(engine, now=NOW + FRESH)] == [1]


def test_one_that_fails_or_is_switched_off_stops_no_other(engine: Engine, site: Site) -> None:
    site.source("a-lost", url="sqlite:////nowhere/site.db", newsletters="harbour")
    site.source("b-nobody's", newsletters="nosuch")
    site.source("c-off", newsletters="harbour")
    site.source("site", newsletters="harbour, ")
    site.source("z-by-hand")
    site.add(1)
    with writing(engine) as connection:
        change_source(connection, get_source(connection, "c-off").id, is_enabled=False)
    reports = sync_due(engine, now=NOW)
    assert [(report.source, bool(report.error), report.joined) for report in reports] == [
        ("a-lost", True, 0),
        ("b-nobody's", True, 0),
        ("site", False, 1),
    ]
    with pytest.raises(SourceUnreachable, match="there is no such file"):
        sync_readers(engine, "a-lost", "harbour", now=NOW)
    with pytest.raises(NotFound):
        sync_readers(engine, "site", "nosuch", now=NOW)
