"""digest newsletter list | show | add | change; also in schedule.py, choices.py (`offer`), simulate.py and paid.py"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.arguments import in_bounds, line, link
from digest.cli.context import actor, open_app
from digest.cli.output import show_fields, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from digest.model.newsletter import Newsletter, Pace

_WEEKDAYS = Annotated[str | None, typer.Option(help='"mon" or "mon,thu"')]
_AT = Annotated[str | None, typer.Option(help='wall time: "07:00"')]
_ZONE = Annotated[str | None, typer.Option(help="IANA time zone: Europe/Berlin")]
_LIST = Annotated[str | None, typer.Option(help='comma-separated: "City,Culture"; "" for all')]

YEAR = 366


def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """All newsletters, and when each is due next."""
    from digest.db.engine import reading
    from digest.editions.due import periods_after
    from digest.editions.newsletters import list_newsletters
    from digest.editions.snapshot import newsletter_to_json

    app = open_app(context)
    with reading(app.engine) as connection:
        found = list_newsletters(connection)
    if as_json:
        show_json([newsletter_to_json(each) for each in found])
        return
    now = app.clock.now()
    upcoming = [next((p.due_at for p in periods_after(now, each.schedule)), None) for each in found]
    show_table(
        ("name", "title", "schedule", "next due", "template", "review", "on"),
        [
            (each.name, each.title, _schedule(each), due, each.template, each.needs_review, each.is_enabled)
            for each, due in zip(found, upcoming, strict=True)
        ],
        empty="no newsletters; add one: digest newsletter add --help",
    )


def show(context: typer.Context, name: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """One newsletter, with its readers counted."""
    from digest.audience.store import count_subscriptions
    from digest.db.engine import reading
    from digest.editions.newsletters import get_newsletter
    from digest.editions.snapshot import newsletter_to_json

    with reading(open_app(context).engine) as connection:
        found = get_newsletter(connection, name)
        counts = count_subscriptions(connection, found.id)
    values = newsletter_to_json(found)
    if as_json:
        show_json({**values, "subscriptions": counts})
        return
    fields: dict[str, object] = {"name": found.name, "title": found.title, "on": found.is_enabled}
    fields |= {"schedule": _schedule(found), "late runs go within hours": found.schedule.late_hours}
    for key, value in values["settings"].items():
        fields |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    show_fields({**fields, **{f"readers, {status}": count for status, count in counts.items()}})


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="how commands call it: letters, digits, hyphens")],
    title: Annotated[str, typer.Option(help="what readers see")],
    sender: Annotated[str, typer.Option(help="From address: news@example.org")],
    postal_address: Annotated[str, typer.Option(help="the law asks for one in every message")],
    sender_name: Annotated[str | None, typer.Option()] = None,
    reply_to: Annotated[str | None, typer.Option()] = None,
    tagline: Annotated[str | None, typer.Option()] = None,
    url: Annotated[str | None, typer.Option(help="the publication's site")] = None,
    language: Annotated[str | None, typer.Option()] = None,
    languages: _LIST = None,
    template: Annotated[str | None, typer.Option(help="weekly, plain, or one of your own")] = None,
    topics: _LIST = None,
    weekdays: _WEEKDAYS = None,
    at: _AT = None,
    time_zone: _ZONE = None,
    late_hours: Annotated[int | None, typer.Option(min=0, max=24 * YEAR, help="a later run waits for you")] = None,
    min_items: Annotated[int | None, typer.Option(min=1, max=100)] = None,
    max_items: Annotated[
        int | None, typer.Option(min=1, max=100, help="more would be clipped by mail programs")
    ] = None,
    window_days: Annotated[int | None, typer.Option(min=1, max=10 * YEAR)] = None,
    event_days: Annotated[
        int | None, typer.Option(min=1, max=YEAR, help="events of so many days stand in an edition")
    ] = None,
    max_events: Annotated[int | None, typer.Option(min=0, max=100, help="so many events at most; 0: none")] = None,
    review: Annotated[bool | None, typer.Option("--review/--no-review", help="editions wait for approval")] = None,
) -> None:
    """Add a newsletter.

    Example: digest newsletter add harbour --title "The Harbour Post" --sender news@example.org
    --postal-address "12 Quay Street, Port Alder" --weekdays mon --at 07:00 --time-zone Europe/London
    """
    from digest import audit
    from digest.db.engine import writing
    from digest.editions.newsletters import add_newsletter
    from digest.errors import BadInput
    from digest.model.newsletter import Newsletter, NewsletterId

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise BadInput(f"{name!r} cannot be a newsletter's name: small letters, digits and hyphens only")
    app = open_app(context)
    given = dict(locals())
    new = Newsletter(id=NewsletterId(0), name=name, title="", sender=_address("sender", sender))
    new = _changed(new, {key: given[key] for key in _OPTIONS if key in given}, now=app.clock.now())
    _check(new, app)
    with writing(app.engine) as connection:
        number = add_newsletter(connection, new, now=app.clock.now())
        target = audit.of_newsletter(number)
        audit.record(connection, "newsletter.add", actor(), target, now=app.clock.now(), name=name)
    print(f"newsletter {name} added: {_schedule(new)}; next: digest subscriber import FILE --newsletter {name}")


def change(
    context: typer.Context,
    name: str,
    title: Annotated[str | None, typer.Option()] = None,
    sender: Annotated[str | None, typer.Option()] = None,
    postal_address: Annotated[str | None, typer.Option()] = None,
    sender_name: Annotated[str | None, typer.Option()] = None,
    reply_to: Annotated[str | None, typer.Option()] = None,
    tagline: Annotated[str | None, typer.Option()] = None,
    url: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option()] = None,
    languages: _LIST = None,
    template: Annotated[str | None, typer.Option()] = None,
    topics: _LIST = None,
    weekdays: _WEEKDAYS = None,
    at: _AT = None,
    time_zone: _ZONE = None,
    late_hours: Annotated[int | None, typer.Option(min=0, max=24 * YEAR)] = None,
    min_items: Annotated[int | None, typer.Option(min=1, max=100)] = None,
    max_items: Annotated[
        int | None, typer.Option(min=1, max=100, help="more would be clipped by mail programs")
    ] = None,
    window_days: Annotated[int | None, typer.Option(min=1, max=10 * YEAR)] = None,
    event_days: Annotated[
        int | None, typer.Option(min=1, max=YEAR, help="events of so many days stand in an edition")
    ] = None,
    max_events: Annotated[int | None, typer.Option(min=0, max=100, help="so many events at most; 0: none")] = None,
    review: Annotated[bool | None, typer.Option("--review/--no-review")] = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="whether the schedule runs")] = None,
    subscribe_url: Annotated[str | None, typer.Option(help="for those to whom a mail was forwarded")] = None,
    section_url: Annotated[str | None, typer.Option(help="https://example.org/topic/{section}")] = None,
    lead: Annotated[bool | None, typer.Option("--lead/--no-lead", help="the newest with a picture, large")] = None,
    cards_topic: Annotated[str | None, typer.Option(help="this section stands as cards, side by side")] = None,
    headlines_after: Annotated[int | None, typer.Option(min=0, help="from here on titles only; 0: never")] = None,
    retry_hours: Annotated[
        int | None, typer.Option(min=1, max=24 * YEAR, help="how long a refused delivery is tried again")
    ] = None,
    max_variants: Annotated[int | None, typer.Option(min=1, help="renderings that asking readers may make")] = None,
    unknown_policy: Annotated[str | None, typer.Option(help="when an answer was lost: leave | resend")] = None,
    limits: Annotated[str | None, typer.Option(help='"20/second,5000/hour"; "" for none')] = None,
    hours: Annotated[str | None, typer.Option(help='mail goes only then: "07:00-21:00"; "" for always')] = None,
    hours_of: Annotated[str | None, typer.Option(help="whose hours: newsletter | reader")] = None,
    blackout: Annotated[str | None, typer.Option(help='days without mail: "2026-12-25,2027-01-01"')] = None,
    warm_up_first: Annotated[int | None, typer.Option(min=0, help="mails on the first day; 0: no plan")] = None,
    warm_up_factor: Annotated[
        float | None, typer.Option(min=1.0, max=1_000, help="so many times as many each day")
    ] = None,
    warm_up_since: Annotated[str | None, typer.Option(help="the first day; today if not given")] = None,
    canary_readers: Annotated[int | None, typer.Option(min=0, help="so many first, then wait; 0: none")] = None,
    canary_minutes: Annotated[
        int | None, typer.Option(min=1, max=60 * 24 * YEAR, help="how long to wait after them")
    ] = None,
    canary_percent: Annotated[float | None, typer.Option(min=0, max=100, help="more refused: all stops")] = None,
    mark: Annotated[str | None, typer.Option(help="URL of a square logo, 80 x 80")] = None,
    accent: Annotated[str | None, typer.Option(help="colour of links and buttons: #0b5c8a")] = None,
    accent_ink: Annotated[str | None, typer.Option(help="text on a button")] = None,
    accent_dark: Annotated[str | None, typer.Option(help="the same for dark mode")] = None,
    accent_dark_ink: Annotated[str | None, typer.Option()] = None,
    note_tint: Annotated[str | None, typer.Option(help="behind the editor's note")] = None,
    note_tint_dark: Annotated[str | None, typer.Option()] = None,
    sponsor_tint: Annotated[str | None, typer.Option(help="behind the sponsor")] = None,
    sponsor_tint_dark: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Change a newsletter. Editions that are approved already keep what they were approved with.

    Example: digest newsletter change harbour --accent "#7a1f3d" --accent-dark "#f2a0b9" --cards-topic Culture
    """
    from digest import audit
    from digest.db.engine import reading, writing
    from digest.editions.newsletters import change_newsletter, get_newsletter

    app = open_app(context)
    options = {*_OPTIONS, *_LAYOUT, *_PACE, *_LOOK}
    given = {key: value for key, value in locals().items() if key in options and value is not None}
    if not given:
        raise typer.BadParameter("say what to change; see: digest newsletter change --help")
    with reading(app.engine) as connection:
        found = get_newsletter(connection, name)
    changed = _changed(found, given, now=app.clock.now())
    _check(changed, app)
    with writing(app.engine) as connection:
        change_newsletter(connection, changed, now=app.clock.now())
        target = audit.of_newsletter(found.id)
        audit.record(connection, "newsletter.change", actor(), target, now=app.clock.now(), after=given)
    print(f"newsletter {name} changed: {', '.join(sorted(given))}")


_OPTIONS = (
    "title",
    "sender",
    "postal_address",
    "sender_name",
    "reply_to",
    "tagline",
    "url",
    "language",
    "languages",
    "template",
    "topics",
    "weekdays",
    "at",
    "time_zone",
    "late_hours",
    "min_items",
    "max_items",
    "window_days",
    "event_days",
    "max_events",
    "review",
    "enabled",
    "subscribe_url",
    "section_url",
    "retry_hours",
    "max_variants",
    "unknown_policy",
)
_LAYOUT = ("lead", "cards_topic", "headlines_after")
_PACE = (
    "limits",
    "hours",
    "hours_of",
    "blackout",
    "warm_up_first",
    "warm_up_factor",
    "warm_up_since",
    "canary_readers",
    "canary_minutes",
    "canary_percent",
)
_LOOK = (
    "mark",
    "accent",
    "accent_ink",
    "accent_dark",
    "accent_dark_ink",
    "note_tint",
    "note_tint_dark",
    "sponsor_tint",
    "sponsor_tint_dark",
)


def _changed(newsletter: Newsletter, given: dict[str, Any], *, now: Any) -> Newsletter:
    """The newsletter with these options, each checked and named when it is wrong."""
    from dataclasses import replace

    from digest.model.colour import luminance

    values = {key: value for key, value in given.items() if value is not None}
    schedule = newsletter.schedule
    look = replace(newsletter.look, **{key: values.pop(key) for key in _LOOK if key in values})
    look = replace(look, mark=link("--mark", look.mark))
    for key in _LOOK[1:]:
        _said(key, getattr(look, key), luminance)
    if "cards_topic" in values:
        values["cards_topic"] = line("--cards-topic", values["cards_topic"])
    layout = replace(newsletter.layout, **{key: values.pop(key) for key in _LAYOUT if key in values})
    pace = _pace(newsletter, {key: values.pop(key) for key in _PACE if key in values}, now=now)
    if "weekdays" in values:
        schedule = replace(schedule, weekdays=_weekdays(values.pop("weekdays")), since_at=now)
    if "at" in values:
        schedule = replace(schedule, wall_time=_time(values.pop("at")), since_at=now)
    if "time_zone" in values:
        schedule = replace(schedule, time_zone=_zone(values.pop("time_zone")), since_at=now)
    if "late_hours" in values:
        schedule = replace(schedule, late_hours=values.pop("late_hours"))
    if "unknown_policy" in values:
        values["unknown_policy"] = _policy(values["unknown_policy"])
    for key in ("sender", "reply_to"):
        if key in values:
            values[key] = _address(key, values[key]) if values[key] or key == "sender" else None
    for key in ("title", "postal_address", "sender_name", "tagline"):
        if key in values:
            values[key] = line(_option(key), values[key], needed=key in ("title", "postal_address"))
    for key in ("url", "subscribe_url", "section_url"):
        if key in values:
            values[key] = link(_option(key), values[key])
    if "language" in values:
        values["language"] = _language("language", values["language"])
    if "topics" in values:
        values["topics"] = tuple(filter(None, (line("--topics", part) for part in values["topics"].split(","))))
    if "languages" in values:
        values["languages"] = tuple(
            _language("languages", part) for part in values["languages"].split(",") if part.strip()
        )
    for option, field in (("review", "needs_review"), ("enabled", "is_enabled")):
        if option in values:
            values[field] = values.pop(option)
    return replace(newsletter, schedule=schedule, look=look, layout=layout, pace=pace, **values)


def _pace(newsletter: Newsletter, given: dict[str, Any], *, now: datetime) -> Pace:
    """How fast and when, each value checked and named when it is wrong."""
    from dataclasses import replace

    from digest.delivery.hours import hours_of
    from digest.delivery.throttle import Limit
    from digest.errors import BadInput

    for key in ("limits", "blackout"):
        if key in given:
            given[key] = tuple(part.strip() for part in given[key].split(",") if part.strip())
    if "limits" in given:
        given["limits"] = tuple(_said("limits", each, lambda text: str(Limit.parse(text))) for each in given["limits"])
    if "blackout" in given:
        given["blackout"] = tuple(_day("blackout", each) for each in given["blackout"])
    if given.get("warm_up_since"):
        given["warm_up_since"] = _day("warm_up_since", given["warm_up_since"])
    if given.get("hours"):
        _said("hours", given["hours"], hours_of)
    if given.get("hours_of", "newsletter") not in ("newsletter", "reader"):
        raise BadInput(f"--hours-of: {given['hours_of']!r}; there are: newsletter, reader")
    if given.get("warm_up_first") and not given.get("warm_up_since") and not newsletter.pace.warm_up_since:
        given["warm_up_since"] = now.date().isoformat()
    return replace(newsletter.pace, **given)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _said(name: str, text: str, read: Callable[[str], Any]) -> Any:
    """What `read` makes of it; BadInput with the option where it makes nothing."""
    from digest.errors import BadInput

    try:
        return read(text)
    except ValueError as cause:
        raise BadInput(f"{_option(name)}: {cause}") from cause


def _day(name: str, text: str) -> str:
    at = datetime.combine(_said(name, text, date.fromisoformat), time())
    return in_bounds(_option(name), at).date().isoformat()


def _check(newsletter: Newsletter, app: Any) -> None:
    from digest.errors import BadInput
    from digest.model.address import clean_line
    from digest.model.colour import faults
    from digest.render.files import read_files

    if unreadable := list(faults(newsletter.look)):
        raise BadInput("\n".join(unreadable))
    if newsletter.min_items > newsletter.max_items:
        raise BadInput(f"--min-items {newsletter.min_items} is more than --max-items {newsletter.max_items}")
    if not clean_line(newsletter.postal_address):
        raise BadInput("--postal-address: the law (CAN-SPAM, CASL) asks for one in every message")
    read_files(newsletter.template, app.press.template_folders)


def _weekdays(text: str) -> tuple[str, ...]:
    from digest.errors import BadInput
    from digest.model.newsletter import WEEKDAYS

    days = [part.strip().lower()[:3] for part in text.split(",") if part.strip()]
    wrong = next((day for day in days if day not in WEEKDAYS), None)
    if wrong is not None or not days:
        raise BadInput(f"--weekdays: {wrong or text!r} is no weekday; there are: {', '.join(WEEKDAYS)}")
    return tuple(sorted(set(days), key=WEEKDAYS.index))


def _policy(text: str) -> Any:
    from digest.errors import BadInput
    from digest.model.newsletter import UnknownPolicy

    try:
        return UnknownPolicy(text)
    except ValueError as cause:
        raise BadInput(f"--unknown-policy: {text!r}; there are: {', '.join(UnknownPolicy)}") from cause


def _time(text: str) -> time:
    from digest.errors import BadInput

    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007
    except ValueError as cause:
        raise BadInput(f"--at: {text!r} is no wall time like 07:00") from cause


def _zone(text: str) -> str:
    import difflib
    from zoneinfo import available_timezones

    from digest.errors import BadInput

    zones = available_timezones()
    if text not in zones:
        near = difflib.get_close_matches(text, zones, n=1)
        raise BadInput(f"--time-zone: {text!r} is no IANA zone" + (f"; did you mean {near[0]}?" if near else ""))
    return text


def _address(name: str, text: str) -> Any:
    from digest.model.address import EmailAddress

    return _said(name, text, EmailAddress.parse)


def _language(name: str, text: str) -> str:
    from digest.errors import BadInput

    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", text.strip()):  # RFC 5646 §2.1
        raise BadInput(f"{_option(name)}: {text!r} is no language like en, de or pt-BR")
    return text.strip()


def _schedule(newsletter: Newsletter) -> str:
    schedule = newsletter.schedule
    return f"{', '.join(schedule.weekdays)} at {schedule.wall_time:%H:%M} {schedule.time_zone}"
