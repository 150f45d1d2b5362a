"""A template of the admin's own that is wrong: approving says where, the draft stays, other newsletters go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.db.engine import reading
from digest.editions.store import editions as edition_store
from digest.errors import RenderFailed
from digest.flows import dispatch, publish
from digest.flows.publish import BuildReport, Built, Press
from digest.model.edition import EditionId, EditionStatus
from tests.site import ADMIN, NOW, add_articles, add_newsletter, add_readers, make_press, write_thin_template

BROKEN = {
    "a tag that is not closed": ("<p>\n{% if reader.name %}\n</p>", r"body\.html, line \d"),
    "an unknown tag": ("<p>\n{% nonsense %}\n</p>", r"body\.html, line 2"),
    "an unknown variable": ("<p>\n\n{{ nonsense }}\n</p>", r"body\.html, line 3: .*nonsense"),
    "an unknown field": ("<p>\n{{ edition.nonsense }}\n</p>", r"body\.html, line 2: .*nonsense"),
    "an unknown filter": ("<p>\n{{ edition.subject|nonsense }}\n</p>", r"body\.html, line 2: .*nonsense"),
    "a division by nothing": ("<p>\n{{ 1 / 0 }}\n</p>", r"body\.html, line 2"),
    "a loop without end": (
        "<p>\n{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}</p>",
        r"body\.html, line 2: .*never ends",
    ),
    "itself": ("<p>\n{% include 'body.html' %}</p>", r"body\.html"),
    "a file that is not there": ("<p>\n{% include 'nowhere.html' %}</p>", r"nowhere\.html"),
    "a way out of the sandbox": ("<p>\n{{ ''.__class__.__mro__ }}</p>", r"body\.html, line 2"),
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The admin's folder, which overlays the other."""
    folder = tmp_path / "own" / "email" / "thin"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def press(tmp_path: Path, own: Path) -> Press:
    built_in = write_thin_template(tmp_path / "templates")
    other = built_in / "email" / "other"
    other.mkdir()
    for file in (built_in / "email" / "thin").iterdir():
        (other / file.name).write_text(file.read_text())
    return make_press(built_in, own.parents[1])


def build_both(engine: Engine, press: Press) -> tuple[BuildReport, BuildReport]:
    """The newsletter with the broken template, which comes first, and one with a good one."""
    add_readers(engine, add_newsletter(engine, name="broken"), 2)
    add_newsletter(engine, name="good", template="other")
    add_articles(engine, 2)
    broken, good = publish.build_due(engine, press, now=NOW)
    return broken, good


def status(engine: Engine, edition_id: EditionId | None) -> EditionStatus | None:
    assert edition_id is not None
    with reading(engine) as connection:
        return edition_store.find_status(connection, edition_id)


@pytest.mark.parametrize(("body", "place"), BROKEN.values(), ids=BROKEN)
def test_a_draft_stays_that_says_where_and_the_other_newsletter_goes_on(
    body: str, place: str, engine: Engine, press: Press, own: Path
) -> None:
    (own / "body.html").write_text(body)
    broken, good = build_both(engine, press)
    assert (broken.result, good.result) == (Built.DRAFT, Built.APPROVED)
    assert broken.edition_id is not None
    assert dispatch.unfinished(engine) == [good.edition_id]
    with pytest.raises(RenderFailed, match=place):
        publish.approve(engine, press, broken.edition_id, now=NOW, actor=ADMIN)
    assert status(engine, broken.edition_id) is EditionStatus.DRAFT
    with reading(engine) as connection:
        assert "the template fails: " in edition_store.get_edition(connection, broken.edition_id).hold_reason


@pytest.mark.parametrize("name", ["body.txt", "subject.txt"])
def test_the_other_files_of_a_template_are_looked_at_too(name: str, engine: Engine, press: Press, own: Path) -> None:
    (own / name).write_text("\n{{ nonsense }}")
    broken, good = build_both(engine, press)
    assert (broken.result, good.result) == (Built.DRAFT, Built.APPROVED)
    assert f"{name}, line 2" in broken.message


def test_a_template_that_was_mended_goes(engine: Engine, press: Press, own: Path) -> None:
    (own / "body.html").write_text("{{ nonsense }}")
    broken, _ = build_both(engine, press)
    (own / "body.html").unlink()
    assert broken.edition_id is not None
    publish.approve(engine, press, broken.edition_id, now=NOW, actor=ADMIN)
    assert status(engine, broken.edition_id) is EditionStatus.APPROVED


def test_a_template_that_is_broken_after_approval_changes_nothing(engine: Engine, press: Press, own: Path) -> None:
    broken, _ = build_both(engine, press)
    assert broken.result is Built.APPROVED
    (own / "body.html").write_text("{{ nonsense }}")
    assert broken.edition_id is not None
    publish.check_rendering(publish.open_maker(engine, press, broken.edition_id), now=NOW)
