"""digest explain, digest edition recreate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_fields, show_json, show_table

if TYPE_CHECKING:
    from digest.editions.select import Decision

_RULES = {
    "had": "was in another copy of theirs",
    "muted": "they muted its topic, its author or this kind of recommendation",
    "other": "they follow other topics or authors",
    "before": "was published before their first edition could have it",
    "expired": "was passed over in as many editions as it may be",
    "fewer": "one article of its topic is enough for them",
    "budget": "would take longer to read than their time",
    "full": "did not fit; comes again",
    "few": "too little else was new for them",
    "withdrawn": "was withdrawn before their copy was made",
    "unsent": "was chosen for their copy, which was not sent",
}


def explain(
    context: typer.Context,
    edition_id: int,
    address: str,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Why this reader got the edition or did not, why each article was in it or not, and what the servers answered.

    Example: digest explain 12 mira@example.org
    """
    from digest.flows.explain import explain as explained
    from digest.model.choices import choices_to_json

    app = open_app(context)
    found = explained(app.engine, edition_id, address, now=app.clock.now())
    if as_json:
        show_json(found)
        return
    chosen = ", ".join(f"{key} {value}" for key, value in choices_to_json(found.choices).items()) or "none"
    show_fields(
        {
            "reader": found.address,
            "edition": f"{edition_id} of {found.newsletter}, {found.edition.cadence} {found.edition.period}",
            "what became of it": found.why,
            "may go from": found.arrives_at,
            "choices": chosen + (" (changed since)" if found.changed_since else ""),
        }
    )
    rows = [
        (number if each.rule == "picked" else "-", each.candidate.article.title, each.candidate.section, _why(each))
        for number, each in enumerate(found.decisions, 1)
    ]
    show_table(("", "article", "section", "why"), rows, empty="no article was looked at")
    if found.attempts:
        show_table(
            ("tried at", "channel", "stage", "verdict", "answer"),
            [
                (a.at, a.channel, a.stage, a.verdict, f"{a.code or ''} {a.enhanced} {a.text}".strip())
                for a in found.attempts
            ],
            empty="",
        )


def _why(decision: Decision) -> str:
    if decision.reason is None:
        return _RULES.get(decision.rule, str(decision.rule))
    kind, subject = decision.reason.kind, decision.reason.subject
    return {
        "new": f"new in {subject}" if subject else "new",
        "topic": f"they follow {subject}",
        "author": f"they follow {subject}",
        "editor": "editor's pick",
        "popular": "among the most read",
    }[kind]


def recreate(
    context: typer.Context,
    edition_id: int,
    address: str,
    out: Annotated[Path | None, typer.Option(help="file to write; else standard output")] = None,
) -> None:
    """The message that this reader got, byte for byte.

    Example: digest edition recreate 12 mira@example.org --out copy.eml
    """
    import sys

    from digest.flows import publish
    from digest.flows.explain import recreate as recreated

    app = open_app(context)
    maker = publish.open_maker(app.engine, app.press, edition_id)
    raw = recreated(app.engine, maker, edition_id, address, links_at=app.links_at)
    if out is None:
        sys.stdout.buffer.write(raw)
        return
    out.write_bytes(raw)
    print(f"wrote {out} ({len(raw):,} bytes)")
