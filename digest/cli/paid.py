"""digest newsletter sponsor: who pays for a box, from when to when"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from digest.cli.arguments import YEARS, line, link
from digest.cli.context import actor, open_app
from digest.cli.output import show_table


def sponsor(
    context: typer.Context,
    name: str,
    sponsor_name: Annotated[str | None, typer.Option("--by", help="who pays; empty to end all of them")] = None,
    url: Annotated[str, typer.Option()] = "",
    title: Annotated[str, typer.Option()] = "",
    text: Annotated[str, typer.Option()] = "",
    label: Annotated[str, typer.Option(help='before the name, instead of "Sponsored by"')] = "",
    logo: Annotated[str, typer.Option(help="URL of a square picture, 112 x 112")] = "",
    image: Annotated[str, typer.Option(help="URL of a wide picture, 992 pixels wide")] = "",
    cta: Annotated[str, typer.Option(help='the words of the link: "See how it works"')] = "",
    since: Annotated[str, typer.Option("--from", help="first day: 2026-12-01; empty: now")] = "",
    until: Annotated[str, typer.Option(help="last day; empty: no end")] = "",
    editions: Annotated[int, typer.Option(min=0, help="so many editions show it at most; 0: no limit")] = 0,
    end: Annotated[str, typer.Option(help="take the boxes of this sponsor away")] = "",
) -> None:
    """The paid boxes of the editions that are built from now on; without options: which there are.

    Each has its days, one after another; one with the same sponsor and title is replaced. An edition shows the one whose
    days include the day on which it is due. Readers' slots have editions of their own, and each counts.

    Examples:
    digest newsletter sponsor harbour --by "Alder Bank" --url https://bank.example --title "Save in town"
    digest newsletter sponsor harbour --by Tram --url https://tram.example --title Ride --from 2027-01-04 --until 2027-01-31
    digest newsletter sponsor harbour --end "Alder Bank"
    """
    from dataclasses import replace

    from digest import audit
    from digest.db.engine import reading, writing
    from digest.editions import store
    from digest.editions.newsletters import change_newsletter, get_newsletter
    from digest.editions.sponsors import overlapping
    from digest.errors import BadInput, NotFound, Refused
    from digest.model.newsletter import Sponsor

    app = open_app(context)
    if sponsor_name is None and not end:
        with reading(app.engine) as connection:
            found = get_newsletter(connection, name)
            shown = store.count_sponsored(connection, found.id)
        show_table(
            ("sponsor", "title", "from", "until", "editions", "of at most"),
            [(s.name, s.title, s.since, s.until, shown[s.key], s.most_editions or "") for s in found.sponsors],
            empty="no sponsor",
        )
        return
    paid: Sponsor | None = None
    if sponsor_name:
        if since and until and _day(until, "--until") < _day(since, "--from"):
            raise BadInput(f"the last day, {until}, is before the first, {since}")
        paid = Sponsor(
            name=line("--by", sponsor_name, needed=True),
            url=link("--url", url, needed=True),
            title=line("--title", title, needed=True),
            text=line("--text", text),
            label=line("--label", label),
            logo=link("--logo", logo),
            image=link("--image", image),
            cta=line("--cta", cta),
            since=_day(since, "--from") if since else "",
            until=_day(until, "--until") if until else "",
            most_editions=editions,
        )
    with writing(app.engine) as connection:
        found = get_newsletter(connection, name)
        sponsors = found.sponsors if sponsor_name != "" else ()
        if end:
            sponsors = tuple(each for each in sponsors if each.name != end)
            if len(sponsors) == len(found.sponsors):
                there = ", ".join(dict.fromkeys(each.name for each in sponsors)) or "none"
                raise NotFound(f"newsletter {name} has no sponsor {end!r} (there are: {there})")
        if paid is not None:
            if (other := overlapping(sponsors, paid)) is not None:
                days = f"{other.since or 'now'} to {other.until or 'no end'}"
                raise Refused(
                    f"{other.name} has the box from {days}; give --from and --until that do not overlap, or first: "
                    f"digest newsletter sponsor {name} --end {other.name!r}"
                )
            sponsors = tuple(sorted((*(s for s in sponsors if s.key != paid.key), paid), key=lambda s: s.since))
        change_newsletter(connection, replace(found, sponsors=sponsors), now=app.clock.now())
        target = audit.of_newsletter(found.id)
        audit.record(
            connection, "newsletter.sponsor", actor(), target, now=app.clock.now(), after={"sponsors": sponsors}
        )
    names = ", ".join(each.name for each in sponsors)
    print(f"newsletter {name}: {'sponsored by ' + names if sponsors else 'no sponsor'}")


def _day(text: str, option: str) -> str:
    from digest.errors import BadInput

    try:
        day = date.fromisoformat(text)
    except ValueError as cause:
        raise BadInput(f"{option}: {text!r} is no day: write 2026-12-01") from cause
    if day.year not in YEARS:
        raise BadInput(f"{option}: the year {day.year} is not between {YEARS[0]} and {YEARS[-1]}")
    return day.isoformat()
