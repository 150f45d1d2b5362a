"""Feeds as they are found, each with the articles that a good digest wants from it beside it.

`NAME.xml` is the feed, `NAME.expected.json` what comes of it; a field that is empty is left out. After
`pytest --update-golden` read the diff: what stands there is what readers get, not merely what the code gives.
"""

from __future__ import annotations

import html
import json
import re
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.model.source import Collected
from digest.sources import feed
from digest.sources.fetched import Fetched

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
FOLDER = Path(__file__).parent / "feeds"
FEEDS = sorted(path.name for path in FOLDER.iterdir() if not path.name.endswith(".expected.json"))


def read(name: str) -> Collected:
    """As fetched from where it lives; a Content-Type would only say what the file says."""
    fetched = Fetched(url=f"https://feeds.example.org/{name}", status=200, body=(FOLDER / name).read_bytes())
    return feed.parse(fetched, feed.Options(url=fetched.url), now=NOW)


def shown(found: Collected) -> dict[str, object]:
    articles = []
    for each in found.articles:
        fields = {name: value for name, value in asdict(each).items() if value not in ("", None, (), [])}
        if each.image is not None:
            fields["image"] = {"src": each.image.src, "alt": each.image.alt}
        fields["published_at"] = each.published_at.isoformat()
        articles.append(fields)
    return {"articles": articles, "refused": list(found.refused)}


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_gives_what_a_digest_wants(name: str, request: pytest.FixtureRequest) -> None:
    found = shown(read(name))
    file = FOLDER / f"{name.rpartition('.')[0]}.expected.json"
    if request.config.getoption("--update-golden"):
        file.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert json.loads(json.dumps(found)) == json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FEEDS)
def test_what_comes_of_a_feed_is_clean(name: str) -> None:
    for each in read(name).articles:
        assert re.match(r"https?://[^\s<>]+$", each.url)
        assert each.published_at.tzinfo is UTC
        for text in (each.title, each.summary, *each.authors, *each.topics):
            assert text == " ".join(text.split())
            assert text == html.unescape(text)  # "&d;" is a name that nobody knows, and stays
            assert not re.search(r"</?(?:b|i|p|a|div|span|script)\b|[\x00-\x1f\x7f]|track\(\)", text)


def test_there_are_enough_of_them() -> None:
    assert len(FEEDS) >= 60
    assert {path.name for path in FOLDER.glob("*.expected.json")} == {
        f"{name.rpartition('.')[0]}.expected.json" for name in FEEDS
    }


@pytest.mark.slow
def test_five_megabytes_are_read_in_seconds() -> None:
    item = (
        "<item><title>Story {0}</title><link>https://blog.example.org/{0}</link><guid>{0}</guid>"
        "<pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate><description>{1}</description></item>"
    )
    text = "&lt;p&gt;The ferry crosses the harbour.&lt;/p&gt; " * 55
    items = "".join(item.format(number, text) for number in range(2_000))
    body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>B</title>{items}</channel></rss>'.encode()
    assert len(body) > 5_000_000
    started = time.process_time()
    found = feed.parse(Fetched(url="https://blog.example.org/", status=200, body=body), feed.Options(url="x"), now=NOW)
    assert time.process_time() - started < 20
    assert len(found.articles) == 2_000
