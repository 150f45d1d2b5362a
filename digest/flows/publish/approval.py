"""A draft is let go: frozen, looked at, and from then on every copy is made from what was frozen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from digest.audience.store.subscribers import list_sample
from digest.db.engine import reading, writing
from digest.editions.store import editions as edition_store
from digest.editions.store import transitions
from digest.editions.store.newsletters import get_newsletter_by_id
from digest.editions.store.web_views import keep_web_view
from digest.errors import Next, Refused, RenderFailed, Step
from digest.flows.copies import CopyMaker, Survey
from digest.flows.images import copy_images
from digest.flows.publish.press import Press, freeze
from digest.model.actor import Actor
from digest.model.address import EmailAddress
from digest.model.choices import Length
from digest.model.edition import EditionStatus
from digest.model.newsletter import Newsletter, Offer
from digest.model.subscriber import Recipient, Subscriber, SubscriberId

SURVEYED = 1_000
"""Readers whose answers are looked at before an edition goes."""


def approve(engine: Engine, press: Press, edition_id: int, *, now: datetime, actor: Actor) -> list[str]:
    """Freeze newsletter, pictures and template, see that they render, and let the edition go.

    returns   a line for each picture that could not be copied

    Refused when it is no draft; RenderFailed names file and line, and leaves the draft as it is.
    """
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
        newsletter = get_newsletter_by_id(connection, edition.newsletter_id)
    if edition.status is not EditionStatus.DRAFT:
        raise Refused(f"edition {edition_id} is {edition.status}; only a draft can be approved")
    lines = []
    if press.images is not None:
        lines = copy_images(engine, press.images, edition_id)
        with reading(engine) as connection:
            edition = edition_store.get_edition(connection, edition_id)
    if edition.corrects_id is not None:  # everybody gets the one article that it holds
        newsletter = replace(newsletter, offer=Offer())
    frozen = freeze(press, newsletter)
    maker = CopyMaker(edition, frozen, press.links, message_key=press.message_key, signer=press.signer)
    check_rendering(maker, now=now)
    check_variants(survey(engine, maker), newsletter)
    web_view = maker.web_view()
    with writing(engine) as connection:
        edition_store.freeze(connection, edition_id, frozen)
        values = {"approved_at": now, "approved_by": str(actor), "hold_reason": ""}
        if not transitions.move(connection, edition_id, "approve", actor=actor, now=now, **values):
            raise Refused(f"edition {edition_id} was approved or cancelled by somebody else just now")
        keep_web_view(connection, edition_id, edition_store.find_state(connection, edition_id)[1], web_view)
    return lines


def check_rendering(maker: CopyMaker, *, now: datetime) -> None:
    """Make copies for invented readers the fast and the plain way; RenderFailed if either fails, or loses articles;
    MessageInvalid if one could be so long that it would lose some."""
    lengths = (Length.FULL, *map(Length, maker.newsletter.offer.lengths))
    for name, length in [(name, length) for name in ("", "Mira O'Brien & <Söhne>") for length in lengths]:
        sample = Recipient(
            subscription_id=1,
            subscriber=Subscriber(id=SubscriberId(1), address=EmailAddress("reader", "example.org"), name=name),
            picks=maker.sample_picks(length),
        )
        maker.message(sample, at=now)
        maker.check_regions(sample)
        maker.plain(sample)
    maker.check_size(sample)


def survey(engine: Engine, maker: CopyMaker, *, readers: int = SURVEYED) -> Survey:
    """What the template makes of readers from all over the audience."""
    with reading(engine) as connection:
        sample = list_sample(connection, maker.newsletter.id, readers)
    recipients = [
        Recipient(subscription_id=id_, subscriber=subscriber, joined_at=joined_at)
        for id_, joined_at, subscriber in sample
    ]
    return maker.survey(recipients, limit=maker.newsletter.max_variants)


def check_variants(found: Survey, newsletter: Newsletter) -> None:
    """RenderFailed where a template would be rendered for nearly every reader: it names the expression that does it."""
    if found.most <= newsletter.max_variants:
        return
    worst = found.causes[0]
    raise RenderFailed(
        f"{worst.template} of template {newsletter.template!r}, line {worst.line}: {worst.question} has {worst.answers} "
        f"answers among {found.readers} readers, and each is a rendering of its own; print the value instead of asking for "
        f"it, or allow more than {newsletter.max_variants}",
        next=Next(
            Step.CHANGE_NEWSLETTER,
            {"newsletter": newsletter.name, "field": "max_variants", "value": 10 * newsletter.max_variants},
        ),
    )
