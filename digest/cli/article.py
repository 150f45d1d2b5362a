"""digest article import | list | show | change | hide | unhide"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.context import open_app
from digest.cli.output import show_fields, show_json, show_table
from digest.cli.report import import_file, show_import

tree = typer.Typer(help="Articles: bring them in, look, mend, hide.", no_args_is_help=True)


@tree.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON Lines or CSV")],
    encoding: Annotated[str, typer.Option(help="of the file, where it is not UTF-8")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Store the articles of a file; running it twice changes nothing.

    Columns: url, title, published_at (ISO); and if you have them: key, authors, summary, image, image_alt, topics,
    language, words, minutes, comment_count, comments, reviewer, reviewed_at, citation.

    Example: digest article import articles.jsonl
    """
    from digest.flows.importing import import_articles

    app = open_app(context)
    report = import_file(
        file,
        lambda advance: import_articles(
            app.engine, file, now=app.clock.now(), encoding=encoding, dry_run=dry_run, progress=advance
        ),
    )
    show_import(report, dry_run=dry_run, as_json=as_json)


@tree.command("list")
def list_(
    context: typer.Context,
    search: Annotated[str, typer.Option(help="part of the title")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The articles that came last."""
    from digest.db.engine import reading
    from digest.sources.store import list_articles

    with reading(open_app(context).engine) as connection:
        rows = list_articles(connection, search=search, limit=limit)
    if as_json:
        show_json([_fields(row) for row in rows])
        return
    show_table(
        ("id", "published", "title", "topics", "hidden"),
        [(row.id, row.published_at, row.title, row.topics, row.hidden_at) for row in rows],
        empty="no articles; bring some in: digest article import FILE, or digest source add",
    )


@tree.command()
def show(context: typer.Context, article_id: int, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """All that is known of one article."""
    from digest.db.engine import reading
    from digest.sources.store import get_article

    with reading(open_app(context).engine) as connection:
        fields = _fields(get_article(connection, article_id))
    show_json(fields) if as_json else show_fields(fields)


@tree.command()
def change(
    context: typer.Context,
    article_id: int,
    title: Annotated[str | None, typer.Option()] = None,
    summary: Annotated[str | None, typer.Option()] = None,
    image: Annotated[str | None, typer.Option(help="URL; empty for none")] = None,
    image_alt: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Mend an article. Editions that were built before keep it as it was."""
    from digest.db.engine import writing
    from digest.errors import BadInput
    from digest.sources.dedupe import is_web_url
    from digest.sources.store import change_article, get_article

    given = {"title": title, "summary": summary, "image_src": image, "image_alt": image_alt}
    values = {key: value for key, value in given.items() if value is not None}
    if not values:
        raise typer.BadParameter("say what to change: --title, --summary, --image, --image-alt")
    if image and not is_web_url(image):
        raise BadInput(f"{image!r} is no web address")
    app = open_app(context)
    with writing(app.engine) as connection:
        get_article(connection, article_id)
        change_article(connection, article_id, **values, updated_at=app.clock.now())
    print(f"article {article_id} changed: {', '.join(values)}")


@tree.command()
def hide(context: typer.Context, article_id: int) -> None:
    """Keep an article out of editions that are built from now on. Undo: digest article unhide"""
    _set_hidden(context, article_id, is_hidden=True)


@tree.command()
def unhide(context: typer.Context, article_id: int) -> None:
    """Let a hidden article into editions again."""
    _set_hidden(context, article_id, is_hidden=False)


def _set_hidden(context: typer.Context, article_id: int, *, is_hidden: bool) -> None:
    from digest.db.engine import writing
    from digest.sources.store import change_article, get_article

    app = open_app(context)
    with writing(app.engine) as connection:
        get_article(connection, article_id)
        change_article(connection, article_id, hidden_at=app.clock.now() if is_hidden else None)
    print(f"article {article_id} is {'hidden' if is_hidden else 'shown'} from now on")


def _fields(row: Any) -> dict[str, object]:
    return dict(row._mapping)
