"""digest article change | embargo | held | release | discard: how an editor has the articles in the digest"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.arguments import in_bounds, line, link
from digest.cli.context import open_app
from digest.cli.output import confirm, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from digest.app import App

_IDS = Annotated[list[int] | None, typer.Argument(help="articles, by their numbers")]
_SOURCE = Annotated[str, typer.Option("--source", help="all that are held of this source")]
_YES = Annotated[bool, typer.Option("--yes", help="do not ask")]


def change(
    context: typer.Context,
    article_id: int,
    title: Annotated[str | None, typer.Option()] = None,
    summary: Annotated[str | None, typer.Option()] = None,
    image: Annotated[str | None, typer.Option(help="URL; empty for none")] = None,
    image_alt: Annotated[str | None, typer.Option(help="what is to be seen on it")] = None,
    section: Annotated[str | None, typer.Option(help="put it under this heading; empty: under its topic")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="show it as its source has it again")] = False,
) -> None:
    """Show an article otherwise than its source does, in the digest alone; later edits there change nothing of it.

    Editions that were built before keep it as it was.

    Example: digest article change 41 --title "The ferry is back" --section "From the harbour"
    """
    from digest.db.engine import writing
    from digest.errors import BadInput
    from digest.sources.articles import edit_article

    given = {"title": title, "summary": summary, "image_src": image, "image_alt": image_alt, "section": section}
    edits = {key: line(f"--{key}".replace("_", "-"), value) for key, value in given.items() if value is not None}
    if not edits and not reset:
        raise typer.BadParameter("say what to change: --title, --summary, --image, --image-alt, --section, or --reset")
    if image is not None:
        edits["image_src"] = link("--image", image)
    if edits.get("title") == "":
        raise BadInput("an article needs a title; as its source has it: --reset")
    app = open_app(context)
    with writing(app.engine) as connection:
        if reset:
            edit_article(connection, article_id, None, now=app.clock.now())
        if edits:
            edit_article(connection, article_id, edits, now=app.clock.now())
    print(f"article {article_id} changed: {', '.join(edits) or 'as its source has it'}")


def embargo(
    context: typer.Context,
    article_id: int,
    until: Annotated[str, typer.Argument(help="ISO date or instant; without a zone in UTC; empty: no embargo")],
) -> None:
    """Keep an article out of every edition that is due before an instant.

    Example: digest article embargo 41 2026-12-01T06:00+01:00
    """
    from datetime import UTC, datetime

    from digest.db.engine import writing
    from digest.errors import BadInput
    from digest.sources.articles import get_article, put_off

    try:
        at = datetime.fromisoformat(until) if until else None
    except ValueError as cause:
        raise BadInput(f"{until!r} is no ISO date or instant: write 2026-12-01 or 2026-12-01T06:00+01:00") from cause
    if at is not None:
        at = in_bounds("UNTIL", at).replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    app = open_app(context)
    with writing(app.engine) as connection:
        get_article(connection, article_id)
        put_off(connection, article_id, at)
    print(f"article {article_id} " + (f"is in no edition before {at:%Y-%m-%d %H:%M} UTC" if at else "has no embargo"))


def held(
    context: typer.Context,
    source: _SOURCE = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Articles that came all at once and wait for you: a source had many times its usual news.

    Then: digest article release, digest article discard
    """
    rows = _held(open_app(context), source)
    if as_json:
        show_json([dict(row._mapping) for row in rows])
        return
    show_table(
        ("id", "source", "published", "title", "held since"),
        [(row.id, row.source_name, row.published_at, row.title, row.held_at) for row in rows],
        empty="nothing is held",
    )


def release(context: typer.Context, article_ids: _IDS = None, source: _SOURCE = "", yes: _YES = False) -> None:
    """Let held articles into the next edition.

    Examples:
    digest article release 41 42
    digest article release --source blog
    """
    from digest.sources.articles import release

    _let_go(context, article_ids, source, yes, release, "go into the next edition that is built")


def discard(context: typer.Context, article_ids: _IDS = None, source: _SOURCE = "", yes: _YES = False) -> None:
    """Hide held articles: they are in no edition, and do not come again. Undo: digest article unhide

    Example: digest article discard --source blog
    """
    from digest.sources.articles import discard

    _let_go(context, article_ids, source, yes, discard, "are hidden")


def _let_go(
    context: typer.Context, given: list[int] | None, source: str, yes: bool, act: Callable[..., int], what: str
) -> None:
    from digest.db.engine import writing
    from digest.errors import NotFound

    if bool(given) == bool(source):
        raise typer.BadParameter("say which: numbers of articles, or --source NAME")
    app = open_app(context)
    waiting = {row.id: row for row in _held(app, source)}
    ids = given or list(waiting)
    if missing := [each for each in ids if each not in waiting]:
        raise NotFound(f"not held: {', '.join(map(str, missing))}; see: digest article held")
    if not ids:
        print("nothing is held")
        return
    for each in ids[:10]:
        print(f"{each}: {waiting[each].title}")
    if len(ids) > 10:
        print(f"... and {len(ids) - 10} more")
    confirm(f"These {len(ids)} {what}. Go ahead?", yes=yes)
    with writing(app.engine) as connection:
        count = act(connection, ids, now=app.clock.now())
    print(f"{count} {what}")


def _held(app: App, source: str) -> list[Any]:
    from digest.db.engine import reading
    from digest.sources.articles import list_held
    from digest.sources.store import get_source

    with reading(app.engine) as connection:
        return list_held(connection, get_source(connection, source).id if source else None)
