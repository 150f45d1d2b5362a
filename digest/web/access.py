"""Who is asking: the reader of a signed link. The token alone says it; there is no cookie and no login."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request

from digest.app import App
from digest.audience.store import subscribers as subscriber_store
from digest.audience.tokens import Purpose
from digest.db.engine import reading
from digest.editions.store.newsletters import get_newsletter_by_id
from digest.errors import BadInput, NotFound
from digest.model.newsletter import Newsletter, NewsletterId
from digest.model.subscriber import Subscriber, Subscription, SubscriptionStatus
from digest.web.pages import words_for
from digest.words import Words
from digest.words import gettext_noop as _

MAX_FORM_BYTES, MAX_FIELDS = 200_000, 1_200
"""Of a reader's form: twice what the longest lists that may be chosen come to."""


NOWHERE = "no link of ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """words   in the reader's language, else in the newsletter's"""

    subscription: Subscription
    newsletter: Newsletter
    person: Subscriber
    words: Words

    @property
    def has_left(self) -> bool:
        return self.subscription.status is SubscriptionStatus.LEFT


def get_asking(app: App, purpose: Purpose, token: str) -> Asking:
    """The subscription of a token and its newsletter; NotFound for anything else.

    A token of another purpose, one that is over, one of a subscription that is gone: whoever tries tokens gets one answer.
    """
    bare = token.rstrip("_-")  # what door.py cannot tell from a token: seen: _https://digest.example.org/u/TOKEN_
    keyring, now = app.keyring, app.clock.now()
    claims = (keyring.read(purpose, each, now=now) for each in dict.fromkeys((token, bare)))
    claim = next((each for each in claims if each is not None), None)
    if claim is None:
        raise NotFound(NOWHERE)
    with reading(app.engine) as connection:
        found = subscriber_store.find_subscription(connection, claim.subject)
        if found is None:
            raise NotFound(NOWHERE)
        person = subscriber_store.get_subscriber_by_id(connection, found.subscriber_id)
        if purpose.is_versioned and person.link_version != claim.version:
            raise NotFound(NOWHERE)
        newsletter = get_newsletter_by_id(connection, NewsletterId(found.newsletter_id))
    words = words_for((person.language, newsletter.language), app.settings.templates.folder)
    return Asking(subscription=found, newsletter=newsletter, person=person, words=words)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of one of our own forms, the last of each name; BadInput for what no form of ours sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise BadInput(_("That was more than this form can hold."))
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise BadInput(_("That was not the form of this page."))
    return parse_fields(bytes(body))


def parse_fields(body: bytes) -> dict[str, str]:
    """NUL dies here: no field means anything with it, and PostgreSQL takes none."""
    try:
        found = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as cause:
        raise BadInput(_("That was not the form of this page.")) from cause
    return {name.replace("\0", ""): value.replace("\0", "") for name, value in found}
