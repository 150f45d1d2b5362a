"""Wiring: settings in; engine, press, channels, clock out. Once per process.

What a command does not need it does not import: the renderer, the fetcher and the channels come in when asked for.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from digest.clock import Clock, SystemClock
from digest.config import Settings
from digest.db import migrate, sqlite
from digest.db.engine import make_engine, reading, writing
from digest.db.store import ensure_secret, find_secret
from digest.errors import ConfigError, Next, Step
from digest.secrecy import without_secrets

if TYPE_CHECKING:
    from digest.audience.links import Links
    from digest.audience.tokens import Keyring
    from digest.delivery.channels import Channel
    from digest.delivery.throttle import Limits
    from digest.flows.images import ImageDesk
    from digest.flows.notices.maker import NoticeMaker
    from digest.flows.notices.sender import NoticeSender
    from digest.flows.publish import Press
    from digest.message.keys import Key
    from digest.message.sign import Signer
    from digest.model.source import Source
    from digest.sources.fetch import Fetcher


@dataclass
class App:
    """What a door needs. `engine` is checked once: the schema is ours or nothing runs."""

    settings: Settings
    clock: Clock
    config_file: Path | None = None

    @cached_property
    def unchecked_engine(self) -> Engine:
        return make_engine(self.settings.database.url)

    @cached_property
    def engine(self) -> Engine:
        migrate.check(self.unchecked_engine)
        return self.unchecked_engine

    @property
    def keyring(self) -> Keyring:
        """The keys of links as they are now: another process may have made one, or taken one away."""
        from digest.flows.keys import open_keyring

        return open_keyring(self.engine, self.settings.web.token_keys, now=self.clock.now())

    @property
    def links(self) -> Links:
        return self._links(self.keyring)

    def links_at(self, at: datetime) -> Links:
        """As they were signed at that instant, for a message that is made again as it was."""
        from digest.flows.keys import open_keyring

        return self._links(open_keyring(self.engine, self.settings.web.token_keys, now=self.clock.now(), at=at))

    def _links(self, keyring: Keyring) -> Links:
        from digest.audience.links import Links

        mail = self.settings.mail
        return Links(
            self.settings.web.public_url,
            unsubscribe_mailbox=mail.unsubscribe_mailbox,
            return_path=mail.return_path,
            keyring=keyring,
        )

    @cached_property
    def message_key(self) -> bytes:
        """Made once by this installation, and never changed: a copy that is sent again bears the same Message-ID."""
        with reading(self.engine) as connection:
            own = find_secret(connection, "message_key")
        if own is None:
            with writing(self.engine) as connection:
                own = ensure_secret(connection, "message_key", secrets.token_hex(32), now=self.clock.now())
        return bytes.fromhex(own)

    @property
    def template_folders(self) -> list[Path]:
        """The built-in one, and the one that overlays it."""
        from digest.render.files import BUILT_IN

        own = self.settings.templates.folder
        return [BUILT_IN, *([own] if own else [])]

    @property
    def press(self) -> Press:
        """With the keys of this moment; so it is asked for anew for each edition."""
        return self._press(self.links, self.message_key)

    @cached_property
    def trial_press(self) -> Press:
        """For copies that nobody gets: their links lead nowhere, and no key is made for them where there is none."""
        from digest.audience.tokens import Keyring

        return self._press(self._links(Keyring([bytes(32)])), bytes(32))

    def _press(self, links: Links, message_key: bytes) -> Press:
        from digest.flows.publish import Press

        return Press(
            template_folders=self.template_folders,
            links=links,
            message_key=message_key,
            signer=self.signer,
            images=self._images,
        )

    @cached_property
    def notice_maker(self) -> NoticeMaker:
        from digest.flows.notices.maker import NoticeMaker
        from digest.model.address import EmailAddress

        service_sender = self.settings.mail.service_sender
        return NoticeMaker(
            engine=self.engine,
            template_folders=self.template_folders,
            links=lambda: self.links,
            message_key=self.message_key,
            service_sender=EmailAddress.parse(service_sender) if service_sender else None,
            signer=self.signer,
        )

    @cached_property
    def notice_sender(self) -> NoticeSender:
        from digest.flows.notices.sender import NoticeSender

        return NoticeSender(self.engine, self.notice_maker, self.channels, self.clock, self.limits)

    @property
    def _images(self) -> ImageDesk | None:
        images, public_url = self.settings.images, self.settings.web.public_url
        if images.folder is None:
            return None
        if not public_url:
            raise ConfigError("images.folder: copies are shown under web.public_url, which is not set")
        from digest.audience.links import Links
        from digest.flows.images import ImageDesk

        return ImageDesk(
            folder=images.folder,
            base_url=Links(public_url).images,
            fetcher=self.fetcher,
            timeout_s=images.timeout_s,
        )

    @cached_property
    def dkim_keys(self) -> list[Key]:
        """The configured keys, read; only who signs has to be able to read them."""
        if not self.settings.dkim:
            return []
        from digest.message.keys import load_key

        found = []
        for index, table in enumerate(self.settings.dkim):
            where = f"dkim[{index}].key_file: {table.key_file}"
            try:
                found.append(load_key(table.domain, table.selector, table.key_file.read_bytes()))
            except OSError as cause:
                raise ConfigError(f"{where} cannot be read: {cause.strerror}") from cause
            except ValueError as cause:
                raise ConfigError(f"{where} {cause}") from cause
        return found

    @cached_property
    def signer(self) -> Signer | None:
        if not self.dkim_keys:
            return None
        from digest.message.sign import Signer

        return Signer(self.dkim_keys)

    @cached_property
    def fetcher(self) -> Fetcher:
        from digest.sources.fetch import Fetcher, user_agent

        collect = self.settings.collect
        return Fetcher(
            allow_hosts=frozenset(collect.allow_hosts),
            max_bytes=collect.max_bytes,
            timeout_s=collect.timeout_s,
            per_host=collect.per_host,
            user_agent=user_agent(self.settings.web.public_url),
        )

    @cached_property
    def limits(self) -> Limits:
        """Of channels and receiving domains, as configured."""
        from digest.delivery.throttle import Limits
        from digest.model.limit import Limit

        channels = {each.name: [Limit.parse(text) for text in each.limits] for each in self.settings.channels}
        domains = {each.name: [Limit.parse(text) for text in each.limits] for each in self.settings.domains}
        in_flight = {each.name: each.in_flight for each in self.settings.domains if each.in_flight}
        return Limits(channels=channels, domains=domains, in_flight=in_flight)

    @cached_property
    def channels(self) -> Sequence[Channel]:
        if not self.settings.channels:
            raise ConfigError("no channel is configured: add a [[channels]] table", next=Next(Step.SHOW_CONFIG_EXAMPLE))
        from digest.delivery.channels.kinds import make_channel

        return list(map(make_channel, self.settings.channels))


def make_app(settings: Settings, clock: Clock | None = None, *, config_file: Path | None = None) -> App:
    return App(settings=settings, clock=clock or SystemClock(), config_file=config_file)


def look_around(app: App) -> list[tuple[str, str, str]]:
    """What needs a person: (what, how it stands, what to do)."""
    from digest.audience.registrations import list_troubled
    from digest.delivery.notices import count_failed
    from digest.editions.newsletters import list_newsletters
    from digest.editions.store import list_with_status
    from digest.model.edition import EditionStatus
    from digest.sources.articles import count_held
    from digest.sources.store import list_sources

    found: list[tuple[str, str, str]] = []
    if not app.settings.web.public_url:
        found.append(("web.public_url", "not set", "set it: mails need an unsubscribe link"))
    elif app.settings.web.public_url.startswith("http://"):
        found.append(("web.public_url", "not https", "one-click unsubscribe wants https (RFC 8058 §3.1)"))
    if not app.settings.channels:
        found.append(("channels", "none", "add a [[channels]] table; see: digest config example"))
    found += _about_database(app.engine)
    found += _about_keys(app)
    found += _about_channels(app.settings)
    found += _about_files(app)
    if (folder := app.settings.images.folder) and (obstacle := _about_folder(folder)):
        found.append(("images.folder", obstacle, "until then pictures are shown from where they are"))
    with reading(app.engine) as connection:
        for source in list_sources(connection):
            if trouble := _about_source(source, now=app.clock.now()):
                found.append((f"source {source.name}", *trouble))
        for name, count in count_held(connection).items():
            stands = f"{count} articles came at once and wait"
            found.append((f"source {name}", stands, f"digest article held --source {name}, then release or discard"))
        for sync in list_troubled(connection):
            look = f"digest subscriber sync {sync.source} --newsletter {sync.newsletter}"
            stands = f"held: {sync.held}" if sync.held else sync.error
            found.append((f"readers of {sync.newsletter} from {sync.source}", stands, f"{look} --dry-run, then --yes"))
        for edition in list_with_status(connection, EditionStatus.DRAFT, EditionStatus.PAUSED):
            stands = f"{edition.status}: {edition.hold_reason or 'is about to be approved'}"
            found.append((f"edition {edition.id}", stands, f"digest edition show {edition.id}"))
        for edition in list_with_status(connection, EditionStatus.APPROVED, EditionStatus.SENDING):
            if edition.hold_reason:
                stands = f"{edition.status}, but held up: {edition.hold_reason}"
                found.append((f"edition {edition.id}", stands, "mend that; it goes on by itself"))
        now = app.clock.now()
        for kind, count in count_failed(connection, since=now - timedelta(days=7), now=now).items():
            stands = f"{count} did not arrive, or not yet"
            found.append((f"notices of the kind {kind}", stands, "digest notice list says why"))
        if not list_newsletters(connection):
            found.append(("newsletters", "none", "digest newsletter add --help"))
    return found


def _about_database(engine: Engine) -> list[tuple[str, str, str]]:
    """A database that does not keep what it was told."""
    if engine.dialect.name == "sqlite":
        version, is_sound = sqlite.library(engine)
        return [] if is_sound else [(f"SQLite {version}", sqlite.FAULT.partition(":")[0], "pip install pysqlite3")]
    with reading(engine) as connection:
        fsync = connection.exec_driver_sql("SELECT current_setting('fsync')").scalar()
    if fsync == "on":
        return []
    return [("PostgreSQL", "fsync is off: a power cut may cost a mail twice", "set fsync = on in postgresql.conf")]


def _about_channels(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """What lets others read along on the way to the mail server."""
    for each in settings.channels:
        yield from ((f"channel {each.name}", stands, what_to_do) for stands, what_to_do in each.list_risks())


def _about_files(app: App) -> Iterator[tuple[str, str, str]]:
    """Files with secrets or addresses that other accounts of this machine may read, and secrets where they need not be."""
    settings, file = app.settings, app.config_file
    inline = [f"channels[{index}].{key}" for index, each in enumerate(settings.channels) for key in each.inline_secrets]
    inline += ["web.token_key"] if settings.web.token_key and not settings.web.token_key_file else []
    inline += ["database.url"] if app.unchecked_engine.url.password else []
    written = [key for key in inline if file is not None and not _is_in_environment(key)]
    for key in (each for each in written if each != "database.url"):
        yield key, f"a secret in {file}", f"put it into a file of its own: {key}_file"
    secret = [file for each in settings.channels for file in each.secret_files.values()]
    secret += [settings.web.token_key_file] if settings.web.token_key_file else []
    if app.unchecked_engine.url.get_backend_name() == "sqlite":
        database = Path(str(app.unchecked_engine.url.database))
        secret += [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal"))]
    for path in dict.fromkeys((*secret, *([file] if file is not None and written else []))):
        try:
            is_open = path.stat().st_mode & 0o037  # a group may read it, if that is how the program gets it
        except OSError:
            continue
        if is_open:
            yield str(path), "others of this machine may read it", f"chmod 600 {path}"


def _is_in_environment(key: str) -> bool:
    table, _, name = key.partition(".")
    return f"DIGEST_{table}__{name}".upper() in os.environ or f"DIGEST_{table.partition('[')[0]}".upper() in os.environ


def _about_folder(folder: Path) -> str:
    """What keeps files from being written there; "" where nothing does. It is made when it is needed."""
    try:
        there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    except PermissionError as cause:
        return f"{cause.filename}: {cause.strerror}"
    if not there.is_dir():
        return f"{there} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written to by this account"


def _about_source(source: Source, *, now: datetime) -> tuple[str, str] | None:
    """How a source stands that fails, rests or was stopped, and what to do; None for the others."""
    from digest.flows.collect import rests_until

    name = source.name
    if source.stopped:
        away = f"give it another address: digest source change {name} -o url=... --on; or leave it off"
        return f"stopped: {without_secrets(source.stopped)}", away
    if not source.is_enabled or not source.errors_in_row:
        return None
    stands = f"{source.errors_in_row} errors in a row: {without_secrets(source.last_error)}"
    rest = rests_until(source)
    if rest is not None and rest > now:
        stands += f" (rests until {rest:%Y-%m-%d %H:%M} UTC)"
    return stands, f"mend it, then: digest collect {name}"


def _about_keys(app: App) -> list[tuple[str, str, str]]:
    """What is wrong with the keys that sign. Without any, signing is the relay's, and nothing is."""
    if not app.settings.dkim:
        return []
    from digest.editions.newsletters import list_newsletters
    from digest.message.keys import NEW_BITS, covering

    found: list[tuple[str, str, str]] = []
    for table, key in zip(app.settings.dkim, app.dkim_keys, strict=True):
        if table.key_file.stat().st_mode & 0o037:  # a group may read it, if that is how the program gets it
            found.append((f"dkim {key.record_name}", "others may read the key", f"chmod 600 {table.key_file}"))
        if key.is_rsa and key.bits < NEW_BITS:
            stands = f"an RSA key of {key.bits} bits"
            found.append((f"dkim {key.record_name}", stands, "make a new one: digest dkim keygen --help"))
    with reading(app.engine) as connection:
        for newsletter in list_newsletters(connection):
            domain = newsletter.sender.domain
            if newsletter.is_enabled and not any(covering(app.dkim_keys, domain)):
                stands = f"no DKIM key for {domain}"
                found.append((f"newsletter {newsletter.name}", stands, "make one: digest dkim keygen --help"))
    return found
