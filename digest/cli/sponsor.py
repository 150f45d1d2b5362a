"""digest sponsor: who pays for a box, from when to when"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.arguments import drop_none
from digest.cli.context import actor, open_app
from digest.cli.output import confirm, show_json, show_table
from digest.db.engine import reading
from digest.editions.store.editions import count_sponsored
from digest.editions.store.newsletters import get_newsletter
from digest.flows.admin import sponsors

if TYPE_CHECKING:
    from digest.model.newsletter import Sponsor

_LABEL = Annotated[str, typer.Option(help='before the name, instead of "Sponsored by"')]
_LOGO = Annotated[str, typer.Option(help="URL of a square picture, 112 x 112")]
_IMAGE = Annotated[str, typer.Option(help="URL of a wide picture, 992 pixels wide")]
_CTA = Annotated[str, typer.Option(help='the words of the link: "See how it works"')]
_SINCE = Annotated[str, typer.Option("--from", help="first day: 2026-12-01; empty: now")]
_UNTIL = Annotated[str, typer.Option(help="last day; empty: no end")]
_EDITIONS = Annotated[int, typer.Option(min=0, help="so many editions show it at most; 0: no limit")]


def add(
    context: typer.Context,
    newsletter: str,
    name: Annotated[str, typer.Option("--by", help="who pays")],
    url: Annotated[str, typer.Option()],
    title: Annotated[str, typer.Option()],
    text: Annotated[str, typer.Option()] = "",
    label: _LABEL = "",
    logo: _LOGO = "",
    image: _IMAGE = "",
    cta: _CTA = "",
    since: _SINCE = "",
    until: _UNTIL = "",
    editions: _EDITIONS = 0,
) -> None:
    """Book a box in the editions that are built from now on; one with the same sponsor, title and first day is replaced.

    Boxes have their days, one after another. An edition shows the one whose days include the day on which it is due.
    Readers' slots have editions of their own, and each counts.

    Examples:
    digest sponsor add harbour --by "Alder Bank" --url https://bank.example --title "Save in town"
    digest sponsor add harbour --by Tram --url https://tram.example --title Ride --from 2027-01-04 --until 2027-01-31
    """
    texts = drop_none(
        name=name,
        url=url,
        title=title,
        text=text,
        label=label,
        logo=logo,
        image=image,
        cta=cta,
        since=since,
        until=until,
    )
    app = open_app(context)
    booked = sponsors.add(app.engine, newsletter, texts, most_editions=editions, actor=actor(), now=app.clock.now())
    _say(newsletter, booked)


def list_(context: typer.Context, newsletter: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """The boxes of a newsletter, and how many editions showed each."""
    with reading(open_app(context).engine) as connection:
        found = get_newsletter(connection, newsletter)
        shown = count_sponsored(connection, found.id)
    if as_json:
        show_json([{"sponsor": each, "editions": shown[each.key]} for each in found.sponsors])
        return
    show_table(
        ("sponsor", "title", "from", "until", "editions", "of at most"),
        [(s.name, s.title, s.since, s.until, shown[s.key], s.most_editions or "") for s in found.sponsors],
        empty="no sponsor",
    )


def end(
    context: typer.Context,
    newsletter: str,
    sponsor: Annotated[str, typer.Argument(help="whose boxes; those of all if not given")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Take a sponsor's boxes out of the editions that are built from now on.

    Example: digest sponsor end harbour "Alder Bank"
    """
    app = open_app(context)
    if not sponsor:
        confirm(f"End all sponsors of {newsletter}?", yes=yes)
    _say(newsletter, sponsors.end(app.engine, newsletter, sponsor, actor=actor(), now=app.clock.now()))


def sponsor(
    context: typer.Context,
    newsletter: str,
    name: Annotated[str | None, typer.Option("--by", help="who pays; empty to end all of them")] = None,
    url: Annotated[str, typer.Option()] = "",
    title: Annotated[str, typer.Option()] = "",
    text: Annotated[str, typer.Option()] = "",
    label: _LABEL = "",
    logo: _LOGO = "",
    image: _IMAGE = "",
    cta: _CTA = "",
    since: _SINCE = "",
    until: _UNTIL = "",
    editions: _EDITIONS = 0,
    end_of: Annotated[str, typer.Option("--end", help="take the boxes of this sponsor away")] = "",
) -> None:
    """The same in one command, as it was called before: digest sponsor add, list, end."""
    if end_of or name == "":
        end(context, newsletter, end_of, yes=True)
    if name:
        add(context, newsletter, name, url, title, text, label, logo, image, cta, since, until, editions)
    elif not end_of and name is None:
        list_(context, newsletter)


def _say(newsletter: str, booked: Sequence[Sponsor]) -> None:
    names = ", ".join(each.name for each in booked)
    print(f"newsletter {newsletter}: {'sponsored by ' + names if names else 'no sponsor'}")
