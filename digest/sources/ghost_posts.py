"""A post of Ghost, and what its other tables say of it -> an Article. Pure; ghost.py asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from string import Formatter
from typing import Annotated, Any

from digest.model.article import Article, Comment, Image
from digest.model.setting import Setting
from digest.sources import body, bounds, clean
from digest.sources.checked import checked
from digest.sources.dedupe import is_web_url
from digest.sources.instants import instant_of
from digest.sources.language import language_code, with_languages
from digest.sources.numbers import count_of
from digest.sources.pictures import PICTURES, choose, pictures_in
from digest.sources.readers import ReaderOptions
from digest.sources.sentences import shortened

_HERE = "__GHOST_URL__"
_PREVIEW_END = "<!--members-only-->"
_BLOCK, _BLOCK_END = "<!--kg-gated-block:begin", "<!--kg-gated-block:end-->"
_PLACES = {"slug", "id", "year", "month", "day", "primary_tag", "primary_author"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ReaderOptions):
    """A Ghost database, read with an account that may only read."""

    url: Annotated[
        str,
        Setting(
            help="SQLAlchemy URL: mysql://reader:PASSWORD@db.example.org/ghost, sqlite:////var/lib/ghost/data/ghost.db",
            is_secret=True,
        ),
    ]
    home: Annotated[str, Setting(help="address of the site; Ghost keeps it in its config, not in the database")]
    permalink: Annotated[
        str, Setting(help="as in routes.yaml; {slug}, {id}, {year}, {month}, {day}, {primary_tag}, {primary_author}")
    ] = "/{slug}/"
    visibility: Annotated[
        str,
        Setting(
            help=(
                "of the posts that are read, comma-separated: public, members, paid, tiers; of those that are not public "
                "only a written excerpt or the public preview is shown"
            )
        ),
    ] = "public"
    picture: Annotated[
        str,
        Setting(
            help='of a post without a feature image: "text" takes the first of its text, "featured" none',
            choices=PICTURES,
        ),
    ] = "text"
    topics: Annotated[str, Setting(help="added to every article, comma-separated")] = ""
    comments: Annotated[int, Setting(help="how many of the newest are kept of each article", least=0)] = 3
    comment_days: Annotated[
        int,
        Setting(help="how long after its publication an article is read again for its comments", unit="days", least=0),
    ] = 8
    overlap_minutes: Annotated[
        int, Setting(help="how far before the cursor each reading starts", unit="minutes", least=0)
    ] = 60
    lists: Annotated[
        str,
        Setting(help='slugs of newsletters in Ghost whose members are readers, comma-separated; "" is all active ones'),
    ] = ""

    def __post_init__(self) -> None:
        if not is_web_url(self.home):
            raise ValueError("home: write https://example.org")
        unknown = [name for _, name, _, _ in Formatter().parse(self.permalink) if name and name not in _PLACES]
        if unknown:
            raise ValueError(f"permalink: there is no {{{unknown[0]}}}; there are: {', '.join(sorted(_PLACES))}")


def read(
    row: Mapping[str, Any],
    authors: Sequence[Any],
    tags: Sequence[Any],
    count: int | None,
    comments: Sequence[Any],
    *,
    options: Options,
    locale: str,
) -> Article:
    """What is done in a child process; ValueError says why it is no article."""
    return with_languages([checked(_article(row, authors, tags, count, comments, options, locale))])[0]


def _article(
    row: Mapping[str, Any],
    authors: Sequence[Any],
    tags: Sequence[Any],
    count: int | None,
    comments: Sequence[Any],
    options: Options,
    locale: str,
) -> Article:
    published_at = instant_of(row["published_at"])
    if published_at is None:
        raise ValueError("has no date")
    home = options.home.rstrip("/")
    own = home + "/" + _path(row, options, published_at, authors, tags).lstrip("/")
    canonical, picture = (_here(row[name], home) for name in ("canonical_url", "feature_image"))
    text, plain, excerpt = _public(row)
    summary = body.teaser(text or escape(plain), escape(str(row["custom_excerpt"] or "")), escape(excerpt))
    title = clean.line(str(row["title"] or "")) or shortened(summary, 80)
    if not title:
        raise ValueError("has neither a title nor a text")
    return Article(
        key=str(row["id"]),
        url=canonical if is_web_url(canonical) else own,
        title=title[:300],
        published_at=published_at,
        authors=_texts([each.name for each in authors]),
        summary=summary,
        image=Image(src=picture, alt=clean.line(str(row.get("feature_image_alt") or "")))
        if is_web_url(picture)
        else choose(pictures_in(text.replace(_HERE, home)), base=own)
        if options.picture == "text"
        else None,
        topics=_texts([*(each.name for each in tags), *options.topics.split(",")]),
        language=language_code(str(row["locale"] or locale)),
        words=body.count_words(str(row["html"] or "") or escape(str(row["plaintext"] or ""))),
        minutes=count_of(str(row.get("reading_time") or ""), "minutes") or None,
        comment_count=count,
        comments=tuple(
            Comment(
                author=clean.line(str(each.name or "")),
                text=clean.summary(str(each.html or "")),
                url=f"{own}#ghost-comments",
            )
            for each in comments
        ),
    )


def _public(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """HTML, plain text and Ghost's own excerpt, as far as everybody may read them.

    Of a post for members that is what stands before the mark that its writer set, and else nothing; of any post no block
    that visitors do not see.
    """
    whole = str(row["html"] or "")[: bounds.TEXT]
    text = "".join(_seen_blocks(whole))
    if str(row.get("visibility") or "public") == "public":
        is_whole = _BLOCK not in whole
        return (
            text,
            str(row["plaintext"] or "") if is_whole else "",
            str(row.get("auto_excerpt") or "") if is_whole else "",
        )
    opening, mark, _ = text.partition(_PREVIEW_END)
    return opening if mark else "", "", ""


def _seen_blocks(text: str) -> Iterator[str]:
    first, *others = text.split(_BLOCK)
    yield first
    for each in others:
        said, _, rest = each.partition("-->")
        inside, end, behind = rest.partition(_BLOCK_END)
        yield "" if "nonMember:false" in said else inside
        yield behind if end else ""


def _here(value: object, home: str) -> str:
    """Ghost writes a mark for the site's address; what begins with a slash is of the site too."""
    text = str(value or "").strip().replace(_HERE, home)
    return home + text if text.startswith("/") and not text.startswith("//") else text


def _path(row: Any, options: Options, at: datetime, authors: Sequence[Any], tags: Sequence[Any]) -> str:
    return options.permalink.format(
        slug=row["slug"],
        id=row["id"],
        year=f"{at:%Y}",
        month=f"{at:%m}",
        day=f"{at:%d}",
        primary_tag=tags[0].slug if tags else "all",
        primary_author=authors[0].slug if authors else "all",
    )


def _texts(values: Sequence[str | None]) -> tuple[str, ...]:
    texts = [clean.line(value)[:120] for value in values[: bounds.FEW] if value]
    return tuple(dict.fromkeys(text for text in texts if text))
