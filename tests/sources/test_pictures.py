"""The picture of an article, out of what sites write: sets, lazy ones, pixels, kinds that no mail program shows."""

from __future__ import annotations

import pytest

from digest.model.article import Image
from digest.sources.fetched import Fetched
from digest.sources.page_facts import article_of
from digest.sources.pictures import Picture, choose, pictures_in
from tests.sources.test_feed import GOOD, read, rss

BASE = "https://example.org/news/ferry/"
HERE = "https://example.org/"
SET = f"{HERE}s.jpg 300w, {HERE}l.jpg 1200w, {HERE}xl.jpg 3000w"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def src_of(html: str) -> str:
    found = choose(pictures_in(html), base=BASE)
    return found.src.removeprefix(HERE) if found else ""


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        # --- sets
        (f'<img src="{HERE}placeholder.gif" data-srcset="{SET}">', "l.jpg"),
        (f'<img src="{PIXEL}" data-srcset="{SET}">', "l.jpg"),
        (f'<img srcset="{SET}">', "l.jpg"),
        (f"<img srcset='{SET}' src=''>", "l.jpg"),
        (f'<img src="{HERE}s.jpg" srcset="{SET}">', "l.jpg"),
        (f'<img src="{HERE}other.jpg" srcset="{SET}">', "l.jpg"),
        (f'<img src="{HERE}m.jpg" width="1024" srcset="{SET}, {HERE}m.jpg 1024w">', "m.jpg"),
        ('<img srcset="a.jpg, b.jpg 2x">', "news/ferry/b.jpg"),
        ('<img srcset="a.jpg 1x,b.jpg 2x,c.jpg 3x">', "news/ferry/b.jpg"),
        ('<img srcset="a.jpg 2000w, b.jpg 3000w">', "news/ferry/a.jpg"),
        ('<img srcset="/w_424,c_limit/a.jpg 424w, /w_848,c_limit/a.jpg 848w">', "w_848,c_limit/a.jpg"),
        ('<img srcset="a.jpg">', "news/ferry/a.jpg"),
        ('<img srcset=",,">', ""),
        # --- <picture>
        (f'<picture><source srcset="{SET}"><img alt="x"></picture>', "l.jpg"),
        (f'<picture><source srcset="{SET}"></picture>', "l.jpg"),
        (f'<picture><source data-srcset="{SET}"><img src="{PIXEL}"></picture>', "l.jpg"),
        ('<picture><source type="image/avif" srcset="a.avif 800w"><img src="/a.jpg"></picture>', "a.jpg"),
        ('<picture><source type="image/avif" srcset="/a 800w"><img src="/a.jpg"></picture>', "a.jpg"),
        ('<picture><source type="image/webp" srcset="/a.webp"><img src="/a.jpg"></picture>', "a.jpg"),
        (
            '<picture><source media="(prefers-color-scheme: dark)" srcset="/d.png 900w"><img src="/a.png"></picture>',
            "a.png",
        ),
        ('<picture><source srcset="/a.avif"><source srcset="/a.png"><img></picture>', "a.png"),
        # --- lazy ones
        *(
            (f'<img src="{HERE}placeholder.gif" {name}="/real.jpg">', "real.jpg")
            for name in ("data-src", "data-lazy-src", "data-lazyload", "data-original", "data-lazy", "data-echo")
        ),
        (f'<img src="{PIXEL}" data-somebody-s="/real.jpg?w=3" data-thumb="/small.jpg">', "real.jpg?w=3"),
        (f'<img src="{PIXEL}" data-somebody-s="/real.jpg"><noscript><img src="/real.jpg"></noscript>', "real.jpg"),
        ('<img src="/grey.gif" class="lazy"><noscript><img src="/real.jpg"></noscript>', "real.jpg"),
        ('<img src="/grey.gif" data-src="/real.jpg"><noscript><img src="/real.jpg"></noscript>', "real.jpg"),
        ('<img src="/photo.jpg"><noscript><img src="/t" width="1" height="1"></noscript>', "photo.jpg"),
        ('<noscript><img src="/real.jpg"></noscript>', "real.jpg"),
        ('<img data-src="{{ url }}" src="/real.jpg">', "real.jpg"),
        ('<img src="/lazyload-240x120.gif"><img src="/b.jpg">', "b.jpg"),
        # --- pixels
        (
            '<img src="https://stats.example/matomo.php?idsite=1&amp;rec=1" style="border:0" alt=""><img src="/photo.jpg">',
            "photo.jpg",
        ),
        ('<img src="https://stats.example/js/?idsite=1&amp;rec=1" alt=""><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="https://pixel.wp.com/b.gif?v=noscript"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="https://vg05.met.vgwort.de/na/abc" alt=""><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/t" width="1" height="1"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/t" style="width:1px;height:1px"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/t" style="border: 0; height: 0 !important"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/t" style="display: none"><img src="/photo.jpg">', "photo.jpg"),
        ('<div style="display:none"><p><img src="/t"></p></div><img src="/photo.jpg">', "photo.jpg"),
        ('<img hidden src="/t"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/icon.png" style="width:24px"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/thumb.png" style="max-width:120px"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/a.jpg" style="width:100%;max-width:640px">', "a.jpg"),
        # --- smileys and portraits
        ('<img src="https://s.w.org/images/core/emoji/15/72x72/1f389.png" alt="🎉" class="wp-smiley">', ""),
        ('<img src="/emoji/party.png">', ""),
        ('<img class="avatar" src="/ana.jpg"><img src="/b.jpg">', "b.jpg"),
        # --- what is no tag's end, and other texts
        ('<img alt="a > b" src="/p.jpg">', "p.jpg"),
        ("<img alt='\"' src=/p.jpg>", "p.jpg"),
        ('<img src="/my photo.jpg">', "my%20photo.jpg"),
        ('<img src="\n/p.jpg ">', "p.jpg"),
        ('<p>Text <IMG SRC="/p.jpg"/>', "p.jpg"),
        ('<img src="/p.jpg?a=1&amp;b=2">', "p.jpg?a=1&b=2"),
        ("<p>No picture: &lt;img src='/p.jpg'&gt;</p>", ""),
        # --- kinds
        ('<img src="/a.svg"><img src="/b.jpg">', "b.jpg"),
        ('<img src="/a.avif"><img src="/b.jpg">', "b.jpg"),
        ('<img src="/a.HEIC?x=1"><img src="/b.jpg">', "b.jpg"),
        ('<img src="/a.tiff"><img src="/b" width="800">', "b"),
        ('<img src="/a?format=avif"><img src="/b.jpg">', "b.jpg"),
        ('<img src="/a.avif?format=jpg"><img src="/b.jpg">', "a.avif?format=jpg"),
        ('<img src="/a.svg">', "a.svg"),
        ('<img src="/a.svg"><img src="/small.jpg" width="100">', "small.jpg"),
        ('<img src="/a.svg.png"><img src="/b.jpg">', "a.svg.png"),
    ],
)
def test_the_picture_of_a_text(html: str, wanted: str) -> None:
    assert src_of(html) == wanted


def test_the_text_of_a_picture_comes_with_it() -> None:
    [found] = pictures_in('<img alt="a &gt; b &amp; <i>c</i>" src="/p.jpg" srcset="/q.jpg 900w">')
    assert choose([found], base=BASE) == Image(src=f"{HERE}q.jpg", alt="a > b & <i>c</i>")
    assert found.also == ("/p.jpg", "/q.jpg")


def test_a_kind_that_is_said_goes_before_the_name() -> None:
    pictures = [Picture(src="/a.jpg", kind="image/svg+xml"), Picture(src="/b", kind="image/jpeg")]
    found = choose(pictures, base=BASE)
    assert found is not None
    assert found.src == f"{HERE}b"


@pytest.mark.parametrize("src", ["", "  ", "http://[", "javascript:alert(1)", "cid:1", "data:image/png;base64,AAAA"])
def test_what_is_no_address_is_no_picture(src: str) -> None:
    assert src_of(f'<img src="{src}">') == ""


# --- feeds and pages -------------------------------------------------------------------------------------------------

MEDIA = '<media:content xmlns:media="http://search.yahoo.com/mrss/" url="{}" {}/>'


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (f'<enclosure url="{HERE}a.jpg" length="0"/>', "a.jpg"),
        (f'<enclosure url="{HERE}a.jpg" length="0" type=""/>', "a.jpg"),
        (f'<enclosure url="{HERE}a.JPG?x=1" length="0" type="application/octet-stream"/>', "a.JPG?x=1"),
        (f'<enclosure url="{HERE}a" length="0" type="image/jpeg"/>', "a"),
        (f'<enclosure url="{HERE}a.mp3" length="0"/>', ""),
        (f'<enclosure url="{HERE}a" length="0"/>', ""),
        (f'<enclosure url="{HERE}a.jpg" length="0" type="audio/mpeg"/>', ""),
        (f'<enclosure url="{HERE}a.heic" type="image/heic"/><enclosure url="{HERE}b.jpg" type="image/jpeg"/>', "b.jpg"),
        (MEDIA.format(f"{HERE}a.jpg", ""), "a.jpg"),
        (MEDIA.format(f"{HERE}a", ""), ""),
        (MEDIA.format(f"{HERE}a.mp4", ""), ""),
        (MEDIA.format(f"{HERE}a", 'medium="image"'), "a"),
        (MEDIA.format(f"{HERE}a.jpg", 'medium="video"'), ""),
        (MEDIA.format(f"{HERE}a", 'type="image/png"'), "a"),
        (MEDIA.format(f"{HERE}a.jpg", 'type="video/mp4"'), ""),
        (f'<description>&lt;img srcset="{SET}"&gt; Text</description>', "l.jpg"),
    ],
)
def test_the_picture_of_an_item(more: str, wanted: str) -> None:
    [article] = read(rss(GOOD + more)).articles
    assert (article.image.src if article.image else "") == (HERE + wanted if wanted else "")


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        (f'<picture><source srcset="{SET}"><img alt=""></picture>', "l.jpg"),
        (f'<img src="/placeholder.png" data-srcset="{SET}">', "l.jpg"),
        ('<img src="/t.gif" width="1" height="1"><img src="/photo.jpg">', "photo.jpg"),
        ('<img src="/a.svg"><img src="/b.jpg">', "b.jpg"),
        ('<img src="/ana.jpg" class="avatar">', ""),
        ('<img src="/a.jpg" alt="x">', "a.jpg"),
    ],
)
def test_the_picture_of_a_page(html: str, wanted: str) -> None:
    text = f"<html><title>T</title><body><article><time datetime=2026-11-20></time>{html}</article></body></html>"
    found = article_of(Fetched(url=BASE, status=200, body=text.encode()))
    assert (found.image.src if found.image else "") == (HERE + wanted if wanted else "")


def test_a_drawing_that_a_page_names_gives_way_to_a_photograph() -> None:
    head = '<meta property="og:image" content="/logo.svg"><meta property="og:image" content="/photo.jpg">'
    text = f"<html><head><title>T</title>{head}</head><body><time datetime=2026-11-20></time></body></html>"
    found = article_of(Fetched(url=BASE, status=200, body=text.encode()))
    assert found.image is not None
    assert found.image.src == f"{HERE}photo.jpg"
