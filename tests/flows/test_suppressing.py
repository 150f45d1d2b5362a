"""Lists of suppressed addresses from other systems, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from digest.db.engine import reading
from digest.db.tables import suppression
from digest.errors import BadInput
from digest.flows.admin.readers import suppress
from digest.flows.suppressing import SuppressReport, suppress_file
from digest.model.subscriber import SuppressionReason
from tests.site import ADMIN, NOW


def bring(engine: Engine, file: Path, content: str, **options: object) -> SuppressReport:
    file.write_text(content)
    return suppress_file(engine, file, SuppressionReason.BOUNCE, now=NOW, **options)  # type: ignore[arg-type]


def suppressed(engine: Engine) -> list[tuple[str, str, str]]:
    with reading(engine) as connection:
        rows = connection.execute(select(suppression).order_by(suppression.c.address_key))
        return [(row.address_key, row.reason, row.detail) for row in rows]


@pytest.mark.parametrize(
    "content",
    [
        "a@example.org\nB@Example.ORG\n",
        "email,created\na@example.org,2024-01-01\nb@example.org,2024-01-02\n",
        "status;Email Address\nactive;a@example.org\nbounced;b@example.org\n",
        "a@example.org;1\nb@example.org;2\n",
        "\n".join(json.dumps({"email": f"{name}@example.org"}) for name in "ab"),
    ],
)
def test_every_address_of_a_list_is_suppressed_however_it_is_written(
    content: str, engine: Engine, tmp_path: Path
) -> None:
    report = bring(engine, tmp_path / "list.csv", content)
    assert (report.lines, report.new, report.there) == (2, 2, 0)
    assert suppressed(engine) == [("a@example.org", "bounce", ""), ("b@example.org", "bounce", "")]


def test_the_first_reason_stays_and_bad_rows_are_named(engine: Engine, tmp_path: Path) -> None:
    assert suppress(
        engine, "a@example.org", SuppressionReason.COMPLAINT, actor=ADMIN, now=NOW, detail="asked by letter"
    )
    content = "email,reason\nA@example.org,550 no such user\nb@example.org,mailbox full\nnobody\nb@example.org,again\n"
    report = bring(engine, tmp_path / "list.csv", content)
    assert (report.lines, report.new, report.there, report.refused_count) == (4, 1, 2, 1)
    assert report.refused[0][0] == 4
    assert suppressed(engine) == [
        ("a@example.org", "complaint", "asked by letter"),
        ("b@example.org", "bounce", "mailbox full"),
    ]
    assert bring(engine, tmp_path / "list.csv", content).new == 0


def test_a_dry_run_suppresses_nobody(engine: Engine, tmp_path: Path) -> None:
    assert bring(engine, tmp_path / "list.csv", "a@example.org\n", dry_run=True).new == 1
    assert suppress(engine, "a@example.org", SuppressionReason.ADMIN, actor=ADMIN, now=NOW, dry_run=True)
    assert suppressed(engine) == []


def test_a_file_without_addresses_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no column 'address'"):
        bring(engine, tmp_path / "list.csv", "name,city\nAnn,Alder\n")
