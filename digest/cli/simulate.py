"""digest newsletter simulate: what some weeks would be for the readers, without sending and without writing anything."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import progress, show_json, show_table

if TYPE_CHECKING:
    from digest.editions.tally import Spread
    from digest.flows.simulate import Outline, Simulation, Story, Turn

RULES = {
    "had": "in another copy",
    "muted": "muted",
    "other": "follow others",
    "before": "older than their subscription",
    "expired": "passed over too often",
    "fewer": "one of its topic is enough",
    "budget": "reading time",
    "full": "no room",
    "few": "too little else",
    "picked": "picked",
}


def simulate(
    context: typer.Context,
    name: str,
    weeks: Annotated[int, typer.Option(min=1, max=520, help="so many")] = 8,
    coming: Annotated[
        bool, typer.Option("--coming", help="the weeks that come, with the articles of as many past ones moved there")
    ] = False,
    sample: Annotated[int, typer.Option(min=0, help="readers, evenly spread over all; 0 for all")] = 1_000,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What the last weeks, or the coming ones, would be for the readers. Nothing is sent, nothing is written.

    Example: digest newsletter simulate harbour --weeks 8 --coming --sample 5000
    """
    from digest.flows import simulate as flow

    app = open_app(context)
    of = flow.outline(app.engine, name, weeks=weeks, sample=sample, now=app.clock.now(), is_coming=coming)
    with progress("simulating", of.steps) as advance:
        found = flow.run(app.engine, app.trial_press, of, progress=advance)
    if as_json:
        show_json(found)
        return
    _show(of, found)


def _show(of: Outline, found: Simulation) -> None:
    print(_heading(found))
    if not found.turns:
        why = (
            "has no weekdays, so it is never due" if not of.newsletter.schedule.weekdays else "is not due in this time"
        )
        print(f"{found.newsletter} {why}; see: digest newsletter schedule {found.newsletter}")
        return
    if not found.readers:
        print(f"{found.newsletter} has no readers; import some: digest subscriber import FILE --newsletter NAME")
        return
    if all(turn.is_empty for turn in found.turns):
        print("too few articles for any edition: no mail in these weeks; see: digest article list")
        return
    show_table(_COLUMNS, [_row(turn) for turn in found.turns], empty="")
    print(
        "picks: least/median/most of a copy; minutes: median; time too short: for so many it left something out; KB: "
        "median/largest of the copies that were made;\ntoo long: their last articles became headlines; making: the "
        "copies of all readers, an estimate for making the copies alone"
    )
    if clipped := sum(turn.sizes.clipped for turn in found.turns if turn.sizes):
        print(f"{clipped} of the copies that were made are too long all the same: mail programs will clip them")
    print(
        f"articles of these weeks: {found.articles:,}; reached readers: {found.reached:,}; "
        f"nobody got: {len(found.never):,}; wait for a later edition: {len(found.waiting):,}"
    )
    if found.never:
        for rule, count in _causes(found.never).most_common():
            print(f"  {count:,} of those that nobody got: most often left out by {RULES.get(rule, rule)}")
        print("  which ones: --json")
    if found.joined_later:
        print(
            f"{found.joined_later:,} of these readers joined after the first edition: what was published well before is "
            "not theirs; --coming shows what they will get"
        )


_COLUMNS = (
    *("edition", "readers", "nothing new", "articles", "picks", "minutes", "time too short", "nobody got"),
    *("KB", "too long", "making"),
)


def _row(turn: Turn) -> tuple[object, ...]:
    name = f"{turn.cadence} {turn.period}"
    if turn.is_empty:
        return (name, 0, 0, turn.articles, "no mail", *[""] * 6)
    sizes = turn.sizes
    return (
        name,
        turn.readers,
        turn.nothing_new,
        turn.articles,
        _three(turn.picks),
        f"{turn.minutes.median:g}" if turn.minutes else "",
        f"{turn.cut_short:.0%}" if turn.cut_short is not None else "",
        len(turn.nobody),
        f"{sizes.median_bytes / 1024:.0f}/{sizes.largest_bytes / 1024:.0f}" if sizes else "",
        f"{sizes.shortened} of {sizes.made}" if sizes else "",
        _seconds(turn.estimate_s) if turn.estimate_s is not None else "",
    )


def _three(spread: Spread | None) -> str:
    return f"{spread.least:g}/{spread.median:g}/{spread.most:g}" if spread else ""


def _seconds(estimate_s: float) -> str:
    return f"{estimate_s:.1f} s" if estimate_s < 120 else f"{estimate_s / 60:.0f} min"


def _heading(found: Simulation) -> str:
    weeks = (found.until - found.since).days // 7
    whom = f"{found.sampled:,} of {found.readers:,} readers" if found.sampled < found.readers else "all readers"
    when = f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}"
    if found.moved_weeks:
        moved = f"with the articles of the last {weeks} weeks moved forward by {weeks} weeks"
        return f"the coming {weeks} weeks, {when}, for {whom}, {moved}"
    return f"the last {weeks} weeks, {when}, for {whom}, as if nobody had had anything before"


def _causes(never: tuple[Story, ...]) -> Counter[str]:
    """Of each article the rule that left it out for most."""
    return Counter(max(story.rules, key=lambda rule: story.rules[rule]) for story in never if story.rules)
