"""What a template sees: an edition, its articles and its words, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_location

from digest.model.address import clean_line
from digest.model.article import Image, joined_names, slug
from digest.model.edition import Candidate, Edition
from digest.model.event import Event
from digest.model.newsletter import Newsletter, Note, Sponsor
from digest.render.words import older_words, words_of
from digest.words import direction_of

MAX_SUMMARY = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterView:
    title: str
    tagline: str
    url: str
    mark: str
    postal_address: str
    subscribe_url: str
    accent: str
    accent_ink: str
    accent_dark: str
    accent_dark_ink: str
    note_tint: str
    note_tint_dark: str
    sponsor_tint: str
    sponsor_tint_dark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """src is the largest that there is; lead, row and card have the size of that region where there are copies."""

    src: str
    alt: str
    lead: str
    row: str
    card: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentView:
    text: str
    author: str
    url: str
    article: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleView:
    """All but title, url and published_on may be empty."""

    title: str
    url: str
    published_on: str
    summary: str = ""
    byline: str = ""
    minutes: int | None = None
    topic: str = ""
    section: str = ""
    section_url: str = ""
    image: ImageView | None = None
    reviewer: str = ""
    reviewed_on: str = ""
    comment_count: int | None = None
    citation: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """`when`: in words, in the event's own zone."""

    title: str
    when: str
    place: str = ""
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionView:
    subject: str
    preheader: str
    date: str
    number: int | None
    web_url: str
    note: Note | None
    sponsor: Sponsor | None
    events: tuple[EventView, ...] = ()
    comments: tuple[CommentView, ...] = ()
    is_test: bool = False
    is_own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionInputs:
    """What an edition is rendered from, in one language.

    files      template name -> source; the folder of the newsletter's template, and its language's words (render/words.py)
    web_url    the view in a browser, without anything personal; "" where there is none
    """

    newsletter: Newsletter
    edition: Edition
    language: str
    files: Mapping[str, str]
    web_url: str = ""
    is_test: bool = False


def context(inputs: EditionInputs) -> dict[str, object]:
    """Everything but `reader`, `article` and `place`."""
    newsletter, edition = inputs.newsletter, inputs.edition
    look = newsletter.look
    return {
        "lang": inputs.language,
        "dir": direction_of(inputs.language),
        "t": older_words(inputs.language, inputs.files),
        "newsletter": NewsletterView(
            title=newsletter.title,
            tagline=newsletter.tagline,
            url=newsletter.url,
            mark=look.mark,
            postal_address=newsletter.postal_address,
            subscribe_url=newsletter.subscribe_url,
            accent=look.accent,
            accent_ink=look.accent_ink,
            accent_dark=look.accent_dark,
            accent_dark_ink=look.accent_dark_ink,
            note_tint=look.note_tint,
            note_tint_dark=look.note_tint_dark,
            sponsor_tint=look.sponsor_tint,
            sponsor_tint_dark=look.sponsor_tint_dark,
        ),
        "edition": EditionView(
            subject=clean_line(edition.subject),
            preheader=clean_line(edition.preheader),
            date=long_date(edition.due_at, inputs),
            number=edition.number,
            web_url=inputs.web_url,
            note=edition.note,
            sponsor=edition.sponsor,
            events=tuple(_event(each, inputs) for each in edition.events),
            comments=() if newsletter.offer.is_any else _comments(edition),  # of articles that not everybody has
            is_test=inputs.is_test,
            is_own=newsletter.offer.is_any,
        ),
    }


def article_view(candidate: Candidate, inputs: EditionInputs) -> ArticleView:
    """An article as a template sees it; its texts are plain, cut to a size that a mail can carry."""
    article = candidate.article
    return ArticleView(
        title=clean_line(article.title),
        url=article.url,
        published_on=short_date(article.published_at, inputs),
        summary=shortened(clean_line(article.summary), MAX_SUMMARY),
        byline=joined_names(article.authors, conjunction=_and(inputs)),
        minutes=article.reading_minutes,
        topic=article.topics[0] if article.topics else "",
        section=candidate.section,
        section_url=section_url(inputs.newsletter, candidate.section),
        image=_image_view(article.image) if article.image else None,
        reviewer=article.reviewer,
        reviewed_on=short_date(article.reviewed_at, inputs) if article.reviewed_at else "",
        comment_count=article.comment_count,
        citation=article.citation,
        topics=article.topics,
    )


def _and(inputs: EditionInputs) -> str:
    return words_of(inputs.language, inputs.files).pgettext("between the last two names", "and")


def _image_view(image: Image) -> ImageView:
    lead = image.shown("lead")
    return ImageView(src=lead, alt=clean_line(image.alt), lead=lead, row=image.shown("row"), card=image.shown("card"))


def section_url(newsletter: Newsletter, section: str) -> str:
    """Where the other stories of a section are; "" where the newsletter says nothing of it."""
    return newsletter.section_url.replace("{section}", slug(section)) if section else ""


def long_date(at: datetime, inputs: EditionInputs) -> str:
    return _date(at, inputs, "full")


def short_date(at: datetime, inputs: EditionInputs) -> str:
    return _date(at, inputs, "long")


def _date(at: datetime, inputs: EditionInputs, style: str) -> str:
    local = at.astimezone(ZoneInfo(inputs.newsletter.schedule.time_zone))
    return format_date(local.date(), format=style, locale=babel_locale(inputs.language))


def _event(event: Event, inputs: EditionInputs) -> EventView:
    locale = babel_locale(inputs.language)
    when = _span(event, locale)
    if event.time_zone != inputs.newsletter.schedule.time_zone and not event.is_all_day:
        when += f" ({get_timezone_location(event.time_zone, locale=locale, return_city=True)})"
    return EventView(
        title=clean_line(event.title),
        when=when,
        place=clean_line(event.place),
        url=event.url,
        text=shortened(clean_line(event.text), 280),
    )


def _span(event: Event, locale: Locale) -> str:
    """ "Saturday, 28 November, 19:30-22:00", as the language writes it."""
    zone = ZoneInfo(event.time_zone)
    starts, ends = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone) if event.ends_at else None
    days = [format_skeleton("MMMMEEEEd", starts, locale=locale)]
    if ends is not None and ends.date() != starts.date():
        days.append(format_skeleton("MMMMEEEEd", ends, locale=locale))
    if event.is_all_day:
        return " – ".join(days)
    hours = [format_time(each, "short", locale=locale) for each in (starts, ends) if each is not None]
    if len(days) == 1:
        return f"{days[0]}, {'–'.join(hours)}"
    return " – ".join(f"{day}, {hour}" for day, hour in zip(days, hours, strict=True))


def babel_locale(language: str) -> Locale:
    try:
        return Locale.parse("en_GB" if language == "en" else language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, ending at a word."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit // 2 else cut).rstrip(" ,;:.-–—") + "…"


def _comments(edition: Edition, limit: int = 2) -> tuple[CommentView, ...]:
    """The first comment of each of the first articles that have any."""
    found = [
        CommentView(
            text=shortened(clean_line(comment.text), 280),
            author=clean_line(comment.author),
            url=comment.url or candidate.article.url,
            article=clean_line(candidate.article.title),
        )
        for candidate in edition.candidates
        for comment in candidate.article.comments[:1]
    ]
    return tuple(found[:limit])
