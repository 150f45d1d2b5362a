"""A digest of one's own beside a broadcast: python -m benchmarks.own_digest [--readers 1000000]

Two editions of one site, in processes of their own, one after the other: in one every reader gets the same articles, in
the other each gets what they chose, out of 200 candidates in 20 topics, as many as the broadcast has. Timed is the whole
way from an approved edition to the bytes of every message: planning (with the selection), reading the rows as a sender
does, splicing. Marks, SMTP and outcomes are the same for both; with --send each edition is sent to a smtp-sink as well, and
what a reader costs in all is printed too.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from benchmarks.memory import peak_mb
from benchmarks.send import run_sender
from benchmarks.site import NOW, make_site, open_maker, sqlite_url
from benchmarks.yardsticks import smtp_sink
from digest import log
from digest.db.engine import make_engine, reading
from digest.db.tables import batch, delivery
from digest.delivery.store.rows import Due, list_due
from digest.flows import dispatch
from digest.flows.copies import CopyMaker
from digest.model.newsletter import Offer, Ranking

CANDIDATES, PICKS = 200, 9
TOPICS = tuple(f"Topic {number}" for number in range(1, 21))
OWN = {
    "offer": Offer(topics=True, authors=True, lengths=("summaries", "headlines"), minutes=(10, 30)),
    "ranking": Ranking(popular=1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--checked", type=int, default=10_000, help="messages compared with the plain rendering")
    parser.add_argument("--send", type=int, default=0, metavar="SESSIONS", help="send both editions as well")
    parser.add_argument("--run", nargs=2, metavar=("URL", "EDITION"), help="used by itself")
    chosen = parser.parse_args()
    log.configure(level="warning")
    if chosen.run:
        print(json.dumps(measure(make_engine(chosen.run[0]), int(chosen.run[1]))))
        return
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
        found = {}
        for name in ("broadcast", "own"):
            url = sqlite_url(Path(folder) / f"{name}.sqlite")
            engine, edition_id = site(url, chosen.readers, is_own=name == "own")
            found[name] = _apart(url, edition_id)
            if name == "own":
                equal = check(engine, edition_id, chosen.checked)
            engine.dispose()
            if chosen.send:
                with smtp_sink() as port:
                    found[name]["sent"] = run_sender(url, edition_id, port, chosen.send)
    print(table(found, chosen.readers, equal))


def site(url: str, readers: int, *, is_own: bool) -> tuple[Engine, int]:
    if not is_own:
        return make_site(url, readers, candidates=PICKS, topics=TOPICS)
    chance = random.Random(11)  # a measurement must be repeatable
    slugs = [topic.casefold().replace(" ", "-") for topic in TOPICS]

    def preferences(_: int) -> dict[str, object]:
        """A tenth chose nothing; the others follow some topics, mute some, and some want less to read."""
        if chance.random() < 0.1:
            return {}
        values: dict[str, object] = {"follow_topics": chance.sample(slugs, chance.randrange(2, 8))}
        if chance.random() < 0.3:
            values["mute_topics"] = chance.sample(slugs, 2)
        if chance.random() < 0.1:
            values["minutes"] = chance.choice([10, 30])
        return values

    return make_site(
        url, readers, candidates=CANDIDATES, topics=TOPICS, preferences=preferences, **{**OWN, "max_items": PICKS}
    )


def _apart(url: str, edition_id: int) -> dict[str, Any]:
    line = [sys.executable, "-m", "benchmarks.own_digest", "--run", url, str(edition_id)]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(engine: Engine, edition_id: int) -> dict[str, Any]:
    started, cpu = time.perf_counter(), time.process_time()
    planned = dispatch.plan(engine, edition_id, now=NOW)
    plan_s, plan_cpu = time.perf_counter() - started, time.process_time() - cpu
    started, cpu = time.perf_counter(), time.process_time()
    maker = open_maker(engine, edition_id)
    size = messages = 0
    for due in rows(engine, edition_id):
        size += len(maker.outgoing(due, at=NOW).content)
        messages += 1
    return {
        "readers": planned,
        "messages": messages,
        "size": size / messages,
        "plan_s": plan_s,
        "plan_cpu": plan_cpu,
        "splice_s": time.perf_counter() - started,
        "splice_cpu": time.process_time() - cpu,
        "memory_mb": peak_mb(),
        "variants": maker.variants(),
    }


def rows(engine: Engine, edition_id: int) -> Iterator[Due]:
    """As a sender gets them, batch by batch."""
    with reading(engine) as connection:
        ids = list(connection.execute(select(batch.c.id).where(batch.c.edition_id == edition_id)).scalars())
    for batch_id in ids:
        with reading(engine) as connection:
            found = list_due(connection, batch_id, now=NOW)
        yield from found


def check(engine: Engine, edition_id: int, count: int) -> str:
    """So many messages, spread over all readers, against the plain rendering of each (P8)."""
    with reading(engine) as connection:
        of = delivery.c.edition_id == edition_id
        total = connection.execute(select(func.count()).where(of, delivery.c.status == "planned")).scalar_one()
    maker, step, looked, equal = open_maker(engine, edition_id), max(1, total // count), 0, 0
    for number, due in enumerate(rows(engine, edition_id)):
        if number % step == 0:
            looked += 1
            equal += _is_equal(maker, due)
    return f"{equal:,} of {looked:,}"


def _is_equal(maker: CopyMaker, due: Due) -> bool:
    parsed: Any = email.message_from_bytes(maker.message(due, at=NOW), policy=email.policy.default)
    plain = maker.plain(due)
    parts = {kind: parsed.get_body((kind,)).get_payload(decode=True).decode() for kind in ("html", "plain")}
    return bool(
        parts["html"].replace("\r\n", "\n") == plain.html and parts["plain"].replace("\r\n", "\n") == plain.text
    )


def table(found: dict[str, dict[str, Any]], readers: int, equal: str) -> str:
    lines = [
        f"{readers:,} readers; own: {CANDIDATES} candidates, {len(TOPICS)} topics, at most {PICKS} articles each",
        "",
        "| | messages | bytes each | planning, us each | splicing, us each | together | renderings | memory, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    each = {}
    for name, run in found.items():
        plan, splice = run["plan_cpu"] / run["readers"] * 1e6, run["splice_cpu"] / run["messages"] * 1e6
        each[name] = plan + splice
        shown = "; ".join(f"{language}: {counts}" for language, counts in run["variants"].items())
        lines.append(
            f"| {name} | {run['messages']:,} | {run['size']:,.0f} | {plan:.1f} | {splice:.1f} | {each[name]:.1f} | {shown} "
            f"| {run['memory_mb']:.0f} |"
        )
    lines.append("")
    lines.append(f"own over broadcast: {each['own'] / each['broadcast']:.2f} of its CPU; goal 1.3")
    if all("sent" in run for run in found.values()):
        lines.append(_with_sending(found))
    lines.append(f"equal to the plain rendering: {equal}")
    return "\n".join(lines)


def _with_sending(found: dict[str, dict[str, Any]]) -> str:
    """All that a reader costs the sender: planning, and the whole send with its ledger."""
    cost = {
        name: (run["plan_cpu"] / run["readers"] + run["sent"]["cpu_s"] / run["sent"]["accepted"]) * 1e6
        for name, run in found.items()
    }
    rate = {name: run["sent"]["accepted"] / run["sent"]["wall_s"] for name, run in found.items()}
    return (
        f"planned and sent: broadcast {cost['broadcast']:.0f} us of own CPU each, {rate['broadcast']:,.0f} a second; own "
        f"{cost['own']:.0f} us, {rate['own']:,.0f} a second: {cost['own'] / cost['broadcast']:.2f} of a broadcast"
    )


if __name__ == "__main__":
    main()
