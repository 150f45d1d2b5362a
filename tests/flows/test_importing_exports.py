"""Files that other systems write: who left, bounced or was blocked there is not mailed from here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from digest.audience.elsewhere import Answers
from digest.db.engine import reading
from digest.db.tables import consent, subscriber, subscription
from digest.errors import BadInput, Step
from digest.flows.importing import ImportReport, import_subscribers
from digest.model.newsletter import Newsletter
from tests.site import NOW, add_newsletter


@pytest.fixture
def newsletter(engine: Engine) -> Newsletter:
    return add_newsletter(engine)


def bring(engine: Engine, newsletter: Newsletter, file: Path, content: str, **options: object) -> ImportReport:
    file.write_text(content, newline="")
    return import_subscribers(engine, file, newsletter_id=newsletter.id, now=NOW, **options)  # type: ignore[arg-type]


def active(engine: Engine) -> list[str]:
    query = select(subscriber.c.address).join(subscription).where(subscription.c.status == "active")
    with reading(engine) as connection:
        return [address.partition("@")[0] for address in connection.execute(query.order_by(subscriber.c.id)).scalars()]


MAILCHIMP = (
    "Email Address,First Name,Last Name,Address,RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,TIMEZONE,{column}\n"
    '"in@example.net",Ann,Alder,"1 Quay St  Port Alder",4,,,"2023-03-01 10:11:12",203.0.113.9,America/New_york,\n'
    '"out@example.net",Bo,Birch,"",2,,,"2023-03-02 10:11:12",203.0.113.8,,{value}\n'
)
EXPORTS = {
    "mailchimp left": MAILCHIMP.format(column="UNSUB_TIME", value='"2024-01-02 03:04:05"'),
    "mailchimp cleaned": MAILCHIMP.format(column="CLEAN_TIME", value='"2024-01-02 03:04:05"'),
    "mailchimp reason": MAILCHIMP.format(column="UNSUB_REASON", value="No longer interested"),
    "ghost": (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"
        "1,in@example.net,Ann,,true,false,,2023-05-01T12:00:00.000Z,,,\n"
        "2,out@example.net,Bo,,false,false,,2023-05-01T12:00:00.000Z,,,\n"
        "3,gone@example.net,Cy,,true,false,,2023-05-01T12:00:00.000Z,2024-05-01T12:00:00.000Z,,\n"
    ),
    "substack": (
        "email,active_subscription,expiry,plan,email_disabled,digest_enabled,created_at\n"
        "in@example.net,false,,other,false,false,2023-05-01T12:00:00.000Z\n"
        "out@example.net,false,,other,true,false,2023-05-01T12:00:00.000Z\n"
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        'a,in@example.net,Ann,"{""city"": ""Alder""}",enabled,2023-05-01T12:00:00.123456Z,2023-05-01T12:00:00Z\n'
        "b,out@example.net,Bo,{},blocklisted,2023-05-01T12:00:00Z,2023-05-01T12:00:00Z\n"
        "c,off@example.net,Cy,{},disabled,2023-05-01T12:00:00Z,2023-05-01T12:00:00Z\n"
    ),
    "buttondown": (
        "email_address,notes,subscriber_type,unsubscription_date,unsubscription_reason,creation_date\n"
        "in@example.net,,regular,,,2023-05-01\n"
        "out@example.net,,unsubscribed,2024-05-01,,2023-05-01\n"
        "new@example.net,,unactivated,,,2023-05-01\n"
        "bad@example.net,,undeliverable,,,2023-05-01\n"
    ),
    "beehiiv": (
        "email,status,created_at,utm_source,subscription_tier\n"
        "in@example.net,active,2023-05-01 12:00:00 UTC,,free\n"
        "out@example.net,inactive,2023-05-01 12:00:00 UTC,,free\n"
        "new@example.net,pending,2023-05-01 12:00:00 UTC,,premium\n"
    ),
    "kit": (
        "first_name,email_address,state,created_at\n"
        "Ann,in@example.net,active,2023-05-01\n"
        "Bo,out@example.net,cancelled,2023-05-01\n"
        "Cy,bad@example.net,bounced,2023-05-01\n"
        "Di,angry@example.net,complained,2023-05-01\n"
    ),
    "mailpoet": (
        '"Email";"First name";"Last name";"Global status";"List status";"Subscribed in list"\n'
        "in@example.net;Ann;Alder;Subscribed;Subscribed;News\n"
        "out@example.net;Bo;Birch;Unsubscribed;Unsubscribed;News\n"
        "new@example.net;Cy;Cedar;Unconfirmed;Subscribed;News\n"
        "bad@example.net;Di;Dogwood;Bounced;Subscribed;News\n"
    ),
    "government": (
        "Subscriber Email,Subscribed On,Opt Out,Bounced,Do Not Email\n"
        "in@example.net,2020-01-01,N,0,\n"
        "out@example.net,2020-01-01,Y,0,\n"
        "bad@example.net,2020-01-01,N,2021-01-01,\n"
        "dnc@example.net,2020-01-01,N,0,X\n"
    ),
    "a table of one's own": "email,subscribed\nin@example.net,yes\nout@example.net,no\n",
    "booleans": "email,unsubscribed\nin@example.net,0\nout@example.net,1\n",
    "zero dates": "email,unsubscribed_at\nin@example.net,0000-00-00 00:00:00\nout@example.net,2024-01-01 00:00:00\n",
    "german": "E-Mail-Adresse;Abgemeldet\nin@example.net;nein\nout@example.net;ja\n",
    "a tag": 'email,tags\nin@example.net,"vip, local"\nout@example.net,"vip, unsubscribed"\n',
    "consent": "email,consent\nin@example.net,form of 2024\nout@example.net,no\n",
    "a newsletter": "email,newsletter\nin@example.net,yes\nout@example.net,no\n",
    "json": "\n".join(
        [
            json.dumps({"email": "in@example.net", "name": "Ann"}),
            json.dumps({"email": "out@example.net", "subscribed": False}),
            json.dumps({"email": "bad@example.net", "bounced": True}),
        ]
    ),
}


@pytest.mark.parametrize("export", EXPORTS)
def test_who_left_elsewhere_is_kept_out_and_named(
    export: str, engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    report = bring(engine, newsletter, tmp_path / "export.csv", EXPORTS[export])
    assert active(engine) == ["in"]
    assert (report.new, report.refused_count) == (1, 0)
    assert report.kept_out == report.lines - 1 == len(report.notes)
    assert all(note.endswith(": kept out") for _, note in report.notes)


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ("email,status\na@example.net,subscribed\nb@example.net,VIP\n", r"'status=VIP' \(1 rows, first in line 3\)"),
        ("email,status\na@example.net,1\nb@example.net,2\n", "'status=1'.*'status=2'"),
        ("email,subscribed\na@example.net,yes\nb@example.net,perhaps\n", "'subscribed=perhaps'"),
        ("email,opt_in\na@example.net,x\nb@example.net,\n", "'opt_in='"),
        ("email,bounced\na@example.net,soft\n", "'bounced=soft'"),
        ("email,confirmed_at\na@example.net,2024-01-01\nb@example.net,\n", "'confirmed_at='"),
        ("email,state\na@example.net,active\nb@example.net,on hold\n", "'state=on hold'"),
        ("email,active_subscription\na@example.net,lapsed\n", "'active_subscription=lapsed'"),
        ('{"email": "a@example.net"}\n{"email": "b@example.net", "status": "odd"}\n', "'status=odd'"),
    ],
)
def test_a_value_that_nobody_knows_is_a_question_and_no_yes(
    content: str, asked: str, engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=asked) as refusal:
        bring(engine, newsletter, tmp_path / "export.csv", content)
    assert refusal.value.next is not None
    assert refusal.value.next.step is Step.SAY_WHO_WANTS_MAIL
    assert active(engine) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"wants": ["Status=vip"]}, ["a", "b"]),
        ({"left": ["status=VIP"]}, ["a"]),
        ({"other": ["status"]}, ["a", "b", "c"]),
        ({"wants": ["status=VIP"], "left": ["plan=gold"]}, ["a"]),
    ],
)
def test_a_person_says_what_a_value_means(
    options: dict[str, list[str]], expected: list[str], engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    content = "email,status,plan\na@example.net,active,tin\nb@example.net,VIP,gold\nc@example.net,unsubscribed,tin\n"
    answers = Answers.of(**options)
    if "plan" in str(options):
        with pytest.raises(BadInput, match="'plan=tin'"):
            bring(engine, newsletter, tmp_path / "export.csv", content, answers=answers)
        answers = Answers.of(wants=["status=VIP", "plan=tin"], left=["plan=gold"])
    bring(engine, newsletter, tmp_path / "export.csv", content, answers=answers)
    assert active(engine) == expected


def test_an_answer_about_no_column_is_refused(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no column 'stauts'"):
        bring(
            engine,
            newsletter,
            tmp_path / "a.csv",
            "email,status\na@example.net,active\n",
            answers=Answers.of(other=["stauts"]),
        )
    with pytest.raises(BadInput, match="'status' is not COLUMN=VALUE"):
        Answers.of(wants=["status"])
    with pytest.raises(BadInput, match="cannot mean both"):
        Answers.of(wants=["status=x"], left=["Status=X"])


@pytest.mark.parametrize(
    "content",
    [
        "email,state\na@example.net,ME\nb@example.net,NO\n",
        "email,newsletter\na@example.net,harbour\nb@example.net,harbour\n",
        "email,type\na@example.net,school\nb@example.net,\n",
        "email,unsubscribe_url,sms_consent\na@example.net,https://a.example/u,no\nb@example.net,https://a.example/v,\n",
        "email,status,subscribed\na@example.net,,\nb@example.net,,\n",
        "email,note\na@example.net,He asked about bounced cheques\nb@example.net,\n",
    ],
)
def test_columns_about_something_else_keep_nobody_out(
    content: str, engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    bring(engine, newsletter, tmp_path / "export.csv", content)
    assert active(engine) == ["a", "b"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_lines_for_one_person_the_one_that_says_they_left_counts(
    order: tuple[int, int], engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    lines = ["a@example.net,active\n", "A@Example.net,unsubscribed\n"]
    bring(engine, newsletter, tmp_path / "export.csv", "email,status\n" + "".join(lines[at] for at in order))
    assert active(engine) == []


def test_whom_an_import_brought_a_later_one_takes_out(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    """Who was brought by a file without that column leaves when a file says so; it stays so."""
    bring(engine, newsletter, tmp_path / "old.csv", "email\na@example.net\nb@example.net\n")
    later = "email,status\na@example.net,unsubscribed\nb@example.net,subscribed\n"
    rehearsed = bring(engine, newsletter, tmp_path / "new.csv", later, dry_run=True)
    assert active(engine) == ["a", "b"]
    report = bring(engine, newsletter, tmp_path / "new.csv", later)
    assert (rehearsed.ended, report.ended, report.kept_out) == (1, 1, 1)
    assert report.notes == [(2, "status: unsubscribed: has left")]
    assert active(engine) == ["b"]
    with reading(engine) as connection:
        proof = connection.execute(select(consent).order_by(consent.c.id.desc())).first()
    assert proof is not None
    assert (proof.given, proof.origin, proof.wording) == (False, "new.csv line 2", "status: unsubscribed")
    assert bring(engine, newsletter, tmp_path / "old.csv", "email\na@example.net\n").kept_out == 1


def test_a_mailchimp_export_as_it_is(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    bring(engine, newsletter, tmp_path / "export.csv", EXPORTS["mailchimp left"])
    with reading(engine) as connection:
        row = connection.execute(select(subscriber, subscription.c.joined_at).join(subscription)).one()
        proof = connection.execute(select(consent)).one()
    assert (row.address, row.name, row.time_zone) == ("in@example.net", "Ann Alder", "America/New_York")
    assert row.attributes["postal_address"].startswith("1 Quay St")
    at = datetime(2023, 3, 1, 10, 11, 12, tzinfo=UTC)
    assert (row.joined_at, proof.at, proof.origin) == (at, at, "export.csv line 2: IP 203.0.113.9")


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("created_at", "2023-05-01T12:00:00.000Z", datetime(2023, 5, 1, 12, tzinfo=UTC)),
        ("Created At", "2023-05-01 12:00:00 UTC", datetime(2023, 5, 1, 12, tzinfo=UTC)),
        ("OPTIN_TIME", "2023-05-01 12:00:00", datetime(2023, 5, 1, 12, tzinfo=UTC)),
        ("Date Added", "2023-05-01", datetime(2023, 5, 1, tzinfo=UTC)),
        ("subscribed_at", "2023-05-01 14:00:00+02:00", datetime(2023, 5, 1, 12, tzinfo=UTC)),
        ("created_at", "01/05/2023 noon", NOW),
    ],
)
def test_the_day_of_another_system_is_the_day_they_joined(
    column: str, text: str, expected: datetime, engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    bring(engine, newsletter, tmp_path / "export.csv", f"email,{column}\na@example.net,{text}\n")
    with reading(engine) as connection:
        assert connection.execute(select(subscription.c.joined_at)).scalar() == expected


@pytest.mark.parametrize(
    ("header", "cells", "name"),
    [
        ("first_name,last_name", "Ann,Alder", "Ann Alder"),
        ("FNAME,LNAME", "Ann,", "Ann"),
        ("Vorname,Nachname", "Änne,Erle", "Änne Erle"),
        ("name,first_name", "Ann of Alder,Ann", "Ann of Alder"),
        ("name,first_name,last_name", ",Ann,Alder", "Ann Alder"),
        ("Full Name,city", "Ann Alder,Port", "Ann Alder"),
    ],
)
def test_a_name_in_two_columns_is_one_name(
    header: str, cells: str, name: str, engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    bring(engine, newsletter, tmp_path / "export.csv", f"email,{header}\na@example.net,{cells}\n")
    with reading(engine) as connection:
        assert connection.execute(select(subscriber.c.name)).scalar() == name
