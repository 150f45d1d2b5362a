"""What is stored and may be the same as what comes in. Read only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from digest.db.tables import article, article_alias
from digest.model.article import Article
from digest.model.source import SourceId
from digest.sources.checked import MAX_KEY
from digest.sources.dedupe import (
    NAMELESS,
    ZONE_ERROR,
    SourceContents,
    Stories,
    Story,
    bare,
    canonical_url,
    is_root,
    mark,
    name_of_key,
    name_of_shared,
    name_of_url,
)


@dataclass(slots=True)
class Known:
    """rows     by id
    taken    names that an article has in its own row
    shared   canonical addresses that are nobody's, because several stories have them
    """

    rows: dict[int, Row[Any]]
    stories: Stories
    taken: set[str]
    shared: set[str]
    is_pages: bool

    def free_names(self, each: Article, story: Story) -> dict[str, str]:
        """A key and an address that no other story has: ids are used again, and several stories stand on one page."""
        url = canonical_url(each.url)
        key = each.key
        if name_of_key(story.source_id, key) in self.taken:
            is_short = url in story.urls and len(key + url) < MAX_KEY // 4
            key = f"{key} {url}" if is_short else f"{key[:400]} {mark(f'{url} {story.title} {story.published_at}')}"
        self.taken.add(name_of_key(story.source_id, key))
        return {"key": key, "canonical_url": self.free_url(each.url, story)}

    def free_url(self, url: str, story: Story) -> str:
        """Canonical; with what tells it apart, where another story has it or it is nobody's."""
        found = canonical_url(url)
        if found in self.taken or found not in story.urls:
            found = f"{found}#{mark(f'{sorted(story.keys, key=str)} {story.title}')}"
        self.taken.add(found)
        return found

    def address_of(self, row: Row[Any], each: Article, source_id: SourceId | None) -> dict[str, str]:
        """Of an edited article: its new one, unless another story has it."""
        url = canonical_url(each.url)
        if url == bare_url(row.canonical_url):
            return {"canonical_url": row.canonical_url}
        if url in self.taken or is_root(url) or each.key.startswith(NAMELESS):
            return {"url": row.url, "canonical_url": row.canonical_url}
        self.taken.add(url)
        return {"canonical_url": url}

    def story_of(self, row: Row[Any]) -> Story:
        return _story(row)


def contents_of(articles: Sequence[Article]) -> SourceContents:
    """Of all that a source has. An address is shared if two have it, or if a fragment of it is an id of its own."""
    of = Counter(canonical_url(each.url) for each in articles)
    shared = {url for url, count in of.items() if count > 1}
    shared |= {canonical_url(each.url) for each in articles if "#" in each.url and each.key == each.url}
    return SourceContents({each.key for each in articles}, shared)


def read_known(
    connection: Connection,
    incoming: Sequence[Story],
    source_id: SourceId | None,
    *,
    contents: SourceContents | None,
    is_pages: bool,
) -> Known:
    """index  ix_article_source_key, uq_article_canonical_url, ix_article_title_mark_published_at, uq_article_alias_name,
    ix_article_ready_at_id
    """
    keys = [key for story in incoming for _, key in story.keys]
    urls = [url for story in incoming for url in story.urls]
    names = [*(name_of_key(source_id, key) for key in keys), *map(name_of_url, urls)]
    if contents or is_pages:
        names += map(name_of_shared, urls)
    same_source = article.c.source_id.is_(None) if source_id is None else article.c.source_id == source_id
    first = min(story.published_at for story in incoming) - ZONE_ERROR
    last = max(story.published_at for story in incoming) + ZONE_ERROR
    titles = {found for story in incoming if (found := mark(story.title))}
    known: dict[int, Row[Any]] = {}
    stories: dict[int, Story] = {}
    shared: set[str] = set()

    def look(condition: ColumnElement[bool]) -> None:
        rows: Any = connection.execute(select(*_COLUMNS).where(condition))
        for row in rows:
            known[row.id], stories[row.id] = row, _story(row)

    look(same_source & article.c.key.in_(keys))
    look(article.c.canonical_url.in_(urls))
    look(article.c.title_mark.in_(titles) & article.c.published_at.between(first, last))
    if contents:
        taken = {url for story in stories.values() for url in story.urls} | {row.key for row in known.values()}
        unknown = [s for s in incoming if not s.urls & taken and not {key for _, key in s.keys} & taken]
        if unknown:  # a title and an address that were mended in one go keep the instant
            look(same_source & article.c.ready_at.in_({story.published_at for story in unknown}))
    called: Any = select(*_COLUMNS, article_alias.c.name).join(article, article.c.id == article_alias.c.article_id)
    for row in connection.execute(called.where(article_alias.c.name.in_(names))):
        if row.name.startswith(_SHARED):
            shared.add(row.name.removeprefix(_SHARED))
            continue
        known[row.id] = row
        _call(stories.setdefault(row.id, _story(row)), row.name, source_id)
    taken = {row.canonical_url for row in known.values()}
    taken |= {name_of_key(row.source_id, row.key) for row in known.values()}
    if contents:
        contents = SourceContents(contents.keys, shared := shared | contents.shared)
    return Known(known, Stories(stories.values(), contents), taken, shared, is_pages)


_SHARED = name_of_shared("")

_COLUMNS = (
    article.c.id,
    article.c.source_id,
    article.c.key,
    article.c.url,
    article.c.canonical_url,
    article.c.title,
    article.c.summary,
    article.c.published_at,
    article.c.content_hash,
)


def _story(row: Row[Any]) -> Story:
    url = bare_url(row.canonical_url)
    return Story(
        id=row.id,
        source_id=row.source_id,
        keys={(row.source_id, row.key)},
        urls=set() if is_root(url) or row.key.startswith(NAMELESS) else {url},
        title=bare(row.title),
        said=bare(row.summary),
        published_at=row.published_at,
    )


def _call(story: Story, name: str, source_id: SourceId | None) -> None:
    kind, _, rest = name.partition(" ")
    if kind == "url":
        story.urls.add(rest)
    else:
        story.keys.add((source_id, rest.partition(" ")[2]))


def bare_url(canonical: str) -> str:
    """Without what tells several stories on one page apart."""
    return canonical.partition("#")[0]
