"""A folder of Markdown or HTML files with front matter, as Hugo, Jekyll, Eleventy, Astro and Zola keep them -> Articles.

What lies in a folder, and what comes of it:

a draft, or a date to come      left out; it comes when its time does. folder_article.py has the keys that keep a page away
a name such as _index.md        left out: a section's page, a partial
a file without title or date    a line in `refused`, and the others go on
a link out of the folder        refused
more than `max_bytes`           refused unread
nothing new                     names, sizes and times are compared, and no file is opened
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from digest import isolation
from digest.errors import SourceUnreachable
from digest.model.article import Article
from digest.model.source import Collected, Cursor
from digest.sources import bounds
from digest.sources.checked import checked, reason_of
from digest.sources.folder_article import Languages, Options, Written, languages_of, written
from digest.sources.language import with_languages

if TYPE_CHECKING:
    from digest.sources.fetch import Fetcher

__all__ = ["Options", "article_of", "pages"]

ENDS = (".md", ".markdown", ".mdx", ".html", ".htm")
PAGE = 200

AT_ONCE = 50
AT_ONCE_BYTES = 4_000_000
"""So many files are in memory, and on their way to a child process, at a time."""

Read = tuple[Written | None, str]

_NO_ARTICLES = {"_drafts", "_includes", "_layouts", "_data", "_site", "node_modules"}
"""Folders of Jekyll and Eleventy, and of what they make."""


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
        page, is_cut = found
        cut += [f"{name}: {is_cut}"] if is_cut else []
        if page is None or (page.until is not None and page.until <= now):
            continue
        if page.article.published_at > now:
            to_come.append(page.article.published_at)
        else:
            articles.append(page.article)
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
    languages = languages_of((_name(file, root) for file in files), options)
    waiting: list[tuple[bytes, str]] = []
    for file in files:
        name = _name(file, root)
        try:
            waiting.append((file.read_bytes(), name))
        except OSError as cause:
            yield name, ValueError(f"cannot be read: {cause.strerror}")
        if len(waiting) >= AT_ONCE or sum(len(content) for content, _ in waiting) > AT_ONCE_BYTES:
            yield from _read_some(waiting, options, languages)
            waiting = []
    yield from _read_some(waiting, options, languages)


def _read_some(
    waiting: list[tuple[bytes, str]], options: Options, languages: Languages
) -> Iterator[tuple[str, Read | Exception]]:
    found = isolation.each(read, waiting, options=options, languages=languages)
    yield from zip((name for _, name in waiting), found, strict=True)


def read(content: bytes, name: str, *, options: Options, languages: Languages) -> Read:
    """What is done in a child process: the article, if it is one, and what of its text is cut."""
    page = written(content, name, options, languages)
    is_cut = bounds.said(content.decode("utf-8", "replace"), bounds.TEXT, "text")
    if page is None:
        return None, is_cut
    return Written(article=with_languages([checked(page.article)])[0], until=page.until), is_cut


def article_of(content: bytes, name: str, options: Options) -> Article | None:
    """Of one file by itself; None for what its site keeps away, ValueError says why it is no article."""
    page = written(content, name, options, languages_of([name], options))
    return page.article if page else None


def _files(root: Path, max_bytes: int) -> tuple[list[Path], list[str]]:
    """What may be articles, in order, and what is refused unread."""
    home = root.resolve()
    files: list[Path] = []
    refused: list[str] = []
    for here, folders, names in os.walk(root):  # goes into no folder that is a link
        folders[:] = sorted(each for each in folders if each[0] != "." and each not in _NO_ARTICLES)
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
