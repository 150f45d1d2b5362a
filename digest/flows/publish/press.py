"""What publishing needs besides the database, and the maker of an edition's copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from digest.audience.links import Links
from digest.db.engine import reading
from digest.editions.snapshot import newsletter_to_json
from digest.editions.store import contents
from digest.editions.store import editions as edition_store
from digest.editions.store.newsletters import get_newsletter_by_id
from digest.flows.copies import CopyMaker
from digest.flows.images import ImageDesk
from digest.model.newsletter import Newsletter
from digest.render.files import read_files

if TYPE_CHECKING:
    from digest.message.sign import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What publishing needs besides the database.

    message_key   a secret of this installation that Message-IDs are made with
    """

    template_folders: Sequence[Path]
    links: Links
    message_key: bytes = b""
    signer: Signer | None = None
    images: ImageDesk | None = None


def freeze(press: Press, newsletter: Newsletter) -> dict[str, object]:
    """Newsletter and template as they are now, for the edition to keep."""
    return {
        "newsletter": newsletter_to_json(newsletter),
        "files": read_files(
            newsletter.template,
            press.template_folders,
            languages=(newsletter.language, *newsletter.languages),
        ),
    }


def open_maker(engine: Engine, press: Press, edition_id: int, *, is_test: bool = False) -> CopyMaker:
    """The maker of an edition's copies: from what it froze, or for a draft from how things are now."""
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
        frozen = edition_store.get_frozen(connection, edition_id)
        public_key = edition_store.get_public_key(connection, edition_id)
        newsletter = get_newsletter_by_id(connection, edition.newsletter_id)
        _, revision = edition_store.find_state(connection, edition_id)
        withdrawn = contents.list_withdrawn(connection, edition_id)
    maker = CopyMaker(
        edition,
        frozen or freeze(press, newsletter),
        press.links,
        message_key=press.message_key,
        signer=press.signer,
        public_key=public_key,
        is_test=is_test,
    )
    maker.withdraw(revision, withdrawn)
    return maker
