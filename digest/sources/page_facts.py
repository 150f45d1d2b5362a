"""What a web page says of itself -> an Article. Pure."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from itertools import islice
from typing import Any

from lxml import html as lxml_html

from digest.model.article import Article
from digest.sources import bounds, clean
from digest.sources.charset import decode
from digest.sources.dates import read_date, read_day_of_url
from digest.sources.dedupe import canonical_url, host_of, is_root, is_web_url, without_user
from digest.sources.fetched import Fetched
from digest.sources.language import language_code
from digest.sources.links import joined
from digest.sources.markup import after_prolog, count_tags
from digest.sources.numbers import count_of
from digest.sources.page_itself import Itself
from digest.sources.pictures import Picture, choose, number, pictures_of

_ARTICLES = ("Article", "Posting", "Report", "Review", "Recipe", "Episode", "VideoObject", "HowTo")
"""Ends of the schema.org types that are articles to us: NewsArticle, BlogPosting, ..."""

_NOBODY = re.compile(r"(?i)^(?:admin|administrator|editor|redaktion|webmaster|author|unknown|\S+@\S+|https?://\S+)$")


@dataclass(slots=True)
class Facts:
    """The same thing from several places, the most trusted first."""

    urls: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    authors: list[list[str]] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    images: list[Picture] = field(default_factory=list)
    topics: list[list[str]] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    site_names: list[str] = field(default_factory=list)
    words: int | None = None
    comment_count: int | None = None


def article_of(fetched: Fetched, *, undated: datetime | None = None) -> Article:
    """ValueError says why it is none. `undated` is when a page without a date was published."""
    text = decode(fetched.body, content_type=fetched.content_type)[: bounds.PAGE]
    if not re.search(r"<(?:html|head|body|title|article|meta|p|h1)\b", text[:200_000], re.I):
        raise ValueError("not a web page")
    tree = lxml_html.document_fromstring(text[after_prolog(text) :].encode(), parser=_parser())
    base = joined(fetched.url, _first(tree, "//base/@href")) or fetched.url
    facts = _facts(tree, Itself.of(tree, base, fetched.url))
    url = _url(facts, base, fetched.url)
    title = _title(facts)
    if not title:
        raise ValueError("the page has no title")
    body = _body_of(text).removeprefix(title).lstrip()
    published_at = (
        next(filter(None, map(read_date, facts.dates[: bounds.FEW])), None) or read_day_of_url(url) or undated
    )
    if published_at is None:
        raise ValueError("the page says nowhere when it was published")
    summary = next((each for each in map(clean.summary, facts.summaries[: bounds.FEW]) if len(each) > 20), "")
    return Article(
        key=without_user(fetched.url),
        url=url,
        title=title[:300],
        published_at=published_at,
        authors=next((names for names in map(_names, facts.authors) if names), ()),
        summary=summary or clean.summary_of([body]),
        image=choose(facts.images[: bounds.FEW], base=base),
        topics=next((names for names in map(_names, facts.topics) if names), ())[:5],
        language=next(filter(None, map(language_code, facts.languages[: bounds.FEW])), ""),
        words=facts.words or (len(body.split()) or None),
        comment_count=facts.comment_count,
    )


def _first(tree: Any, path: str) -> str:
    return next(map(str, tree.xpath(path)), "")


def _parser() -> lxml_html.HTMLParser:
    return lxml_html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)


def _url(facts: Facts, base: str, fetched_from: str) -> str:
    """What the page calls itself, where that is on the same site: a canonical address elsewhere is another page's, and the
    front page is every page's on sites whose canonical is set once for all."""
    for given in facts.urls:
        url = joined(base, given)
        if is_web_url(url) and _site(url) == _site(fetched_from) and not is_root(canonical_url(url)):
            return url
    return without_user(fetched_from)


def _site(url: str) -> str:
    return re.sub(r"^(?:www|m|amp)\.", "", host_of(url))


def _title(facts: Facts) -> str:
    """Without the name of the site behind it."""
    for given in facts.titles[: bounds.FEW]:
        title = clean.title(given)
        for name in map(clean.title, facts.site_names[: bounds.FEW]):
            if name:
                title = re.sub(rf"\s+(?:[|·•–—-]|::|»)\s+{re.escape(name)}$", "", title)
        if title:
            return title
    return ""


def _body_of(text: str) -> str:
    """The article's own text, without menus and the like; "" of a page with more elements than any article's."""
    if count_tags(text, at_most=bounds.PAGE_TAGS) > bounds.PAGE_TAGS:
        return ""
    import trafilatura  # a third of a second: only who reads pages pays it

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it would quote pages on standard error
    found = trafilatura.extract(
        text[after_prolog(text) :], include_comments=False, include_tables=False, output_format="txt", favor_recall=True
    )
    return clean.line(found or "")


# --- what stands where -----------------------------------------------------------------------------------------------


def _facts(tree: Any, itself: Itself) -> Facts:
    facts = Facts()
    _from_json_ld(tree, facts, itself)
    _from_meta(tree, facts)
    _from_microdata(tree, facts, itself)
    _from_the_page(tree, facts)
    return facts


def _from_json_ld(tree: Any, facts: Facts, itself: Itself) -> None:
    by_id: dict[str, Mapping[str, Any]] = {}
    articles: list[Mapping[str, Any]] = []
    for script in tree.xpath('//script[translate(@type, "LDJSON", "ldjson")="application/ld+json"]'):
        text = script.text_content().strip()
        text = text.removeprefix("<!--").removeprefix("/*<![CDATA[*/").removesuffix("-->").removesuffix("/*]]>*/")
        try:
            things = [*_things(json.loads(text, strict=False))]
        except (ValueError, RecursionError):
            continue
        by_id |= {str(each["@id"]): each for each in things if each.get("@id") and len(each) > 2}
        articles += [thing for thing in things if any(kind.endswith(_ARTICLES) for kind in _listed(thing.get("@type")))]
    told = [(each, _addresses_of(each), str(each.get("headline") or each.get("name") or "")) for each in articles]
    for thing in itself.own(told):
        _from_thing(thing, facts, by_id)


def _addresses_of(thing: Mapping[str, Any]) -> list[str]:
    pages = _many(thing.get("mainEntityOfPage"))
    named = [(page.get("@id") or page.get("url")) if isinstance(page, dict) else page for page in pages]
    return [each for each in (*_many(thing.get("url")), thing.get("@id"), *named) if isinstance(each, str)]


def _things(value: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > 4:
        return
    if isinstance(value, list):
        for each in value:
            yield from _things(each, depth + 1)
    elif isinstance(value, dict):
        yield value
        for name in ("@graph", "mainEntity", "mainEntityOfPage", "author", "image"):
            yield from _things(value.get(name), depth + 1)


def _from_thing(thing: Mapping[str, Any], facts: Facts, by_id: Mapping[str, Mapping[str, Any]]) -> None:
    def text(name: str) -> str:
        value = thing.get(name)
        return str(value) if isinstance(value, str | int | float) else ""

    facts.urls += [each for each in _addresses_of(thing) if each and each != thing.get("@id")]
    facts.titles += [text("headline"), text("name")]
    facts.dates += [text("datePublished"), text("uploadDate"), text("dateCreated")]
    facts.summaries += [text("description"), text("abstract")]
    facts.authors.append([_name_of(each, by_id) for each in _many(thing.get("author") or thing.get("creator"))])
    for image in _many(thing.get("image") or thing.get("thumbnailUrl"))[: bounds.FEW]:
        known = by_id.get(str(image.get("@id")), image) if isinstance(image, dict) else {"url": image}
        src = str(known.get("url") or known.get("contentUrl") or "")
        alt = clean.title(str(known.get("caption") or ""))
        facts.images.append(Picture(src=src, alt=alt, width=number(known.get("width"))))
    keywords = thing.get("keywords")
    facts.topics.append([str(each) for each in _many(thing.get("articleSection"))])
    facts.topics.append(keywords.split(",") if isinstance(keywords, str) else [str(each) for each in _many(keywords)])
    facts.languages.append(text("inLanguage"))
    facts.words = facts.words or count_of(text("wordCount"), "words")
    if (count := count_of(text("commentCount"), "comment_count")) is not None:
        facts.comment_count = count


def _name_of(value: object, by_id: Mapping[str, Mapping[str, Any]]) -> str:
    if isinstance(value, dict):
        known = value if value.get("name") else by_id.get(str(value.get("@id")), {})
        name = known.get("name")
        return " ".join(map(str, name)) if isinstance(name, list) else str(name or "")
    return str(value)


def _many(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _listed(value: object) -> list[str]:
    return [str(each) for each in _many(value)]


def _from_meta(tree: Any, facts: Facts) -> None:
    said: dict[str, list[str]] = {}
    for meta in tree.xpath("//meta[@content]"):
        name = str(meta.get("property") or meta.get("name") or meta.get("itemprop") or meta.get("http-equiv") or "")
        said.setdefault(name.lower(), []).append(str(meta.get("content")))

    def all_of(*names: str) -> list[str]:
        return [value for name in names for value in said.get(name, ()) if value.strip()]

    canonical = tree.xpath(
        '//link[contains(concat(" ", translate(@rel, "CANOIL", "canoil"), " "), " canonical ")]/@href'
    )
    facts.urls = [*map(str, canonical), *all_of("og:url"), *facts.urls]
    facts.titles += all_of("og:title", "twitter:title", "dc.title", "dcterms.title", "citation_title", "parsely-title")
    facts.dates += all_of(
        *("article:published_time", "og:article:published_time", "citation_publication_date", "citation_online_date"),
        *("parsely-pub-date", "dc.date", "dc.date.issued", "dcterms.created", "dcterms.date", "date", "pubdate"),
    )
    is_named = "by" in " ".join(all_of("twitter:label1")).lower()  # "Written by"; others put the reading time there
    facts.authors += [
        all_of("article:author:name", "citation_author", "parsely-author"),
        all_of("author", "dc.creator", "dcterms.creator"),
        all_of("article:author", *(["twitter:data1"] if is_named else [])),
    ]
    facts.summaries += all_of("og:description", "twitter:description", "description", "dc.description")
    alt = next(iter(all_of("og:image:alt", "twitter:image:alt")), "")
    width = number(next(iter(all_of("og:image:width")), ""))
    for src in all_of("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"):
        facts.images.append(Picture(src=src, alt=clean.title(alt), width=width))
    facts.topics += [
        all_of("article:section"),
        all_of("article:tag", "parsely-tags"),
        [each for text in all_of("news_keywords", "keywords") for each in text.split(",")],
    ]
    facts.languages += [
        *map(str, tree.xpath("/html/@lang | /html/@xml:lang")),
        *all_of("og:locale", "content-language"),
    ]
    facts.site_names += all_of("og:site_name", "application-name")


def _from_microdata(tree: Any, facts: Facts, itself: Itself) -> None:
    told = []
    for scope in tree.xpath("//*[@itemscope][@itemtype]")[:50]:
        if not str(scope.get("itemtype")).rstrip("/").endswith(_ARTICLES):
            continue
        said: dict[str, list[str]] = {}
        for element in scope.xpath(".//*[@itemprop]")[:200]:
            for name in str(element.get("itemprop"))[:200].split():
                said.setdefault(name, []).append(_value_of(element))
        named = [str(scope.get("itemid") or ""), *said.get("mainEntityOfPage", ()), *said.get("url", ())[:1]]
        told.append(((scope, said), named, "".join(said.get("headline", said.get("name", []))[:1])))
    for scope, said in itself.own(told):
        facts.titles += said.get("headline", []) + said.get("name", [])[:1]
        facts.dates += said.get("datePublished", [])
        facts.authors.append(_of_authors(scope) or said.get("author", []))
        facts.summaries += said.get("description", [])
        facts.images += [Picture(src=src) for src in said.get("image", [])]
        facts.topics.append(said.get("articleSection", []))


def _of_authors(scope: Any) -> list[str]:
    path = './/*[contains(concat(" ", @itemprop, " "), " author ")]//*[contains(concat(" ", @itemprop, " "), " name ")]'
    return [_value_of(each) for each in scope.xpath(path)[: bounds.FEW]]


def _value_of(element: Any) -> str:
    for name in ("content", "datetime"):
        if element.get(name):
            return str(element.get(name))
    if element.tag in ("img", "a", "link", "source"):
        value = element.get("src") or element.get("href")
        if value and not (element.tag == "a" and element.text_content().strip()):
            return str(value)
    return str(element.text_content())


def _from_the_page(tree: Any, facts: Facts) -> None:
    """What stands there for people."""
    facts.dates += [str(each) for each in tree.xpath("//time[@pubdate]/@datetime | //article//time/@datetime")[:1]]
    facts.dates += [str(each) for each in tree.xpath("(//time/@datetime)[1]")]
    authors = tree.xpath('//a[@rel="author"] | //*[contains(concat(" ", @class, " "), " p-author ")]')[:3]
    facts.authors.append([str(each.text_content()) for each in authors])
    facts.titles += [escape(each.text_content()) for each in tree.xpath("//article//h1 | //main//h1 | //h1")[:1]]
    facts.titles += [escape(each.text_content()) for each in tree.xpath("//title")[:1]]
    for area in tree.xpath("(//article | //main)[position() <= 5]"):
        facts.images += islice(pictures_of(area), 5)


def _names(values: Sequence[str]) -> tuple[str, ...]:
    names = [clean.title(value)[:120] for value in values[: bounds.FEW]]
    return tuple(dict.fromkeys(name for name in names if name and not _NOBODY.match(name)))
