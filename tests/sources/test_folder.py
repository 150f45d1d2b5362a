"""Folders of static sites: front matter as Jekyll, Hugo, Eleventy and Astro write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.errors import BadInput, SourceUnreachable
from digest.model.source import Collected, Cursor
from digest.sources import folder
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def write(root: Path, name: str, front: str, text: str = "The *ferry* runs again.\n") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{front}\n{text}", encoding="utf-8")
    return file


def read(root: Path, cursor: Cursor | None = None, *, now: datetime = NOW, **more: object) -> list[Collected]:
    options = options_of("folder", {"path": str(root), "base_url": "https://example.org", **more}, name="site")
    return list(folder.pages(options, cursor or Cursor(), now=now, fetcher=Fetcher()))


def urls(root: Path, **more: object) -> list[str]:
    return [each.url for page in read(root, **more) for each in page.articles]


def test_jekyll(tmp_path: Path) -> None:
    write(tmp_path, "_posts/2026-11-20-ferry.md", "---\ntitle: The ferry\ncategories: [City]\ntags: ferry, pier\n---")
    write(tmp_path, "_posts/2026-11-21-own.md", "---\ntitle: Own\npermalink: /own/:year/\n---")
    write(tmp_path, "_drafts/idea.md", "---\ntitle: Idea\ndate: 2026-11-01\n---")
    [page] = read(tmp_path, permalink="/:categories/:year/:month/:day/:title.html")
    assert [each.url for each in page.articles] == [
        "https://example.org/city/2026/11/20/ferry.html",
        "https://example.org/own/2026/",
    ]
    ferry = page.articles[0]
    assert (ferry.topics, ferry.summary) == (("City", "ferry", "pier"), "The ferry runs again.")
    assert ferry.published_at == datetime(2026, 11, 20, tzinfo=UTC)


def test_what_is_written_about_markup_stays(tmp_path: Path) -> None:
    front = '---\ntitle: "The <dialog> element"\ndate: 2026-11-20\n---'
    write(tmp_path, "a.md", front, "Use `<dialog>` and `List<String>`, `&amp;` too.")
    [page] = read(tmp_path)
    assert [(each.title, each.summary) for each in page.articles] == [
        ("The <dialog> element", "Use <dialog> and List<String>, &amp; too.")
    ]


def test_hugo(tmp_path: Path) -> None:
    toml = '+++\ntitle = "{}"\ndate = 2026-11-20T08:00:00+01:00\n{}\n+++'
    write(tmp_path, "news/ferry/index.md", toml.format("The ferry", "[params]\nauthor = 'Ana Kovač'"))
    write(tmp_path, "news/b.md", toml.format("B", 'slug = "better"'))
    write(tmp_path, "news/c.md", toml.format("C", 'url = "/c.html"'))
    write(tmp_path, "news/d.md", toml.format("D", "draft = true"))
    write(tmp_path, "news/_index.md", toml.format("News", ""))
    [page] = read(tmp_path)
    assert {each.url for each in page.articles} == {
        "https://example.org/news/ferry/",
        "https://example.org/news/better/",
        "https://example.org/c.html",
    }
    assert ("Ana Kovač",) in {each.authors for each in page.articles}
    assert {each.published_at.hour for each in page.articles} == {7}


def test_astro(tmp_path: Path) -> None:
    front = "---\ntitle: The ferry\npubDate: 2026-11-20\ndescription: Back.\nheroImage: /pier.jpg\n---"
    write(tmp_path, "ferry.mdx", front)
    [page] = read(tmp_path, permalink="/blog/{slug}/")
    [ferry] = page.articles
    assert (ferry.url, ferry.summary) == ("https://example.org/blog/ferry/", "Back.")
    assert ferry.image is not None
    assert ferry.image.src == "https://example.org/pier.jpg"


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        ("", "has no front matter"),
        ("---\ndate: 2026-11-20\n---", "has no title"),
        ("---\ntitle: T\n---", "has no date"),
        ("---\ntitle: [\n---", "is damaged"),
        ("---\ntitle: T\ndate: 2026-13-45\n---", "is damaged"),
        ("---\na: &a [x, x]\nb: [*a, *a]\ntitle: T\n---", "refers to itself"),
        ("+++\ntitle = \n+++", "is damaged"),
        ("---\n- a\n---", "no list of names"),
        ("---\ntitle: T\ndate: 2026-11-20\npermalink: '{{ page.fileSlug }}/'\n---", "is computed"),
    ],
)
def test_a_bad_file_is_one_line_and_stops_no_others(tmp_path: Path, front: str, reason: str) -> None:
    write(tmp_path, "bad.md", front)
    write(tmp_path, "good.md", "---\ntitle: Good\ndate: 2026-11-20\n---")
    [page] = read(tmp_path)
    assert [each.title for each in page.articles] == ["Good"]
    [line] = page.refused
    assert line.startswith("bad.md: ")
    assert reason in line


def test_links_out_of_the_folder_and_large_files_are_refused_unread(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside.md", "---\ntitle: Secret\ndate: 2026-11-20\n---")
    root = tmp_path / "site"
    inside = write(root, "inside.md", "---\ntitle: Inside\ndate: 2026-11-20\n---")
    (root / "out.md").symlink_to(outside)
    (root / "in.md").symlink_to(inside)
    (root / "all").symlink_to(tmp_path)
    write(root, "large.md", "---\ntitle: Large\ndate: 2026-11-20\n---", "x" * 5_000)
    [page] = read(root, max_bytes=1_000)
    assert sorted(page.refused) == ["large.md: longer than 1,000 bytes", "out.md: a link out of the folder"]
    assert {each.title for each in page.articles} == {"Inside"}


def test_a_folder_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    file = write(tmp_path, "ferry.md", "---\ntitle: The ferry\ndate: 2026-11-20\n---")
    cursor = read(tmp_path)[-1].cursor
    assert [page.is_unchanged for page in read(tmp_path, cursor)] == [True]
    file.write_text(file.read_text() + "More.")
    assert [len(page.articles) for page in read(tmp_path, cursor)] == [1]


def test_an_article_to_come_comes_in_its_time(tmp_path: Path) -> None:
    write(tmp_path, "ferry.md", "---\ntitle: The ferry\ndate: 2026-11-28\n---")
    [page] = read(tmp_path)
    assert page.articles == ()
    [early] = read(tmp_path, page.cursor, now=NOW + timedelta(hours=1))
    assert early.is_unchanged
    [later] = read(tmp_path, page.cursor, now=NOW + timedelta(days=1))
    assert len(later.articles) == 1


def test_many_articles_come_in_pages_each_once(tmp_path: Path) -> None:
    for number in range(folder.PAGE + 1):
        write(tmp_path, f"{number}.md", f"---\ntitle: Story {number}\ndate: 2026-11-20\n---")
    found = read(tmp_path)
    assert [len(page.articles) for page in found] == [folder.PAGE, 1]
    assert len({each.key for page in found for each in page.articles}) == folder.PAGE + 1


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match="no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"there is no \{wrong\}"):
        read(tmp_path, permalink="/{wrong}/")
    with pytest.raises(BadInput, match="base_url is missing"):
        options_of("folder", {"path": "x"}, name="site")
