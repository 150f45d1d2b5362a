"""The demo's story: a database, its readers and articles, the weekly run through the real flows, a page to look at."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

from digest import config
from digest.app import App, make_app
from digest.clock import FixedClock, SystemClock
from digest.db import migrate
from digest.db.engine import reading, writing
from digest.delivery.channels import smtp
from digest.delivery.store.counts import balance
from digest.demo import content
from digest.demo.catcher import MailFolder, SmtpThread
from digest.demo.inbox import write_inbox
from digest.demo.readers import readers
from digest.editions.due import latest_due
from digest.editions.store import editions as edition_store
from digest.editions.store.newsletters import add_newsletter, find_newsletter
from digest.errors import BadInput
from digest.flows import dispatch, importing, publish
from digest.model.actor import Actor, ActorKind
from digest.model.edition import EditionStatus

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
Say = Callable[[str], None]

DATABASE, SETTINGS, MAILS, PAGE = "digest.sqlite", "digest.toml", "mails", "inbox.html"

ACTOR = Actor(ActorKind.CLI, "demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What a run did. `page` is to be opened in a browser."""

    page: Path
    settings: Path
    accepted: int
    seconds: float


def run(folder: Path, *, weeks: int, count: int, progress: Progress, say: Say) -> DemoReport:
    """Make or go on with the demo in `folder`; a run for a period that has its edition sends nothing."""
    app = _open(folder)
    name = content.newsletter().name
    _fill(app, folder, count, progress, say)
    newest = latest_due(SystemClock().now(), content.newsletter().schedule)
    assert newest is not None
    started, accepted = perf_counter(), 0
    for weeks_ago in reversed(range(weeks)):
        now = newest.due_at - timedelta(weeks=weeks_ago) + timedelta(seconds=5)
        accepted += _weekly_run(app, folder, name, weeks_ago, now, progress, say)
    seconds = perf_counter() - started
    with progress("inbox", None):
        folders = sorted((path for path in (folder / MAILS).iterdir() if path.is_dir()), reverse=True)
        site = content.newsletter().url
        pictures = {f"{site}img/{name}": data for name, data in content.pictures().items()}
        write_inbox(folder / PAGE, content.newsletter().title, folders, pictures)
    app.engine.dispose()
    return DemoReport(page=folder / PAGE, settings=folder / SETTINGS, accepted=accepted, seconds=seconds)


def _open(folder: Path) -> App:
    """The demo has settings of its own: neither the environment nor a file of yours may lead it to a real database."""
    if folder.exists() and any(folder.iterdir()) and not (folder / DATABASE).exists():
        raise BadInput(f"{folder} is not empty and holds no demo; say --folder with another name")
    (folder / MAILS).mkdir(parents=True, exist_ok=True)
    database = config.Database(url=f"sqlite:///{(folder / DATABASE).resolve()}")
    web = config.Web(public_url="http://127.0.0.1:8025")
    mail = config.Mail(unsubscribe_mailbox="unsubscribe@harbourpost.example")
    settings = config.Settings.model_construct(database=database, web=web, mail=mail)
    (folder / SETTINGS).write_text(
        "# For looking around: digest --config digest.toml edition list\n"
        f"[database]\nurl = {json.dumps(database.url)}\n\n"
        f'[web]\npublic_url = "{web.public_url}"\n\n'
        f'[mail]\nunsubscribe_mailbox = "{mail.unsubscribe_mailbox}"\n\n'
        "# Nothing leaves this machine: mails become files.\n"
        f'[[channels]]\nname = "outbox"\nkind = "folder"\n'
        f"path = {json.dumps(str((folder / 'outbox').resolve()))}\n",
        encoding="utf-8",
    )
    app = make_app(settings, FixedClock(SystemClock().now()))
    migrate.upgrade(app.unchecked_engine)
    return app


def _fill(app: App, folder: Path, count: int, progress: Progress, say: Say) -> None:
    """Newsletter, readers and articles, through the same imports as any other; a second time changes nothing."""
    planned = content.newsletter()
    with reading(app.engine) as connection:
        there = find_newsletter(connection, planned.name)
    if there is not None:
        say(f"going on with the demo in {folder}/")
        return
    period = latest_due(app.clock.now(), planned.schedule)
    assert period is not None
    rows = content.articles(period.due_at)
    (folder / "articles.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    people = readers(count)
    with (folder / "subscribers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(people[0]))
        writer.writeheader()
        writer.writerows(people)
    joined = period.due_at - timedelta(days=60)
    with progress("articles", (folder / "articles.jsonl").stat().st_size) as advance:
        stories = importing.import_articles(app.engine, folder / "articles.jsonl", now=joined, progress=advance)
    with writing(app.engine) as connection:
        newsletter_id = add_newsletter(connection, planned, now=joined)
    with progress("readers", (folder / "subscribers.csv").stat().st_size) as advance:
        subscribed = importing.import_subscribers(
            app.engine, folder / "subscribers.csv", newsletter_id=newsletter_id, now=joined, progress=advance
        )
    say(f"{planned.title}: {stories.new} articles, {subscribed.new} readers")


def _weekly_run(app: App, folder: Path, name: str, weeks_ago: int, now: datetime, progress: Progress, say: Say) -> int:
    """What the scheduler and the editor do in a week: build, add the note, approve, send."""
    app.clock = clock = FixedClock(now)
    [report] = publish.build_due(app.engine, app.press, now=now, names=[name])
    local = f"{now:%A} {now.day} {now:%B %Y}"
    if report.edition_id is None or report.result is publish.Built.EMPTY:
        say(f"{local}: {report.message}")
        return 0
    with writing(app.engine) as connection:
        status = edition_store.get_edition(connection, report.edition_id).status
        if status is EditionStatus.DRAFT:
            edition_store.change_text(connection, report.edition_id, note=content.note(weeks_ago))
    if status is EditionStatus.DRAFT:
        publish.approve(app.engine, app.press, report.edition_id, now=now, actor=ACTOR)
    elif report.edition_id not in dispatch.unfinished(app.engine):
        say(f"{local}: {report.message}")
        return 0
    with SmtpThread(MailFolder(folder / MAILS / report.period)) as server:
        relay = smtp.Options(host="127.0.0.1", port=server.port, security="none", connections=4)
        app.channels = [smtp.make_channel(relay)]
        maker = publish.open_maker(app.engine, app.press, report.edition_id)
        with progress("planning", None) as advance:
            dispatch.plan(app.engine, report.edition_id, now=now, progress=advance)
        with reading(app.engine) as connection:
            todo = balance(connection, report.edition_id).still_to_do
        with progress("sending", todo) as advance:
            sent = asyncio.run(dispatch.send(app.engine, maker, app.channels, clock=clock, progress=advance))
    if sent.trouble:
        say(f"{local}: {sent.trouble}")
    say(f"{local}: {maker.edition.subject!r} to {sent.accepted} readers")
    return sent.accepted
