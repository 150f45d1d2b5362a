"""digest newsletter schedule: the next times at which an edition is due, and what changes of the clocks do to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_json, show_table

if TYPE_CHECKING:
    from digest.editions.due import Period
    from digest.editions.periods import SlotPeriod
    from digest.model.newsletter import Slot

_ZONES = Annotated[list[str] | None, typer.Option("--zone", help="as seen from there; may be given more than once")]
_BEFORE = timedelta(days=40)  # the longest time between two of them: so the first of the list has one before it, too


def schedule(
    context: typer.Context,
    name: str,
    zone: _ZONES = None,
    slot: Annotated[str, typer.Option(help="what a reader chose: daily, weekly.thu, biweekly.mon, monthly.mon")] = "",
    at: Annotated[str, typer.Option(help="the reader's hour, with --slot; else the newsletter's")] = "",
    count: Annotated[int, typer.Option(min=1, max=366)] = 12,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The next times at which the newsletter is due, there and in UTC; or a reader's, with --slot.

    Example: digest newsletter schedule harbour --slot weekly.thu --at 06:30 --zone America/New_York
    """
    from digest.db.engine import reading
    from digest.editions.due import periods_after
    from digest.editions.periods import slot_periods_after
    from digest.editions.store.newsletters import get_newsletter
    from digest.errors import BadInput

    if at and not slot:
        raise BadInput("--at is a reader's hour: it goes with --slot")
    chosen, hour, zones = _slot(slot) if slot else None, _hour(at) if at else None, list(map(_zone, zone or ()))
    app = open_app(context)
    with reading(app.engine) as connection:
        own = get_newsletter(connection, name).schedule
    now = app.clock.now()
    rows: list[dict[str, object]] = []
    if chosen:
        for each in dict.fromkeys(zones or [own.time_zone]):
            wanted = hour or own.wall_time
            periods = slot_periods_after(now - _BEFORE, chosen, zones=[each], wall_time=wanted)
            rows += _rows(periods, each, wanted, now=now, count=count)
    else:
        for each in dict.fromkeys([own.time_zone, *zones]):
            wanted_here = own.wall_time if each == own.time_zone else None
            rows += _rows(periods_after(now - _BEFORE, own), each, wanted_here, now=now, count=count)
    if as_json:
        show_json(rows)
        return
    show_table(
        ("period", "zone", "there", "UTC", ""),
        [(r["period"], r["zone"], f"{r['local']:%a %Y-%m-%d %H:%M %Z}", r["utc"], r["note"]) for r in rows],
        empty=f"{name} has no weekdays, so it is never due; digest newsletter change {name} --weekdays mon",
    )


def _rows(
    periods: Iterable[Period | SlotPeriod], zone: str, wanted: time | None, *, now: datetime, count: int
) -> Iterator[dict[str, object]]:
    """The first `count` after now; `wanted` is the wall time that they should have there, if they should have one."""
    from itertools import dropwhile, islice, pairwise
    from zoneinfo import ZoneInfo

    coming = dropwhile(lambda pair: pair[1].due_at <= now, pairwise(periods))
    for before, period in islice(coming, count):
        local, earlier = (each.due_at.astimezone(ZoneInfo(zone)) for each in (period, before))
        notes = ", ".join(_notes(local, earlier, wanted))
        yield {"period": period.key, "zone": zone, "local": local, "utc": period.due_at, "note": notes}


def _notes(local: datetime, earlier: datetime, wanted: time | None) -> Iterator[str]:
    """What the clocks do to this one; both instants are in the same zone."""
    at, before = local.astimezone(UTC), earlier.astimezone(UTC)
    if wanted is None and local.time() != earlier.time():
        yield f"{local:%H:%M} there, before {earlier:%H:%M}"
    if wanted is not None and at.time() != before.time():
        yield f"clocks changed: {at:%H:%M} UTC, before {before:%H:%M}"
    if wanted is not None and local.time() != wanted:
        yield f"{wanted:%H:%M} does not exist that day"
    if wanted is not None and local.utcoffset() != local.replace(fold=1).utcoffset():
        yield f"{wanted:%H:%M} comes twice, the first counts"


def _slot(text: str) -> Slot:
    from digest.errors import BadInput
    from digest.model.newsletter import Slot

    try:
        return Slot.parse(text)
    except ValueError as cause:
        raise BadInput(f"--slot: {cause}") from cause


def _hour(text: str) -> time:
    from digest.errors import BadInput

    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007
    except ValueError as cause:
        raise BadInput(f"--at: {text!r} is no wall time like 07:00") from cause


def _zone(name: str) -> str:
    from digest.editions.periods import known_zone
    from digest.errors import BadInput

    if not known_zone(name, ""):
        raise BadInput(f"--zone: {name!r} is no IANA zone like Europe/Berlin")
    return name
