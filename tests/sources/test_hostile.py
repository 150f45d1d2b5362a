"""What strangers write takes no more time and memory than what anybody writes: whatever it is, and wherever it stands."""

from __future__ import annotations

import random

import pytest

from digest import isolation
from tests.sources.hostile import PARTS, TOKENS, grown, rss, seconds

SIZE = 100_000

KNOWN = (
    *(
        ("feed date", "a"),
        ("dates.read_date", "a"),
        ("feed head", "<link> "),
        ("feed head", "<link>"),
        ("feed head", " "),
    ),
    *(
        ("feed media", "<![CDATA["),
        ("feed more", "<media:content "),
        ("feed comment", "<media:content "),
        ("feed more", "<id "),
    ),
    *(("feed alone", "</rss>"), ("feed before", "\n"), ("feed before", "<!DOCTYPE rss [\n"), ("feed author", "a")),
    *(
        ("feed title escaped", "<ul>"),
        ("clean.title", "<ul>"),
        ("clean.plain_text", "<ul>"),
        ("clean.plain_text", "<a><b>"),
    ),
    *(
        ("clean.plain_text", "<br "),
        ("clean.plain_text", "中\u200d"),
        ("body.teaser", "<!-- "),
        ("body.teaser", "<script>"),
    ),
    *(
        ("body.count_words", "<script>"),
        ("body.teaser", "<!--more "),
        ("folder text", "<figure>"),
        ("folder markdown", "!["),
    ),
    *(
        ("shortcodes", "[a "),
        ("shortcodes", "[gallery "),
        ("sentences.ends", "."),
        ("pictures_in", "<img "),
        ("pictures_in", "a"),
    ),
    *(
        ("feed author", "Lu, A., "),
        ("folder text", "{%"),
        ("sitemap date", "a"),
        ("unpack", "\x1f\x8b"),
        ("clean.summary", "[…]"),
    ),
    *(
        ("clean.summary", "Read more "),
        ("clean.summary", "The post "),
        ("dedupe.canonical_url host", "www."),
        ("page body", "<a>"),
    ),
    *(("folder notes", "[^"), ("folder notes", "^["), ("folder markdown", "::a{"), ("folder mdx", "{")),
    *(("pictures_in", "<img src=a><noscript>"), ("pictures_in", "<picture><source srcset=a>")),
)
"""Each of these once took seconds, or for ever."""


@pytest.mark.slow
def test_what_once_took_for_ever_takes_no_time() -> None:
    found = isolation.each(seconds, [(part, token, SIZE) for part, token in KNOWN])
    slow = [(case, took) for case, took in zip(KNOWN, found, strict=True) if not isinstance(took, float) or took > 3]
    assert not slow


@pytest.mark.slow
def test_no_token_in_no_place_makes_a_parser_slow() -> None:
    """By chance, other ones each month: a thousandth of a second for each kilobyte, and the tags of a feed are limited."""
    chance = random.Random()
    cases = [(part, token, 30_000) for part in PARTS for token in chance.sample(TOKENS, 5)]
    found = isolation.each(seconds, cases)
    slow = [(case, took) for case, took in zip(cases, found, strict=True) if not isinstance(took, float) or took > 3]
    assert not slow


@pytest.mark.slow
@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_million_characters_are_read_or_refused(part: str) -> None:
    chance = random.Random(part)
    cases = [(part, token, 1_000_000) for token in chance.sample(TOKENS, 4)]
    assert not [(case, took) for case, took in zip(cases, isolation.each(seconds, cases), strict=True) if took is None]


NESTED = "".join(f'<!ENTITY {chr(97 + n)} "{f"&{chr(96 + n)};" * 10 if n else "ha" * 10}">' for n in range(10))
LONG = f'<!ENTITY a "{"b" * 100_000}">'
PARAMETER = f'<!ENTITY % a "{"b" * 100_000}"><!ENTITY % c "{"%a;" * 1_000}"><!ENTITY d "%c;">'


def doctype(inside: str, name: str = "rss") -> str:
    return f"<!DOCTYPE {name} [\n{inside}\n]>"


def feed_with(before: str, title: str, **parts: str) -> bytes:
    return rss(before=before, title=title, **parts)


def urlset(before: str, loc: str) -> str:
    return f'<?xml version="1.0"?>{before}<urlset><url><loc>{loc}</loc></url></urlset>'


USES = "&a;" * 2_000
BOMBS = {
    "nested": feed_with(doctype(NESTED), "&j;"),
    "long": feed_with(doctype(LONG), USES),
    "long behind a comment": feed_with(doctype(f"<!-- {'x' * 25_000} ]> -->{LONG}"), USES),
    "long behind a quote": feed_with(doctype(f'<!ENTITY x "]>"><!ENTITY y \'"]>\'>{LONG}'), USES),
    "long in an attribute": feed_with(doctype(LONG), "T", more=f'<enclosure url="{USES}" type="image/png"/>'),
    "in the text": feed_with(doctype(LONG), "T", text=USES),
    "in the link": feed_with(doctype(LONG), "T", more=f"<link>https://e.example/{USES}</link>"),
    "parameter": feed_with(doctype(PARAMETER), "&d;" * 100),
    "external": feed_with('<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
    "external and public": feed_with('<!DOCTYPE rss PUBLIC "x" "http://127.0.0.1/x" [<!ENTITY a "b">]>', USES),
    "small letters": feed_with(doctype(LONG).replace("DOCTYPE", "doctype"), USES),
    "two of them": feed_with(doctype("") + doctype(LONG), USES),
    "behind an instruction": feed_with(f"<?a b?><!-- c -->\n{doctype(LONG)}", USES),
    "not closed": feed_with(doctype(LONG).rstrip("]>"), USES),
    "in cdata": feed_with(doctype(LONG), f"<![CDATA[{USES}]]>"),
    "atom": f"{doctype(LONG, 'feed')}<feed xmlns='http://www.w3.org/2005/Atom'><title>{USES}</title></feed>".encode(),
    "utf-16 with a mark": feed_with(doctype(LONG), USES).decode().encode("utf-16"),
    "utf-16 little": feed_with(doctype(LONG), USES).decode().encode("utf-16-le"),
    "utf-16 big": feed_with(doctype(LONG), USES).decode().encode("utf-16-be"),
    "utf-16 without a declaration": feed_with(doctype(LONG), USES).decode().split("?>", 1)[1].encode("utf-16-le"),
    "utf-32": feed_with(doctype(LONG), USES).decode().encode("utf-32"),
    "sitemap": urlset(doctype(LONG, "urlset"), USES).encode(),
    "sitemap, nested": urlset(doctype(NESTED, "urlset"), "https://e.example/&j;").encode(),
    "sitemap, utf-16": urlset(doctype(LONG, "urlset"), USES).encode("utf-16"),
}


def test_entities_of_its_own_make_no_document_grow() -> None:
    isolation.call(grown, "feed", rss())
    jobs = [("sitemap" if name.startswith("sitemap") else "feed", document) for name, document in BOMBS.items()]
    for name, found in zip(BOMBS, isolation.each(grown, jobs), strict=True):
        assert not isinstance(found, Exception), (name, found)
        said, megabytes, took = found
        assert megabytes < 100, name
        assert took < 4, name
        assert "bbbbb" not in said
        assert "haha" not in said
        assert "root:" not in said
