"""The demo is the real program on invented people: once a week, every reader, one mail."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from digest.cli.output import progress
from digest.demo.run import DemoReport, run
from digest.errors import BadInput
from tests.command import Command
from tests.mails import html_of, parse_without_defects, text_of, urls_in

READERS, WEEKS = 14, 4
STORY = re.compile(r"https://harbourpost\.example/\w+-\w+-")


@dataclass
class Shown:
    """A demo that ran twice: what each run reported and said."""

    folder: Path
    reports: list[DemoReport] = field(default_factory=list)
    said: list[list[str]] = field(default_factory=list)

    def run(self) -> None:
        lines: list[str] = []
        self.reports.append(run(self.folder, weeks=WEEKS, count=READERS, progress=progress, say=lines.append))
        self.said.append(lines)

    @property
    def mails(self) -> dict[str, list[bytes]]:
        editions = sorted((self.folder / "mails").iterdir())
        return {each.name: [file.read_bytes() for file in sorted(each.glob("*.eml"))] for each in editions}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    demo = Shown(tmp_path_factory.mktemp("demo") / "demo")
    demo.run()
    demo.run()
    return demo


def test_every_week_has_one_edition(shown: Shown) -> None:
    assert len(shown.mails) == WEEKS
    subjects = {parse_without_defects(mails[0])["Subject"] for mails in shown.mails.values()}
    assert len(subjects) == WEEKS


def test_every_reader_gets_each_edition_once(shown: Shown) -> None:
    for mails in shown.mails.values():
        recipients = Counter(str(parse_without_defects(mail)["To"]) for mail in mails)
        assert len(recipients) == READERS
        assert set(recipients.values()) == {1}


def test_every_mail_parses_and_both_parts_have_their_reader_s_own_link(shown: Shown) -> None:
    for mails in shown.mails.values():
        links = set()
        for mail in mails:
            message = parse_without_defects(mail)
            link = str(message["List-Unsubscribe"]).split(">")[0].lstrip("<")
            assert link in html_of(message)
            assert link in urls_in(text_of(message))
            links.add(link)
        assert len(links) == READERS


def test_no_article_is_in_two_editions(shown: Shown) -> None:
    stories = [
        {url for url in urls_in(text_of(parse_without_defects(mails[0]))) if STORY.match(url)}
        for mails in shown.mails.values()
    ]
    assert min(map(len, stories)) > 5
    assert sum(map(len, stories)) == len(set().union(*stories))


def test_a_second_run_sends_nothing_and_says_why(shown: Shown) -> None:
    assert [report.accepted for report in shown.reports] == [READERS * WEEKS, 0]
    assert len([line for line in shown.said[1] if "is there already (sent); nothing to do" in line]) == WEEKS


def test_the_page_of_the_demo_holds_every_mail(shown: Shown) -> None:
    page = shown.reports[0].page.read_text(encoding="utf-8")
    assert page.count('"packed": "') == READERS * WEEKS


def test_a_folder_that_holds_something_else_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BadInput, match="is not empty and holds no demo"):
        run(tmp_path, weeks=1, count=2, progress=progress, say=print)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_the_environment_and_the_settings_lead_the_demo_to_no_other_database(tmp_path: Path) -> None:
    real = tmp_path / "real.sqlite"
    (tmp_path / "digest.toml").write_text(f'[database]\nurl = "sqlite:///{real}"\n')
    digest = Command(
        tmp_path,
        DIGEST_DATABASE__URL=f"sqlite:///{real}",
        DIGEST_CONFIG=str(tmp_path / "digest.toml"),
        DIGEST_CHANNELS='[{"kind": "smtp", "host": "mail.example.org"}]',
        DIGEST_TEMPLATES__FOLDER=str(tmp_path / "mine"),
    )
    assert "3 mails in" in digest("demo", "--readers", 3)
    assert not real.exists()
    assert (tmp_path / "demo" / "digest.sqlite").exists()
