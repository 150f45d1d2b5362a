"""The invented publication: newsletter, sponsor, notes, articles, pictures. Data, and the few lines that read it."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime, time, timedelta
from importlib.resources import files
from typing import Any

from digest.model.address import EmailAddress
from digest.model.newsletter import Layout, Look, Newsletter, NewsletterId, Note, Schedule, Sponsor


def newsletter() -> Newsletter:
    """As publication.toml describes it; its editions wait for the editor's note."""
    publication = _publication()
    values: dict[str, Any] = dict(publication["newsletter"])
    layout = Layout(cards_topic=values.pop("cards_topic"), headlines_after=values.pop("headlines_after"))
    schedule = Schedule(
        weekdays=tuple(values.pop("weekdays")),
        wall_time=time.fromisoformat(values.pop("wall_time")),
        time_zone=values.pop("time_zone"),
    )
    return Newsletter(
        id=NewsletterId(0),
        sender=EmailAddress.parse(values.pop("sender")),
        reply_to=EmailAddress.parse(values.pop("reply_to")),
        topics=tuple(values.pop("topics")),
        languages=tuple(values.pop("languages")),
        look=Look(mark=values.pop("mark")),
        layout=layout,
        schedule=schedule,
        sponsors=(Sponsor(**publication["sponsor"]),),
        needs_review=True,
        **values,
    )


def note(weeks_ago: int) -> Note:
    publication = _publication()
    notes = publication["notes"]
    return Note(text=notes[weeks_ago % len(notes)]["text"], **publication["editor"])


def articles(due_at: datetime) -> list[dict[str, Any]]:
    """Rows for `digest article import`, dated back from the instant at which the newest edition is due."""
    rows = []
    for line in files(__package__).joinpath("articles.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        week_end = due_at - timedelta(weeks=row.pop("weeks_ago"))
        row["published_at"] = (week_end - timedelta(hours=row.pop("hours_before"))).isoformat()
        if hours := row.pop("reviewed_hours_before", None):
            row["reviewed_at"] = (week_end - timedelta(hours=hours)).isoformat()
        rows.append(row)
    return rows


def pictures() -> dict[str, bytes]:
    """PNG files by name."""
    return {path.name: path.read_bytes() for path in files(__package__).joinpath("img").iterdir()}


def _publication() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("publication.toml").read_text(encoding="utf-8"))
