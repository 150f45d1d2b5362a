"""digest article: bring articles in, look at them, and have them in the digest as an editor wants"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import actor, open_app
from digest.cli.output import confirm, show_fields, show_json, show_table
from digest.cli.report import import_file, show_import
from digest.cli.shapes import article_shape
from digest.db.engine import reading
from digest.errors import BadInput
from digest.flows.admin import articles
from digest.sources.store import curation
from digest.sources.store.sources import get_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from digest.app import App
    from digest.model.article import Article, StoredArticle

_JSON = Annotated[bool, typer.Option("--json")]
_IDS = Annotated[list[int] | None, typer.Argument(help="articles, by their numbers")]
_SOURCE = Annotated[str, typer.Option("--source", help="all that are held of this source")]
_YES = Annotated[bool, typer.Option("--yes", help="do not ask")]


# --- bring in --------------------------------------------------------------------------------------------------------


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON Lines or CSV")],
    encoding: Annotated[str, typer.Option(help="of the file, where it is not UTF-8")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")] = False,
    as_json: _JSON = False,
) -> None:
    """Store the articles of a file; running it twice changes nothing.

    Columns: url, title, published_at (ISO); and if you have them: key, authors, summary, image, image_alt, topics,
    language, words, minutes, reads, comment_count, comments, reviewer, reviewed_at, citation.

    Example: digest article import articles.jsonl
    """
    from digest.flows.importing import import_articles

    app = open_app(context)
    now = app.clock.now()
    report = import_file(
        file,
        lambda advance: import_articles(
            app.engine, file, now=now, encoding=encoding, dry_run=dry_run, progress=advance, actor=actor()
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
    from digest.sources.importing import article_of
    from digest.sources.page import read_page

    app = open_app(context)
    now = app.clock.now()
    read = None if title else read_page(url, app.fetcher, undated=now)
    row = {
        "url": url,
        "title": title or (read.title if read else ""),
        "published_at": published_at or now.isoformat(),
        "summary": summary,
        "authors": authors,
        "topics": topics,
        "image": image,
        "image_alt": image_alt,
        "minutes": minutes,
    }
    try:
        article = article_of({key: value for key, value in row.items() if value not in ("", None)}, is_typed=True)
    except ValueError as cause:
        raise BadInput(str(cause)) from cause
    if read is not None:
        article = _completed(article, read, keeps_date=bool(published_at))
        _say_what_was_found(article, is_dated=bool(published_at) or read.published_at != now)
    stored = articles.add(app.engine, article, is_page=read is not None, actor=actor(), now=now)
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


# --- look ------------------------------------------------------------------------------------------------------------


def list_(
    context: typer.Context,
    search: Annotated[str, typer.Option(help="part of the title")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: _JSON = False,
) -> None:
    """The articles that came last."""
    with reading(open_app(context).engine) as connection:
        found = curation.list_articles(connection, search=search, limit=limit)
    if as_json:
        show_json([article_shape(each) for each in found])
        return
    show_table(
        ("id", "published", "title", "topics", "hidden"),
        [(a.id, a.published_at, a.title, a.topics, each.hidden_at) for each in found for a in (each.article,)],
        empty="no articles; bring some in: digest article import FILE, or digest source add",
    )


def show(context: typer.Context, article_id: int, as_json: _JSON = False) -> None:
    """All that is known of one article."""
    with reading(open_app(context).engine) as connection:
        fields = article_shape(curation.get_article(connection, article_id))
    show_json(fields) if as_json else show_fields(fields)


# --- as an editor wants it -------------------------------------------------------------------------------------------


def change(
    context: typer.Context,
    article_id: int,
    title: Annotated[str | None, typer.Option()] = None,
    summary: Annotated[str | None, typer.Option()] = None,
    image_src: Annotated[str | None, typer.Option("--image", help="URL; empty for none")] = None,
    image_alt: Annotated[str | None, typer.Option(help="what is to be seen on it")] = None,
    section: Annotated[str | None, typer.Option(help="put it under this heading; empty: under its topic")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="show it as its source has it again")] = False,
) -> None:
    """Show an article otherwise than its source does, in the digest alone; later edits there change nothing of it.

    Editions that were built before keep it as it was.

    Example: digest article change 41 --title "The ferry is back" --section "From the harbour"
    """
    texts = {
        "title": title,
        "summary": summary,
        "image_src": image_src,
        "image_alt": image_alt,
        "section": section,
    }
    given = {name: text for name, text in texts.items() if text is not None}
    if not given and not reset:
        raise typer.BadParameter("say what to change: --title, --summary, --image, --image-alt, --section, or --reset")
    app = open_app(context)
    articles.edit(app.engine, article_id, given, reset=reset, actor=actor(), now=app.clock.now())
    print(f"article {article_id} changed: {', '.join(given) or 'as its source has it'}")


def hide(context: typer.Context, article_id: int) -> None:
    """Keep an article out of editions that are built from now on. Undo: digest article unhide"""
    app = open_app(context)
    articles.set_hidden(app.engine, article_id, True, actor=actor(), now=app.clock.now())
    print(f"article {article_id} is hidden from now on")


def unhide(context: typer.Context, article_id: int) -> None:
    """Let a hidden article into editions again."""
    app = open_app(context)
    articles.set_hidden(app.engine, article_id, False, actor=actor(), now=app.clock.now())
    print(f"article {article_id} is shown from now on")


def pin(
    context: typer.Context,
    article_id: int,
    order: Annotated[int, typer.Option(min=1, help="1 stands first")] = 1,
) -> None:
    """Make an article an editor's pick: where readers have digests of their own, it is for everybody, and stands first.

    It holds for editions that are built from now on, once for each reader. Undo: digest article unpin

    Example: digest article pin 41
    """
    app = open_app(context)
    articles.set_pin(app.engine, article_id, order, actor=actor(), now=app.clock.now())
    print(f"article {article_id} is for everybody from now on, in place {order}")


def unpin(context: typer.Context, article_id: int) -> None:
    """Let an article be chosen like any other again."""
    app = open_app(context)
    articles.set_pin(app.engine, article_id, None, actor=actor(), now=app.clock.now())
    print(f"article {article_id} is chosen like any other from now on")


def embargo(
    context: typer.Context,
    article_id: int,
    until: Annotated[str, typer.Argument(help="ISO date or instant; without a zone in UTC; empty: no embargo")],
) -> None:
    """Keep an article out of every edition that is due before an instant.

    Example: digest article embargo 41 2026-12-01T06:00+01:00
    """
    app = open_app(context)
    at = articles.put_off(app.engine, article_id, until, actor=actor(), now=app.clock.now())
    print(f"article {article_id} " + (f"is in no edition before {at:%Y-%m-%d %H:%M} UTC" if at else "has no embargo"))


def withdraw(context: typer.Context, article_id: int, yes: _YES = False) -> None:
    """Take an article out of every copy that did not go yet, also of an edition that is being sent, and hide it.

    Copies that went out cannot be called back; say so to those who have one: digest edition correct

    Example: digest article withdraw 41
    """
    app = open_app(context)
    with reading(app.engine) as connection:
        found = curation.get_article(connection, article_id)
    title = (found.edits or {}).get("title") or found.article.title
    confirm(f"{title}: no later copy of any edition will hold it. Go ahead?", yes=yes)
    touched = articles.withdraw(app.engine, app.press, article_id, actor=actor(), now=app.clock.now())
    where = f"taken out of edition {', '.join(map(str, touched))}" if touched else "in no edition that is not finished"
    print(f"article {article_id} is hidden, and {where}")


# --- those that came all at once -------------------------------------------------------------------------------------


def held(context: typer.Context, source: _SOURCE = "", as_json: _JSON = False) -> None:
    """Articles that came all at once and wait for you: a source had many times its usual news.

    Then: digest article release, digest article discard
    """
    found = _held(open_app(context), source)
    if as_json:
        show_json([article_shape(each) for each in found])
        return
    show_table(
        ("id", "source", "published", "title", "held since"),
        [(each.article.id, each.source, each.article.published_at, each.article.title, each.held_at) for each in found],
        empty="nothing is held",
    )


def release(context: typer.Context, article_ids: _IDS = None, source: _SOURCE = "", yes: _YES = False) -> None:
    """Let held articles into the next edition.

    Examples:
    digest article release 41 42
    digest article release --source blog
    """
    _let_go(context, article_ids, source, yes, articles.release, "go into the next edition that is built")


def discard(context: typer.Context, article_ids: _IDS = None, source: _SOURCE = "", yes: _YES = False) -> None:
    """Hide held articles: they are in no edition, and do not come again. Undo: digest article unhide

    Example: digest article discard --source blog
    """
    _let_go(context, article_ids, source, yes, articles.discard, "are hidden")


def _let_go(
    context: typer.Context, given: list[int] | None, source: str, yes: bool, act: Callable[..., int], what: str
) -> None:
    if bool(given) == bool(source):
        raise typer.BadParameter("say which: numbers of articles, or --source NAME")
    app = open_app(context)
    titles: dict[int, str] = {each.article.stored_id: each.article.title for each in _held(app, source)}
    ids = given or list(titles)
    if not ids:
        print("nothing is held")
        return
    for each in ids[:10]:
        print(f"{each}: {titles.get(each, 'not held')}")
    if len(ids) > 10:
        print(f"... and {len(ids) - 10} more")
    if all(each in titles for each in ids):
        confirm(f"These {len(ids)} {what}. Go ahead?", yes=yes)
    count = act(app.engine, ids, actor=actor(), now=app.clock.now())
    print(f"{count} {what}")


def _held(app: App, source: str) -> list[StoredArticle]:
    with reading(app.engine) as connection:
        return curation.list_held(connection, get_source(connection, source).id if source else None)
