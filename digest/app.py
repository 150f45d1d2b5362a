"""Wiring: settings in; engine, press, channels, clock out. Once per process."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from digest.clock import Clock, SystemClock
from digest.config import Channel as ChannelSettings
from digest.config import Settings
from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.db.store import ensure_secret, find_secret
from digest.delivery.channels import Channel, folder, smtp
from digest.editions.store import list_newsletters, list_with_status
from digest.errors import ConfigError
from digest.flows.copies import PublicAddresses
from digest.flows.publish import Press
from digest.model.edition import EditionStatus
from digest.render.files import BUILT_IN
from digest.sources.fetch import Fetcher
from digest.sources.store import list_sources


@dataclass
class App:
    """What a door needs. `engine` is checked once: the schema is ours or nothing runs."""

    settings: Settings
    clock: Clock

    @cached_property
    def unchecked_engine(self) -> Engine:
        return make_engine(self.settings.database.url)

    @cached_property
    def engine(self) -> Engine:
        migrate.check(self.unchecked_engine)
        return self.unchecked_engine

    @cached_property
    def token_keys(self) -> tuple[bytes, ...]:
        """The configured key, else one that this installation made for itself and keeps in its database."""
        if self.settings.web.token_key:
            return (self.settings.web.token_key.encode(),)
        with reading(self.engine) as connection:
            found = find_secret(connection, "token_key")
        if found is None:
            with writing(self.engine) as connection:
                found = ensure_secret(connection, "token_key", secrets.token_hex(32), now=self.clock.now())
        return (bytes.fromhex(found),)

    @cached_property
    def press(self) -> Press:
        own = self.settings.templates.folder
        return Press(
            template_folders=[BUILT_IN, *([own] if own else [])],
            addresses=PublicAddresses(
                base_url=self.settings.web.public_url,
                unsubscribe_mailbox=self.settings.mail.unsubscribe_mailbox,
                token_keys=self.token_keys,
            ),
        )

    @cached_property
    def fetcher(self) -> Fetcher:
        collect = self.settings.collect
        return Fetcher(
            allow_hosts=frozenset(collect.allow_hosts), max_bytes=collect.max_bytes, timeout_s=collect.timeout_s
        )

    @cached_property
    def channels(self) -> Sequence[Channel]:
        if not self.settings.channels:
            raise ConfigError("no channel is configured: add a [[channels]] table; see: digest config example")
        return [make_channel(settings) for settings in self.settings.channels]


def make_app(settings: Settings, clock: Clock | None = None) -> App:
    return App(settings=settings, clock=clock or SystemClock())


def make_channel(settings: ChannelSettings) -> Channel:
    if settings.kind == "folder":
        return folder.FolderChannel(folder.Options(name=settings.name, path=str(Path(settings.path))))
    return smtp.SmtpChannel(
        smtp.Options(
            name=settings.name,
            host=settings.host,
            port=settings.port,
            security=settings.security,
            username=settings.username,
            password=settings.password,
            verify=settings.verify,
            local_hostname=settings.local_hostname,
            connections=settings.connections,
            messages_per_connection=settings.messages_per_connection,
            pipelining=settings.pipelining,
        )
    )


def look_around(app: App) -> list[tuple[str, str, str]]:
    """What needs a person: (what, how it stands, what to do)."""
    found: list[tuple[str, str, str]] = []
    if not app.settings.web.public_url:
        found.append(("web.public_url", "not set", "set it: mails need an unsubscribe link"))
    elif app.settings.web.public_url.startswith("http://"):
        found.append(("web.public_url", "not https", "one-click unsubscribe wants https (RFC 8058 §3.1)"))
    if not app.settings.channels:
        found.append(("channels", "none", "add a [[channels]] table; see: digest config example"))
    with reading(app.engine) as connection:
        for source in list_sources(connection):
            if source.errors_in_row:
                stands = f"{source.errors_in_row} errors in a row: {source.last_error}"
                found.append((f"source {source.name}", stands, f"mend it, then: digest collect {source.name}"))
        for edition in list_with_status(connection, EditionStatus.DRAFT, EditionStatus.PAUSED):
            stands = f"{edition.status}: {edition.hold_reason or 'waits for you'}"
            found.append((f"edition {edition.id}", stands, f"digest edition show {edition.id}"))
        if not list_newsletters(connection):
            found.append(("newsletters", "none", "digest newsletter add --help"))
    return found
