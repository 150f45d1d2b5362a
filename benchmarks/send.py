"""The whole sending path beside its yardsticks: python -m benchmarks.send [--readers 100000] [--rounds 5] ...

Each round runs the contestants in turn against a fresh smtp-sink on the same machine; medians are printed. digest runs
in a process of its own: rows in the ledger, own greeting, links and choice of articles for each reader, HTML and text
part, every outcome committed. smtp-source sends one fixed message of the same size over as many sessions, without any
of that: it shows what the sink can take.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text

from benchmarks.site import NOW, give_choices, make_site, open_maker, sqlite_url
from benchmarks.yardsticks import plain_loop, smtp_sink, smtp_source
from digest import log
from digest.db.engine import reading, writing
from digest.delivery.store.rows import list_due
from digest.editions.store import editions as edition_store
from digest.editions.store.newsletters import get_newsletter_by_id
from digest.flows import dispatch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--plain", type=int, default=60, help="messages of the plain loop in each round")
    parser.add_argument("--postgresql", default="", help="URL of a server on which a database may be made")
    chosen = parser.parse_args()
    log.configure(level="warning")
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
        print(table(measure(Path(folder), chosen), chosen))


def measure(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    prepared = folder / "prepared.sqlite"
    engine, edition_id = make_site(sqlite_url(prepared), chosen.readers)
    dispatch.plan(engine, edition_id, now=NOW)
    give_choices(engine, chosen.readers)
    size = _message_size(engine, edition_id)
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
        newsletter = get_newsletter_by_id(connection, edition.newsletter_id)
    with writing(engine) as connection:
        connection.execute(text("PRAGMA optimize"))
    engine.dispose()
    found: dict[str, Any] = {"size": size, "source": [], "sqlite": [], "postgresql": [], "plain": []}
    postgresql = _prepare_postgresql(chosen) if chosen.postgresql else None
    for _ in range(chosen.rounds):
        with smtp_sink() as port:
            seconds = smtp_source(port, messages=chosen.readers, size_bytes=size, sessions=chosen.sessions)
            found["source"].append(chosen.readers / seconds)
        used = folder / "used.sqlite"
        for each in folder.glob("used.sqlite*"):
            each.unlink()
        shutil.copyfile(prepared, used)
        with smtp_sink() as port:
            found["sqlite"].append(run_sender(sqlite_url(used), edition_id, port, chosen.sessions))
        if postgresql:
            with smtp_sink() as port:
                found["postgresql"].append(run_sender(postgresql.fresh(), postgresql.edition_id, port, chosen.sessions))
        with smtp_sink() as port:
            seconds = plain_loop(port, newsletter, edition, messages=chosen.plain)
            found["plain"].append(chosen.plain / seconds)
    if postgresql:
        postgresql.drop()
    return found


def table(found: dict[str, Any], chosen: argparse.Namespace) -> str:
    source, plain = statistics.median(found["source"]), statistics.median(found["plain"])
    size = f"{found['size'] / 1000:.1f} KB a message"
    lines = [
        f"{chosen.readers:,} readers, {size}, {chosen.sessions} sessions, medians of {chosen.rounds}",
        "",
        "| | messages a second | of smtp-source -d | of the plain loop | own CPU, microseconds a message | memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in (("digest, SQLite", found["sqlite"]), ("digest, PostgreSQL", found["postgresql"])):
        if runs:
            rate = statistics.median(run["accepted"] / run["wall_s"] for run in runs)
            cpu = statistics.median(run["cpu_s"] / run["accepted"] * 1e6 for run in runs)
            memory = max(run["memory_mb"] for run in runs)
            ratios = f"{rate / source:.2f} | {rate / plain:.0f}"
            lines.append(f"| {name} | {rate:,.0f} | {ratios} | {cpu:.0f} | {memory:.0f} |")
    lines.append(f"| smtp-source -d | {source:,.0f} | 1.00 | {source / plain:.0f} | | |")
    lines.append(f"| plain loop: Jinja2, premailer, smtplib | {plain:,.1f} | {plain / source:.4f} | 1 | | |")
    return "\n".join(lines)


def run_sender(url: str, edition_id: int, port: int, sessions: int) -> dict[str, float]:
    line = [sys.executable, "-m", "benchmarks.run_sender", url, str(edition_id), str(port), str(sessions)]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _message_size(engine: Any, edition_id: int) -> int:
    maker = open_maker(engine, edition_id)
    with reading(engine) as connection:
        rows = list_due(connection, 1, now=NOW)[:100]
    return round(statistics.mean(maker.outgoing(row, at=NOW).size for row in rows))


class _Postgresql:
    """A prepared database, and a copy of it for each run."""

    def __init__(self, url: str, readers: int) -> None:
        self._admin = create_engine(make_url(url).set(drivername="postgresql"), isolation_level="AUTOCOMMIT")
        self._prepared, self._used = (f"digest_bench_{uuid.uuid4().hex[:8]}" for _ in range(2))
        self._run(f"CREATE DATABASE {self._prepared}")
        engine, self.edition_id = make_site(self._url(self._prepared), readers)
        dispatch.plan(engine, self.edition_id, now=NOW)
        give_choices(engine, readers)
        engine.dispose()
        once = create_engine(self._url(self._prepared), isolation_level="AUTOCOMMIT")
        with once.connect() as connection:
            connection.execute(text("VACUUM FULL delivery"))
            connection.execute(text("VACUUM ANALYZE"))
        once.dispose()

    def _url(self, database: str) -> str:
        return self._admin.url.set(database=database).render_as_string(hide_password=False)

    def _run(self, sql: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(sql))

    def fresh(self) -> str:
        self._run(f"DROP DATABASE IF EXISTS {self._used} WITH (FORCE)")
        self._run(f"CREATE DATABASE {self._used} TEMPLATE {self._prepared}")
        self._run("CHECKPOINT")
        return self._url(self._used)

    def drop(self) -> None:
        for name in (self._prepared, self._used):
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._admin.dispose()


def _prepare_postgresql(chosen: argparse.Namespace) -> _Postgresql:
    return _Postgresql(chosen.postgresql, chosen.readers)


if __name__ == "__main__":
    main()
