"""Stories in both databases: replayed histories, floods, what an editor did."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import Engine, select

from digest.db.engine import reading, writing
from digest.db.tables import article, article_alias
from digest.model.article import Article
from digest.model.source import SourceId
from digest.sources.store import curation
from digest.sources.store.articles import Stored, put_articles
from digest.sources.store.sources import add_source

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
WORDS = [
    "ferry",
    "bridge",
    "bread",
    "school",
    "council",
    "harbour",
    "market",
    "winter",
    "library",
    "garden",
    "engine",
    "letter",
    "window",
    "orchard",
    "tram",
]


def make(number: int, **changes: object) -> Article:
    made = Article(
        key=f"id-{number}",
        url=f"https://example.org/story-{number}",
        title=f"Story number {number}",
        published_at=NOW - timedelta(hours=number, seconds=number),
        summary=f"What story {number} says, in a sentence that is long enough to know it by, and more after it.",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def put(engine: Engine, *given: Article, source: SourceId | None = None, may_pass: int | None = None) -> Stored:
    with writing(engine) as connection:
        return put_articles(connection, given, source_id=source, now=NOW, may_pass=may_pass)


def source(engine: Engine, name: str = "blog") -> SourceId:
    with writing(engine) as connection:
        return add_source(connection, name, "feed", {"url": f"https://example.org/{name}.xml"}, now=NOW)


def titles(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(article.c.title).order_by(article.c.id)).scalars())


@dataclass
class Site:
    """A site that changes what can be changed of a story, at most two things of one at a time."""

    chance: random.Random
    stories: list[Article]

    def look(self) -> list[Article]:
        shown = []  # what is not, was removed, and comes back later
        for number, each in enumerate(self.stories):
            if self.chance.random() < 0.3:
                continue
            for change in self.chance.sample(("key", "slug", "title", "text"), self.chance.choice((0, 0, 1, 2))):
                each = self._changed(each, number, change)
            self.stories[number] = each
            shown.append(self._dressed(each))
        self.chance.shuffle(shown)
        return shown

    def _changed(self, each: Article, number: int, change: str) -> Article:
        new = f"{number}-{self.chance.randrange(10**9)}"
        if change == "key":
            return replace(each, key=f"https://example.org/?p={new}")
        if change == "slug":
            return replace(each, url=f"https://example.org/{self.chance.choice(WORDS)}-{new}")
        if change == "title":
            return replace(each, title=f"{self.chance.choice(WORDS)}: {each.title.rpartition(': ')[2]}")
        return replace(each, summary=f"Edited {new}: " + " ".join(self.chance.choices(WORDS, k=20)))

    def _dressed(self, each: Article) -> Article:
        """The same address in other clothes."""
        bare = each.url.partition("://")[2]
        return replace(
            each,
            url=self.chance.choice(
                (each.url, f"http://{bare}", f"https://www.{bare}/", f"{each.url}?utm_source=feed", f"{each.url}/amp")
            ),
        )

    def publish(self) -> None:
        number = len(self.stories)
        kind = self.chance.random()
        back_dated = NOW - timedelta(days=self.chance.randrange(400), seconds=number * 60 + 1)
        title = (
            f"Minutes of week {number}"
            if kind < 0.3
            else f"The {self.chance.choice(WORDS)} of {number} {WORDS[number % 15]}s"
        )
        self.stories.append(
            Article(
                key=f"first-{number}",
                url=f"https://example.org/{number}-{self.chance.choice(WORDS)}",
                title=title,
                published_at=back_dated,
                summary=f"Number {number}: " + " ".join(self.chance.choices(WORDS, k=20)),
            )
        )


@pytest.mark.parametrize("seed", range(6))
def test_a_replayed_history_repeats_misses_and_merges_nothing(engine: Engine, seed: int) -> None:
    site, blog = Site(random.Random(seed), []), source(engine)
    for _ in range(12):
        for _ in range(site.chance.randrange(4)):
            site.publish()
        put(engine, *site.look(), source=blog)
    put(engine, *site.stories, source=blog)
    with reading(engine) as connection:
        rows = connection.execute(select(article.c.published_at)).scalars().all()
    assert Counter(rows) == Counter(each.published_at for each in site.stories)
    assert put(engine, *site.stories, source=blog).new == 0


def test_the_edit_updates_it(engine: Engine) -> None:
    blog = source(engine)
    put(engine, make(1), source=blog)
    assert put(engine, make(1, title="Corrected", url="https://example.org/corrected"), source=blog) == Stored(
        changed=1
    )
    assert put(engine, make(1, title="Corrected", key="new", url="https://example.org/story-1"), source=blog).new == 0
    assert titles(engine) == ["Corrected"]


def test_a_second_source_neither_repeats_a_story_nor_rewords_it(engine: Engine) -> None:
    blog, paper = source(engine), source(engine, "paper")
    put(engine, make(1), source=blog)
    told = make(1, key="p1", title="Story number 1", topics=("Town",))
    assert put(engine, told, source=paper) == Stored(unchanged=1)
    assert put(engine, make(1, title="Corrected"), source=blog) == Stored(changed=1)
    assert put(engine, replace(told, url="https://paper.example/1"), source=paper) == Stored(unchanged=1)
    assert titles(engine) == ["Corrected"]


def test_stories_that_share_an_id_or_a_page_are_all_kept(engine: Engine) -> None:
    blog = source(engine)
    days = [make(n, key="latest", published_at=NOW - timedelta(days=n)) for n in range(4)]
    live = [
        make(10 + n, url=f"https://example.org/live#{n}", title=WORDS[n] * 3, published_at=NOW - timedelta(days=n))
        for n in range(4)
    ]
    for each in (*days, *live):
        assert put(engine, each, source=blog) == Stored(new=1)
    assert put(engine, *days, *live, source=blog) == Stored(unchanged=8)


def test_two_processes_that_bring_one_story_insert_it_once(engine: Engine) -> None:
    blog, paper = source(engine), source(engine, "paper")
    stored: list[Stored] = []

    def bring(of: SourceId, key: str) -> None:
        told = [make(n, key=f"{key}{n}", url=f"https://{key}.example/{n}") for n in range(300)]
        stored.append(put(engine, *told, source=of))

    threads = [Thread(target=bring, args=(blog, "blog")), Thread(target=bring, args=(paper, "paper"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(each.new for each in stored) == len(titles(engine)) == 300


def test_the_surplus_is_held_and_the_newest_pass(engine: Engine) -> None:
    blog = source(engine)
    stored = put(engine, *(make(n) for n in range(1_000)), source=blog, may_pass=20)
    assert stored == Stored(new=20, held=980)
    with reading(engine) as connection:
        held = curation.list_held(connection, blog)
    assert {each.article.title for each in held} == {f"Story number {n}" for n in range(20, 1_000)}
    with writing(engine) as connection:
        assert curation.release(connection, [each.article.stored_id for each in held[:3]], now=NOW) == 3
        assert curation.discard(connection, [each.article.stored_id for each in held[3:]], now=NOW) == 977
        assert curation.list_held(connection) == []
    assert put(engine, *(make(n) for n in range(1_000)), source=blog, may_pass=20) == Stored(unchanged=1_000)


def test_what_an_editor_did_outlives_an_edit_of_the_source(engine: Engine) -> None:
    blog = source(engine)
    put(engine, make(1), source=blog)
    until = NOW + timedelta(days=3)
    with writing(engine) as connection:
        curation.change_article(connection, 1, edits={"title": "Ours"})
        curation.put_off(connection, 1, until)
    put(engine, make(1, title="Theirs", published_at=NOW), source=blog)
    with writing(engine) as connection:
        found = curation.get_article(connection, 1)
        assert (found.article.title, found.edits, found.ready_at) == ("Theirs", {"title": "Ours"}, until)
        curation.put_off(connection, 1, None)
        found = curation.get_article(connection, 1)
    assert (found.ready_at, found.version) == (NOW, 4)


def test_only_names_that_differ_from_the_row_s_own_are_kept(engine: Engine) -> None:
    blog = source(engine)
    put(engine, make(1), source=blog)
    put(engine, make(1, title="Corrected"), source=blog)

    def aliases() -> list[str]:
        with reading(engine) as connection:
            return list(connection.execute(select(article_alias.c.name).order_by(article_alias.c.name)).scalars())

    assert aliases() == []
    put(engine, make(1, title="Corrected", key="new", url="https://example.org/moved"), source=blog)
    assert aliases() == [f"key {blog} new", "url https://example.org/moved", "url https://example.org/story-1"]
