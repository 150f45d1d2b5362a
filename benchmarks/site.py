"""The site that is measured: readers in the ledger, forty articles, and for every reader a choice of their own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text, update

from digest.audience.links import Links
from digest.audience.tokens import Keyring
from digest.clock import FixedClock
from digest.db import migrate
from digest.db.engine import make_engine, writing
from digest.db.tables import article, delivery, subscriber, subscription
from digest.demo import content
from digest.demo.readers import readers as invented
from digest.editions.picks import PLAIN, number_of, pack
from digest.editions.store import editions as edition_store
from digest.editions.store.newsletters import add_newsletter
from digest.flows import publish
from digest.flows.copies import CopyMaker
from digest.flows.publish import Press
from digest.message.keys import make_key
from digest.message.sign import Signer
from digest.model.choices import Length
from digest.model.edition import EditionStatus
from digest.render.files import BUILT_IN

NOW = datetime(2026, 11, 23, 7, 0, 5, tzinfo=UTC)
CLOCK = FixedClock(NOW)
CANDIDATES, PICKS = 40, 9
HOSTS = ("example.org", "example.com", "example.net", "mail.example.org", "post.example")
PRESS = Press(
    template_folders=[BUILT_IN],
    links=Links("https://digest.example.org", unsubscribe_mailbox="leave@example.org", keyring=Keyring([b"k" * 32])),
)


def make_site(
    url: str,
    readers: int,
    *,
    candidates: int = CANDIDATES,
    topics: Sequence[str] = (),
    preferences: Callable[[int], dict[str, object]] = lambda _: {},
    **changes: Any,
) -> tuple[Engine, int]:
    """An engine and the id of an approved edition; nothing is planned yet.

    topics        given to the articles in turn; their own where there are none
    preferences   of the reader of that number
    changes       of the newsletter
    """
    engine = make_engine(url)
    migrate.upgrade(engine)
    newsletter = replace(content.newsletter(), needs_review=False, max_items=candidates, languages=())
    newsletter = replace(newsletter, topics=tuple(topics) or newsletter.topics, **changes)
    with writing(engine) as connection:
        newsletter_id = add_newsletter(connection, newsletter, now=NOW)
        connection.execute(insert(article), list(_articles(candidates, topics)))
    for start in range(0, readers, 20_000):
        _add_readers(engine, newsletter_id, start, min(20_000, readers - start), preferences)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    [report] = publish.build_due(engine, PRESS, now=NOW)
    assert report.edition_id is not None
    with writing(engine) as connection:
        assert edition_store.find_status(connection, report.edition_id) is EditionStatus.APPROVED
    return engine, report.edition_id


def give_choices(engine: Engine, readers: int) -> None:
    """Nine of the forty for every reader, in the edition's order: hardly two readers have the same."""
    chance = random.Random(7)  # a measurement must be repeatable
    for start in range(0, readers, 20_000):
        rows = [
            {
                "b_id": number + 1,
                "b_picks": _some_of(chance),
            }
            for number in range(start, min(start + 20_000, readers))
        ]
        with writing(engine) as connection:
            statement = update(delivery).where(delivery.c.id == text(":b_id")).values(picks=text(":b_picks"))
            connection.execute(statement, rows)


def _some_of(chance: random.Random) -> str:
    return pack(Length.FULL, [number_of(at, PLAIN) for at in sorted(chance.sample(range(CANDIDATES), PICKS))])


def open_maker(engine: Engine, edition_id: int, signer: Signer | None = None) -> CopyMaker:
    return publish.open_maker(engine, replace(PRESS, signer=signer), edition_id)


def rsa_signer() -> Signer:
    """With a new key of 2,048 bits for the sender's domain."""
    return Signer([make_key("harbourpost.example", "bench")])


def _articles(candidates: int, topics: Sequence[str]) -> Iterator[dict[str, object]]:
    """Stories within the week, from the demo's, a little longer each."""
    source = content.articles(NOW)
    for number in range(candidates):
        story = source[number % len(source)]
        url = f"https://harbourpost.example/story-{number + 1}"
        image = story.get("image") or source[0]["image"]
        yield {
            "key": f"s{number}",
            "url": url,
            "canonical_url": url,
            "title": f"{story['title']} ({number + 1})",
            "published_at": NOW - timedelta(hours=2 + 160 * number / candidates),
            "ready_at": NOW - timedelta(hours=2 + 160 * number / candidates),
            "summary": (story.get("summary", "") + " " + source[0]["summary"])[:300],
            "authors": story.get("authors", ["Ana Kovač"]),
            "topics": [topics[number % len(topics)]] if topics else story.get("topics", ["City"]),
            "image_src": image["src"],
            "image_alt": image["alt"],
            "minutes": 5,
            "comments": [],
            "content_hash": "x",
            "first_seen_at": NOW,
            "updated_at": NOW,
        }


def _add_readers(
    engine: Engine, newsletter_id: int, start: int, count: int, preferences: Callable[[int], dict[str, object]]
) -> None:
    names = [person["name"] or "Reader" for person in invented(500)[13:]]
    numbers = range(start + 1, start + count + 1)
    with writing(engine) as connection:
        connection.execute(
            insert(subscriber),
            [
                {
                    "id": number,
                    "address": (address := f"reader.{number}@{HOSTS[number % len(HOSTS)]}"),
                    "address_key": address,
                    "name": names[number % len(names)],
                    "language": "en",
                    "attributes": {"city": "Port Alder", "plan": ("free", "pro")[number % 2]},
                    "created_at": NOW,
                }
                for number in numbers
            ],
        )
        connection.execute(
            insert(subscription),
            [
                {
                    "id": number,
                    "subscriber_id": number,
                    "newsletter_id": newsletter_id,
                    "status": "active",
                    "preferences": preferences(number),
                    "joined_at": NOW - timedelta(days=number % 2000),
                }
                for number in numbers
            ],
        )


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"
