"""What others are told of: kept with the deed, in the documented words, and forgotten after a while."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest import outbox
from digest.db.engine import reading, rehearsing, writing
from digest.outbox import FIELDS, KEPT, Event
from tests.site import NOW

DOCUMENT = Path(__file__).parents[1] / "docs/events.md"


def test_an_event_is_kept_with_the_deed_or_not_at_all(engine: Engine) -> None:
    with writing(engine) as connection:
        outbox.tell(connection, Event.EDITION_SENT, now=NOW, newsletter_id=1, edition_id=12)
    with rehearsing(engine) as connection:
        outbox.tell(connection, Event.EDITION_PAUSED, now=NOW, newsletter_id=1, edition_id=13)
    with reading(engine) as connection:
        [told] = outbox.list_events(connection)
    assert (told.event, told.at, told.data) == (Event.EDITION_SENT, NOW, {"newsletter_id": 1, "edition_id": 12})


def test_an_event_with_other_fields_than_documented_is_refused(engine: Engine) -> None:
    with writing(engine) as connection, pytest.raises(ValueError, match=r"edition\.sent"):
        outbox.tell(connection, Event.EDITION_SENT, now=NOW, edition_id=12)


def test_old_events_are_forgotten_and_new_ones_are_not(engine: Engine) -> None:
    with writing(engine) as connection:
        for age in (KEPT + timedelta(days=1), KEPT - timedelta(days=1)):
            outbox.tell(connection, Event.EDITION_SENT, now=NOW - age, newsletter_id=1, edition_id=age.days)
        assert outbox.prune(connection, now=NOW) == 1
        assert outbox.prune(connection, now=NOW) == 0
        [told] = outbox.list_events(connection)
    assert told.data["edition_id"] == KEPT.days - 1


def test_every_event_is_documented_with_its_fields() -> None:
    rows = re.findall(r"^\| `([a-z]+\.[a-z]+)` \| [^|]+ \| ([^|]+) \|$", DOCUMENT.read_text(encoding="utf-8"), re.M)
    assert {name: tuple(re.findall(r"`(\w+)`", fields)) for name, fields in rows} == FIELDS
    assert set(FIELDS) == set(Event)
