"""Editions over weeks: no article twice (P3), none missed (P4), one edition a period (P7), on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import chain

import pytest
from sqlalchemy import Engine, insert, update

from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.db.tables import newsletter as newsletter_table
from digest.editions.store import editions as edition_store
from digest.editions.store.calendar import add_event, remove_event
from digest.editions.store.newsletters import change_newsletter
from digest.errors import Next, Step
from digest.flows import publish
from digest.flows.admin import editions as editions_admin
from digest.flows.publish import Built, Press
from digest.flows.publish.edition import insert_edition
from digest.model.actor import SCHEDULER
from digest.model.edition import EditionStatus
from digest.model.event import Event
from digest.model.newsletter import Newsletter, NewsletterId, Offer, Schedule, Sponsor
from tests.site import ADMIN, NOW, add_articles, add_newsletter, add_readers

DUE = NOW.replace(second=0)
WEEK = timedelta(weeks=1)


def add(engine: Engine, *published: datetime, topics: Sequence[str] = ("City",), name: str = "a") -> list[str]:
    """Articles called a0, a1, ... of these instants; their titles."""
    rows = [
        {
            "key": f"{name}{number}",
            "url": f"https://harbourpost.example/{name}{number}",
            "canonical_url": f"https://harbourpost.example/{name}{number}",
            "title": f"{name}{number}",
            "published_at": at,
            "ready_at": at,
            "authors": [],
            "topics": list(topics),
            "comments": [],
            "content_hash": "x",
            "first_seen_at": at,
            "updated_at": at,
        }
        for number, at in enumerate(published)
    ]
    with writing(engine) as connection:
        connection.execute(insert(article), rows)
    return [str(row["title"]) for row in rows]


def build(engine: Engine, press: Press, weeks: int = 0) -> list[str]:
    """The run of that week; the titles of its edition, in order."""
    (report,) = publish.build_due(engine, press, now=NOW + weeks * WEEK)
    assert report.edition_id is not None
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, report.edition_id)
    return [candidate.article.title for candidate in edition.candidates]


def hours_before(due: datetime, count: int, step: float = 1) -> list[datetime]:
    return [due - timedelta(hours=step * (number + 1)) for number in range(count)]


def test_an_article_of_the_very_instant_is_in_and_a_moment_later_waits(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add(engine, *[DUE] * 5, DUE + timedelta(microseconds=1))
    assert sorted(build(engine, press)) == ["a0", "a1", "a2", "a3", "a4"]
    assert build(engine, press, 1) == ["a5"]


def test_a_late_run_makes_the_same_edition_as_a_punctual_one(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add(engine, DUE - timedelta(hours=1), DUE + timedelta(hours=1))
    (report,) = publish.build_due(engine, press, now=DUE + timedelta(hours=5))
    assert (report.result, report.items) == (Built.APPROVED, 1)


def test_an_article_that_turns_up_late_with_an_earlier_date_is_in_the_next_edition(
    engine: Engine, press: Press
) -> None:
    add_newsletter(engine)
    add(engine, DUE - timedelta(hours=1))
    build(engine, press)
    add(engine, DUE - timedelta(days=3), DUE + timedelta(days=1), name="late")
    assert sorted(build(engine, press, 1)) == ["late0", "late1"]


def test_an_article_whose_date_is_changed_is_not_in_a_second_edition(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add(engine, DUE - timedelta(hours=1))
    build(engine, press)
    with writing(engine) as connection:
        connection.execute(article.update().values(published_at=DUE + timedelta(days=2)))
    assert build(engine, press, 1) == []


def test_after_an_outage_of_a_month_one_edition_holds_everything(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add(engine, DUE - timedelta(hours=1))
    build(engine, press)
    missed = add(engine, *hours_before(DUE + 5 * WEEK, 30, step=27), name="missed")
    assert sorted(build(engine, press, 5)) == sorted(missed)


def test_weeks_with_too_little_are_kept_for_the_first_with_enough(engine: Engine, press: Press) -> None:
    add_newsletter(engine, min_items=3)
    few = add(engine, *[DUE + week * WEEK - timedelta(hours=1) for week in range(3)])
    assert [build(engine, press, week) for week in range(2)] == [[], []]
    assert sorted(build(engine, press, 2)) == sorted(few)


def test_what_a_cancelled_edition_held_is_in_the_next_one(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    held = add(engine, DUE - timedelta(days=6), DUE - timedelta(hours=1))
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.edition_id is not None
    editions_admin.cancel(engine, report.edition_id, now=NOW, actor=ADMIN)
    assert sorted(build(engine, press, 1)) == held


def test_what_is_too_much_for_one_edition_waits_for_the_next_even_at_one_instant(engine: Engine, press: Press) -> None:
    add_newsletter(engine, max_items=10)
    titles = add(engine, *[DUE - timedelta(hours=1)] * 45)
    built = [build(engine, press, week) for week in range(6)]
    assert [len(edition) for edition in built] == [10, 10, 10, 10, 5, 0]
    assert sorted(chain.from_iterable(built)) == sorted(titles)


def test_week_after_week_of_too_much_loses_nothing(engine: Engine, press: Press) -> None:
    add_newsletter(engine, max_items=10)
    titles = [
        title
        for week in range(4)
        for title in add(engine, *hours_before(DUE + week * WEEK, 25, step=6), name=f"w{week}-")
    ]
    built = [build(engine, press, week) for week in range(11)]
    assert [len(edition) for edition in built] == [10] * 10 + [0]
    assert Counter(chain.from_iterable(built)) == Counter(titles)


def test_thousands_of_articles_of_other_topics_crowd_nothing_out(engine: Engine, press: Press) -> None:
    add_newsletter(engine, topics=("Culture",))
    add(engine, *hours_before(DUE, 2_100, step=0.05), topics=("Sport",), name="sport")
    add(engine, DUE - timedelta(minutes=1), topics=("Culture",), name="culture")
    assert build(engine, press) == ["culture0"]


def test_an_article_is_in_an_edition_of_every_newsletter_that_prints_it(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add_newsletter(engine, name="second")
    add(engine, DUE - timedelta(hours=1))
    assert [report.items for report in publish.build_due(engine, press, now=NOW)] == [1, 1]
    assert [report.items for report in publish.build_due(engine, press, now=NOW + WEEK)] == [0, 0]


def test_builders_that_start_at_the_same_moment_make_one_edition(engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add(engine, *hours_before(DUE, 5))
    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(lambda _: publish.build_due(engine, press, now=NOW)[0], range(6)))
    assert Counter(report.result for report in reports) == {Built.APPROVED: 1, Built.THERE: 5}
    with reading(engine) as connection:
        assert len(edition_store.list_editions(connection)) == 1


def test_a_schedule_that_moves_within_the_week_makes_no_second_edition(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine)
    add(engine, *hours_before(DUE, 2))
    build(engine, press)
    moved = Schedule(weekdays=("wed",), wall_time=time(9, 0), time_zone="UTC", since_at=DUE + timedelta(days=1))
    with writing(engine) as connection:
        change_newsletter(connection, replace(newsletter, schedule=moved), now=DUE + timedelta(days=1))
    add(engine, DUE + timedelta(days=1), name="new")
    (report,) = publish.build_due(engine, press, now=DUE + timedelta(days=2, hours=3))
    assert report.result is Built.THERE
    (report,) = publish.build_due(engine, press, now=DUE + timedelta(days=9, hours=3))
    assert (report.result, report.items) == (Built.APPROVED, 1)


def test_a_newsletter_that_is_switched_off_is_not_built(engine: Engine, press: Press) -> None:
    add_newsletter(engine, is_enabled=False)
    add(engine, *hours_before(DUE, 2))
    assert publish.build_due(engine, press, now=NOW) == []


@pytest.mark.parametrize(("hours", "result"), [(24, Built.APPROVED), (25, Built.DRAFT)])
def test_a_run_beyond_late_hours_waits_for_an_admin(hours: int, result: Built, engine: Engine, press: Press) -> None:
    add_newsletter(engine)
    add(engine, *hours_before(DUE, 2))
    (report,) = publish.build_due(engine, press, now=DUE + timedelta(hours=hours))
    assert report.result is result


def test_a_template_that_would_be_rendered_for_every_reader_is_refused_by_name(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine, max_variants=20)
    add_readers(engine, newsletter, 60)
    add(engine, *hours_before(DUE, 2))
    body = press.template_folders[0] / "email" / "thin" / "body.html"
    body.write_text(body.read_text().replace("</table>", "</table>\n<p>{{ reader.name|replace('R', 'r') }}</p>"))
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.result is Built.DRAFT
    assert "body.html of template 'thin', line 2: reader.name has" in report.message
    asked = {"newsletter": newsletter.name, "field": "max_variants", "value": 200}
    assert report.next == Next(Step.CHANGE_NEWSLETTER, asked)
    with writing(engine) as connection:
        change_newsletter(connection, replace(newsletter, max_variants=200), now=NOW)
    assert report.edition_id is not None
    publish.approve(engine, press, report.edition_id, now=NOW, actor=ADMIN)


def test_a_survey_counts_renderings_and_says_what_makes_them(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine)
    add_readers(engine, newsletter, 60)
    add(engine, *hours_before(DUE, 2))
    body = press.template_folders[0] / "email" / "thin" / "body.html"
    asks = "<p>{% if reader.name == 'Reader 7' %}\nLucky{% endif %} {{ reader.name|upper }}</p></body>"
    body.write_text(body.read_text().replace("</body>", asks))
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.edition_id is not None
    found = publish.survey(engine, publish.open_maker(engine, press, report.edition_id))
    assert (found.readers, found.most, found.variants["en"]["frames"]) == (60, 2, 2)
    (cause,) = [cause for cause in found.causes if cause.answers > 1]
    assert (cause.question, cause.template, cause.line, cause.answers) == (
        "reader.name == 'Reader 7'",
        "body.html",
        1,
        2,
    )


def test_a_sponsor_ends_after_so_many_editions_and_the_next_one_takes_over(engine: Engine, press: Press) -> None:
    first = Sponsor(name="Bank", url="https://b.example", title="Save", until="2026-12-10", most_editions=2)
    second = Sponsor(name="Tram", url="https://t.example", title="Ride", since="2026-12-11")
    add_newsletter(engine, sponsors=(first, second))
    add(engine, *(DUE + week * WEEK - timedelta(hours=1) for week in range(5)))
    shown = []
    for week in range(5):
        (report,) = publish.build_due(engine, press, now=NOW + week * WEEK)
        assert report.edition_id is not None
        with reading(engine) as connection:
            edition = edition_store.get_edition(connection, report.edition_id)
        shown.append(edition.sponsor.name if edition.sponsor else "")
        if week == 0:  # what nobody got does not count
            editions_admin.cancel(engine, report.edition_id, now=NOW, actor=ADMIN)
    assert shown == ["Bank", "Bank", "Bank", "Tram", "Tram"]
    with reading(engine) as connection:
        assert edition_store.count_sponsored(connection, NewsletterId(1)) == {first.key: 2, second.key: 2}


def test_an_edition_tells_of_the_next_events_and_keeps_them(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine, event_days=7, max_events=2)
    days = (-1, 0, 2, 3, 5, 8)
    with writing(engine) as connection:
        for day in days:
            new = Event(title=f"day {day}", starts_at=DUE + timedelta(days=day), time_zone="Asia/Tokyo")
            add_event(connection, newsletter.id, new, now=NOW)
    (nothing,) = publish.build_due(engine, press, now=NOW)
    assert nothing.result is Built.EMPTY
    add(engine, DUE + WEEK - timedelta(hours=1))
    with writing(engine) as connection:
        late = Event(title="late", starts_at=DUE + WEEK + timedelta(days=1), time_zone="UTC")
        number = add_event(connection, newsletter.id, late, now=NOW)
    (report,) = publish.build_due(engine, press, now=NOW + WEEK)
    assert report.edition_id is not None
    with writing(engine) as connection:
        remove_event(connection, number)
        edition = edition_store.get_edition(connection, report.edition_id)
    assert [each.title for each in edition.events] == ["day 8", "late"]
    assert edition.events[1].starts_at == DUE + WEEK + timedelta(days=1)


# --- what is between the build and the approval ------------------------------------------------------------------------


def _built_and_no_more(engine: Engine, newsletter: Newsletter) -> int:
    """The state that a process leaves behind that dies when it has built an edition, and not approved it yet."""
    with writing(engine) as connection:
        (period,) = publish.list_due(connection, newsletter, after=NOW - WEEK, until=NOW)
        edition_id, _ = insert_edition(connection, newsletter, period, now=NOW, hold_reason="", actor=SCHEDULER)
    assert edition_id is not None
    return edition_id


def test_an_edition_whose_builder_died_is_approved_by_the_next_run(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine)
    add_articles(engine, 3)
    edition_id = _built_and_no_more(engine, newsletter)
    assert publish.is_anything_due(engine, now=NOW)
    (report,) = publish.build_due(engine, press, now=NOW)
    assert (report.result, report.edition_id, report.items) == (Built.APPROVED, edition_id, 3)
    assert not publish.is_anything_due(engine, now=NOW)
    (again,) = publish.build_due(engine, press, now=NOW)
    assert again.result is Built.THERE


def test_one_whose_time_is_long_past_waits_for_a_person_and_says_so(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine)
    add_articles(engine, 3)
    edition_id = _built_and_no_more(engine, newsletter)
    reports = publish.build_due(engine, press, now=NOW + timedelta(days=3))
    assert [(each.result, each.edition_id) for each in reports] == [(Built.DRAFT, edition_id)]
    with reading(engine) as connection:
        assert edition_store.get_edition(connection, edition_id).hold_reason == "late by more than 24 hours"


def test_what_waits_for_review_or_was_built_by_hand_is_not_taken_up(engine: Engine, press: Press) -> None:
    newsletter = add_newsletter(engine, needs_review=True)
    add_articles(engine, 3)
    publish.build_due(engine, press, now=NOW)
    add(engine, NOW - timedelta(hours=1), name="later")
    publish.build(engine, press, newsletter, publish.extra_period(NOW), now=NOW)
    with writing(engine) as connection:
        change_newsletter(connection, replace(newsletter, needs_review=False), now=NOW)
        drafts = [each.hold_reason for each in edition_store.list_with_status(connection, EditionStatus.DRAFT)]
    assert drafts == ["waits for review", "waits for review"]
    publish.build_due(engine, press, now=NOW)
    with reading(engine) as connection:
        assert edition_store.list_with_status(connection, EditionStatus.APPROVED) == []


def test_what_goes_wrong_in_one_newsletter_ends_no_other(engine: Engine, press: Press) -> None:
    add_newsletter(engine, name="broken", template="thin")
    add_newsletter(engine, name="good", title="Good")
    add_articles(engine, 3)
    with writing(engine) as connection:  # a zone that no calendar knows: refused at the door, and yet here
        wrong = update(newsletter_table).where(newsletter_table.c.name == "broken").values(time_zone="Nowhere/Land")
        connection.execute(wrong)
    reports = {report.newsletter: report for report in publish.build_due(engine, press, now=NOW)}
    assert reports["broken"].result is Built.FAILED
    assert "Nowhere/Land" in reports["broken"].message
    assert reports["good"].result is Built.APPROVED


@pytest.mark.parametrize("offer", [Offer(), Offer(topics=True)], ids=["the same for all", "one's own"])
def test_more_headlines_than_a_mail_can_hold_wait_for_an_editor_who_is_told_how_many_fit(
    offer: Offer, engine: Engine, press: Press
) -> None:
    add_newsletter(engine, max_items=100, offer=offer)
    add(engine, *(NOW - timedelta(minutes=n) for n in range(1, 101)))
    with writing(engine) as connection:
        connection.execute(update(article).values(title="T" * 1_200))
    (report,) = publish.build_due(engine, press, now=NOW)
    assert report.result is Built.DRAFT
    assert report.next is not None
    assert report.next.of["field"] == "max_items"
    assert 40 < int(str(report.next.of["value"])) < 100
    with reading(engine) as connection:
        (draft,) = edition_store.list_with_status(connection, EditionStatus.DRAFT)
    assert "too long for one mail even as headlines" in draft.hold_reason
