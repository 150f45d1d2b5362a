"""An article is withdrawn: from later copies, from editions that are not finished, and from their web views."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from digest import audit
from digest.db.engine import writing
from digest.editions import store
from digest.editions.articles import hide_article
from digest.flows.publish import Press
from digest.flows.web_views import WebViews
from digest.model.actor import Actor


def withdraw(engine: Engine, press: Press, article_id: int, *, now: datetime, actor: Actor) -> list[int]:
    """No later copy holds this article: it is hidden, and taken out of all editions that are not finished.

    Returns those editions. Senders make the copies that did not go yet anew.
    """
    with writing(engine) as connection:
        hide_article(connection, article_id, now=now)
        touched = []
        for edition_id, position in store.list_unfinished_with(connection, article_id):
            if store.withdraw(connection, edition_id, position):
                touched.append(edition_id)
                target = audit.of_edition(store.get_edition(connection, edition_id))
                audit.record(connection, "edition.withdraw", actor, target, now=now, article_id=article_id)
    WebViews(engine, press).renew(touched)
    return touched
