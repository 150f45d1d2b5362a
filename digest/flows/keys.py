"""The keys that sign links: seen, replaced, and ended. Their secrets are never shown.

Keys of the settings (web.token_key, web.old_token_keys) go first, as long as they stand there. An installation that has none
makes its own and keeps it in the database; only such a one is replaced and ended here. What a key that was replaced still
opens stands in audience/links.py.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from digest import audit, log
from digest.audience.links import PURPOSES
from digest.audience.tokens import Keyring
from digest.audit import Noun, Target
from digest.db.engine import reading, writing
from digest.db.store import ensure_secret, list_secrets, remove_secret
from digest.errors import NotFound, Refused
from digest.model.actor import Actor

NAME = "token_key"

STILL_SIGNING = timedelta(hours=24)
"""A sender that began before a key was replaced goes on with the old one; so long it must hold at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """What may be seen of a key.

    fingerprint   of the secret, to tell one from another
    origin        "settings" or "database"
    opens         the purposes whose links it opens
    """

    name: str
    fingerprint: str
    origin: str
    made_at: datetime | None
    signs: bool
    opens: tuple[str, ...]


def open_keyring(engine: Engine, configured: Sequence[bytes], *, now: datetime, at: datetime | None = None) -> Keyring:
    """The keys as they are now; makes the first where there is none.

    configured   those of the settings
    at           as they were then: for a message that is to be made again as it was
    """
    with reading(engine) as connection:
        own = list_secrets(connection, NAME)
    if not own and not configured:
        with writing(engine) as connection:
            ensure_secret(connection, NAME, secrets.token_hex(32), now=now)
            own = list_secrets(connection, NAME)
    if at is not None:
        own = [each for each in own if each.created_at <= at] or own[-1:]
    return Keyring([*configured, *(bytes.fromhex(each.value) for each in own)])


def list_keys(engine: Engine, configured: Sequence[bytes]) -> list[KeyInfo]:
    """All of them; the one that signs stands first."""
    with reading(engine) as connection:
        own = list_secrets(connection, NAME)
    names = ["web.token_key", *(f"web.old_token_keys[{number}]" for number in range(len(configured)))]
    keys = [(name, key, "settings", None) for name, key in zip(names, configured, strict=False)]
    found = [*keys, *((each.name, bytes.fromhex(each.value), "database", each.created_at) for each in own)]
    return [
        KeyInfo(
            name=name,
            fingerprint=hashlib.sha256(b"digest key " + key).hexdigest()[:12],
            origin=origin,
            made_at=made_at,
            signs=not number,
            opens=tuple(each.name for each in PURPOSES.values() if not number or each.outlives_key),
        )
        for number, (name, key, origin, made_at) in enumerate(found)
    ]


def rotate(engine: Engine, configured: Sequence[bytes], *, actor: Actor, now: datetime) -> KeyInfo:
    """Make a key that signs from now on; the others hold for what may outlive its key."""
    if configured:
        raise Refused(
            "web.token_key of the settings signs: put another one there, and the present one into web.old_token_keys"
        )
    with writing(engine) as connection:
        own = list_secrets(connection, NAME)
        name = f"{NAME}.{own[0].number + 1}" if own else NAME
        ensure_secret(connection, name, secrets.token_hex(32), now=now)  # of two at once, one makes it
        audit.record(connection, "key.rotate", actor, Target(noun=Noun.KEY), now=now, name=name)
    log.event("keys.rotated", number=own[0].number + 1 if own else 1)
    return list_keys(engine, ())[0]


def retire(
    engine: Engine, configured: Sequence[bytes], name: str, *, actor: Actor, now: datetime, at_once: bool = False
) -> None:
    """Links that this key signed open nothing any more, those to leave among them.

    at_once   also when a sender may still sign with it: for a key that somebody else has
    """
    known = list_keys(engine, configured)
    found = next((each for each in known if each.name == name), None)
    if found is None:
        raise NotFound(f"there is no key {name!r}")
    if found.origin == "settings":
        raise Refused(f"{name} stands in the settings: take it out there")
    if found.signs:
        raise Refused(f"{name} signs: make another one first")
    newer = [
        each.made_at for each in known if each.made_at is not None and found.made_at and each.made_at > found.made_at
    ]
    if newer and now - min(newer) < STILL_SIGNING and not at_once:
        raise Refused(
            f"{name} was replaced less than a day ago, and an edition that is being sent may still sign with it"
        )
    with writing(engine) as connection:
        if remove_secret(connection, name):
            audit.record(connection, "key.retire", actor, Target(noun=Noun.KEY), now=now, name=name)
    log.event("keys.retired")
