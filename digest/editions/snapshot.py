"""Editions and articles as JSON: an edition keeps its articles, its newsletter and its template as they were. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, TypeVar

from digest.model.address import EmailAddress
from digest.model.article import Article, Comment, Image
from digest.model.newsletter import (
    Layout,
    Look,
    Newsletter,
    NewsletterId,
    Offer,
    Pace,
    Ranking,
    Schedule,
    Sponsor,
    UnknownPolicy,
)

T = TypeVar("T")

_EMPTY: tuple[Any, ...] = (None, "", ())


def written(value: Any) -> dict[str, Any]:
    """A dataclass as JSON. What is empty and empty by default is left out: a million copies are made from this."""
    found = {field: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {field.name: _plain(each) for field, each in found.items() if each not in _EMPTY or each != field.default}


def made(of: type[T], values: Mapping[str, Any]) -> T:
    """What `written` wrote. A text that is missing is empty, and a field that is not known is passed over: what another
    version wrote must not end a command."""
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(of)  # type: ignore[arg-type]
    blank = {field.name: "" for field in fields if field.default is field.default_factory is dataclasses.MISSING}
    known = {field.name: values[field.name] for field in fields if field.name in values}
    return of(**blank | {name: tuple(each) if isinstance(each, list) else each for name, each in known.items()})


def article_to_json(article: Article) -> dict[str, Any]:
    return written(article)


def article_from_json(values: Mapping[str, Any]) -> Article:
    image, reviewed_at = values.get("image"), values.get("reviewed_at")
    return made(
        Article,
        {
            **values,
            "published_at": datetime.fromisoformat(values["published_at"]),
            "reviewed_at": datetime.fromisoformat(reviewed_at) if reviewed_at else None,
            "image": made(Image, image) if image else None,
            "comments": [made(Comment, each) for each in values.get("comments", ())],
        },
    )


OWN_COLUMNS = ("id", "name", "title", "is_enabled", "schedule")


def settings_to_json(newsletter: Newsletter) -> dict[str, Any]:
    """What the newsletter table keeps in its `settings` column."""
    values = {
        field.name: getattr(newsletter, field.name)
        for field in dataclasses.fields(newsletter)
        if field.name not in OWN_COLUMNS
    }
    return {key: _plain(value) for key, value in values.items()}


def newsletter_to_json(newsletter: Newsletter) -> dict[str, Any]:
    schedule = {each.name: _plain(getattr(newsletter.schedule, each.name)) for each in dataclasses.fields(Schedule)}
    return {
        "id": newsletter.id,
        "name": newsletter.name,
        "title": newsletter.title,
        "is_enabled": newsletter.is_enabled,
        "schedule": schedule,
        "settings": settings_to_json(newsletter),
    }


def newsletter_from_json(values: Mapping[str, Any]) -> Newsletter:
    schedule = dict(values["schedule"])
    settings = {key: value for key, value in values["settings"].items() if key in _FIELDS}
    reply_to = settings.get("reply_to")
    settings |= {
        "sender": EmailAddress.parse(settings["sender"]),
        "reply_to": EmailAddress.parse(reply_to) if reply_to else None,
        "unknown_policy": UnknownPolicy(settings.get("unknown_policy", UnknownPolicy.LEAVE)),
        "sponsors": tuple(made(Sponsor, each) for each in settings.get("sponsors", ())),
        "look": made(Look, settings.get("look", {})),
        "layout": made(Layout, settings.get("layout", {})),
        "pace": made(Pace, settings.get("pace", {})),
        "offer": made(Offer, settings.get("offer", {})),
        "ranking": made(Ranking, settings.get("ranking", {})),
        "topics": tuple(settings.get("topics", ())),
        "languages": tuple(settings.get("languages", ())),
    }
    since_at = schedule.get("since_at")
    return Newsletter(
        id=NewsletterId(values["id"]),
        name=values["name"],
        title=values["title"],
        is_enabled=values["is_enabled"],
        schedule=Schedule(
            weekdays=tuple(schedule["weekdays"]),
            wall_time=time.fromisoformat(schedule["wall_time"]),
            time_zone=schedule["time_zone"],
            since_at=datetime.fromisoformat(since_at) if since_at else None,
            late_hours=schedule["late_hours"],
            is_local=schedule.get("is_local", False),
        ),
        **settings,
    )


_FIELDS = {field.name for field in dataclasses.fields(Newsletter)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, EmailAddress):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return written(value)
    return value
