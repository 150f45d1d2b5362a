"""digest newsletter list | show | add | change | offer | settings; also in schedule.py, simulate.py and paid.py"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from digest.cli.context import actor, open_app
from digest.cli.output import show_fields, show_json, show_table
from digest.cli.settings import lines_of, option_of, with_options
from digest.editions.snapshot import newsletter_to_json
from digest.flows.admin import newsletters
from digest.model.newsletter import Newsletter
from digest.model.setting import json_schema, settings_of

ALL = settings_of(Newsletter)
CHOICES = tuple(each for each in ALL if each.group in ("offer", "ranking") or each.path == "schedule.is_local")
"""What readers may choose. `offer` sets that: some of its options are called as others of `change` are."""
OWN = tuple(each for each in ALL if each not in CHOICES)

_JSON = Annotated[bool, typer.Option("--json")]


def list_(context: typer.Context, as_json: _JSON = False) -> None:
    """All newsletters, and when each is due next."""
    app = open_app(context)
    found = newsletters.list_newsletters(app.engine, now=app.clock.now())
    if as_json:
        show_json([newsletter_to_json(each.newsletter) for each in found])
        return
    show_table(
        ("name", "title", "schedule", "next due", "template", "review", "on"),
        [
            (n.name, n.title, _schedule(n), each.due_at, n.template, n.needs_review, n.is_enabled)
            for each in found
            for n in [each.newsletter]
        ],
        empty="no newsletters; add one: digest newsletter add --help",
    )


def show(context: typer.Context, name: str, as_json: _JSON = False) -> None:
    """One newsletter, with its readers counted."""
    app = open_app(context)
    found = newsletters.get_newsletter(app.engine, name, now=app.clock.now())
    if as_json:
        show_json({**newsletter_to_json(found.newsletter), "version": found.version, "subscriptions": found.readers})
        return
    fields: dict[str, object] = {"name": found.newsletter.name, **dict(lines_of(ALL, found.newsletter))}
    fields["sponsors"] = ", ".join(each.key for each in found.newsletter.sponsors)
    show_fields({**fields, **{f"readers, {status}": count for status, count in found.readers.items()}})


@with_options(OWN, is_new=True)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="how commands call it: letters, digits, hyphens")],
    given: dict[str, Any],
) -> None:
    """Add a newsletter.

    Example: digest newsletter add harbour --title "The Harbour Post" --sender news@example.org
    --postal-address "12 Quay Street, Port Alder" --weekdays mon --at 07:00 --time-zone Europe/London
    """
    app = open_app(context)
    new = newsletters.add_newsletter(
        app.engine, name, given, folders=app.template_folders, actor=actor(), now=app.clock.now()
    )
    print(f"newsletter {name} added: {_schedule(new)}; next: digest subscriber import FILE --newsletter {name}")


@with_options(OWN)
def change(context: typer.Context, name: str, given: dict[str, Any]) -> None:
    """Change a newsletter. Editions that are approved already keep what they were approved with.

    Example: digest newsletter change harbour --accent "#7a1f3d" --accent-dark "#f2a0b9" --cards-topic Culture
    """
    if not given:
        raise typer.BadParameter("say what to change; see: digest newsletter change --help")
    app = open_app(context)
    newsletters.change_newsletter(
        app.engine, name, given, folders=app.template_folders, actor=actor(), now=app.clock.now()
    )
    print(f"newsletter {name} changed: {', '.join(sorted(path.rpartition('.')[2] for path in given))}")


@with_options(CHOICES)
def offer(context: typer.Context, name: str, given: dict[str, Any]) -> None:
    """What readers of a newsletter may choose. With any of it, every reader has a digest of their own.

    Without options it says what is offered. What is not offered any more stays with the reader and is not applied.

    Example: digest newsletter offer harbour --topics --cadences daily,weekly --hours 7,18 --lengths headlines --reasons
    """
    app = open_app(context)
    now = app.clock.now()
    if given:
        newsletters.change_newsletter(app.engine, name, given, folders=(), actor=actor(), now=now)
    found = newsletters.get_newsletter(app.engine, name, now=now).newsletter
    if found.offer.is_any:
        show_fields(_offered(found))
    else:
        show_fields({name: "offers no choice: every reader gets the same"})


def settings(as_json: _JSON = False) -> None:
    """All settings of a newsletter: option, default, bounds and what each does; with --json as a JSON Schema."""
    if as_json:
        show_json(json_schema(Newsletter, title="The settings of a newsletter"))
        return
    show_table(
        ("command", "option", "default", "", "what it does"),
        [
            ("offer" if each in CHOICES else "change", option_of(each), each.text(each.default), each.unit, each.help)
            for each in ALL
        ],
        empty="",
    )


def _offered(newsletter: Newsletter) -> dict[str, object]:
    offer, ranking = newsletter.offer, newsletter.ranking
    return {
        "topics and authors": ", ".join(name for name in ("topics", "authors") if getattr(offer, name)) or "none",
        "cadences": ", ".join(offer.cadences) or "its own schedule only",
        "hours": ", ".join(map(str, offer.hours)) or "its own",
        "lengths": ", ".join(("full", *offer.lengths)),
        "minutes": ", ".join(map(str, offer.minutes)) or "no limit",
        "reasons": "shown" if offer.reasons else "not shown",
        "wall time": "each reader's own" if newsletter.schedule.is_local else newsletter.schedule.time_zone,
        "rank": f"recency {ranking.recency:g}, reads {ranking.reads:g}, comments {ranking.comments:g}",
        "for everybody": f"editor's picks, and the {ranking.popular} most read",
        "of one section": ranking.per_section or "any number",
        "what did not fit": f"comes in {ranking.carry} further editions, then it is listed as expired",
    }


def _schedule(newsletter: Newsletter) -> str:
    schedule = newsletter.schedule
    return f"{', '.join(schedule.weekdays)} at {schedule.wall_time:%H:%M} {schedule.time_zone}"
