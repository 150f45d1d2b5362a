"""Editions and articles as JSON: an edition keeps its articles, its newsletter and its template as they were. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, TypeVar

from digest.model.address import EmailAddress
from digest.model.article import Article, ArticleId, Comment, Image
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


def article_to_json(article: Article) -> dict[str, Any]:
    """Fields that are empty are left out: a million copies are made from this."""
    values = dataclasses.asdict(article)
    if article.image is not None:
        values["image"] = {key: value for key, value in values["image"].items() if value or key in ("src", "alt")}
    return {key: _plain(value) for key, value in values.items() if value not in (None, "", ())}


def article_from_json(values: Mapping[str, Any]) -> Article:
    known = dict(values)
    return Article(
        **{
            **known,
            "id": ArticleId(known["id"]) if "id" in known else None,
            "published_at": datetime.fromisoformat(known["published_at"]),
            "reviewed_at": datetime.fromisoformat(known["reviewed_at"]) if "reviewed_at" in known else None,
            "authors": tuple(known.get("authors", ())),
            "topics": tuple(known.get("topics", ())),
            "image": Image(**known["image"]) if "image" in known else None,
            "comments": tuple(Comment(**comment) for comment in known.get("comments", ())),
        }
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
    schedule = {key: _plain(value) for key, value in dataclasses.asdict(newsletter.schedule).items()}
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
        "sponsors": tuple(Sponsor(**each) for each in settings.get("sponsors", ())),
        "look": Look(**settings.get("look", {})),
        "layout": Layout(**settings.get("layout", {})),
        "pace": _listed(Pace, settings.get("pace", {})),
        "offer": _listed(Offer, settings.get("offer", {})),
        "ranking": Ranking(**settings.get("ranking", {})),
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


def _listed(of: type[T], values: Mapping[str, Any]) -> T:
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    return of(**{**values, **lists})


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
        return _plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item not in (None, "")}
    return value
