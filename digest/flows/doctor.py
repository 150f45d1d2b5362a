"""What is wrong, or will be, and what to do about it. Each rule looks at one thing; none needs what sends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from digest.audience.store.registrations import list_troubled
from digest.config import Settings
from digest.db import sqlite
from digest.db.engine import reading
from digest.delivery.store.notices import count_failed
from digest.editions.store.editions import list_with_status
from digest.editions.store.newsletters import list_newsletters
from digest.errors import Next, Step
from digest.model.edition import EditionStatus
from digest.model.source import Source
from digest.secrecy import without_secrets
from digest.sources.resting import rests_until
from digest.sources.store.curation import count_held
from digest.sources.store.sources import list_sources

if TYPE_CHECKING:
    from digest.message.keys import Key


@dataclass(frozen=True, slots=True)
class Finding:
    """What needs a person.

    advice   what to do, where that is no step of the program: a setting, a command of the system
    """

    what: str
    stands: str
    advice: str = ""
    next: Next | None = None


def look_around(
    settings: Settings,
    engine: Engine,
    *,
    now: datetime,
    load_keys: Callable[[], list[Key]],
    config_file: Path | None = None,
) -> list[Finding]:
    """Everything that needs a person; what is most general first.

    load_keys   the keys that sign, read when they are looked at: one that cannot be read is an error of the settings
    """
    found = [
        *about_web(settings),
        *about_channels(settings),
        *about_database(engine),
        *about_files(settings, engine, config_file),
        *about_images(settings.images.folder),
    ]
    with reading(engine) as connection:
        found += about_keys(settings, load_keys() if settings.dkim else [], connection)
        found += about_sources(connection, now=now)
        found += about_editions(connection)
        found += about_notices(connection, now=now)
        if not list_newsletters(connection):
            found.append(Finding("newsletters", "none", next=Next(Step.ADD_NEWSLETTER)))
    return found


def about_web(settings: Settings) -> Iterator[Finding]:
    url = settings.web.public_url
    if not url:
        yield Finding("web.public_url", "not set", "set it: mails need an unsubscribe link")
    elif url.startswith("http://"):
        yield Finding("web.public_url", "not https", "one-click unsubscribe wants https (RFC 8058 §3.1)")


def about_channels(settings: Settings) -> Iterator[Finding]:
    """None at all, and what lets others read along on the way to the mail server."""
    if not settings.channels:
        yield Finding("channels", "none", "add a [[channels]] table", Next(Step.SHOW_CONFIG_EXAMPLE))
    for each in settings.channels:
        yield from (Finding(f"channel {each.name}", stands, advice) for stands, advice in each.list_risks())


def about_database(engine: Engine) -> Iterator[Finding]:
    """One that does not keep what it was told."""
    if engine.dialect.name == "sqlite":
        version, is_sound = sqlite.library(engine)
        if not is_sound:
            yield Finding(f"SQLite {version}", sqlite.FAULT.partition(":")[0], "pip install pysqlite3")
        return
    with reading(engine) as connection:
        fsync = connection.exec_driver_sql("SELECT current_setting('fsync')").scalar()
    if fsync != "on":
        stands = "fsync is off: a power cut may cost a mail twice"
        yield Finding("PostgreSQL", stands, "set fsync = on in postgresql.conf")


def about_files(settings: Settings, engine: Engine, file: Path | None) -> Iterator[Finding]:
    """Files with secrets or addresses that other accounts of this machine may read, and secrets where they need not be."""
    inline = [f"channels[{index}].{key}" for index, each in enumerate(settings.channels) for key in each.inline_secrets]
    inline += ["web.token_key"] if settings.web.token_key and not settings.web.token_key_file else []
    inline += ["database.url"] if engine.url.password else []
    written = [key for key in inline if file is not None and not _is_in_environment(key)]
    for key in (each for each in written if each != "database.url"):
        yield Finding(key, f"a secret in {file}", f"put it into a file of its own: {key}_file")
    secret = [path for each in settings.channels for path in each.secret_files.values()]
    secret += [settings.web.token_key_file] if settings.web.token_key_file else []
    if engine.url.get_backend_name() == "sqlite":
        database = Path(str(engine.url.database))
        secret += [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal"))]
    for path in dict.fromkeys((*secret, *([file] if file is not None and written else []))):
        if _is_open(path):
            yield Finding(str(path), "others of this machine may read it", f"chmod 600 {path}")


def about_images(folder: Path | None) -> Iterator[Finding]:
    """What keeps pictures from being written to their folder. It is made when it is needed."""
    if folder is not None and (obstacle := _obstacle(folder)):
        yield Finding("images.folder", obstacle, "until then pictures are shown from where they are")


def about_keys(settings: Settings, keys: list[Key], connection: Connection) -> Iterator[Finding]:
    """What is wrong with the keys that sign. Without any, signing is the relay's, and nothing is."""
    if not settings.dkim:
        return
    from digest.message.keys import NEW_BITS, covering  # it brings the cryptography, which nothing else here needs

    make_one = Next(Step.MAKE_DKIM_KEY)
    for table, key in zip(settings.dkim, keys, strict=True):
        if _is_open(table.key_file):
            yield Finding(f"dkim {key.record_name}", "others may read the key", f"chmod 600 {table.key_file}")
        if key.is_rsa and key.bits < NEW_BITS:
            yield Finding(f"dkim {key.record_name}", f"an RSA key of {key.bits} bits", "make a new one", make_one)
    for newsletter in list_newsletters(connection):
        domain = newsletter.sender.domain
        if newsletter.is_enabled and not any(covering(keys, domain)):
            yield Finding(f"newsletter {newsletter.name}", f"no DKIM key for {domain}", next=make_one)


def about_sources(connection: Connection, *, now: datetime) -> Iterator[Finding]:
    """Sources that fail or were stopped, what they brought all at once, and readers that could not be brought up to date."""
    for source in list_sources(connection):
        yield from about_source(source, now=now)
    for name, count in count_held(connection).items():
        stands = f"{count} articles came at once and wait"
        yield Finding(f"source {name}", stands, next=Next(Step.RELEASE_HELD, {"source": name}))
    for sync in list_troubled(connection):
        stands = f"held: {sync.held}" if sync.held else sync.error
        look = Next(Step.SYNC_READERS, {"source": sync.source, "newsletter": sync.newsletter})
        yield Finding(f"readers of {sync.newsletter} from {sync.source}", stands, next=look)


def about_source(source: Source, *, now: datetime) -> Iterator[Finding]:
    """One that fails, rests or was stopped."""
    of = {"source": source.name}
    if source.stopped:
        stands = f"stopped: {without_secrets(source.stopped)}"
        yield Finding(f"source {source.name}", stands, next=Next(Step.GIVE_NEW_ADDRESS, of))
    elif source.is_enabled and source.errors_in_row:
        stands = f"{source.errors_in_row} errors in a row: {without_secrets(source.last_error)}"
        rest = rests_until(source)
        if rest is not None and rest > now:
            stands += f" (rests until {rest:%Y-%m-%d %H:%M} UTC)"
        yield Finding(f"source {source.name}", stands, next=Next(Step.COLLECT, of))


def about_editions(connection: Connection) -> Iterator[Finding]:
    """Those that wait for a person, and those that are held up."""
    for edition in list_with_status(connection, EditionStatus.DRAFT, EditionStatus.PAUSED):
        stands = f"{edition.status}: {edition.hold_reason or 'is about to be approved'}"
        yield Finding(f"edition {edition.id}", stands, next=Next(Step.SHOW_EDITION, {"edition": edition.id}))
    for edition in list_with_status(connection, EditionStatus.APPROVED, EditionStatus.SENDING):
        if edition.hold_reason:
            stands = f"{edition.status}, but held up: {edition.hold_reason}"
            yield Finding(f"edition {edition.id}", stands, "mend that; it goes on by itself")


def about_notices(connection: Connection, *, now: datetime) -> Iterator[Finding]:
    """Those of the last week that did not arrive."""
    for kind, count in count_failed(connection, since=now - timedelta(days=7), now=now).items():
        stands = f"{count} did not arrive, or not yet"
        yield Finding(f"notices of the kind {kind}", stands, next=Next(Step.LIST_NOTICES))


def _is_in_environment(key: str) -> bool:
    table, _, name = key.partition(".")
    return f"DIGEST_{table}__{name}".upper() in os.environ or f"DIGEST_{table.partition('[')[0]}".upper() in os.environ


def _is_open(path: Path) -> bool:
    """May accounts read it that need not? A group may, if that is how the program gets it."""
    try:
        return bool(path.stat().st_mode & 0o037)
    except OSError:
        return False


def _obstacle(folder: Path) -> str:
    """What keeps files from being written there; "" where nothing does."""
    try:
        there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    except PermissionError as cause:
        return f"{cause.filename}: {cause.strerror}"
    if not there.is_dir():
        return f"{there} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written to by this account"
