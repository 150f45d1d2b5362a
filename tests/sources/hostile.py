"""What strangers may write to make a parser slow: many starts whose end is missing, deep nesting, long runs of one thing."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from digest.errors import DigestError
from digest.model.source import Collected
from digest.sources import (
    apart,
    body,
    charset,
    clean,
    dates,
    dedupe,
    discover,
    feed,
    folder,
    importing,
    language,
    links,
    markup,
    numbers,
    page_facts,
    pictures,
    sentences,
    shortcodes,
    sitemap,
    unpack,
)
from digest.sources.fetched import Fetched

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

TOKENS = (
    *("<", ">", "</", "<a", "<a ", "<a>", "</a>", "<a><b>", "<b>", "</b>", "<b><i>", "<ul>", "<ul><li>", "<li>", "<p>"),
    *(
        "<p><b>",
        "<div>",
        "<table>",
        "<table><tr><td>",
        "<td>",
        "<br",
        "<br ",
        "<br/",
        "<br>",
        "<img",
        "<img ",
        "<img src=",
    ),
    *("<img src='a", '<img src="', "<!", "<!--", "<!-- ", "-->", "<!--more", "<!--more ", "<!-- /wp:", "<![CDATA["),
    *(
        "]]>",
        "<![CDATA[]]>",
        "<!DOCTYPE",
        "<!DOCTYPE rss [",
        "<!DOCTYPE rss [\n",
        "<!ENTITY",
        '<!ENTITY a "',
        "<?",
        "<?xml",
    ),
    *(
        "<?xml ",
        "<?xml version='1.0'?>",
        "<script",
        "<script>",
        "</script>",
        "<style>",
        "<svg>",
        "<figure>",
        "<figure ",
    ),
    *(
        "</figure>",
        "<h1>",
        "<pre>",
        "<iframe>",
        "<form>",
        "<noscript>",
        "<template>",
        "<object>",
        "<select>",
        "<option>",
    ),
    *(
        "<math>",
        "<a href=",
        "<a href='",
        "<id",
        "<id ",
        "<id>",
        "<guid>",
        "<guid ><![CDATA[",
        "<item>",
        "<item",
        "<entry>",
    ),
    *(
        "</item>",
        "<link>",
        "<link> ",
        "<link><![CDATA[",
        "<title>",
        "<rss>",
        "</rss>",
        "</rss",
        "</feed >",
        "<media:content ",
    ),
    *(
        "<media:content>",
        "</media:content>",
        "<media:description>",
        "<content:encoded>",
        "<pubDate>",
        "<a:b:c ",
        "<x:y>",
    ),
    *(
        "&",
        "&amp;",
        "&amp;amp;",
        "&lt;",
        "&lt;b&gt;",
        "&#",
        "&#1",
        "&#x",
        "&#xD800;",
        "&#9999999999;",
        "&a",
        "&a;",
        "&nbsp;",
    ),
    *(
        "[",
        "]",
        "[[",
        "[]",
        "[a",
        "[a ",
        "[a]",
        "[/a]",
        "[gallery",
        "[gallery ",
        "[gallery]",
        "[caption]",
        "[caption]a",
        "[…]",
    ),
    *(
        "(",
        ")",
        "((",
        "{",
        "{{",
        "{%",
        "}}",
        "{}",
        '{"a":',
        "[1,",
        '"',
        "'",
        '"a"',
        "=",
        "a=",
        "a='",
        "-",
        "--",
        "---\n",
        "+++\n",
    ),
    *(
        " ",
        "  ",
        "\t",
        "\n",
        "\r",
        "\r\n",
        " \n",
        "\n ",
        "\n\n",
        "\n\r",
        "\x1e",
        "\u2028",
        "\u00a0",
        "\u200d",
        "中\u200d",
    ),
    *(
        "a",
        "a ",
        "a.",
        "a. ",
        ".",
        "...",
        "…",
        "!",
        "?",
        "Dr. ",
        "A. ",
        "é",
        "e\u0301",
        "\u0301\u0327",
        "ß",
        "中",
        "。",
        "😀",
    ),
    *(
        "0",
        "1",
        "12 ",
        "1:",
        "1-",
        "1/",
        "2026-",
        "2026-11-",
        "Nov ",
        "Nov 1",
        "/2026/11/",
        "+",
        "GMT ",
        "America/",
        "+01:",
    ),
    *(
        "/",
        "//",
        "\\",
        ":",
        ";",
        ",",
        "@",
        "a@",
        "@a ",
        "a@b ",
        "a,",
        "Lu, A., ",
        "A.-",
        "a;b ",
        "#",
        "%",
        "%20",
        "?a=",
        "&a=",
    ),
    *(
        "www.",
        "http://",
        "http://a/",
        "https://example.org/",
        "The post ",
        "The post a appeared first on ",
        "Read more ",
    ),
    *(
        "Continue reading ",
        "appeared first on ",
        "submitted by ",
        "u/a ",
        "arXiv:",
        "Read full topic",
        "by ",
        "# ",
        "> ",
        "- ",
    ),
    *(
        "* ",
        "*a",
        "**a ",
        "_a",
        "`",
        "```\n",
        "[a](",
        "![",
        "[a]: b\n",
        "!!",
        "a: ",
        "- - ",
        "? ",
        "&x ",
        "*x ",
        "\x00",
        "\ufeff",
    ),
    *(
        "\xff",
        "\ud7ff",
        "ع",
        "\u202e",
        "\u200f",
        "सि",
        "ไ",
        "{path}",
        ":year",
        "sitemap: ",
        "\nsitemap:",
        "<urlset>",
        "<url><loc>",
    ),
)


def rss(**parts: str) -> bytes:
    """A feed with one item, in which a part is what a test says."""
    given = {
        "title": "T",
        "date": "Mon, 16 Nov 2026 08:00:00 GMT",
        "text": "",
        "more": "",
        "head": "",
        "before": "",
    } | parts
    return (
        f'<?xml version="1.0"?>{given["before"]}<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>B</title>{given["head"]}<item>'
        f"<title>{given['title']}</title><link>https://e.example/1</link><guid>1</guid><pubDate>{given['date']}</pubDate>"
        f"<description>{given['text']}</description>{given['more']}</item></channel></rss>"
    ).encode()


def fetched(body: bytes | str) -> Fetched:
    return Fetched(url="https://e.example/", status=200, body=body.encode() if isinstance(body, str) else body)


def cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]] >") + "]]>"


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


OPTIONS = feed.Options(url="https://e.example/")
FOLDER = folder.Options(path="/", base_url="https://e.example/")
HEAD = "<html><head><title>T</title><meta property='article:published_time' content='2026-11-16'>"
parse = partial(feed.parse, options=OPTIONS, now=NOW)


def feed_parts() -> Iterator[tuple[str, Callable[[str], Any]]]:
    for part in ("title", "date", "text", "more", "head", "before"):
        yield f"feed {part}", lambda text, part=part: parse(fetched(rss(**{part: text})))
        yield f"feed {part} escaped", lambda text, part=part: parse(fetched(rss(**{part: _xml(text)})))
    yield "feed text twice", lambda text: parse(fetched(rss(text=_xml(_xml(text)))))
    yield "feed text cdata", lambda text: parse(fetched(rss(text=cdata(text))))
    yield "feed content", lambda text: parse(fetched(rss(more=f"<content:encoded>{cdata(text)}</content:encoded>")))
    yield "feed author", lambda text: parse(fetched(rss(more=f"<author>{_xml(text)}</author>")))
    yield "feed creator", lambda text: parse(fetched(rss(more=f"<dc:creator>{_xml(text)}</dc:creator>")))
    yield (
        "feed media",
        lambda text: parse(
            fetched(rss(more=f"<media:content url='a'><media:description>{text}</media:description></media:content>"))
        ),
    )
    yield "feed alone", lambda text: parse(fetched(text))
    yield "feed comment", lambda text: parse(fetched(rss(more=f"<!-- {text.replace('--', '- ')} -->")))
    yield (
        "json feed",
        lambda text: parse(
            fetched(
                json.dumps(
                    {
                        "version": "https://jsonfeed.org/version/1.1",
                        "items": [
                            {
                                "id": text,
                                "url": "https://e.example/1",
                                "title": text,
                                "content_html": text,
                                "date_published": text,
                                "authors": [{"name": text}],
                                "tags": [text],
                                "image": text,
                            }
                        ],
                    }
                )
            )
        ),
    )
    yield (
        "json feed alone",
        lambda text: parse(fetched('{"version": "https://jsonfeed.org/version/1.1", "items": ' + text)),
    )


def other_parts() -> Iterator[tuple[str, Callable[[str], Any]]]:
    for function in (clean.plain_text, clean.title, clean.summary, clean.unescaped, clean.count_words):
        yield f"clean.{function.__name__}", function
    for function in (body.before_more, body.first_paragraph, body.teaser, body.count_words):
        yield f"body.{function.__name__}", function
    yield "shortcodes", shortcodes.without_shortcodes
    yield "sentences.ends", lambda text: list(sentences.ends(text))
    yield "sentences.shortened", lambda text: sentences.shortened(text, 400)
    yield "dates.read_date", dates.read_date
    yield "dates.read_date zone", lambda text: dates.read_date(f"23 Nov 2026 10:00 {text}")
    yield "dates.read_date clock", lambda text: dates.read_date(f"2026-11-23 {text}下午 2:26")
    yield "links.joined", lambda text: links.joined("https://e.example/", text)
    yield "links.joined spaces", lambda text: links.joined("https://e.example/ " + text, text)
    yield "apart.is_front", lambda text: _or_refused(apart.is_front, "https://" + text)
    yield "unpack", lambda text: [*unpack.unpacker("gzip, br").unpack(text.encode("utf-8", "replace"))]
    yield "dates.read_day_of_url", dates.read_day_of_url
    yield "dedupe.is_web_url", lambda text: dedupe.is_web_url("https://e.example/" + text)
    yield "dedupe.is_web_url host", lambda text: dedupe.is_web_url("https://" + text)
    yield "dedupe.canonical_url", lambda text: _or_refused(dedupe.canonical_url, "https://e.example/" + text)
    yield "dedupe.canonical_url host", lambda text: _or_refused(dedupe.canonical_url, "https://" + text)
    yield "dedupe.bare", dedupe.bare
    yield "dedupe.mark", lambda text: dedupe.mark(dedupe.bare_text(text))
    yield "charset", lambda text: charset.decode(text.encode("utf-8", "replace"))
    yield "charset latin", lambda text: charset.decode(text.encode("latin-1", "replace") + b"\xff")
    yield "language", language.language_of
    yield "language_code", language.language_code
    yield "numbers", lambda text: _or_refused(numbers.count_of, text, "words")
    yield "markup.after_prolog", markup.after_prolog
    yield "markup.cdata", markup.without_cdata_marks
    yield "pictures_in", lambda text: list(pictures.pictures_in(text))
    yield "pictures.number", pictures.number
    yield "pictures.choose", lambda text: pictures.choose([pictures.Picture(src=text)], base="https://e.example/")
    yield "unpack", lambda text: _or_refused(unpack.unpack_gzip, text.encode("utf-8", "replace"), max_bytes=10**7)
    yield (
        "importing",
        lambda text: _or_refused(
            importing.article_of,
            {
                "url": "https://e.example/1",
                "title": text,
                "published_at": "2026-11-16",
                "summary": text,
                "topics": text,
            },
        ),
    )


def page_parts() -> Iterator[tuple[str, Callable[[str], Any]]]:
    page = partial(_or_refused, page_facts.article_of)
    yield "page body", lambda text: page(fetched(f"{HEAD}</head><body><article><h1>T</h1><p>{text}"))
    yield "page head", lambda text: page(fetched(f"{HEAD}{text}</head><body>"))
    yield "page title", lambda text: page(fetched(f"<html><head><title>{text}"))
    yield (
        "page meta",
        lambda text: page(
            fetched(HEAD + "".join(f'<meta property="{n}" content="{text}">' for n in ("og:title", "author")))
        ),
    )
    yield (
        "page json-ld",
        lambda text: page(
            fetched(
                HEAD
                + '<script type="application/ld+json">'
                + json.dumps({"@type": "Article", "headline": text, "datePublished": text, "author": text})
                + "</script>"
            )
        ),
    )
    yield "page alone", lambda text: page(fetched(text))
    yield (
        "sitemap",
        lambda text: _or_refused(sitemap.parse_sitemap, fetched(f"<urlset><url><loc>{text}"), max_bytes=10**7),
    )
    yield "sitemap alone", lambda text: _or_refused(sitemap.parse_sitemap, fetched(text), max_bytes=10**7)
    yield (
        "sitemap date",
        lambda text: _or_refused(
            sitemap.parse_sitemap,
            fetched(f"<urlset><url><loc>https://e.example/</loc><lastmod>{text}</lastmod></url></urlset>"),
            max_bytes=10**7,
        ),
    )
    yield "discover", lambda text: discover.named_in(fetched(f"<html><head>{text}"), "https://e.example/")
    front = "---\ntitle: T\ndate: 2026-11-16\n"
    yield "folder text", lambda text: _file(f"{front}---\n{text}", "a.html")
    yield "folder markdown", lambda text: _file(f"{front}---\n{text}", "a.md")
    yield "folder mdx", lambda text: _file(f"{front}---\n{text}", "a.mdx")
    yield "folder notes", lambda text: _file(f"{front}---\n[^1]: x\n\n{text}", "a.md")
    yield "folder json", lambda text: _file(f'{{"title": "T", "date": "2026-11-16", "x": {text}', "a.md")
    yield "folder yaml", lambda text: _file(f"---\ntitle: {text}\n---\n", "a.md")
    yield "folder yaml raw", lambda text: _file(f"---\n{text}\n---\n", "a.md")
    yield "folder toml", lambda text: _file(f"+++\n{text}\n+++\n", "a.md")
    yield (
        "folder link",
        lambda text: _file(f"{front}permalink: {json.dumps(text)}\nslug: {json.dumps(text)}\n---\n", "a.md"),
    )
    yield "folder alone", lambda text: _file(text, "a.md")


def _file(text: str, name: str) -> Any:
    return _or_refused(folder.article_of, text.encode("utf-8", "replace"), name, FOLDER)


def _or_refused(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return function(*arguments, **named)
    except (ValueError, RecursionError):
        return None


PARTS = dict((*feed_parts(), *other_parts(), *page_parts()))


def seconds(part: str, token: str, size: int) -> float:
    """Of this process, to read so many characters of that token in that place."""
    text = (token * (size // len(token) + 1))[:size]
    started = time.process_time()
    with contextlib.suppress(DigestError):
        PARTS[part](text)
    return time.process_time() - started


def grown(kind: str, document: bytes) -> tuple[str, float, float]:
    """What became of a document, the megabytes that this process grew by at its peak, and seconds."""
    before, started = peak_mb(), time.process_time()
    page = fetched(document)
    try:
        found = parse(page) if kind == "feed" else sitemap.parse_sitemap(page, max_bytes=10**7)
        said = repr(found.articles if isinstance(found, Collected) else found)
    except DigestError as cause:
        said = str(cause)
    return said[:2_000], peak_mb() - before, time.process_time() - started


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
