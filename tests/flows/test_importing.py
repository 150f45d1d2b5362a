"""Files of readers and of articles, good and bad, on both databases."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from digest.audience.store.subscribers import suppress
from digest.db.engine import reading, writing
from digest.db.tables import article, consent, subscriber, subscription
from digest.errors import BadInput
from digest.flows import membership
from digest.flows.importing import ImportReport, import_articles, import_subscribers
from digest.model.address import EmailAddress
from digest.model.feedback import Unsubscribe
from digest.model.newsletter import Newsletter
from digest.model.subscriber import SuppressionReason
from tests.site import NOW, add_newsletter


@pytest.fixture
def newsletter(engine: Engine) -> Newsletter:
    return add_newsletter(engine)


def bring(engine: Engine, newsletter: Newsletter, file: Path, content: str | bytes, **options: object) -> ImportReport:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return import_subscribers(engine, file, newsletter_id=newsletter.id, now=NOW, **options)  # type: ignore[arg-type]


def addresses(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(subscriber.c.address).order_by(subscriber.c.address_key)).scalars())


def count(engine: Engine, table: object) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


PEOPLE = (
    "email,name,language,time_zone,joined_at,plan\n"
    'ada@example.org,"Lovelace, Ada",en,Europe/London,2026-01-02,pro\n'
    "bo@example.org,Bo,de,,,\n"
)


def test_twice_changes_nothing(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    first = bring(engine, newsletter, tmp_path / "people.csv", PEOPLE)
    assert (first.lines, first.new, first.refused_count) == (2, 2, 0)
    with reading(engine) as connection:
        before = connection.execute(select(subscriber).order_by(subscriber.c.id)).all()
        joined = connection.execute(select(subscription.c.joined_at).order_by(subscription.c.id)).scalars().all()
    assert before[0].attributes == {"plan": "pro"}
    assert before[0].name == "Lovelace, Ada"
    assert (joined[0].year, joined[0].month) == (2026, 1)
    assert joined[1] == NOW
    second = bring(engine, newsletter, tmp_path / "people.csv", PEOPLE)
    assert (second.new, second.changed, second.unchanged) == (0, 0, 2)
    with reading(engine) as connection:
        assert connection.execute(select(subscriber).order_by(subscriber.c.id)).all() == before
    assert count(engine, consent) == 2


def test_what_the_file_says_replaces_what_is_stored(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    bring(engine, newsletter, tmp_path / "people.csv", PEOPLE)
    changed = bring(engine, newsletter, tmp_path / "more.csv", "address,name,city\nADA@EXAMPLE.ORG,Ada,Port Alder\n")
    assert (changed.new, changed.changed) == (0, 1)
    with reading(engine) as connection:
        row = connection.execute(select(subscriber).where(subscriber.c.address_key == "ada@example.org")).one()
    assert (row.name, row.language, row.attributes) == ("Ada", "en", {"plan": "pro", "city": "Port Alder"})


def test_bad_lines_are_refused_by_number_and_the_rest_goes_on(
    engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    file = (
        "address,name,language,time_zone\n"
        "good@example.org,Good,en,\n"
        "no-at-sign,X,,\n"
        "two@at@example.org,X,,\n"
        "nul\0@example.org,X,,\n"
        "nul@example.org,X\0Y,,\n"
        ",X,,\n"
        "lang@example.org,X,klingonese,\n"
        "zone@example.org,X,,Europe/Berlim\n"
        "Good@Example.org,Again,,\n"
        "too@example.org,many,cells,in,this,one\n"
        "last@example.org,Last,,\n"
    )
    report = bring(engine, newsletter, tmp_path / "people.csv", file)
    assert addresses(engine) == ["good@example.org", "last@example.org"]
    reasons = dict(report.refused)
    assert sorted(reasons) == [3, 4, 5, 6, 7, 8, 9, 11]
    assert "address" in reasons[3]
    assert "NUL" in reasons[6]
    assert reasons[7] == "address: empty"
    assert "language" in reasons[8]
    assert "did you mean Europe/Berlin?" in reasons[9]
    assert "6 cells" in reasons[11]
    assert (report.duplicates, report.notes) == (1, [(10, "stands further up already")])
    assert report.lines == report.new + report.duplicates + report.refused_count


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name,city\nX,Y\n", "no column 'address'"),
        ("emial,name\nx@example.org,X\n", "did you mean address"),
        ("address,languge\nx@example.org,en\n", "'languge': did you mean language"),
        ("address,email\nx@example.org,y@example.org\n", "two columns for 'address'"),
        ("", "is empty"),
        (b"address,name\nx@example.org,J\xf6rg\n", r"line 2 is not utf-8 \(byte 0xf6\)"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_written(
    content: str | bytes, reason: str, engine: Engine, newsletter: Newsletter, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=reason):
        bring(engine, newsletter, tmp_path / "people.csv", content)
    assert addresses(engine) == []


def test_another_encoding(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    text = "address;name\njoerg@example.org;Jörg\n"
    latin = bring(engine, newsletter, tmp_path / "a.csv", text.encode("windows-1252"), encoding="windows-1252")
    assert latin.new == 1
    wide = bring(engine, newsletter, tmp_path / "b.csv", text.encode("utf-16"))
    assert (wide.unchanged, wide.refused_count) == (1, 0)
    marked = bring(engine, newsletter, tmp_path / "c.csv", b"\xef\xbb\xbf" + text.encode())
    assert marked.unchanged == 1
    with pytest.raises(BadInput, match="no encoding 'klingon'"):
        bring(engine, newsletter, tmp_path / "d.csv", text, encoding="klingon")
    with pytest.raises(BadInput, match="cannot be read"):
        import_subscribers(engine, tmp_path / "none.csv", newsletter_id=newsletter.id, now=NOW)


def test_json_lines(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    lines = [
        json.dumps({"address": "ada@example.org", "name": "Ada", "tags": ["a", "b"], "pro": True, "age": 36}),
        "{broken",
        json.dumps({"address": "bo@example.org", "extra": {"deep": 1}}),
        json.dumps({"address": "cy@example.org"}),
    ]
    report = bring(engine, newsletter, tmp_path / "people.jsonl", "\n".join(lines))
    assert addresses(engine) == ["ada@example.org", "cy@example.org"]
    assert [line for line, _ in report.refused] == [2, 3]
    with reading(engine) as connection:
        row = connection.execute(select(subscriber).where(subscriber.c.address_key == "ada@example.org")).one()
    assert row.attributes == {"tags": "a, b", "pro": "yes", "age": "36"}


def test_who_left_or_is_suppressed_stays_out(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    """P5: an import brings nobody back."""
    bring(engine, newsletter, tmp_path / "people.csv", PEOPLE)
    with reading(engine) as connection:
        ada = connection.execute(select(subscription.c.id).order_by(subscription.c.id)).scalars().first()
    assert ada is not None
    membership.leave(engine, Unsubscribe(subscription_id=ada, at=NOW, method="page"), origin="/u/")
    with writing(engine) as connection:
        suppress(connection, EmailAddress.parse("cy@example.org"), SuppressionReason.COMPLAINT, now=NOW)
    report = bring(engine, newsletter, tmp_path / "more.csv", PEOPLE + "cy@example.org,Cy,,,,\n")
    assert (report.kept_out, report.unchanged, report.new) == (2, 1, 0)
    assert sorted(report.notes) == [(2, "left: kept out"), (4, "suppressed: kept out")]
    with reading(engine) as connection:
        states = connection.execute(select(subscription.c.status).order_by(subscription.c.id)).scalars().all()
    assert list(states) == ["left", "active"]


def test_a_dry_run_says_the_same_and_writes_nothing(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    report = bring(engine, newsletter, tmp_path / "people.csv", PEOPLE, dry_run=True)
    assert report.new == 2
    assert addresses(engine) == []


def test_a_second_newsletter_shares_the_subscriber(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    bring(engine, newsletter, tmp_path / "people.csv", PEOPLE)
    other = add_newsletter(engine, name="other")
    assert bring(engine, other, tmp_path / "people.csv", PEOPLE).new == 2
    assert (count(engine, subscriber), count(engine, subscription), count(engine, consent)) == (2, 4, 4)


def test_more_than_one_batch(engine: Engine, newsletter: Newsletter, tmp_path: Path) -> None:
    rows = "".join(f"reader{number}@example.org,Reader {number}\n" for number in range(5_001))
    seen: list[int] = []
    report = bring(engine, newsletter, tmp_path / "people.csv", "address,name\n" + rows, progress=seen.append)
    assert (report.new, count(engine, subscription)) == (5_001, 5_001)
    assert 0 < sum(seen) <= (tmp_path / "people.csv").stat().st_size


# --- articles --------------------------------------------------------------------------------------------------------


def story(number: int, **values: object) -> dict[str, object]:
    at = (NOW - timedelta(hours=number)).isoformat()
    return {"url": f"https://a.example/{number}", "title": f"Story {number}", "published_at": at} | values


def bring_articles(engine: Engine, file: Path, *rows: object) -> ImportReport:
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return import_articles(engine, file, now=NOW)


def test_articles_with_everything_and_with_nothing(engine: Engine, tmp_path: Path) -> None:
    full = story(
        1,
        title="<i>Fish</i> &amp; chips",
        authors=["Ana", "Bo"],
        reviewer="Prof. Holm",
        reviewed_at="2026-11-20",
        summary="A long tale. " * 400,
        image={"src": "https://a.example/i.png", "alt": "A boat"},
        topics=["City"],
        language="en",
        words=900,
        comment_count=3,
        comments=[{"author": "R.", "text": "Nice", "url": "javascript:x"}],
        citation="Ana, Bo. Fish. 2026.",
    )
    report = bring_articles(engine, tmp_path / "a.jsonl", full, story(2))
    assert (report.new, report.refused_count) == (2, 0)
    with reading(engine) as connection:
        first, second = connection.execute(select(article).order_by(article.c.id)).all()
    assert first.title == "Fish & chips"
    assert len(first.summary) <= 400
    assert first.comments == [{"author": "R.", "text": "Nice", "url": ""}]
    assert (first.reviewer, first.words, first.image_alt) == ("Prof. Holm", 900, "A boat")
    assert (second.summary, second.topics, second.words) == ("", [], None)
    assert bring_articles(engine, tmp_path / "a.jsonl", full, story(2)).unchanged == 2
    again = bring_articles(engine, tmp_path / "a.jsonl", full, story(2, title="Another"))
    assert (again.new, again.changed, again.unchanged) == (0, 1, 1)


@pytest.mark.parametrize("title", ["The <dialog> element", "Tom <tom@example.org>", "List<String> in Java"])
def test_a_title_in_a_file_keeps_the_word_it_is_about(title: str, engine: Engine, tmp_path: Path) -> None:
    bring_articles(engine, tmp_path / "a.jsonl", story(1, title=title, summary=title))
    (tmp_path / "a.csv").write_text(f'url,title,published_at\nhttps://a.example/2,"{title}",{NOW.isoformat()}\n')
    import_articles(engine, tmp_path / "a.csv", now=NOW)
    with reading(engine) as connection:
        found = connection.execute(select(article.c.title, article.c.summary).order_by(article.c.id)).all()
    assert [tuple(each) for each in found] == [(title, title), (title, "")]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"url": "javascript:alert(1)"}, "is no web address"),
        ({"url": ""}, "is no web address"),
        ({"title": "<b></b>"}, "title: empty"),
        ({"title": "a\0b"}, "NUL"),
        ({"published_at": ""}, "published_at: empty"),
        ({"published_at": "yesterday"}, "'yesterday' is no ISO date"),
        ({"image": "data:image/png;base64,x"}, "image: .* is no web address"),
        ({"words": "many"}, "words: 'many' is no whole number"),
        ({"comments": "nothing"}, "comments: not a list"),
    ],
)
def test_a_bad_article_is_refused_and_the_rest_goes_on(
    values: dict[str, object], reason: str, engine: Engine, tmp_path: Path
) -> None:
    report = bring_articles(engine, tmp_path / "a.jsonl", story(1), story(2, **values), story(3))
    assert report.new == 2
    [(line, said)] = report.refused
    assert line == 2
    assert re.search(reason, said)


def test_an_unknown_column_of_articles_is_named(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("url,title,published_at,sumary\nhttps://a.example/1,One,2026-11-20,x\n")
    with pytest.raises(BadInput, match="unknown column 'sumary'; did you mean summary"):
        import_articles(engine, file, now=NOW)
    file.write_text("url,title\nhttps://a.example/1,One\n")
    with pytest.raises(BadInput, match="no column 'published_at'"):
        import_articles(engine, file, now=NOW)
