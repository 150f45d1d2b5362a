"""digest article import | add | list | show | change | hide | unhide"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import open_app
from digest.cli.output import show_fields, show_json, show_table
from digest.cli.report import import_file, show_import

if TYPE_CHECKING:
    from digest.model.article import Article


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON Lines or CSV")],
    encoding: Annotated[str, typer.Option(help="of the file, where it is not UTF-8")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Store the articles of a file; running it twice changes nothing.

    Columns: url, title, published_at (ISO); and if you have them: key, authors, summary, image, image_alt, topics,
    language, words, minutes, reads, comment_count, comments, reviewer, reviewed_at, citation.

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


def add(
    context: typer.Context,
    url: str,
    title: Annotated[
        str, typer.Option(help="without it the page is read; what you give goes before what it says")
    ] = "",
    published_at: Annotated[str, typer.Option(help="ISO date or instant; now if neither you nor the page say")] = "",
    summary: Annotated[str, typer.Option()] = "",
    authors: Annotated[str, typer.Option(help='separated by semicolons: "Ana Kovač; Jonas Meier"')] = "",
    topics: Annotated[str, typer.Option(help="separated by semicolons; the first is its section")] = "",
    image: Annotated[str, typer.Option(help="URL")] = "",
    image_alt: Annotated[str, typer.Option()] = "",
    minutes: Annotated[int | None, typer.Option(min=1, help="reading time")] = None,
) -> None:
    """Add one article. One that is there already, by its address, is brought up to date.

    Examples:
    digest article add https://example.org/ferry
    digest article add https://example.org/ferry --title "The ferry is back" --topics City
    """
    from digest.db.engine import writing
    from digest.errors import BadInput
    from digest.sources.articles import put_articles
    from digest.sources.importing import article_of
    from digest.sources.page import read_page

    app = open_app(context)
    now = app.clock.now()
    row = {
        "url": url,
        "title": title,
        "published_at": published_at or now.isoformat(),
        "summary": summary,
        "authors": authors,
        "topics": topics,
        "image": image,
        "image_alt": image_alt,
        "minutes": minutes,
    }
    read = None if title else read_page(url, app.fetcher, undated=now)
    row["title"] = title or (read.title if read else "")
    try:
        article = article_of({key: value for key, value in row.items() if value not in ("", None)}, is_typed=True)
    except ValueError as cause:
        raise BadInput(str(cause)) from cause
    if read is not None:
        article = _completed(article, read, keeps_date=bool(published_at))
        _say_what_was_found(article, is_dated=bool(published_at) or read.published_at != now)
    with writing(app.engine) as connection:
        stored = put_articles(connection, [article], source_id=None, now=now, is_pages=read is not None)
    print(f"{article.title}: {'added' if stored.new else 'changed' if stored.changed else 'was there already'}")


def _completed(given: Article, read: Article, *, keeps_date: bool) -> Article:
    """What a person gave, and for the rest what the page says."""
    return replace(
        read,
        title=given.title,
        published_at=given.published_at if keeps_date else read.published_at,
        summary=given.summary or read.summary,
        authors=given.authors or read.authors,
        topics=given.topics or read.topics,
        image=given.image or read.image,
        minutes=given.minutes,
    )


def _say_what_was_found(article: Article, *, is_dated: bool) -> None:
    show_fields(
        {
            "url": article.url,
            "title": article.title,
            "published": article.published_at,
            "authors": article.authors,
            "topics": article.topics,
            "summary": article.summary,
            "image": article.image.src if article.image else "",
            "words": article.words,
        }
    )
    if not is_dated:
        print("the page does not say when it was published: taken as now; --published-at says otherwise")


def list_(
    context: typer.Context,
    search: Annotated[str, typer.Option(help="part of the title")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The articles that came last."""
    from digest.db.engine import reading
    from digest.sources.articles import list_articles

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


def show(context: typer.Context, article_id: int, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """All that is known of one article."""
    from digest.db.engine import reading
    from digest.sources.articles import get_article

    with reading(open_app(context).engine) as connection:
        fields = _fields(get_article(connection, article_id))
    show_json(fields) if as_json else show_fields(fields)


def hide(context: typer.Context, article_id: int) -> None:
    """Keep an article out of editions that are built from now on. Undo: digest article unhide"""
    _set_hidden(context, article_id, is_hidden=True)


def unhide(context: typer.Context, article_id: int) -> None:
    """Let a hidden article into editions again."""
    _set_hidden(context, article_id, is_hidden=False)


def _set_hidden(context: typer.Context, article_id: int, *, is_hidden: bool) -> None:
    from digest.db.engine import writing
    from digest.sources.articles import change_article, get_article

    app = open_app(context)
    with writing(app.engine) as connection:
        get_article(connection, article_id)
        change_article(connection, article_id, hidden_at=app.clock.now() if is_hidden else None)
    print(f"article {article_id} is {'hidden' if is_hidden else 'shown'} from now on")


def _fields(row: Any) -> dict[str, object]:
    return dict(row._mapping)
