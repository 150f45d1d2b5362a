"""One file of a static site -> the Article that its generator makes a page of, at the address that it gives it. Pure.

What keeps a page away, by its own keys:

all                `draft: true`
Jekyll             `published: false`
Hugo               `build` (`_build`): `render` never or link, `list` never; `headless`; `expiryDate` when it is over
Eleventy           `permalink: false`, `eleventyExcludeFromCollections`
Zola               `render = false`
Docusaurus         `unlisted: true`

When it comes     `publishDate` and its like before `date`: until then there is no page, whatever `date` says
The day           of a permalink: that of the date as written (Hugo), or in `timezone` of the site (Jekyll)
Its language      `lang` of the front matter, the end of its name (`ferry.de.md`), a folder of that language

source            gohugo.io/content-management/{build-options,urls,multilingual}, jekyllrb.com/docs/{permalinks,posts},
                  11ty.dev/docs/{permalinks,collections}, getzola.org/documentation/content/{page,multilingual}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import PurePath
from typing import Annotated
from urllib.parse import quote
from zoneinfo import ZoneInfo, available_timezones

from digest.model.article import Article, slug
from digest.model.setting import Setting
from digest.sources import bounds, clean, front_matter, markdown
from digest.sources.body import count_words, teaser
from digest.sources.dates import read_date
from digest.sources.dedupe import is_web_url
from digest.sources.front_matter import Said, is_false, is_true, names_in
from digest.sources.language import language_code
from digest.sources.links import joined
from digest.sources.markup import without_pairs
from digest.sources.pictures import Picture, choose, pictures_in

_DATED_NAME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[-_](.+)")
_LIQUID = {"{%": "%}", "{{": "}}"}
_PLACE = re.compile(r":([a-z_]+)|\{([a-z_]+)\}")
_LANGUAGE_END = re.compile(r"(.+)\.([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)")

_PUBLISHED = ("publishdate", "publish_date", "pubdate", "date", "published", "created")
_EXPIRES = ("expirydate", "expiry_date", "unpublishdate")

_STYLES = {
    "pretty": "/:categories/:year/:month/:day/:title/",
    "date": "/:categories/:year/:month/:day/:title.html",
    "ordinal": "/:categories/:year/:y_day/:title.html",
    "none": "/:categories/:title.html",
}
"""Names that Jekyll has for patterns."""

_PLACES = (
    *("path", "section", "slug", "title", "language", "categories"),
    *("year", "short_year", "month", "i_month", "day", "i_day", "y_day", "hour", "minute", "second"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Files, and how their site makes addresses of them."""

    path: Annotated[
        str, Setting(help="folder of the articles: Markdown or HTML files with front matter, also in folders below it")
    ]
    base_url: Annotated[str, Setting(help="address of the site, https://example.org/")]
    permalink: Annotated[
        str,
        Setting(
            help=(
                "with {path} (folders and name), {section} (the first folder), {slug}, {title}, {year}, {month}, {day}, "
                "{categories}, {language}; Jekyll's :year is the same as {year}; its names pretty, date, ordinal, none"
            )
        ),
    ] = "/{path}/"
    timezone: Annotated[
        str,
        Setting(
            help=(
                "of the site, Europe/Berlin: of dates that name no zone, and the one whose days stand in permalinks "
                "(Jekyll); without it a date has the zone that it is written with (Hugo), else UTC"
            )
        ),
    ] = ""
    languages: Annotated[
        str,
        Setting(
            help=(
                "of the site, comma-separated, the first is the one without a folder of its own; by default what the "
                "names of files and folders say, and English or the language of files without one has no folder"
            )
        ),
    ] = ""
    max_bytes: Annotated[int, Setting(help="a larger file is refused", unit="bytes", least=1)] = 1_000_000
    topics: Annotated[str, Setting(help="added to every article, comma-separated")] = ""

    def __post_init__(self) -> None:
        if not is_web_url(self.base_url):
            raise ValueError("base_url is the address of the site, https://example.org/")
        unknown = {a or b for a, b in _PLACE.findall(self.pattern)} - set(_PLACES)
        if unknown:
            raise ValueError(f"permalink: there is no {{{min(unknown)}}}; there are: {', '.join(_PLACES)}")
        if self.timezone and self.timezone not in available_timezones():
            raise ValueError(f"timezone: there is no {self.timezone!r}; write Europe/Berlin")
        if wrong := [each for each in _listed(self.languages) if not language_code(each)]:
            raise ValueError(f"languages: {wrong[0]!r} is none; write de, en")

    @property
    def pattern(self) -> str:
        return _STYLES.get(self.permalink, self.permalink).replace(":output_ext", ".html")

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.timezone) if self.timezone else UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """What names of a site say of languages.

    ends      of names, in small letters
    folders   first ones
    default   its pages stand in no folder of a language; "" where that is the one of files without an end
    """

    ends: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    default: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An article, and when its page goes."""

    article: Article
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """A name below the folder, in its parts.

    folder     without the language and `_posts`
    language   as the site writes it; "" where the name says none
    above      folders above `_posts`, which are categories
    """

    folder: str
    file: str
    dated: re.Match[str] | None
    language: str
    above: tuple[str, ...]
    is_jekyll: bool

    @property
    def bare(self) -> str:
        return self.dated[4] if self.dated and self.file != "index" else self.file


# --- languages -------------------------------------------------------------------------------------------------------


def languages_of(names: Iterable[str], options: Options) -> Languages:
    """As the options say; else as names do: ends that are codes, first folders that are where all are, or that repeat
    what stands elsewhere."""
    names = [re.sub(r"\.[^./]+$", "", name) for name in names]
    said = _listed(options.languages)
    ends = {found[2].lower() for name in names if (found := _LANGUAGE_END.fullmatch(name.rpartition("/")[2]))}
    below: dict[str, set[str]] = {}
    for name in names:
        first, _, rest = name.partition("/")
        below.setdefault(first if rest else "", set()).add(rest or first)
    if said:
        known = frozenset(each.lower() for each in said)
        folders = frozenset(each for each in below if each.lower() in known)
        return Languages(ends=known, folders=folders, default=said[0].lower())
    there = set(names)
    codes = {each for each in below if _is_language(each.lower())}
    if codes != set(below):
        codes = {each for each in codes if any(_has_twin(rest, each, codes, there) for rest in below[each])}
    found_ends = frozenset(filter(_is_language, ends))
    is_twin = any(name.endswith(".en") and name.removesuffix(".en") in there for name in names)
    return Languages(ends=found_ends, folders=frozenset(codes), default="" if is_twin or codes else "en")


def _has_twin(rest: str, folder: str, codes: set[str], there: set[str]) -> bool:
    """Does the same stand outside of this folder, or in that of another language?"""
    if rest == "index":
        return False
    return rest in there or any(f"{other}/{rest}" in there for other in codes if other != folder)


def _is_language(code: str) -> bool:
    return code.replace("_", "-").partition("-")[0] in _codes()


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    """Of two letters, ISO 639-1."""
    from babel import Locale

    return frozenset(each for each in map(str, Locale("en").languages) if len(each) == 2)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


# --- the article -----------------------------------------------------------------------------------------------------


def written(content: bytes, name: str, options: Options, languages: Languages) -> Written | None:
    """None for what its site keeps away; ValueError says why it is no article. `name` is below the folder, with slashes."""
    said, text = front_matter.split(content.decode("utf-8", "replace")[: bounds.TEXT])
    if _is_kept_away(said):
        return None
    parts = _parted(name, languages, options)
    title = clean.title(str(said.get("title") or ""))
    if not title:
        raise ValueError("has no title in its front matter")
    zone = options.zone
    published_at = front_matter.first_date(said, _PUBLISHED, zone) or _day_of_name(parts, zone)
    if published_at is None:
        raise ValueError("has no date, in its front matter or its name")
    dated = front_matter.first_date(said, ("date", *_PUBLISHED), zone) or published_at
    categories = _categories(said, parts)
    url = _url(
        said, options, parts, languages, title, categories, dated.astimezone(zone) if options.timezone else dated
    )
    html, whole = _html(text, name)
    excerpts = (
        markdown.inline_html_of(front_matter.text_of(said, key)) for key in ("description", "summary", "excerpt")
    )
    topics = [*categories, *_named(said, "tags", "tag", parts), *_listed(options.topics)]
    article = Article(
        key=name,
        url=url,
        title=title[:300],
        published_at=published_at.astimezone(UTC),
        authors=tuple(names_in(said.get("authors") or said.get("author"))),
        summary=teaser(html, *excerpts) or teaser(re.sub(r"</?aside>", "", html)),
        image=choose(_all_pictures(said, html), base=url),
        topics=tuple(dict.fromkeys(filter(None, map(clean.line, topics)))),
        language=language_code(front_matter.text_of(said, "lang", "language", "locale") or parts.language),
        words=count_words(whole),
    )
    until = front_matter.first_date(said, _EXPIRES, zone)
    return Written(article=article, until=until.astimezone(UTC) if until else None)


def _is_kept_away(said: Said) -> bool:
    build = next((each for each in (said.get("build"), said.get("_build")) if isinstance(each, dict)), {})
    return (
        any(is_true(said.get(name)) for name in ("draft", "headless", "unlisted", "eleventyexcludefromcollections"))
        or any(is_false(said.get(name)) for name in ("published", "permalink", "render"))
        or str(build.get("render", "")).lower() in ("never", "link", "false")
        or str(build.get("list", "")).lower() in ("never", "false")
    )


def _parted(name: str, languages: Languages, options: Options) -> _Name:
    folder, _, file = re.sub(r"\.[^./]+$", "", name).rpartition("/")
    language = ""
    first, _, rest = folder.partition("/")
    if first and first in languages.folders:
        folder, language = rest, first
    if (found := _LANGUAGE_END.fullmatch(file)) and found[2].lower() in languages.ends:
        file, language = found[1], found[2].lower()
    posts = re.search(r"(?:^|/)_posts(?=/|$)", folder)
    above = tuple(filter(None, folder[: posts.start()].split("/"))) if posts else ()
    if posts:
        folder = (folder[: posts.start()] + folder[posts.end() :]).strip("/")
    dated = _DATED_NAME.fullmatch(file if file != "index" else folder.rpartition("/")[2])
    is_jekyll = bool(posts or dated or "categories" in options.pattern or "_posts" in PurePath(options.path).parts)
    return _Name(folder=folder, file=file, dated=dated, language=language, above=above, is_jekyll=is_jekyll)


def _day_of_name(parts: _Name, zone: tzinfo) -> datetime | None:
    day = read_date("-".join(parts.dated.groups()[:3])) if parts.dated else None
    return day.replace(tzinfo=zone) if day else None


def _categories(said: Said, parts: _Name) -> list[str]:
    return list(dict.fromkeys([*parts.above, *_named(said, "categories", "category", parts)]))


def _named(said: Said, several: str, one: str, parts: _Name) -> list[str]:
    """Jekyll parts a text of `categories` or `tags` at its spaces, and one of `category` or `tag` nowhere."""
    if said.get(several):
        return names_in(said[several], by_spaces=parts.is_jekyll)
    return names_in(said.get(one))


def _html(text: str, name: str) -> tuple[str, str]:
    """The beginning, as HTML; and what its words are counted in."""
    bare = without_pairs(text, _LIQUID)
    if re.search(r"\.html?$", name, re.I):
        return bare, bare
    html = markdown.html_of(bare, is_mdx=name.lower().endswith(".mdx"))
    return html, html if len(bare) <= bounds.MARKDOWN else bare


# --- its address -----------------------------------------------------------------------------------------------------


def _url(
    said: Said,
    options: Options,
    parts: _Name,
    languages: Languages,
    title: str,
    categories: list[str],
    at: datetime,
) -> str:
    """Its own address: `permalink`, `url` or `path` of its front matter, which may have places, else the site's pattern."""
    base = options.base_url.rstrip("/") + "/"
    own = front_matter.text_of(said, "permalink", "url", "path")
    pattern = _STYLES.get(own, own) or options.pattern
    if "{{" in pattern or "{%" in pattern or isinstance(said.get("permalink"), dict):
        raise ValueError(f"its address {pattern[:80]!r} is computed by the site; give it a plain one, or permalink")
    if is_web_url(pattern):
        return pattern
    pattern = pattern[: bounds.TITLE]
    places = _places(said, options, parts, title, categories, at)
    path = _PLACE.sub(lambda place: places.get(place[1] or place[2], place[0]), pattern.replace(":output_ext", ".html"))
    has_own_folder = own.startswith("/") or "language" in (a or b for a, b in _PLACE.findall(pattern))
    if parts.language and parts.language.lower() != languages.default and not has_own_folder:
        path = f"{parts.language}/{path}"  # Hugo: `url` without a slash before it is below the language
    path = re.sub(r"/{2,}", "/", path).lstrip("/")
    url = joined(base, quote(re.sub(r"(?:^|(?<=/))index\.html$", "", path), safe="/%?=&#~:@!$'()*+,;"))
    if not url.startswith(base):
        raise ValueError(f"its address {pattern[:80]!r} leads away from the site")
    return url


def _places(
    said: Said, options: Options, parts: _Name, title: str, categories: list[str], at: datetime
) -> Mapping[str, str]:
    name = str(said.get("slug") or parts.bare)[: bounds.TITLE].replace(" ", "-")
    is_index = parts.file == "index" and not said.get("slug")  # Hugo: the article is the folder
    return {
        "path": parts.folder if is_index and parts.folder else f"{parts.folder}/{name}".strip("/"),
        "section": parts.folder.partition("/")[0],
        "slug": parts.folder.rpartition("/")[2] if is_index else name,
        "title": slug(title) if "{title}" in options.pattern else name,  # Jekyll's :title is the name of the file
        "language": parts.language,
        "categories": "/".join(map(slug, categories)),
        "year": f"{at:%Y}",
        "short_year": f"{at:%y}",
        "month": f"{at:%m}",
        "i_month": str(at.month),
        "day": f"{at:%d}",
        "i_day": str(at.day),
        "y_day": f"{at:%j}",
        "hour": f"{at:%H}",
        "minute": f"{at:%M}",
        "second": f"{at:%S}",
    }


# --- its picture -----------------------------------------------------------------------------------------------------


def _all_pictures(said: Said, html: str) -> Iterator[Picture]:
    yield from _pictures(said)
    yield from pictures_in(html)


def _pictures(said: Said) -> Iterator[Picture]:
    for key in ("image", "cover", "featured_image", "heroimage", "thumbnail", "images"):
        value = said.get(key)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, dict):
            src = str(value.get("src") or value.get("path") or value.get("url") or value.get("image") or "")
            yield Picture(src=src, alt=clean.title(str(value.get("alt") or "")))
        elif isinstance(value, str):
            yield Picture(src=value, alt=clean.title(str(said.get("image_alt") or "")))
