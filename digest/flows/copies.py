"""A frozen edition -> the message of one reader, the same bytes whenever and wherever it is made."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from digest.audience.links import BOUNCE, Links
from digest.delivery.store.rows import Due
from digest.editions.arrange import Arrangement
from digest.editions.candidates import preheader_of, subject_of
from digest.editions.picks import PLAIN, is_return, length_of, number_of, pack, position_of
from digest.editions.select import Selector
from digest.editions.snapshot import newsletter_from_json, newsletter_to_json
from digest.errors import MessageInvalid, Next, NothingLeft, RenderFailed, Step
from digest.message.frames import Cause
from digest.message.headers import Letterhead, edition_key
from digest.message.splice import Copy, Splicer, plain_parts
from digest.model.address import EmailAddress, clean_line
from digest.model.choices import Length
from digest.model.delivery import DeliveryId
from digest.model.edition import Candidate, Edition, Pick
from digest.model.envelope import Envelope, Outgoing
from digest.model.newsletter import Newsletter
from digest.model.place import Regions, arrange, by_region, has
from digest.model.rendering import RenderedCopy
from digest.model.subscriber import Reader, Recipient, Subscriber, SubscriberId
from digest.render.html import Renderer
from digest.render.views import EditionInputs, short_date
from digest.render.words import words_of

if TYPE_CHECKING:
    from digest.message.sign import Signer

MAX_WORDS = 50_000

SURVEY_STEP = 50


MANY, LONG = 40, 40_000
"""So many articles, whose titles and addresses have so many bytes together, fit into a mail with all that is around them: a
headline of the template "weekly" has about 1,000 bytes besides."""


def _length(candidate: Candidate) -> int:
    """Of a headline, about: its title and its address, which stands in the link and, in some templates, beside it."""
    article = candidate.article
    return 3 * len(article.title.encode()) - 2 * len(article.title) + 2 * len(article.url) + 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a template makes of an audience.

    readers    looked at
    most       renderings of one thing, of the frame or of one article
    variants   by language: how many of both were made
    causes     what the template asks readers
    """

    readers: int
    most: int
    variants: dict[str, dict[str, int]]
    causes: tuple[Cause, ...]


class CopyMaker:
    """One edition, compiled once per language as readers of that language come. Not thread-safe.

    frozen        {"newsletter": ..., "files": ...} as they were when the edition was approved
    links         of the installation; Links() for what everybody may see
    message_key   a secret of this installation that Message-IDs are made with
    signer        signs every message, where there is one
    """

    def __init__(
        self,
        edition: Edition,
        frozen: Mapping[str, Any],
        links: Links,
        *,
        message_key: bytes = b"",
        signer: Signer | None = None,
        public_key: str = "",
        is_test: bool = False,
    ) -> None:
        self.newsletter: Newsletter = newsletter_from_json(frozen["newsletter"])
        self.edition = edition
        self._files: Mapping[str, str] = frozen["files"]
        self.links, self._message_key = links, message_key
        self._signer = signer
        self._public_key = public_key
        self._is_test = is_test
        offer = self.newsletter.offer
        self._arrangement = Arrangement(edition.candidates, self.newsletter.layout, shows_reasons=offer.reasons)
        self._general = self._picks_in_general()
        self._general_regions = by_region(self._general)
        self._by_language: dict[str, tuple[Renderer, Splicer]] = {}
        self._mail_from = str(self.newsletter.sender)
        self._days: dict[tuple[int, str], str] = {}
        self._languages: dict[str, str] = {}
        self._words: dict[tuple[int, ...], tuple[str, str]] = {}
        self.revision = 0
        self._withdrawn: frozenset[int] = frozenset()

    def withdraw(self, revision: int, positions: Iterable[int]) -> None:
        """From now on no copy holds these articles.

        revision   the edition's, at which that is so
        """
        self.revision, self._withdrawn = revision, frozenset(positions)

    def prepare(self, recipients: Sequence[Recipient]) -> None:
        """Render ahead what these readers need, many blocks in one go; a copy of which nothing is left needs nothing."""
        by_splicer: dict[Splicer, list[Copy]] = {}
        for recipient in recipients:
            with contextlib.suppress(NothingLeft):
                _, splicer, copy = self._copy(recipient)
                by_splicer.setdefault(splicer, []).append(copy)
        for splicer, copies in by_splicer.items():
            splicer.prepare(copies)

    def outgoing(self, due: Due, *, at: datetime) -> Outgoing:
        return self._outgoing(due.delivery_id, due, at)

    def test_copy(self, recipient: Recipient, *, at: datetime) -> Outgoing:
        """For `digest edition test`: belongs to no ledger row."""
        return self._outgoing(DeliveryId(0), recipient, at)

    def _outgoing(self, delivery_id: DeliveryId, recipient: Recipient, at: datetime) -> Outgoing:
        mail_from = self._mail_from
        if self.links.has_return_path and delivery_id:
            mail_from = self.links.return_path(BOUNCE, delivery_id, now=at)
        envelope = Envelope(mail_from=mail_from, rcpt_to=str(recipient.subscriber.address))
        return Outgoing(delivery_id=delivery_id, envelope=envelope, parts=self._parts(recipient, at=at))

    def message(self, recipient: Recipient, *, at: datetime) -> bytes:
        """The bytes as they go out at that instant."""
        return b"".join(self._parts(recipient, at=at))

    def _parts(self, recipient: Recipient, *, at: datetime) -> Sequence[bytes]:
        _, splicer, copy = self._copy(recipient)
        parts = splicer.parts(copy, at=at)
        return [self._signer.signed(b"".join(parts), at)] if self._signer else parts

    def plain(self, recipient: Recipient) -> RenderedCopy:
        """The same mail rendered by itself, the slow way: what the message must decode to (P8)."""
        renderer, splicer, copy = self._copy(recipient)
        copy = splicer.fitted(copy)
        rendered = renderer.plain({"reader": copy.reader}, arrange(copy.picks))
        html, text = plain_parts(rendered.html, rendered.text)
        return RenderedCopy(subject=rendered.subject, html=html, text=text)

    def check_regions(self, recipient: Recipient) -> None:
        """RenderFailed when the template has no place for some of this edition's articles: they would be lost (P4)."""
        _, splicer, copy = self._copy(recipient)
        for region, is_html in splicer.lost(copy):
            raise RenderFailed(
                f"{'body.html' if is_html else 'body.txt'} of template {self.newsletter.template!r} has no "
                f'{{% picks "{region}" %}}: the articles that stand there would be lost'
            )

    def check_size(self, recipient: Recipient) -> None:
        """MessageInvalid when a copy could be so long that articles would have to be left out of it: all as headlines.

        Looked at closely only where a copy may hold many, or their titles and addresses are long.
        """
        candidates = self.edition.candidates
        longest = sorted(candidates, key=_length, reverse=True)[: self.newsletter.max_items]
        if len(longest) <= MANY and sum(map(_length, longest)) < LONG:
            return
        packed = pack(Length.FULL, [number_of(each.position, PLAIN) for each in longest])
        recipient = replace(recipient, picks=json.loads(packed))
        _, splicer, copy = self._copy(recipient)
        fitting = len(splicer.fitted(copy).picks)
        if fitting < len(longest):
            raise MessageInvalid(
                f"{len(longest)} articles are too long for one mail even as headlines, and {fitting} fit: mail programs "
                f"hide what is beyond 102,400 bytes, the link to leave with it; allow at most {fitting}",
                next=Next(
                    Step.CHANGE_NEWSLETTER,
                    {"newsletter": self.newsletter.name, "field": "max_items", "value": fitting},
                ),
            )

    def is_whole(self, recipient: Recipient) -> bool:
        """Does this copy fit into what mail programs show, without articles of it becoming headlines?"""
        _, splicer, copy = self._copy(recipient)
        return splicer.fitted(copy).picks is copy.picks

    def web_view(self) -> str:
        """The edition for everybody: no name, no address, no token (P9)."""
        nobody = Subscriber(id=SubscriberId(0), address=EmailAddress("", ""), language=self.newsletter.language)
        maker = CopyMaker(
            self.edition,
            {"newsletter": newsletter_to_json(self.newsletter), "files": self._files},
            Links(),
        )
        maker.withdraw(self.revision, self._withdrawn)
        renderer, splicer, copy = maker._copy(Recipient(subscription_id=0, subscriber=nobody))
        copy = replace(copy, reader=replace(copy.reader, address=""))
        copy = splicer.fitted(copy)
        return renderer.plain({"reader": copy.reader}, arrange(copy.picks)).html

    def variants(self) -> dict[str, dict[str, int]]:
        """Renderings made so far, by language."""
        return {language: splicer.variants() for language, (_, splicer) in self._by_language.items()}

    def sample_picks(self, length: Length) -> list[int] | None:
        """A copy of that length with what everybody gets; None: the whole edition as it is."""
        if length is Length.FULL:
            return None
        packed: list[int] = json.loads(
            pack(length, [number_of(pick.candidate.position, PLAIN) for pick in self._general])
        )
        return packed

    def survey(self, recipients: Sequence[Recipient], *, limit: int) -> Survey:
        """How many renderings the template makes for these readers, and what makes them; stops looking beyond `limit`."""
        looked = 0
        for start in range(0, len(recipients), SURVEY_STEP):
            chunk = recipients[start : start + SURVEY_STEP]
            self.prepare(chunk)
            looked += len(chunk)
            if self._most_variants > limit:
                break
        causes = [cause for _, splicer in self._by_language.values() for cause in splicer.causes()]
        return Survey(readers=looked, most=self._most_variants, variants=self.variants(), causes=tuple(causes))

    @property
    def _most_variants(self) -> int:
        return max((splicer.most_variants for _, splicer in self._by_language.values()), default=0)

    # --- one reader -----------------------------------------------------------------------------------------------

    def _language(self, wanted: str) -> str:
        """The language of a copy: the reader's, where the newsletter has it."""
        if (found := self._languages.get(wanted)) is None:
            offered = (self.newsletter.language, *self.newsletter.languages)
            found = next((each for each in (wanted, wanted.split("-")[0]) if each in offered), offered[0])
            self._languages[wanted] = found
        return found

    def _copy(self, recipient: Recipient) -> tuple[Renderer, Splicer, Copy]:
        """What this reader's copy is, with those who can make it."""
        subscriber = recipient.subscriber
        language = self._language(subscriber.language)
        renderer, splicer = self._compiled(language)
        name = clean_line(subscriber.name)
        url, mailto = self.links.leaving(recipient.subscription_id)
        picks, regions = self._picks_of(recipient.picks)
        own: dict[str, str] = {}
        if self.newsletter.offer.is_any:
            own = self._own_words(picks, recipient)
        reader = Reader(
            address=str(subscriber.address),
            name=name,
            first_name=clean_line(str(subscriber.attributes.get("first_name", ""))) or name.partition(" ")[0],
            language=subscriber.language,
            time_zone=subscriber.time_zone,
            joined_on=self._day(recipient.joined_at, language),
            unsubscribe_url=url,
            has=has(regions),
            make_picks=partial(renderer.views, picks),
            attributes={key: clean_line(str(value)) for key, value in subscriber.attributes.items()},
            **own,
        )
        copy = Copy(
            reader=reader,
            address=subscriber.address,
            subscription_id=recipient.subscription_id,
            picks=picks,
            regions=regions,
            unsubscribe_mailto=mailto,
        )
        return renderer, splicer, copy

    def _picks_of(self, packed: Sequence[int] | None) -> tuple[tuple[Pick, ...], Regions]:
        """What stands in this copy: the ledger says it, so that the same copy can be made again (P10)."""
        if packed is None and not self._withdrawn:
            return self._general, self._general_regions
        if packed is None:
            numbers: Sequence[int] = [number_of(pick.candidate.position, PLAIN) for pick in self._general]
            length = Length.FULL
        else:
            numbers, length = packed[1:], length_of(packed)
        if self._withdrawn:
            numbers = [each for each in numbers if position_of(each) not in self._withdrawn]
            if not numbers:
                raise NothingLeft("all of its articles were withdrawn")
        return self._arrangement.by_region(numbers, length)

    def _picks_in_general(self) -> tuple[Pick, ...]:
        """The whole edition; or where readers have digests of their own, that of one who chose nothing."""
        if not self.newsletter.offer.is_any:
            return self._arrangement.everything
        edition = self.edition
        window = {"since": edition.window_from, "until": edition.window_until}
        return self._arrangement.picks(Selector(edition.candidates, self.newsletter, **window).general().numbers)

    def _own_words(self, picks: tuple[Pick, ...], recipient: Recipient) -> dict[str, str]:
        """What a copy says of itself where each reader has another one."""
        first = tuple([pick.candidate for pick in picks[:4]])
        key = tuple([candidate.position for candidate in first])
        if (said := self._words.get(key)) is None:
            if len(self._words) > MAX_WORDS:
                self._words.clear()
            said = self._words[key] = clean_line(subject_of(self.newsletter, first)), clean_line(preheader_of(first))
        subject, preheader = said
        packed = recipient.picks
        missed = self._missed(recipient) if packed and is_return(packed) else ""
        length = length_of(packed).value if packed else ""
        url = self.links.choosing(recipient.subscription_id, recipient.subscriber.link_version)
        if missed:
            preheader = f"{missed}: {preheader}"
        return {
            "subject": subject,
            "preheader": preheader,
            "length": length,
            "missed": missed,
            "preferences_url": url,
        }

    def _missed(self, recipient: Recipient) -> str:
        """ "What you missed"."""
        return words_of(self._language(recipient.subscriber.language), self._files).gettext("What you missed")

    def _day(self, at: datetime | None, language: str) -> str:
        """The day of an instant in the newsletter's zone, in words; many readers joined on the same."""
        if at is None:
            return ""
        key = (int(at.timestamp()) // 900, language)  # no zone's day begins within a quarter of an hour
        if (shown := self._days.get(key)) is None:
            shown = self._days[key] = short_date(at, self._inputs(language))
        return shown

    def _inputs(self, language: str) -> EditionInputs:
        return EditionInputs(
            newsletter=self.newsletter,
            edition=self.edition,
            language=language,
            files=self._files,
            web_url=self.links.web_view(self._public_key) if self._public_key else "",
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
                message_key=edition_key(self._message_key, self._public_key),
                boundary=f"=_digest_{self.edition.id}_{language}",  # "=_" cannot stand in quoted-printable
            )
            self._by_language[language] = (renderer, Splicer(renderer, letterhead))
        return self._by_language[language]
