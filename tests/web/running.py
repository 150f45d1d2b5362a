"""The real site, served by uvicorn on loopback, and the mails that lead to it."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
from sqlalchemy import select

from digest import config
from digest.app import App, make_app
from digest.clock import FixedClock
from digest.db.engine import reading
from digest.db.tables import metadata
from digest.editions.store import editions as edition_store
from digest.flows import dispatch, publish
from digest.web.server import Server
from digest.web.site import make_site
from tests.site import NOW, SmtpServer, add_articles, add_newsletter, add_readers


class RunningSite:
    """The pages of an app at `url`, in a thread. public_url: where readers think that it is, behind a proxy."""

    def __init__(self, database_url: str, images: Path | None = None, public_url: str = "") -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        settings = config.Settings.model_construct(
            database=config.Database(url=database_url),
            web=config.Web(public_url=public_url or self.url),
            mail=config.Mail(unsubscribe_mailbox="leave@harbourpost.example"),
            collect=config.Collect(allow_hosts=["127.0.0.1"]),
            images=config.Images(folder=images),
        )
        self.app: App = make_app(settings, FixedClock(NOW))
        self._server = Server(make_site(self.app), files=1_024)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.client = httpx2.Client(base_url=self.url, follow_redirects=False, timeout=20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join()
        self.app.engine.dispose()

    def tables(self) -> dict[str, list[Any]]:
        """Everything that is in the database."""
        with reading(self.app.engine) as connection:
            return {
                table.name: connection.execute(select(table).order_by(*table.primary_key.columns)).all()
                for table in metadata.sorted_tables
            }


@dataclass
class Sent:
    """An edition that went out, and what its readers have."""

    edition_id: int
    public_key: str
    mails: dict[str, bytes]


def send_edition(site: RunningSite, smtp_server: SmtpServer, *, template: str = "plain", **values: object) -> Sent:
    """A newsletter with three readers; its first edition, sent."""
    app = site.app
    add_readers(app.engine, add_newsletter(app.engine, template=template, **values), 3)
    add_articles(app.engine, 4)
    (report,) = publish.build_due(app.engine, app.press, now=NOW)
    assert report.edition_id is not None
    dispatch.plan(app.engine, report.edition_id, now=NOW)
    maker = publish.open_maker(app.engine, app.press, report.edition_id)
    asyncio.run(dispatch.send(app.engine, maker, [smtp_server.channel()], clock=app.clock))
    with reading(app.engine) as connection:
        key = edition_store.get_public_key(connection, report.edition_id)
    return Sent(report.edition_id, key, dict(smtp_server.recorder.accepted))
