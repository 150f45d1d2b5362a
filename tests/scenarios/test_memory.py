"""A process that runs for years keeps nothing of the editions that it sent."""

from __future__ import annotations

import gc
from datetime import timedelta

from sqlalchemy import Engine

from digest.clock import FixedClock
from digest.flows import dispatch, publish
from digest.flows.publish import Press
from tests.flows.test_dispatch import send
from tests.site import NOW, SmtpServer, add_articles, add_newsletter, add_readers

WEEKS = 12


def test_memory_is_flat_over_many_editions(engine: Engine, press: Press, smtp_server: SmtpServer) -> None:
    add_readers(engine, add_newsletter(engine, template="thin"), 20)
    objects = []
    for week in range(WEEKS):
        now = NOW + timedelta(weeks=week)
        add_articles(engine, 3, start=now - timedelta(hours=1), first=1 + 3 * week)
        publish.build_due(engine, press, now=now)
        for edition_id in dispatch.unfinished(engine):
            assert send(engine, press, edition_id, smtp_server.channel(), clock=FixedClock(now)).accepted == 20
        if week in (3, WEEKS - 1):
            gc.collect()
        objects.append(len(gc.get_objects()))
    grown = objects[-1] - objects[3]  # by then all caches are filled
    assert grown < 500 * (WEEKS - 4), objects
