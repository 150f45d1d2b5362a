"""digest edition preview | test: one copy of an edition, to look at"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import open_app

if TYPE_CHECKING:
    from digest.app import App
    from digest.flows.copies import CopyMaker
    from digest.model.subscriber import Recipient


def preview(
    context: typer.Context,
    edition_id: int,
    to: Annotated[str, typer.Option("--for", help="address of a reader; an invented one if not given")] = "",
    out: Annotated[Path, typer.Option(help="folder for the files")] = Path("preview"),
) -> None:
    """Write HTML, text and the whole message as this reader would get them; personal links in them lead nowhere.

    Example: digest edition preview 12 --for mira@example.org
    """
    import email
    from email import policy

    from digest.flows import publish

    app = open_app(context)
    maker = publish.open_maker(app.engine, app.trial_press, edition_id)
    raw = maker.message(_recipient(app, maker, to), at=app.clock.now())
    parsed: Any = email.message_from_bytes(raw, policy=policy.default)
    out.mkdir(parents=True, exist_ok=True)
    for subtype, suffix in (("html", ".html"), ("plain", ".txt")):
        part = parsed.get_body((subtype,))
        (out / f"edition-{edition_id}{suffix}").write_bytes(part.get_payload(decode=True))
    (out / f"edition-{edition_id}.eml").write_bytes(raw)
    print(f"subject: {parsed['Subject']}")
    print(f"wrote {out}/edition-{edition_id}.html, .txt and .eml ({len(raw) / 1024:.0f} KB)")
    found = publish.survey(app.engine, maker)
    made = "; ".join(f"{language}: {counts['frames']} of the mail" for language, counts in found.variants.items())
    print(f"renderings for {found.readers:,} readers of the audience: {made}; at most {found.most} of one thing")
    for cause in (each for each in found.causes[:5] if each.answers > 1):
        print(f"  {cause.template}, line {cause.line}: {cause.question} has {cause.answers} answers")


def test(
    context: typer.Context,
    edition_id: int,
    to: Annotated[list[str], typer.Argument(help="addresses that get a copy marked as a test")],
    reader: Annotated[str, typer.Option("--as", help="as this reader would get it")] = "",
) -> None:
    """Send marked copies to these addresses. No ledger row is touched; unsubscribe links lead nowhere.

    Example: digest edition test 12 me@example.org
    """
    import asyncio
    from dataclasses import replace

    from digest.errors import BadInput
    from digest.flows import publish
    from digest.flows.trial import send_trial
    from digest.model.address import EmailAddress

    app = open_app(context)
    maker = publish.open_maker(app.engine, app.press, edition_id, is_test=True)
    recipient = _recipient(app, maker, reader)
    copies = []
    for address in to:
        try:
            parsed = EmailAddress.parse(address)
        except ValueError as cause:
            raise BadInput(f"{address!r}: {cause}") from cause
        one = replace(recipient, subscription_id=0, subscriber=replace(recipient.subscriber, address=parsed))
        copies.append(maker.test_copy(one, at=app.clock.now()))
    outcomes = asyncio.run(send_trial(app.channels, copies))
    for address, outcome in zip(to, outcomes, strict=True):
        print(f"{address}: {outcome.verdict} {outcome.code or ''} {outcome.text}".rstrip())
    if any(outcome.verdict != "accepted" for outcome in outcomes):
        raise typer.Exit(8)


def _recipient(app: App, maker: CopyMaker, address: str) -> Recipient:
    """A reader by address, or an invented one."""
    from digest.audience.store.subscribers import get_subscriber, list_subscriptions
    from digest.db.engine import reading
    from digest.errors import NotFound
    from digest.flows.explain import picks_for
    from digest.model.address import EmailAddress
    from digest.model.subscriber import Recipient, Subscriber, SubscriberId

    if not address:
        invented = Subscriber(id=SubscriberId(0), address=EmailAddress("reader", "example.org"), name="Mira Example")
        return Recipient(subscription_id=0, subscriber=invented, joined_at=app.clock.now())
    with reading(app.engine) as connection:
        subscriber = get_subscriber(connection, address)
        found = [
            each
            for _, each in list_subscriptions(connection, subscriber.id)
            if each.newsletter_id == maker.newsletter.id
        ]
    if not found:
        raise NotFound(f"{address} is not subscribed to this newsletter")
    picks = picks_for(app.engine, maker.edition.id, found[0].id, now=app.clock.now())
    return Recipient(subscription_id=found[0].id, subscriber=subscriber, joined_at=found[0].joined_at, picks=picks)
