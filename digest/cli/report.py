"""Running an import with a bar, and saying what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from digest.cli.output import progress, show_json
from digest.errors import BadInput

if TYPE_CHECKING:
    from digest.flows.importing import ImportReport

SHOWN = 20


def import_file(file: Path, work: Callable[[Callable[[int], None]], ImportReport]) -> ImportReport:
    """The bar counts bytes, so that it knows the end."""
    try:
        size = file.stat().st_size
    except OSError as cause:
        raise BadInput(f"{file}: cannot be read: {cause.strerror}") from cause
    with progress("importing", size) as advance:
        return work(advance)


def show_import(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        show_json(report)
        return
    for line, reason in report.refused[:SHOWN]:
        print(f"line {line}: {reason}")
    if report.refused_count > SHOWN:
        print(f"... and {report.refused_count - SHOWN:,} more; --json lists the first thousand")
    print(
        f"{report.lines:,} rows: {report.new:,} new, {report.changed:,} changed, {report.unchanged:,} as before, "
        f"{report.duplicates:,} twice in the file, {report.kept_out:,} kept out (left or suppressed), "
        f"{report.refused_count:,} refused" + (" (dry run: nothing was changed)" if dry_run else "")
    )
