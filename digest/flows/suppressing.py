"""A file of addresses that must not be written to again -> the suppression list. One address: admin/readers.py."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from digest import audit, log
from digest.audience import columns
from digest.audience.store import subscribers as subscriber_store
from digest.audit import Noun, Target
from digest.db.engine import rehearsing, writing
from digest.flows.table import Progress, Report, Row, Shape, encoding_of, rows_of
from digest.model.actor import SCHEDULER, Actor
from digest.model.address import EmailAddress, clean_line
from digest.model.subscriber import SuppressionReason

BATCH = 5_000
MAX_DETAIL = 200

ADDRESSES = Shape(columns_of=columns.columns_of, is_row=lambda row: "@" in row.get("address", ""), is_list="address")


@dataclass(slots=True, kw_only=True)
class SuppressReport(Report):
    """What became of a file.

    there   suppressed before, or twice in the file
    """

    new: int = 0
    there: int = 0


def suppress_file(
    engine: Engine,
    file: Path,
    reason: SuppressionReason,
    *,
    now: datetime,
    detail: str = "",
    encoding: str = "",
    dry_run: bool = False,
    progress: Progress = lambda _bytes: None,
    actor: Actor = SCHEDULER,
) -> SuppressReport:
    """Suppress every address of a file, whatever else its rows say; doing it again changes nothing."""
    report = SuppressReport()
    act = audit.Ongoing("address.suppress", actor, Target(noun=Noun.ADDRESS), now=now, file=file.name, reason=reason)
    found = encoding_of(file, encoding)
    rows = rows_of(file, ADDRESSES, encoding=found, refuse=report.refuse_unread, progress=progress)
    addresses = _addresses(rows, detail, report)
    while part := dict(itertools.islice(addresses, BATCH)):
        with (rehearsing if dry_run else writing)(engine) as connection:
            report.new += subscriber_store.suppress_many(connection, part, reason, now=now)
            act.record(connection, count=report.new)
    report.there = report.lines - report.refused_count - report.new
    log.event("suppress.file", new=report.new, refused=report.refused_count)
    return report


def _addresses(rows: Iterator[Row], detail: str, report: SuppressReport) -> Iterator[tuple[str, str]]:
    seen: set[int] = set()
    for line, row in rows:
        report.lines += 1
        try:
            key = EmailAddress.parse(str(row.get("address") or "")).key
        except ValueError as cause:
            report.refuse(line, f"address: {cause}")
            continue
        if hash(key) not in seen:
            seen.add(hash(key))
            said = detail or str(row.get("detail") or row.get("reason") or "").replace("\0", "")
            yield key, clean_line(said)[:MAX_DETAIL]
