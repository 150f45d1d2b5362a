"""Real-world feeds against what a person read out of them, and feeds that are broken."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.errors import SourceMalformed, SourceUnreachable
from digest.model.source import Collected, Cursor
from digest.sources import feed
from digest.sources.fetch import Fetcher
from digest.sources.fetched import Fetched

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
EXPECTED = json.loads((Path(__file__).parent / "feeds.json").read_text(encoding="utf-8"))


def read(body: bytes | str, **options: str) -> Collected:
    data = body.encode() if isinstance(body, str) else body
    given = feed.Options(**({"url": "https://blog.example.org/feed"} | options))
    return feed.parse(Fetched(url=given.url, status=200, body=data), given, now=NOW)


def rss(*items: str) -> str:
    return (
        '<?xml version="1.0"?><rss version="2.0"><channel><title>B</title><link>https://blog.example.org/</link>'
        + "".join(f"<item>{item}</item>" for item in items)
        + "</channel></rss>"
    )


GOOD = "<title>Good</title><link>/good</link><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate>"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_real_feed_gives_what_it_says(name: str, shared: Path) -> None:
    found = feed.parse(
        Fetched(url="", status=200, body=(shared / "feeds" / name).read_bytes()), feed.Options(file=name), now=NOW
    )
    assert [
        {
            "title": each.title,
            "url": each.url,
            "published_at": each.published_at.isoformat(),
            "authors": list(each.authors),
            "image": each.image.src if each.image else "",
            "topics": list(each.topics),
            "language": each.language,
            "summary_starts": each.summary[:40],
            "summary_length": len(each.summary),
        }
        for each in found.articles
    ] == EXPECTED[name]["articles"]
    assert list(found.refused) == EXPECTED[name]["refused"]
    for each in found.articles:
        assert each.url.startswith(("https://", "http://"))
        assert not re.search(r"<[a-z/]|&[a-z]+;|\s{2}", each.title + each.summary)


def test_every_real_feed_is_expected(shared: Path) -> None:
    assert {path.name for path in (shared / "feeds").iterdir()} == set(EXPECTED)


def test_the_undated_are_taken_when_the_source_says_so(shared: Path) -> None:
    body = (shared / "feeds" / "jsonfeed_elastic_1.1.json").read_bytes()
    found = read(body, undated="now")
    assert len(found.articles) == 3
    assert [article.title for article in found.articles if article.published_at == NOW] == ["Fake item"]


ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:1</id><link href="https://b.example/1"/>'
    "<updated>2026-11-16T08:00:00Z</updated>{}</entry></feed>"
)


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ('<title type="html">How should &amp;lt;dialog&amp;gt; behave?</title>', "How should <dialog> behave?"),
        (
            '<title type="html">Where to put the &amp;lt;script&amp;gt; tag in a page</title>',
            "Where to put the <script> tag in a page",
        ),
        (
            '<title type="html">The &amp;lt;style&amp;gt; and a &amp;lt;template&amp;gt;</title>',
            "The <style> and a <template>",
        ),
        ('<title type="html">&amp;amp;amp; is an entity</title>', "&amp; is an entity"),
        ('<title type="html">A &lt;b&gt;bold&lt;/b&gt; move</title>', "A bold move"),
        (
            '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">The &lt;dialog&gt; <b>element</b></div></title>',
            "The <dialog> element",
        ),
        ('<title type="text">Use &lt;b&gt; or &lt;strong&gt;?</title>', "Use <b> or <strong>?"),
        ("<title>The &lt;dialog&gt; element</title>", "The <dialog> element"),
        ("<title>Tom &lt;tom@example.org&gt;</title>", "Tom <tom@example.org>"),
    ],
)
def test_an_atom_title_is_unescaped_as_often_as_its_type_says(title: str, wanted: str) -> None:
    [found] = read(ATOM.format(title)).articles
    assert found.title == wanted


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("The &amp;lt;dialog&amp;gt; element", "The <dialog> element"),
        ("The &lt;dialog&gt; element", "The <dialog> element"),
        ("A guide to &lt;head&gt; elements", "A guide to <head> elements"),
        ("List&amp;lt;String&amp;gt; in Java", "List<String> in Java"),
        ("List&lt;String&gt; in Java", "List<String> in Java"),
        ("#include &lt;vector&gt; is enough", "#include <vector> is enough"),
        ("<![CDATA[Where to put the <script> tag in a page]]>", "Where to put the <script> tag in a page"),
        ("A &lt;b&gt;bold&lt;/b&gt; move", "A bold move"),
        ("Tom &amp;amp; Anna", "Tom & Anna"),
    ],
)
def test_an_rss_title_keeps_its_words(title: str, wanted: str) -> None:
    [found] = read(rss(GOOD.replace("Good", title))).articles
    assert found.title == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('<summary type="text">Use &lt;dialog&gt; &amp; &lt;b&gt;.</summary>', "Use <dialog> & <b>."),
        ('<summary type="html">&lt;p&gt;Use &amp;lt;script&amp;gt; here.&lt;/p&gt;</summary>', "Use <script> here."),
        ('<content type="text">Use &lt;dialog&gt; here.</content>', "Use <dialog> here."),
        (
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Use &lt;script&gt; here.</div></content>',
            "Use <script> here.",
        ),
        ("<summary>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;</summary>", "One. Two."),
    ],
)
def test_an_atom_text_is_unescaped_as_often_as_its_type_says(text: str, wanted: str) -> None:
    [found] = read(ATOM.format(f"<title>T</title>{text}")).articles
    assert found.summary == wanted


@pytest.mark.parametrize(
    "text", ["The <dialog> element", "Tom <tom@example.org>", "Use <b> or <strong>?", "&amp; & &lt;"]
)
def test_a_json_feed_has_plain_titles_and_texts(text: str) -> None:
    item = {"id": "1", "url": "https://b.example/1", "title": text, "date_published": "2026-11-16T08:00:00Z"}
    for more in ({"summary": text}, {"content_text": text}):
        given = {"version": "https://jsonfeed.org/version/1.1", "items": [item | more]}
        [found] = read(json.dumps(given)).articles
        assert (found.title, found.summary) == (text, text)


def test_a_feed_whose_texts_were_escaped_once_too_often() -> None:
    text = "<description>&amp;lt;p&amp;gt;Tom &amp;amp;amp; Anna&amp;lt;/p&amp;gt;</description>"
    [found] = read(rss(GOOD + text)).articles
    assert found.summary == "Tom & Anna"


@pytest.mark.parametrize(
    ("declared", "codec", "title"),
    [
        ('encoding="gb2312"', "gbk", "朱镕基谈港口渡轮"),
        ('encoding="x-sjis"', "cp932", "髙橋①の船"),
        ("", "euc_kr", "항구의 여객선이 다시 운항을 시작했다"),
        ("", "euc_jp", "港の渡し船が三年ぶりに再開した"),
    ],
)
def test_a_feed_in_an_old_encoding_is_read(declared: str, codec: str, title: str) -> None:
    body = rss(GOOD.replace("Good", title)).replace('version="1.0"', f'version="1.0" {declared}', 1)
    [found] = read(body.encode(codec)).articles
    assert found.title == title


def test_html_in_a_title_becomes_text() -> None:
    found = read(rss(GOOD.replace("Good", "&lt;b&gt;Fish &amp;amp; chips&lt;/b&gt;&lt;script&gt;x()&lt;/script&gt;")))
    assert found.articles[0].title == "Fish & chips"
    assert found.articles[0].url == "https://blog.example.org/good"


def test_a_summary_of_4000_characters_is_cut_at_a_sentence() -> None:
    long = "A short sentence of a long story. " * 120
    found = read(rss(GOOD + f"<description>{long}</description>"))
    assert len(found.articles[0].summary) <= 400
    assert found.articles[0].summary.endswith("story.")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("<title>X</title><link>javascript:alert(1)</link><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate>", "no web"),
        ("<title>X</title><link>https://a.example/</link>", "has no date"),
        ("<title>X</title><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate>", "has no link"),
        ("<link>https://a.example/</link><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate>", "neither a title nor"),
    ],
)
def test_a_bad_item_is_refused_by_name_and_the_rest_goes_on(item: str, reason: str) -> None:
    found = read(rss(item, GOOD))
    assert [article.title for article in found.articles] == ["Good"]
    assert len(found.refused) == 1
    assert reason in found.refused[0]
    assert found.refused[0].startswith("item 1")


def test_a_broken_picture_is_left_out_and_a_counting_pixel_is_none() -> None:
    speck = '&lt;img src="https://count.example/p.gif" width="1" height="1"&gt;'
    real = '&lt;img src="/p.jpg?a=1&amp;amp;b=2" alt="A boat"&gt;'
    found = read(
        rss(
            GOOD + f"<description>{speck} Text {real}</description>",
            GOOD.replace("good", "g2") + '<description>&lt;img src="javascript:x"&gt; Text</description>',
        )
    )
    images = {article.url.rpartition("/")[2]: article.image for article in found.articles}
    assert images["good"] is not None
    assert (images["good"].src, images["good"].alt) == ("https://blog.example.org/p.jpg?a=1&b=2", "A boat")
    assert images["g2"] is None


def test_authors_come_without_their_mail_addresses() -> None:
    found = read(
        rss(
            GOOD + "<author>jonas@example.org (Jonas Berg)</author>",
            GOOD.replace("good", "other") + "<author>someone@example.org</author>",
        )
    )
    assert [article.authors for article in found.articles] == [("Jonas Berg",), ()]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"<!doctype html><html><body><p>Not here</p></body></html>", "a web page, not a feed"),
        (b"just words", "not a feed"),
        (b'{"hello": 1}', "not a feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": [', "damaged"),
    ],
)
def test_what_is_no_feed_is_said_with_its_name(body: bytes, reason: str) -> None:
    with pytest.raises(SourceMalformed, match=rf"https://blog\.example\.org/feed: {reason}"):
        read(body)


def test_a_feed_cut_in_the_middle_loses_its_last_item_only() -> None:
    whole = rss(GOOD, GOOD.replace("good", "second").replace("Good", "Second"), GOOD.replace("Good", "Third one"))
    found = read(whole[: whole.index("Third one") + 3])
    assert [article.title for article in found.articles] == ["Good", "Second"]
    assert "cut off" in found.refused[0]


def test_a_file_is_a_feed_too(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text(rss(GOOD.replace("/good", "https://a.example/good")))
    pages = feed.pages(feed.Options(file=str(file)), Cursor(), now=NOW, fetcher=Fetcher())
    assert [article.title for page in pages for article in page.articles] == ["Good"]
    with pytest.raises(SourceUnreachable, match=r"nothing\.xml: cannot be read"):
        list(feed.pages(feed.Options(file=str(tmp_path / "nothing.xml")), Cursor(), now=NOW, fetcher=Fetcher()))
    file.write_bytes(b" " * 10_000_001)
    with pytest.raises(SourceMalformed, match="longer than"):
        list(feed.pages(feed.Options(file=str(file)), Cursor(), now=NOW, fetcher=Fetcher()))


def test_rss_under_a_prefix_is_a_feed() -> None:
    body = (
        '<r:rss xmlns:r="http://backend.userland.com/rss2"><r:channel><r:title>B</r:title><r:item><r:title>One</r:title>'
        "<r:link>https://b.example/1</r:link><r:pubDate>Mon, 16 Nov 2026 08:00:00 GMT</r:pubDate></r:item>"
        "</r:channel></r:rss>"
    )
    found = feed.parse(
        Fetched(url="https://b.example/", status=200, body=body.encode()), feed.Options(url="x"), now=NOW
    )
    assert [each.title for each in found.articles] == ["One"]


def test_of_far_too_many_items_the_newest_are_read_and_it_is_said() -> None:
    item = (
        "<item><title>Story {0}</title><link>https://b.example/{0}</link>"
        "<pubDate>{1:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
    )
    items = [item.format(number, NOW - timedelta(hours=number)) for number in range(2_100)]
    for ordered in (items, items[::-1]):
        body = f"<rss version='2.0'><channel><title>B</title>{''.join(ordered)}</channel></rss>".encode()
        found = feed.parse(Fetched(url="https://b.example/", status=200, body=body), feed.Options(url="x"), now=NOW)
        assert {each.title for each in found.articles} == {f"Story {number}" for number in range(2_000)}
        assert found.cut == ("it has 2,100 items: the newest 2,000 are read",)
        assert not found.refused


def test_a_title_and_a_text_that_are_too_long_are_cut_and_it_is_said() -> None:
    body = (
        f"<rss version='2.0'><channel><item><title>{'Ferry ' * 500}</title><link>https://b.example/1</link>"
        f"<pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate><description>{'Harbour. ' * 30_000}</description></item>"
        "</channel></rss>"
    )
    found = feed.parse(
        Fetched(url="https://b.example/", status=200, body=body.encode()), feed.Options(url="x"), now=NOW
    )
    assert len(found.articles) == 1
    assert ["its title is cut" in found.cut[0], "its text is cut at 200,000 of 269,9" in found.cut[1]] == [True, True]


# --- ids, links and names of which there are several -----------------------------------------------------------------

DAY = "<pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate>"
LATER = DAY.replace("16 Nov", "17 Nov")


@pytest.mark.parametrize(
    ("items", "count"),
    [
        ([f"<title>{t}</title><link>https://shop.example</link>{DAY}" for t in ("Red", "Blue", "Green")], 3),
        ([f"<title>{t}</title><link>https://shop.example/</link><guid/>{DAY}" for t in ("Red", "Blue", "Green")], 3),
        (
            [
                f"<title>{t}</title><link>https://shop.example</link><pubDate>Mon, {d} Nov 2026 08:00:00 GMT</pubDate>"
                for t, d in (("Red", 16), ("Blue", 17), ("Green", 18))
            ],
            3,
        ),
        ([f"<title>{t}</title><link>https://shop.example/now</link>{DAY}" for t in ("Red", "Blue")], 2),
        (
            [
                f"<title>{t}</title><link>https://shop.example/</link><guid>https://shop.example/</guid>{DAY}"
                for t in ("Red", "Blue")
            ],
            2,
        ),
        ([f"<title>{t}</title><link>https://shop.example/now</link><guid>x</guid>{DAY}" for t in ("Red", "Blue")], 2),
        ([f"<title>Deal</title><link>https://shop.example</link>{d}" for d in (DAY, LATER)], 2),
        ([f"<title>Deal</title><link>https://shop.example</link>{DAY}<description>{t}</description>" for t in "AB"], 2),
        ([f"<title>Live</title><link>https://shop.example/live#{n}</link>{DAY}" for n in (1, 2)], 2),
        ([f"<title>Red</title><link>https://shop.example</link>{DAY}"] * 3, 1),
    ],
)
def test_items_without_an_id_or_an_address_of_their_own_are_told_apart_by_what_they_say(
    items: list[str], count: int
) -> None:
    found = read(rss(*items))
    assert len({each.key for each in found.articles}) == len(found.articles) == count
    assert not found.refused
    assert (found.read, found.repeated) == (len(items), len(items) - count)


def test_items_of_json_feed_without_an_id_are_told_apart_as_well() -> None:
    item = '{"title": "%s", "url": "https://shop.example/", "date_published": "2026-11-16T08:00:00Z"}'
    body = f'{{"version": "https://jsonfeed.org/version/1", "items": [{item % "Red"}, {item % "Blue"}]}}'
    assert {each.title for each in read(body).articles} == {"Red", "Blue"}


def test_an_address_with_a_space_is_encoded_and_an_id_stays_as_it_is() -> None:
    found = read(
        rss(
            f"<title>A</title><link>https://b.example/a 1</link>{DAY}",
            f"<title>B</title><guid>https://b.example/b 1</guid>{DAY}",
            f"<title>C</title><link> https://b.example/c 1\n</link><guid isPermaLink='false'>c 1</guid>{DAY}"
            '<description>&lt;img src="/my photo.jpg"&gt;</description>',
        )
    )
    assert not found.refused
    assert [each.url for each in found.articles] == [f"https://b.example/{name}%201" for name in "abc"]
    assert found.articles[2].key == "c 1"
    assert found.articles[2].image is not None
    assert found.articles[2].image.src == "https://blog.example.org/my%20photo.jpg"


def atom(*links: str, language: str = "", more: str = "") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}"><title>B</title><entry><id>urn:1</id>'
        f"<title>One</title>{''.join(links)}<updated>2026-11-16T08:00:00Z</updated>{more}</entry></feed>"
    )


def link(path: str, **given: str) -> str:
    said = "".join(f' {name}="{value}"' for name, value in given.items())
    return f'<link href="https://b.example/{path}"{said}/>'


@pytest.mark.parametrize(
    ("links", "language", "path"),
    [
        ([link("en", hreflang="en"), link("de", hreflang="de")], "", "en"),
        ([link("en", hreflang="en"), link("de", hreflang="de")], "en", "en"),
        ([link("en", hreflang="en"), link("de", hreflang="de")], "de-AT", "de"),
        ([link("en", hreflang="en"), link("fr", hreflang="fr")], "de", "en"),
        ([link("a1", type="text/html"), link("amp/a1", type="text/html", title="AMP")], "", "a1"),
        ([link("a1/amp/"), link("a1")], "", "a1"),
        ([link("a1"), link("a1.pdf")], "", "a1"),
        ([link("a1.pdf"), link("a1")], "", "a1"),
        ([link("a1.pdf", type="application/pdf"), link("a1")], "", "a1"),
        ([link("a1"), link("n", rel="alternate", type="application/nostr+json")], "", "a1"),
        ([link("self", rel="self"), link("a1"), link("r", rel="replies", type="text/html")], "", "a1"),
        ([link("a1.pdf")], "", "a1.pdf"),
    ],
)
def test_of_several_links_the_first_that_fits_is_taken(links: list[str], language: str, path: str) -> None:
    assert [each.url for each in read(atom(*links, language=language)).articles] == [f"https://b.example/{path}"]


@pytest.mark.parametrize(
    ("category", "topic"),
    [
        ('<category term="nws-017" label="City life"/>', "City life"),
        ('<category term="City"/>', "City"),
        ('<category term="rust" label="r/rust"/>', "rust"),
    ],
)
def test_a_topic_is_called_as_people_call_it(category: str, topic: str) -> None:
    assert read(atom(link("1"), more=category)).articles[0].topics == (topic,)


CAPTION = '<media:content url="https://b.example/p.jpg"/><media:description>A caption.</media:description>'
MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:m="http://search.yahoo.com/mrss"'


@pytest.mark.parametrize(
    ("inside", "summary"),
    [
        ("<media:description>A caption.</media:description><description>Every hour.</description>", "Every hour."),
        ("<description>Every hour.</description><media:description>A caption.</media:description>", "Every hour."),
        (
            f"<media:group>{CAPTION}</media:group><description>Every hour.</description>",
            "Every hour.",
        ),
        ("<m:description>A caption.</m:description><description>Every hour.</description>", "Every hour."),
        ('<media:thumbnail url="https://b.example/p.jpg"/><media:description>A caption.</media:description>', ""),
        (
            "<media:group><media:description>A film of the ferry.</media:description></media:group>",
            "A film of the ferry.",
        ),
    ],
)
def test_what_is_said_of_a_picture_is_not_the_article_s_text(inside: str, summary: str) -> None:
    body = rss(f"{GOOD}{inside}").replace("<rss ", f"<rss {MEDIA} ")
    assert [each.summary for each in read(body).articles] == [summary]
