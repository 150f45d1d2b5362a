"""Running an import with a bar, and saying what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from digest.cli.output import progress, show_json
from digest.errors import BadInput

if TYPE_CHECKING:
    from digest.flows.importing import ImportReport
    from digest.flows.suppressing import SuppressReport

SHOWN = 20
DRY = " (dry run: nothing was changed)"

T = TypeVar("T")


def import_file(file: Path, work: Callable[[Callable[[int], None]], T]) -> T:
    """The bar counts bytes, so that it knows the end."""
    try:
        size = file.stat().st_size
    except OSError as cause:
        raise BadInput(f"{file}: cannot be read: {cause.strerror}") from cause
    with progress("importing", size) as advance:
        return work(advance)


def show_import(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    """What became of the file; exit code 6 when not one row of it could be taken."""
    if as_json:
        show_json(report)
    else:
        _show(report, dry_run=dry_run)
    if report.lines and report.refused_count == report.lines:
        raise typer.Exit(BadInput.exit_code)


def _show(report: ImportReport, *, dry_run: bool) -> None:
    _show_refused(report)
    for line, why in report.notes[:SHOWN]:
        print(f"line {line}: {why}")
    if (more := report.kept_out + report.duplicates - SHOWN) > 0:
        print(f"... and {more:,} more that were not taken; --json lists the first thousand")
    ended = f", {report.ended:,} of them readers until now" if report.ended else ""
    print(
        f"{report.lines:,} rows: {report.new:,} new, {report.changed:,} changed, {report.unchanged:,} as before, "
        f"{report.duplicates:,} twice in the file, {report.kept_out:,} kept out (left or suppressed{ended}), "
        f"{report.refused_count:,} refused" + (DRY if dry_run else "")
    )


def show_suppressed(report: SuppressReport, *, dry_run: bool) -> None:
    """What became of a file of addresses; exit code 6 when not one row of it could be taken."""
    _show_refused(report)
    print(
        f"{report.lines:,} rows: {report.new:,} suppressed from now on, {report.there:,} were already, "
        f"{report.refused_count:,} refused" + (DRY if dry_run else "")
    )
    if report.lines and report.refused_count == report.lines:
        raise typer.Exit(BadInput.exit_code)


def _show_refused(report: ImportReport | SuppressReport) -> None:
    for line, reason in report.refused[:SHOWN]:
        print(f"line {line}: {reason}")
    if report.refused_count > SHOWN:
        print(f"... and {report.refused_count - SHOWN:,} more lines like these")
