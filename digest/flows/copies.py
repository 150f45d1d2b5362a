"""A frozen edition -> the message of one reader, the same bytes whenever and wherever it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from digest.audience import tokens
from digest.delivery.store import Due
from digest.editions.select import select
from digest.editions.snapshot import newsletter_from_json, newsletter_to_json
from digest.message.headers import Letterhead
from digest.message.splice import Copy, Splicer, plain_parts
from digest.model.address import EmailAddress, clean_line
from digest.model.delivery import DeliveryId
from digest.model.edition import Edition
from digest.model.envelope import Envelope, Outgoing
from digest.model.newsletter import Newsletter
from digest.model.place import arrange
from digest.model.rendering import RenderedCopy
from digest.model.subscriber import Reader, Subscriber, SubscriberId
from digest.render.html import Renderer
from digest.render.views import EditionInputs, short_date

LEAVE = "leave"
"""The purpose of a token in an unsubscribe link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddresses:
    """Where readers reach us.

    base_url             "https://digest.example.org", without a slash at the end; "" where there is no public site
    unsubscribe_mailbox  "unsubscribe@example.org", to which a token is added (RFC 5233 subaddress); or ""
    token_keys           the first signs
    """

    base_url: str = ""
    unsubscribe_mailbox: str = ""
    token_keys: tuple[bytes, ...] = ()

    def leave_url(self, subscription_id: int) -> str:
        if not self.base_url:
            return ""
        return f"{self.base_url}/u/{tokens.sign(LEAVE, subscription_id, key=self.token_keys[0])}"

    def leave_mailto(self, subscription_id: int) -> str:
        if not self.unsubscribe_mailbox:
            return ""
        local, _, domain = self.unsubscribe_mailbox.rpartition("@")
        return f"{local}+{tokens.sign(LEAVE, subscription_id, key=self.token_keys[0])}@{domain}"

    def web_url(self, public_key: str) -> str:
        return f"{self.base_url}/e/{public_key}" if self.base_url else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a copy is for."""

    subscription_id: int
    subscriber: Subscriber
    joined_at: datetime | None = None


class CopyMaker:
    """One edition, compiled once per language as readers of that language come. Not thread-safe.

    frozen   {"newsletter": ..., "files": ...} as they were when the edition was approved
    """

    def __init__(
        self,
        edition: Edition,
        frozen: Mapping[str, Any],
        addresses: PublicAddresses,
        *,
        public_key: str = "",
        is_test: bool = False,
    ) -> None:
        self.newsletter: Newsletter = newsletter_from_json(frozen["newsletter"])
        self.edition = edition
        self._files: Mapping[str, str] = frozen["files"]
        self._addresses = addresses
        self._public_key = public_key
        self._is_test = is_test
        self._picks = select(edition.candidates, self.newsletter.layout)
        self._by_language: dict[str, tuple[Renderer, Splicer]] = {}

    def prepare(self, recipients: Sequence[Recipient]) -> None:
        """Render ahead what these readers need, many blocks in one go."""
        by_language: dict[str, list[Copy]] = {}
        for recipient in recipients:
            by_language.setdefault(self._language(recipient), []).append(self._copy(recipient))
        for language, copies in by_language.items():
            self._compiled(language)[1].prepare(copies)

    def outgoing(self, due: Due, *, at: datetime) -> Outgoing:
        recipient = Recipient(subscription_id=due.subscription_id, subscriber=due.subscriber, joined_at=due.joined_at)
        return Outgoing(
            delivery_id=due.delivery_id, envelope=self.envelope(recipient), content=self.message(recipient, at=at)
        )

    def test_copy(self, recipient: Recipient, *, at: datetime) -> Outgoing:
        """For `digest edition test`: belongs to no ledger row."""
        return Outgoing(
            delivery_id=DeliveryId(0), envelope=self.envelope(recipient), content=self.message(recipient, at=at)
        )

    def envelope(self, recipient: Recipient) -> Envelope:
        return Envelope(mail_from=str(self.newsletter.sender), rcpt_to=str(recipient.subscriber.address))

    def message(self, recipient: Recipient, *, at: datetime) -> bytes:
        """The bytes as they go out at that instant."""
        return self._compiled(self._language(recipient))[1].message(self._copy(recipient), at=at)

    def plain(self, recipient: Recipient) -> RenderedCopy:
        """The same mail rendered by itself, the slow way: what the message must decode to (P8)."""
        renderer, splicer = self._compiled(self._language(recipient))
        copy = splicer.fitted(self._copy(recipient))
        rendered = renderer.plain({"reader": copy.reader}, arrange(copy.picks))
        html, text = plain_parts(rendered.html, rendered.text)
        return RenderedCopy(subject=rendered.subject, html=html, text=text)

    def web_view(self) -> str:
        """The edition for everybody: no name, no address, no token (P9)."""
        nobody = Subscriber(id=SubscriberId(0), address=EmailAddress("", ""), language=self.newsletter.language)
        maker = CopyMaker(
            self.edition,
            {"newsletter": newsletter_to_json(self.newsletter), "files": self._files},
            PublicAddresses(),
        )
        copy = maker._copy(Recipient(subscription_id=0, subscriber=nobody))
        copy = replace(copy, reader=replace(copy.reader, address=""))
        renderer, splicer = maker._compiled(self.newsletter.language)
        copy = splicer.fitted(copy)
        return renderer.plain({"reader": copy.reader}, arrange(copy.picks)).html

    def variants(self) -> dict[str, dict[str, int]]:
        """Renderings made so far, by language."""
        return {language: splicer.variants() for language, (_, splicer) in self._by_language.items()}

    # --- one reader -----------------------------------------------------------------------------------------------

    def _language(self, recipient: Recipient) -> str:
        wanted = recipient.subscriber.language
        offered = (self.newsletter.language, *self.newsletter.languages)
        for language in (wanted, wanted.split("-")[0]):
            if language in offered:
                return language
        return self.newsletter.language

    def _copy(self, recipient: Recipient) -> Copy:
        subscriber = recipient.subscriber
        name = clean_line(subscriber.name)
        reader = Reader(
            address=str(subscriber.address),
            name=name,
            first_name=name.split(" ")[0],
            language=subscriber.language,
            time_zone=subscriber.time_zone,
            joined_on=self._joined_on(recipient),
            unsubscribe_url=self._addresses.leave_url(recipient.subscription_id),
            attributes={key: clean_line(str(value)) for key, value in subscriber.attributes.items()},
        )
        return Copy(
            reader=reader,
            address=subscriber.address,
            subscription_id=recipient.subscription_id,
            picks=self._picks,
            unsubscribe_mailto=self._addresses.leave_mailto(recipient.subscription_id),
        )

    def _joined_on(self, recipient: Recipient) -> str:
        if recipient.joined_at is None:
            return ""
        return short_date(recipient.joined_at, self._inputs(self._language(recipient)))

    def _inputs(self, language: str) -> EditionInputs:
        return EditionInputs(
            newsletter=self.newsletter,
            edition=self.edition,
            language=language,
            files=self._files,
            web_url=self._addresses.web_url(self._public_key) if self._public_key else "",
            is_test=self._is_test,
        )

    def _compiled(self, language: str) -> tuple[Renderer, Splicer]:
        if language not in self._by_language:
            renderer = Renderer(self._inputs(language))
            newsletter = self.newsletter
            letterhead = Letterhead(
                sender=newsletter.sender,
                sender_name=newsletter.sender_name or newsletter.title,
                reply_to=newsletter.reply_to,
                list_name=newsletter.name,
                list_title=newsletter.title,
                edition_id=self.edition.id,
                message_domain=newsletter.sender.domain,
                boundary=f"=_digest_{self.edition.id}_{language}",  # "=_" cannot stand in quoted-printable
            )
            self._by_language[language] = (renderer, Splicer(renderer, letterhead))
        return self._by_language[language]
