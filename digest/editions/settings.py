"""A newsletter's settings as a whole: what follows from one that is set, and what does not go together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from digest.errors import Fault
from digest.model import colour
from digest.model.newsletter import Newsletter
from digest.model.setting import check_values, with_values

STARTS_ANEW = {f"schedule.{name}" for name in ("weekdays", "wall_time", "time_zone", "is_local")}
"""What changes when an edition is due: periods that were over by then are not made up for."""


def put(newsletter: Newsletter, values: Mapping[str, Any], *, now: datetime) -> Newsletter:
    """The newsletter with these values, and with what follows from them."""
    found = dict(values)
    if STARTS_ANEW & found.keys():
        found["schedule.since_at"] = now
    if found.get("pace.warm_up_first") and not found.get("pace.warm_up_since", newsletter.pace.warm_up_since):
        found["pace.warm_up_since"] = now.date().isoformat()
    return with_values(newsletter, found)


def check(newsletter: Newsletter) -> list[Fault]:
    """Everything that is wrong with it; whether its template is there is not looked at."""
    return [*check_values(newsletter), *_wrong_together(newsletter)]


def _wrong_together(newsletter: Newsletter) -> Iterator[Fault]:
    for name, text in colour.faults(newsletter.look):
        yield Fault(f"look.{name}", text)
    if newsletter.min_items > newsletter.max_items:
        yield Fault("min_items", f"{newsletter.min_items} is more than the most, {newsletter.max_items}")
