"""A notice -> its message: words and template, headers, signature, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from digest.audience.links import BOUNCE_NOTICE, CONFIRM, CONFIRM_PATH, Links
from digest.db.engine import reading
from digest.editions.store.newsletters import get_newsletter_by_id, list_newsletters
from digest.errors import MessageInvalid
from digest.message.notice import NoticeHead, notice_message
from digest.model.address import EmailAddress
from digest.model.delivery import DeliveryId
from digest.model.envelope import Envelope, Outgoing
from digest.model.newsletter import Look, Newsletter
from digest.model.notice import Notice, NoticeKind
from digest.render.files import read_files
from digest.render.notice import TEMPLATE, NoticeInputs, render_notice
from digest.words import SOURCE

if TYPE_CHECKING:
    from digest.message.sign import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMaker:
    """What notices are made with.

    links            of this moment
    service_sender   who writes them; None: the newsletter that it is about, else the first that there is
    """

    engine: Engine
    template_folders: Sequence[Path]
    links: Callable[[], Links]
    message_key: bytes
    service_sender: EmailAddress | None = None
    signer: Signer | None = None

    def outgoing(self, notice: Notice, *, at: datetime) -> Outgoing:
        """RenderFailed or MessageInvalid where it cannot be made."""
        newsletter = self._newsletter(notice)
        sender = self.service_sender or (newsletter.sender if newsletter else None)
        if sender is None:
            raise MessageInvalid("nobody to write it: mail.service_sender is not set, and there is no newsletter")
        links = self.links()
        about = newsletter if notice.newsletter_id is not None else None
        language = notice.language or (newsletter.language if newsletter else SOURCE)
        rendered = render_notice(
            NoticeInputs(
                kind=notice.kind,
                language=language,
                newsletter=about.title if about else "",
                sender=about.sender_name or about.title if about else str(sender),
                postal_address=about.postal_address if about else "",
                url=_url(notice, links),
                look=newsletter.look if newsletter else Look(),
                files=read_files(TEMPLATE, self.template_folders, languages=[language]),
            )
        )
        head = NoticeHead(
            sender=sender,
            sender_name=about.sender_name or about.title if about else "",
            to=notice.address,
            message_key=self.message_key,
            number=notice.id,
        )
        message = notice_message(head, rendered, at=at)
        mail_from = links.return_path(BOUNCE_NOTICE, notice.id, now=at) if links.has_return_path else str(sender)
        return Outgoing(
            delivery_id=DeliveryId(0),
            notice=notice.id,
            envelope=Envelope(mail_from=mail_from, rcpt_to=str(notice.address)),
            parts=[self.signer.signed(message, at) if self.signer else message],
        )

    def _newsletter(self, notice: Notice) -> Newsletter | None:
        with reading(self.engine) as connection:
            if notice.newsletter_id is not None:
                return get_newsletter_by_id(connection, notice.newsletter_id)
            return next(iter(list_newsletters(connection)), None)


def _url(notice: Notice, links: Links) -> str:
    """Where its button leads. The link is made when the message is, and lives from when the notice was asked for."""
    if notice.kind is not NoticeKind.CONFIRM:
        return ""
    if notice.subject_id is None or not links.base_url:
        raise MessageInvalid(f"notice {notice.id} has nothing to confirm, or web.public_url is not set")
    token = links.keyring.sign(CONFIRM, notice.subject_id, version=notice.link_version, now=notice.created_at)
    return f"{links.base_url}{CONFIRM_PATH}{token}"
