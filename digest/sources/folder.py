"""A folder of Markdown or HTML files with front matter, as Jekyll, Hugo, Eleventy and Astro keep them -> Articles.

What lies in a folder, and what comes of it:

a draft, or a date to come      left out (`draft`, `published: false`, a folder `_drafts`); it comes when its time does
a name such as _index.md        left out: a section's page, a partial
a file without title or date    a line in `refused`, and the others go on
a link out of the folder        refused
more than `max_bytes`           refused unread
nothing new                     names, sizes and times are compared, and no file is opened
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yaml
from markdown_it import MarkdownIt

from digest import isolation
from digest.errors import SourceUnreachable
from digest.model.article import Article, slug
from digest.model.source import Collected, Cursor
from digest.sources import bounds, clean
from digest.sources.body import count_words, teaser
from digest.sources.checked import checked, reason_of
from digest.sources.dates import read_date
from digest.sources.dedupe import is_web_url
from digest.sources.language import language_code, with_languages
from digest.sources.markup import without_pairs
from digest.sources.pictures import Picture, choose, joined, pictures_in

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

ENDS = (".md", ".markdown", ".mdx", ".html", ".htm")
PAGE = 200

AT_ONCE = 50
AT_ONCE_BYTES = 4_000_000
"""So many files are in memory, and on their way to a child process, at a time."""

Read = tuple[Article | None, str]

_YAML = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$\n?", re.S | re.M)
_TOML = re.compile(r"\A\ufeff?\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*\r?$\n?", re.S | re.M)
_DATED_NAME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")
_LIQUID = {"{%": "%}", "{{": "}}"}
_PLACE = re.compile(r":([a-z_]+)|\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Files, and how their site makes addresses of them.

    path        folder of the articles: Markdown or HTML files with front matter, also in folders below it
    base_url    address of the site, https://example.org/
    permalink   with {path} (folders and name), {section} (the first folder), {slug}, {title}, {year}, {month}, {day},
                {categories}; Jekyll's ":year" is the same as "{year}"
    max_bytes   a larger file is refused
    topics      added to every article, comma-separated
    """

    path: str
    base_url: str
    permalink: str = "/{path}/"
    max_bytes: int = 1_000_000
    topics: str = ""

    def __post_init__(self) -> None:
        if not is_web_url(self.base_url):
            raise ValueError("base_url is the address of the site, https://example.org/")
        unknown = {a or b for a, b in _PLACE.findall(self.permalink)} - set(_PLACES)
        if unknown:
            raise ValueError(f"permalink: there is no {{{min(unknown)}}}; there are: {', '.join(_PLACES)}")


_PLACES = ("path", "section", "slug", "title", "year", "month", "day", "categories")


def pages(options: Options, cursor: Cursor, *, now: datetime, fetcher: Fetcher) -> Iterator[Collected]:
    """Two hundred articles at a time. The cursor says how the folder looked, once all of it was read."""
    root = Path(options.path)
    if not root.is_dir():
        raise SourceUnreachable(f"{options.path}: there is no such folder")
    try:
        files, refused = _files(root, options.max_bytes)
    except OSError as cause:
        raise SourceUnreachable(f"{options.path}: cannot be read: {cause.strerror}") from cause
    looks = _look_of(files, refused, options)
    seen, _, waits = cursor.etag.partition(" ")
    if seen == looks and not (waits and now >= datetime.fromisoformat(waits)):
        yield Collected(cursor=cursor, is_unchanged=True)
        return
    articles: list[Article] = []
    to_come: list[datetime] = []
    cut: list[str] = []
    for name, found in _read_all(files, root, options):
        if isinstance(found, Exception):
            refused.append(f"{name}: {reason_of(found)}")
            continue
        article, is_cut = found
        cut += [f"{name}: {is_cut}"] if is_cut else []
        if article is not None and article.published_at > now:
            to_come.append(article.published_at)
        elif article is not None:
            articles.append(article)
    articles.sort(key=lambda each: each.published_at)
    for start in range(0, len(articles) - PAGE, PAGE):
        yield Collected(articles=tuple(articles[start : start + PAGE]), cursor=Cursor())
    rest = len(articles) % PAGE or min(len(articles), PAGE)
    waits = min(to_come).isoformat() if to_come else ""
    yield Collected(
        articles=tuple(articles[len(articles) - rest :]),
        refused=tuple(refused),
        cut=tuple(cut),
        cursor=Cursor(at=articles[-1].published_at if articles else None, etag=f"{looks} {waits}".strip()),
    )


def _read_all(files: list[Path], root: Path, options: Options) -> Iterator[tuple[str, Read | Exception]]:
    """What became of each file, by name: opened here, read in a child process, some at a time."""
    waiting: list[tuple[bytes, str]] = []
    for file in files:
        name = _name(file, root)
        try:
            waiting.append((file.read_bytes(), name))
        except OSError as cause:
            yield name, ValueError(f"cannot be read: {cause.strerror}")
        if len(waiting) >= AT_ONCE or sum(len(content) for content, _ in waiting) > AT_ONCE_BYTES:
            yield from _read_some(waiting, options)
            waiting = []
    yield from _read_some(waiting, options)


def _read_some(waiting: list[tuple[bytes, str]], options: Options) -> Iterator[tuple[str, Read | Exception]]:
    found = isolation.each(read, waiting, options=options)
    yield from zip((name for _, name in waiting), found, strict=True)


def read(content: bytes, name: str, *, options: Options) -> Read:
    """What is done in a child process: the article, if it is one, and what of its text is cut."""
    article = article_of(content, name, options)
    is_cut = bounds.said(content.decode("utf-8", "replace"), bounds.TEXT, "text")
    return (with_languages([checked(article)])[0] if article else None), is_cut


def _files(root: Path, max_bytes: int) -> tuple[list[Path], list[str]]:
    """What may be articles, in order, and what is refused unread."""
    home = root.resolve()
    files: list[Path] = []
    refused: list[str] = []
    for here, folders, names in os.walk(root):  # goes into no folder that is a link
        folders[:] = sorted(each for each in folders if each[0] != "." and each not in ("_drafts", "node_modules"))
        for name in sorted(names):
            file = Path(here, name)
            if not name.lower().endswith(ENDS) or name[0] in "._":
                continue
            shown = _name(file, root)
            if not file.resolve().is_relative_to(home):
                refused.append(f"{shown}: a link out of the folder")
            elif not file.is_file():
                refused.append(f"{shown}: no file")
            elif file.stat().st_size > max_bytes:
                refused.append(f"{shown}: longer than {max_bytes:,} bytes")
            else:
                files.append(file)
    return files, refused


def _name(file: Path, root: Path) -> str:
    """Below the folder, with slashes; what is no UTF-8 in it is spelt out."""
    return file.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()


def _look_of(files: list[Path], refused: list[str], options: Options) -> str:
    look = hashlib.sha256(repr((options, refused)).encode())
    for file in files:
        found = file.stat()
        look.update(repr((str(file), found.st_size, found.st_mtime_ns)).encode("utf-8", "backslashreplace"))
    return look.hexdigest()[:32]


def article_of(content: bytes, name: str, options: Options) -> Article | None:
    """None for a draft; ValueError says why it is no article. `name` is the path below the folder, with slashes."""
    said, text = _front_matter(content.decode("utf-8", "replace")[: bounds.TEXT])
    if _is_true(said.get("draft")) or said.get("published") is False or said.get("permalink") is False:
        return None
    stem = re.sub(r"\.[^./]+$", "", name)
    folder, _, file_name = stem.rpartition("/")
    dated = _DATED_NAME.fullmatch(file_name)
    title = clean.title(str(said.get("title") or ""))
    if not title:
        raise ValueError("has no title in its front matter")
    published_at = next(
        filter(None, (_date(said.get(key)) for key in ("date", "pubDate", "publishDate", "published"))), None
    ) or (read_date("-".join(dated.groups()[:3])) if dated else None)
    if published_at is None:
        raise ValueError("has no date, in its front matter or its name")
    url = _url(said, options, folder, dated[4] if dated else file_name, title, published_at)
    html = without_pairs(text, _LIQUID)
    whole = html
    if not re.search(r"\.html?$", name, re.I):
        html = str(MarkdownIt("commonmark").render(html[: bounds.MARKDOWN]))
        whole = html if len(whole) <= bounds.MARKDOWN else whole
    topics = [
        *_texts(said.get("categories") or said.get("category")),
        *_texts(said.get("tags")),
        *options.topics.split(","),
    ]
    return Article(
        key=name,
        url=url,
        title=title[:300],
        published_at=published_at,
        authors=tuple(_texts(said.get("authors") or said.get("author"))),
        summary=teaser(html, *(str(said.get(key) or "") for key in ("description", "summary", "excerpt"))),
        image=choose([*_pictures(said), *pictures_in(html)], base=url),
        topics=tuple(dict.fromkeys(filter(None, map(clean.line, topics)))),
        language=language_code(str(said.get("lang") or said.get("language") or "")),
        words=count_words(whole),
    )


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it refers to itself")  # a few such lines can stand for gigabytes
        return super().compose_node(parent, index)


def _read_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader


def _front_matter(text: str) -> tuple[Mapping[str, Any], str]:
    """What stands between the marks at the top, and the text below."""
    for pattern, parse in ((_YAML, _read_yaml), (_TOML, tomllib.loads)):
        if found := pattern.match(text):
            if len(found[1]) > bounds.FRONT_MATTER:
                raise ValueError(f"its front matter is longer than {bounds.FRONT_MATTER:,} characters")
            try:
                said = parse(found[1])
            except (yaml.YAMLError, ValueError, RecursionError) as cause:
                reason = " ".join(str(cause).split())[:120]
                raise ValueError(f"its front matter is damaged: {reason}") from cause
            if not isinstance(said, dict):
                raise ValueError("its front matter is no list of names and values")
            params = said.get("params")  # Hugo
            return {**(params if isinstance(params, dict) else {}), **said}, text[found.end() :]
    raise ValueError("has no front matter")


def _url(
    said: Mapping[str, Any], options: Options, folder: str, file_name: str, title: str, published_at: datetime
) -> str:
    """Its own address: `permalink` or `url` of its front matter, which may have places, else the site's pattern."""
    base = options.base_url.rstrip("/") + "/"
    name = str(said.get("slug") or file_name)[: bounds.TITLE]
    is_index = file_name == "index" and not said.get("slug")  # Hugo: the article is the folder
    folder = re.sub(r"(?:^|/)_posts(?=/|$)", "", folder).strip("/")
    places = {
        "path": folder if is_index and folder else f"{folder}/{name}".strip("/"),
        "section": folder.partition("/")[0],
        "slug": folder.rpartition("/")[2] if is_index else name,
        "title": slug(title) if "{title}" in options.permalink else name,  # Jekyll's :title is the name of the file
        "year": f"{published_at:%Y}",
        "month": f"{published_at:%m}",
        "day": f"{published_at:%d}",
        "categories": "/".join(slug(each) for each in _texts(said.get("categories") or said.get("category"))),
    }
    pattern = str(said.get("permalink") or said.get("url") or options.permalink)
    if "{{" in pattern or "{%" in pattern:
        raise ValueError(f"its address {pattern[:80]!r} is computed by the site; give it a plain one, or permalink")
    if is_web_url(pattern):
        return pattern
    pattern = pattern[: bounds.TITLE]
    path = _PLACE.sub(lambda place: places.get(place[1] or place[2], place[0]), pattern)
    url = joined(base, quote(re.sub(r"/{2,}", "/", path).lstrip("/"), safe="/%?=&#~:@!$'()*+,;"))
    if not url.startswith(base):
        raise ValueError(f"its address {pattern[:80]!r} leads away from the site")
    return url


def _date(value: object) -> datetime | None:
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except OverflowError:
            return None
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return read_date(value) if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    """A list, or a text with commas; a name may be a table with a name."""
    given = (
        value if isinstance(value, list) else str(value or "").split(",") if not isinstance(value, dict) else [value]
    )
    names = [
        clean.title(str(each.get("name") or "") if isinstance(each, dict) else str(each))
        for each in given[: bounds.FEW]
    ]
    return [name for name in names if name]


def _pictures(said: Mapping[str, Any]) -> Iterator[Picture]:
    for key in ("image", "cover", "featured_image", "heroImage", "thumbnail", "images"):
        value = said.get(key)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, dict):
            src = str(value.get("src") or value.get("path") or value.get("url") or value.get("image") or "")
            yield Picture(src=src, alt=clean.title(str(value.get("alt") or "")))
        elif isinstance(value, str):
            yield Picture(src=value, alt=clean.title(str(said.get("image_alt") or "")))


def _is_true(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "yes")
