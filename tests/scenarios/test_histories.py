"""Histories of a feed, and what a reader gets of them: each story in one mail, once, and every story in one.

A site publishes, edits, rewrites, moves, re-publishes under new ids and revisions, mends slugs, goes to https and adds
tracking parameters, in one feed or two; it is collected in between, and after each look an edition goes out. Between two
looks a story changes in one way: who changes its words, its address and its id at once has written another one.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from sqlalchemy import Engine, select

from digest.db.engine import reading, writing
from digest.db.tables import article
from digest.editions.candidates import Window
from digest.editions.store.articles import list_candidates
from digest.flows.collect import collect_sources
from digest.sources.fetch import Fetcher
from digest.sources.store.sources import add_source
from tests.site import NOW

THINGS = (
    "ferry",
    "bridge",
    "bread",
    "school",
    "council",
    "market",
    "winter",
    "library",
    "garden",
    "tram",
    "orchard",
    "quay",
)
DEEDS = ("opens early", "costs more", "is closed", "moves house", "needs help", "wins a prize", "is late", "was sold")


@dataclass(frozen=True)
class Item:
    """As it stands in the feed; `story` is what nobody but the test sees of it."""

    story: int
    title: str
    link: str
    guid: str
    at: datetime
    text: str

    def xml(self) -> str:
        guid = f'<guid isPermaLink="false">{escape(self.guid)}</guid>' if self.guid else ""
        return (
            f"<item><title>{escape(self.title)}</title><link>{escape(self.link)}</link>{guid}"
            f"<pubDate>{self.at:%a, %d %b %Y %H:%M:%S} +0000</pubDate><description>{escape(self.text)}</description></item>"
        )


@dataclass
class Site:
    chance: random.Random
    now: datetime = NOW
    items: list[Item] = field(default_factory=list)
    is_secure: bool = False
    edits: int = 0

    def words(self, count: int) -> str:
        return " ".join(self.chance.choices(THINGS, k=count))

    def publish(self) -> None:
        number = len(self.items) + 1
        title = f"The {self.chance.choice(THINGS)} of {self.chance.choice(THINGS)} {self.chance.choice(DEEDS)}"
        slug = f"{title.replace(' ', '-').lower()}-{'abcdefghijklmnopqrstuvwxyz'[number % 26]}{number // 26 or ''}"
        link = f"{'https' if self.is_secure else 'http'}://paper.example/{slug}"
        style = self.chance.randrange(4)
        guid = ("", link, f"urn:{number}", f"{link}#0")[style]
        at = self.now - timedelta(minutes=self.chance.randrange(1, 300), seconds=self.chance.randrange(60))
        self.items.append(Item(number, title, link, guid, at, f"{self.words(14)} {number}."))

    def change(self, count: int) -> None:
        """One thing of some items, as sites do it: what is replaced is gone from the feed."""
        ways = (
            self._edited,
            self._rewritten,
            self._moved,
            self._revised,
            self._mended,
            self._tracked,
            self._republished,
        )
        for at in self.chance.sample(range(len(self.items)), min(count, len(self.items))):
            self.edits += 1
            self.items[at] = self.chance.choice(ways)(self.items[at])

    def _edited(self, item: Item) -> Item:
        return replace(item, text=f"{item.text} Edited {self.edits} times.", title=f"{item.title}, at last")

    def _rewritten(self, item: Item) -> Item:
        """All but the address: a new id as well, within hours."""
        title = f"{self.words(4)} {self.edits}"
        guid = item.guid and f"urn:again:{self.edits}"
        return replace(item, title=title, text=self.words(16), guid=guid, at=item.at + timedelta(hours=2))

    def _moved(self, item: Item) -> Item:
        moved = item.link.replace("paper.example/", f"paper.example/moved-{self.edits}/")
        return replace(item, link=moved, guid=item.guid.replace(item.link, moved))

    def _revised(self, item: Item) -> Item:
        if "#" not in item.guid:
            return item
        base, _, number = item.guid.partition("#")
        if base != item.link:
            return item
        title = f"{self.words(4)} {self.edits}"
        return replace(item, guid=f"{base}#{int(number) + 1}", title=title, text=self.words(16))

    def _mended(self, item: Item) -> Item:
        """A slip in the title is mended, and with it the address and the id that are made of it."""
        link = f"{item.link}-mended-{self.edits}"
        return replace(item, title=f"{item.title}s", link=link, guid=item.guid.replace(item.link, link))

    def _tracked(self, item: Item) -> Item:
        mark = self.chance.choice(("utm_source=rss", "pk_campaign=rss", "CMP=rss", "source=rss----1", "at_medium=x"))
        return replace(item, link=f"{item.link}{'&' if '?' in item.link else '?'}{mark}")

    def _republished(self, item: Item) -> Item:
        return replace(item, guid=item.guid and f"urn:new:{self.edits}", at=item.at + timedelta(minutes=5))

    def go_secure(self) -> None:
        self.is_secure = True
        self.items = [
            replace(each, link=each.link.replace("http:", "https:"), guid=each.guid.replace("http:", "https:"))
            for each in self.items
        ]

    def feed(self) -> str:
        items = "".join(each.xml() for each in self.items)
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>P</title>{items}</channel></rss>'


def mailed(engine: Engine, since: datetime, until: datetime) -> list[int]:
    """The articles that an edition takes which is due now, by what was stored since the last one."""
    with reading(engine) as connection:
        window = Window(since=since - timedelta(days=30), until=until)
        ids = {each.id for each in list_candidates(connection, None, window, limit=1_000)}
        rows = connection.execute(select(article.c.id).where(article.c.first_seen_at > since)).scalars()
        return [id_ for id_ in rows if id_ in ids]


@pytest.mark.parametrize("feeds", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_a_reader_gets_each_story_once_whatever_the_site_does_to_it(
    seed: int, feeds: int, engine: Engine, tmp_path: Path
) -> None:
    chance = random.Random(f"{seed} {feeds}")
    site = Site(chance)
    files = [tmp_path / f"{number}.xml" for number in range(feeds)]
    with writing(engine) as connection:
        for file in files:
            add_source(connection, file.stem, "feed", {"file": str(file)}, now=NOW)
    mails: list[int] = []
    for look in range(10):
        for _ in range(chance.randrange(1, 4)):
            site.publish()
        site.change(chance.randrange(4))
        if look == 5:
            site.go_secure()
        for file in files:
            file.write_text(site.feed())
        before = site.now
        site.now += timedelta(hours=chance.randrange(1, 30))
        for report in collect_sources(engine, Fetcher(), now=site.now, names=[file.stem for file in files], at_once=1):
            assert not report.error
            assert not report.refused
            assert report.read == len(site.items)
        mails += mailed(engine, before, site.now)
        assert max(Counter(mails).values()) == 1
        assert len(mails) == len(site.items), [each.title for each in site.items]
