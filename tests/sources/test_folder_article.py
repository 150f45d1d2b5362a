"""What generators of static sites publish, when, and at which address: each by its own keys."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.errors import BadInput
from digest.model.article import Article
from digest.sources.kinds import options_of
from tests.sources.test_folder import read, write

DAILY = "/:year/:month/:day/:title.html"


def all_of(root: Path, **more: object) -> list[Article]:
    pages = read(root, **more)
    assert [line for page in pages for line in page.refused] == []
    return [article for page in pages for article in page.articles]


def only(root: Path, **more: object) -> Article:
    (article,) = all_of(root, **more)
    return article


# --- which pages there are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: T\ndate: 2026-11-20\npublishDate: 2027-01-10\n---",
        "---\ntitle: T\ndate: 2026-11-20\npublishdate: 2027-01-10T08:00:00+01:00\n---",
        '+++\ntitle = "T"\ndate = 2026-11-20\npublishDate = 2027-01-10\n+++',
        "---\ntitle: T\ndate: 2026-11-20\nexpiryDate: 2026-11-27\n---",
        "---\ntitle: T\ndate: 2026-11-20\nunpublishdate: 2026-11-25\n---",
        "---\ntitle: T\ndate: 2026-11-20\ndraft: true\n---",
        "---\ntitle: T\ndate: 2026-11-20\nheadless: true\n---",
        "---\ntitle: T\ndate: 2026-11-20\nbuild:\n  list: never\n---",
        "---\ntitle: T\ndate: 2026-11-20\nbuild:\n  render: never\n---",
        "---\ntitle: T\ndate: 2026-11-20\nbuild: {render: link}\n---",
        "---\ntitle: T\ndate: 2026-11-20\n_build:\n  list: false\n---",
        '+++\ntitle = "T"\ndate = 2026-11-20\n[build]\nrender = "never"\n+++',
        "---\ntitle: T\ndate: 2026-11-20\neleventyExcludeFromCollections: true\n---",
        "---\ntitle: T\ndate: 2026-11-20\npermalink: false\n---",
        "---\ntitle: T\ndate: 2026-11-20\npublished: false\n---",
        '+++\ntitle = "T"\ndate = 2026-11-20\nrender = false\n+++',
        "---\ntitle: T\ndate: 2026-11-20\nunlisted: true\n---",
    ],
)
def test_a_page_that_its_site_keeps_away_is_no_article(tmp_path: Path, front: str) -> None:
    write(tmp_path, "t.md", front)
    assert all_of(tmp_path) == []


@pytest.mark.parametrize(
    "more",
    [
        "draft: false",
        "published: true",
        "expiryDate: 2026-12-24",
        "build:\n  list: local",
        "build:\n  render: always\n  list: always",
        "eleventyExcludeFromCollections: false",
        "headless: false",
    ],
)
def test_a_page_that_is_out_is_one(tmp_path: Path, more: str) -> None:
    write(tmp_path, "t.md", f"---\ntitle: T\ndate: 2026-11-20\n{more}\n---")
    assert len(all_of(tmp_path)) == 1


def test_a_page_comes_on_the_day_of_its_publication_under_the_day_of_its_date(tmp_path: Path) -> None:
    write(tmp_path, "t.md", "---\ntitle: T\ndate: 2026-11-20\npublishDate: 2027-01-10\n---")
    [page] = read(tmp_path)
    [early] = read(tmp_path, page.cursor, now=datetime(2027, 1, 9, 23, tzinfo=UTC))
    assert early.is_unchanged
    [later] = read(tmp_path, page.cursor, now=datetime(2027, 1, 10, tzinfo=UTC), permalink=DAILY)
    [article] = later.articles
    assert article.published_at == datetime(2027, 1, 10, tzinfo=UTC)
    assert article.url == "https://example.org/2026/11/20/t.html"


def test_a_date_to_come_of_a_page_that_is_published_makes_it_wait_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "fair.md", "---\ntitle: The fair\ndate: 2027-05-01\npublishDate: 2026-11-20\n---")
    assert only(tmp_path).published_at == datetime(2026, 11, 20, tzinfo=UTC)


def test_folders_of_generators_hold_no_articles(tmp_path: Path) -> None:
    for name in ("_drafts/a.md", "_includes/b.html", "_layouts/c.html", "_data/d.md", "_site/e.html"):
        write(tmp_path, name, "---\ntitle: T\ndate: 2026-11-20\n---")
    assert all_of(tmp_path) == []


# --- the day ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "zone", "day", "hour"),
    [
        ("2026-11-20 00:30:00 +0100", "", "2026/11/20", 23),
        ("2026-11-20 00:30:00 +01:00", "", "2026/11/20", 23),
        ("2026-11-20T00:30:00+01:00", "", "2026/11/20", 23),
        ("2026-11-20 22:30 -0500", "", "2026/11/20", 3),
        ("'2026-11-20 22:30:00 -0500'", "", "2026/11/20", 3),
        ("2026-11-20", "", "2026/11/20", 0),
        ("2026-11-20 00:30:00 +0100", "Europe/Berlin", "2026/11/20", 23),
        ("2026-11-20 22:30 -0500", "Europe/Berlin", "2026/11/21", 3),
        ("2026-11-19T23:30:00Z", "Europe/Berlin", "2026/11/20", 23),
        ("2026-11-20 00:30:00", "Europe/Berlin", "2026/11/20", 23),
        ("2026-11-20", "America/New_York", "2026/11/20", 5),
        ("November 20, 2026", "America/New_York", "2026/11/20", 5),
        ("November 20, 2026 10:00 UTC", "America/New_York", "2026/11/20", 10),
        ("20 Nov 2026 23:30 +0000", "Europe/Berlin", "2026/11/21", 23),
    ],
)
def test_the_day_of_an_address_is_the_site_s(tmp_path: Path, date: str, zone: str, day: str, hour: int) -> None:
    write(tmp_path, "night-ferry.md", f"---\ntitle: Night ferry\ndate: {date}\n---")
    article = only(tmp_path, permalink=DAILY, timezone=zone)
    assert article.url == f"https://example.org/{day}/night-ferry.html"
    assert article.published_at.hour == hour
    assert article.published_at.tzinfo == UTC


def test_the_day_of_a_name_begins_where_the_site_is(tmp_path: Path) -> None:
    write(tmp_path, "_posts/2026-11-20-ferry.md", "---\ntitle: T\n---")
    article = only(tmp_path, permalink=DAILY, timezone="America/New_York")
    assert (article.url, article.published_at.hour) == ("https://example.org/2026/11/20/ferry.html", 5)


# --- topics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said", "topics", "path"),
    [
        ("ferry.md", "categories: news harbour", ("news", "harbour"), "news/harbour/ferry"),
        ("_posts/2026-11-20-ferry.md", "categories: news harbour", ("news", "harbour"), "news/harbour/ferry"),
        ("2026-11-20-ferry.md", "tags: sea pier", ("sea", "pier"), "ferry"),
        ("ferry.md", "categories: news, the harbour", ("news", "the harbour"), "news/the-harbour/ferry"),
        ("ferry.md", "categories: [City life]", ("City life",), "city-life/ferry"),
        ("ferry.md", "category: City life", ("City life",), "city-life/ferry"),
        ("news/_posts/2026-11-20-ferry.md", "categories: [harbour]", ("news", "harbour"), "news/harbour/ferry"),
    ],
)
def test_categories_of_jekyll(tmp_path: Path, name: str, said: str, topics: tuple[str, ...], path: str) -> None:
    write(tmp_path, name, f"---\ntitle: T\ndate: 2026-11-20\n{said}\n---")
    article = only(tmp_path, permalink="/:categories/:title/")
    assert article.topics == topics
    assert article.url == f"https://example.org/{path}/"


def test_a_text_of_categories_elsewhere_is_one(tmp_path: Path) -> None:
    write(tmp_path, "ferry.md", "---\ntitle: T\ndate: 2026-11-20\ncategories: City life\ntags: Sea, Pier\n---")
    assert only(tmp_path).topics == ("City life", "Sea", "Pier")


def test_zola(tmp_path: Path) -> None:
    front = '+++\ntitle = "The ferry"\ndate = 2026-11-20\nauthors = ["Ana Kovač"]\n{}\n'
    front += '[taxonomies]\ntags = ["sea"]\ncategories = ["City life"]\n[extra]\nimage = "/pier.jpg"\nlang = "de"\n+++'
    write(tmp_path, "news/2026-11-20_ferry.md", front.format(""))
    article = only(tmp_path)
    assert article.url == "https://example.org/news/ferry/"
    assert article.topics == ("City life", "sea")
    assert article.authors == ("Ana Kovač",)
    assert article.language == "de"
    assert article.image is not None
    assert article.image.src == "https://example.org/pier.jpg"
    write(tmp_path, "news/2026-11-20_ferry.md", front.format('path = "own/way"'))
    assert only(tmp_path).url == "https://example.org/own/way"


@pytest.mark.parametrize("end", ["\n\n", "\n", "\r\n\r\n"])
def test_json_of_hugo(tmp_path: Path, end: str) -> None:
    front = '{\n  "title": "The {ferry}",\n  "date": "2026-11-20T08:00:00+01:00",\n  "tags": ["Sea"],\n'
    front += '  "params": {"author": "Ana Kovač"}\n}' + end
    write(tmp_path, "ferry.md", front)
    article = only(tmp_path)
    assert (article.title, article.topics, article.authors) == ("The {ferry}", ("Sea",), ("Ana Kovač",))
    assert article.published_at == datetime(2026, 11, 20, 7, tzinfo=UTC)
    assert article.summary == "The ferry runs again."


@pytest.mark.parametrize("text", ['{"title": ', '{"title": "T" "x"}', "{" * 5_000, '{"a": ' * 5_000])
def test_damaged_json_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.md").write_text(text)
    [page] = read(tmp_path)
    [line] = page.refused
    assert "front matter" in line


# --- languages -------------------------------------------------------------------------------------------------------

FRONT = "---\ntitle: T\ndate: 2026-11-20\n---"


@pytest.mark.parametrize(
    ("names", "options", "wanted"),
    [
        (["posts/ferry.de.md"], {}, {"/de/posts/ferry/": "de"}),
        (["posts/ferry.pt-br.md"], {}, {"/pt-br/posts/ferry/": "pt-br"}),
        (["posts/ferry/index.de.md"], {}, {"/de/posts/ferry/": "de"}),
        (["posts/ferry.md", "posts/ferry.de.md"], {}, {"/posts/ferry/": "", "/de/posts/ferry/": "de"}),
        (["posts/ferry.en.md", "posts/ferry.fr.md"], {}, {"/posts/ferry/": "en", "/fr/posts/ferry/": "fr"}),
        (["posts/ferry.md", "posts/ferry.en.md"], {}, {"/posts/ferry/": "", "/en/posts/ferry/": "en"}),
        (["ferry.de.md", "ferry.en.md"], {"languages": "de, en"}, {"/ferry/": "de", "/en/ferry/": "en"}),
        (["de/posts/ferry.md"], {}, {"/de/posts/ferry/": "de"}),
        (["en/a.md", "de/a.md"], {"languages": "en,de"}, {"/a/": "en", "/de/a/": "de"}),
        (["posts/a.md", "de/posts/a.md"], {}, {"/posts/a/": "", "/de/posts/a/": "de"}),
        (["city/a.md", "it/b.md"], {}, {"/city/a/": "", "/it/b/": ""}),
        (["posts/node.js.md", "posts/v1.2.md"], {}, {"/posts/node.js/": "", "/posts/v1.2/": ""}),
        (["posts/ferry.de.md"], {"permalink": "/blog/{slug}/"}, {"/de/blog/ferry/": "de"}),
        (["de/a.md", "en/a.md"], {"permalink": "/blog/{slug}/"}, {"/de/blog/a/": "de", "/en/blog/a/": "en"}),
        (["a.de.md"], {"permalink": "/{language}/x/{slug}/"}, {"/de/x/a/": "de"}),
    ],
)
def test_the_language_of_a_name(
    tmp_path: Path, names: list[str], options: dict[str, str], wanted: dict[str, str]
) -> None:
    for name in names:
        write(tmp_path, name, FRONT, "12\n")
    found = {each.url.removeprefix("https://example.org"): each.language for each in all_of(tmp_path, **options)}
    assert found == wanted


def test_the_front_matter_knows_the_language_best_and_its_own_address_is_whole(tmp_path: Path) -> None:
    write(tmp_path, "a.de.md", "---\ntitle: T\ndate: 2026-11-20\nlang: de-AT\nurl: /eigen/\n---")
    write(tmp_path, "b.de.md", "---\ntitle: T\ndate: 2026-11-20\nurl: eigen/\n---")
    assert {each.url: each.language for each in all_of(tmp_path)} == {
        "https://example.org/eigen/": "de-at",
        "https://example.org/de/eigen/": "de",
    }


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permalink", "wanted"),
    [
        ("pretty", "/news/2026/11/05/ferry/"),
        ("date", "/news/2026/11/05/ferry.html"),
        ("ordinal", "/news/2026/309/ferry.html"),
        ("none", "/news/ferry.html"),
        ("/:short_year/:i_month/:i_day/:title:output_ext", "/26/11/5/ferry.html"),
        ("/{year}/{month}/{slug}/index.html", "/2026/11/ferry/"),
    ],
)
def test_patterns(tmp_path: Path, permalink: str, wanted: str) -> None:
    write(tmp_path, "_posts/2026-11-05-ferry.md", "---\ntitle: T\ncategories: news\n---")
    assert only(tmp_path, permalink=permalink).url == "https://example.org" + wanted


def test_a_name_with_spaces_has_hyphens_in_its_address(tmp_path: Path) -> None:
    write(tmp_path, "night ferry.md", FRONT)
    assert only(tmp_path).url == "https://example.org/night-ferry/"


@pytest.mark.parametrize(
    "values", [{"timezone": "Europe/Atlantis"}, {"languages": "de, d!"}, {"permalink": "/{nowhere}/"}]
)
def test_options_are_checked(values: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="source site: "):
        options_of("folder", {"path": "x", "base_url": "https://example.org", **values}, name="site")


# --- Markdown as sites write it --------------------------------------------------------------------------------------

BACK = "The ferry is back since Monday."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.mdx", 'import Chart from "../../components/Chart.astro";\nexport const prerender = true;\n\n' + BACK),
        ("a.mdx", "import {\n  A,\n  B,\n} from './x'\n\n" + BACK),
        ("a.mdx", "export const meta = {\n  a: 1,\n\n  b: 2,\n}\n\n" + BACK),
        ("a.mdx", "<Chart data={rows.map((row) => row.x)} />\n\n" + BACK),
        ("a.mdx", "{/* a comment */}\n\n" + BACK),
        ("a.mdx", "The ferry {nothing}is back since {`x`}Monday."),
        ("a.mdx", "```js\nimport a from 'a'\n\nexport const b = {\n```\n\n" + BACK),
        ("a.md", 'import Tabs from "@theme/Tabs";\n\n' + BACK),
        ("a.md", "The ferry is back[^1] since Monday.\n\n[^1]: So they say."),
        ("a.md", "The ferry is back[^long] since Monday.\n\n" + "word " * 5_000 + "\n\n[^long]: So they say."),
        ("a.md", "The ferry is back since Monday.\n{: .lead}"),
        ("a.md", "{: .lead}\nThe ferry is back since Monday."),
        ("a.md", "The *ferry*{:.big} is back since Monday.{: #first}"),
        ("a.md", "* TOC\n{:toc}\n\n" + BACK),
        ("a.md", "[[toc]]\n\n" + BACK),
        ("a.md", "## News {#news}\n\nThe ferry is back since Monday. {.lead}"),
        ("a.md", ":::note Heads up\nMind the gap.\n:::\n\n" + BACK),
        ("a.md", "::: warning\n\nMind the gap.\n\n:::\n\n" + BACK),
        ("a.md", f":::note Heads up\n{BACK}\n:::"),
        ("a.md", f":::note Heads up\n\n{BACK}"),
        ("a.md", f"> [!NOTE]\n> Mind the gap.\n\n{BACK}"),
        ("a.md", f"> [!WARNING]\n> {BACK}"),
        ("a.md", f"| Line | Time |\n|---|---|\n| 1 | 8:00 |\n\n{BACK}"),
        ("a.md", f"::youtube{{id=abc}}\n\n{BACK}"),
        ("a.md", "The ferry is ~~gone~~ back since Monday.".replace("~~gone~~ ", "")),
        ("a.md", "The **ferry** is [back](/x) since _Monday_."),
    ],
)
def test_what_a_generator_takes_for_a_mark_is_not_in_the_summary(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, name, FRONT, text + "\n")
    assert only(tmp_path).summary == BACK


def test_what_stands_in_code_stays(tmp_path: Path) -> None:
    write(tmp_path, "a.mdx", FRONT, "Write `{: .lead}`, `[^1]` or `{x}`.\n")
    assert only(tmp_path).summary == "Write {: .lead}, [^1] or {x}."


def test_a_description_is_markdown_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.md",
        '---\ntitle: T\ndate: 2026-11-20\ndescription: "The **ferry** is `back`, 5 * 3 [times](/x)."\n---',
    )
    assert only(tmp_path).summary == "The ferry is back, 5 * 3 times."
