"""Which of the stories that a web page tells of is its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from digest.sources import bounds
from digest.sources.dedupe import are_alike, bare, canonical_url, is_root, is_web_url
from digest.sources.links import joined

MOST = 500
"""So many stories of a page are looked at."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Itself:
    """What a page is known by, to tell what it says of itself from what it says of other stories.

    addresses   canonical; not the site's front page
    titles      bare
    """

    base: str
    addresses: frozenset[str]
    titles: tuple[str, ...]

    @classmethod
    def of(cls, tree: Any, base: str, fetched_from: str) -> Itself:
        links = tree.xpath(
            '//link[@rel="canonical" or @rel="Canonical" or @rel="shortlink"]/@href | //meta[@property="og:url"]/@content'
        )
        titles = tree.xpath('//meta[@property="og:title"]/@content | //title/text() | //h1')[: bounds.FEW]
        texts = (each if isinstance(each, str) else each.text_content() for each in titles)
        return cls(
            base,
            frozenset(_addresses([fetched_from, *map(str, links[: bounds.FEW])], base)),
            tuple(filter(None, (bare(str(text)) for text in texts))),
        )

    def own(self, told: Sequence[tuple[T, Sequence[str], str]]) -> list[T]:
        """Of things with their addresses and titles those that are the page's: by their address; else those that have none,
        or its title. What has another address and another title is another story."""
        addressed = [(thing, _addresses(given, self.base), title) for thing, given, title in told[:MOST]]
        named = [thing for thing, addresses, _ in addressed if addresses & self.addresses]
        others = [
            thing
            for thing, addresses, title in addressed
            if not addresses & self.addresses and (not addresses or self._has_title(title))
        ]
        return [*named, *others]

    def _has_title(self, title: str) -> bool:
        said = bare(title)
        return not self.titles or any(
            each == said or each.startswith(f"{said} ") or are_alike(said, each) for each in self.titles if said
        )


def _addresses(given: Sequence[str], base: str) -> set[str]:
    urls = (joined(base, each) for each in given if each)
    found = {canonical_url(url) for url in urls if is_web_url(url)}
    return {url for url in found if not is_root(url)}
