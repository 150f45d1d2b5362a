"""Wiring: settings in; engine, press, channels, clock out. Once per process.

What a command does not need it does not import: the renderer, the fetcher and the channels come in when asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from digest.clock import Clock, SystemClock
from digest.config import Settings
from digest.db import migrate
from digest.db.engine import make_engine, reading, writing
from digest.db.store import ensure_secret, find_secret
from digest.errors import ConfigError, Next, Step

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
