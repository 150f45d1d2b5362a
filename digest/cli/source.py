"""digest source list | show | add | change | test, and digest collect"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import actor, open_app
from digest.cli.output import confirm, progress, show_fields, show_json, show_table
from digest.secrecy import fit_to_show, without_secrets

if TYPE_CHECKING:
    from digest.app import App
    from digest.model.source import Source

SHOWN = 10
"""Articles of a source that is looked at, the newest first."""

_OPTION = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="KEY=VALUE, e.g. url=https://example.org/feed.xml; JSON for lists"),
]


def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """All sources, with their last success, their errors, and when they are read next."""
    from dataclasses import asdict

    from digest.db.engine import reading
    from digest.sources.resting import rests_until
    from digest.sources.store.sources import list_sources

    app = open_app(context)
    now = app.clock.now()
    with reading(app.engine) as connection:
        found = list_sources(connection)
    found = [_shown(each) for each in found]
    due = {s.name: max(rests_until(s) or now, now) if s.is_enabled else None for s in found}
    if as_json:
        show_json([{**asdict(s), "next_due_at": due[s.name]} for s in found])
        return
    show_table(
        ("name", "kind", "on", "last success", "errors in a row", "last error", "at", "next due"),
        [
            (
                *(s.name, s.kind, s.is_enabled, s.last_success_at, s.errors_in_row, s.last_error, s.last_error_at),
                "at the next collect" if due[s.name] == now else due[s.name],
            )
            for s in found
        ],
        empty="no sources; add one: digest source add NAME feed -o url=https://example.org/feed.xml",
    )


def show(context: typer.Context, name: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """One source with its options (passwords in URLs are hidden)."""
    from dataclasses import asdict

    from digest.db.engine import reading
    from digest.sources.store.sources import get_source

    with reading(open_app(context).engine) as connection:
        found = asdict(_shown(get_source(connection, name)))
    show_json(found) if as_json else show_fields(found)


def add(
    context: typer.Context,
    name: str,
    kind: Annotated[str, typer.Argument(help="feed, page, folder, ...: see digest source kinds")],
    option: _OPTION = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Look at a source, show its first articles, and add it when you say so.

    In a terminal it asks for what the kind needs and was not given.

    Examples:
    digest source add site folder -o path=/srv/site/content -o base_url=https://example.org/
    digest source add site page -o sitemap=https://example.org/sitemap.xml
    digest source add blog feed -o url=https://example.org/feed.xml
    digest source add site sql -o url=postgresql://reader@db/site -o table=posts -o 'columns={"title": "headline"}'
    """
    from digest.flows.admin import sources

    app = open_app(context)
    options = _asked_for(kind, _options(option))
    _preview(app, name, kind, options)
    confirm(f"Add the source {name}?", yes=yes)
    sources.add(app.engine, name, kind, options, actor=actor(), now=app.clock.now())
    print(f"source {name} added; it is read before every edition, or now: digest collect {name}")


def change(
    context: typer.Context,
    name: str,
    option: _OPTION = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off")] = None,
) -> None:
    """Change options of a source (an empty VALUE removes one), or switch it on or off."""
    from digest.flows.admin import sources

    app = open_app(context)
    sources.change(app.engine, name, _options(option), enabled=enabled, actor=actor(), now=app.clock.now())
    print(f"source {name} changed")


def test(context: typer.Context, name: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Read a source from its beginning and show what it gives, each article with its summary and picture.

    Nothing is stored. With --json the articles as they would be stored; what was refused, and why, goes to the standard
    error.
    """
    from digest.db.engine import reading
    from digest.sources.store.sources import get_source

    app = open_app(context)
    with reading(app.engine) as connection:
        found = get_source(connection, name)
    _preview(app, name, found.kind, dict(found.options), as_json=as_json)


def kinds(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """All kinds of source with their options and defaults; with --json as JSON Schemas."""
    from digest.model.setting import json_schema
    from digest.sources.kinds import KINDS, settings_of_kind

    if as_json:
        show_json({kind: json_schema(each.Options, title=kind) for kind, each in KINDS.items()})
        return
    show_table(
        ("kind", "option", "default", "", "what it does"),
        [
            (
                kind,
                each.path,
                "(must be given)" if each.must_be_given else each.text(each.default),
                each.unit,
                each.help,
            )
            for kind in KINDS
            for each in settings_of_kind(kind).values()
        ],
        empty="",
    )


def discover(context: typer.Context, url: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Look what feeds and sitemaps a site has, and say how to add them. Nothing is stored.

    Example: digest source discover https://example.org
    """
    from urllib.parse import urlsplit

    from digest.sources.discover import discover

    app = open_app(context)
    found = discover(url if "://" in url else f"https://{url}", app.fetcher, now=app.clock.now())
    if as_json:
        show_json(found)
        return
    show_table(
        ("kind", "address", "articles", "newest", "trouble"),
        [(each.kind, each.url, each.articles, each.newest, each.trouble) for each in found],
        empty="this site names no feed and no sitemap; one article: digest article add URL",
    )
    name = (urlsplit(found[0].url).hostname or "site").removeprefix("www.").partition(".")[0] if found else ""
    for each in found:
        if not each.trouble:
            print(f"digest source add {name} {each.kind} -o {each.option}={each.url}")
            break


def collect(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="only these sources")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Read every source now and store what is new. Exit code 6 when a source could not be read.

    What was read is new, changed, as before, held or refused; for what is refused it says why.

    Example: digest collect blog
    """
    from digest.flows.collect import collect_sources

    app = open_app(context)
    with progress("collecting", None) as advance:
        reports = collect_sources(
            app.engine,
            app.fetcher,
            now=app.clock.now(),
            names=names or (),
            at_once=app.settings.collect.at_once,
            progress=lambda _name, count: advance(count),
            actor=actor(),
        )
    if as_json:
        show_json(reports)
    else:
        show_table(
            ("source", "read", "new", "changed", "as before", "held", "refused", "error"),
            [
                (
                    r.source,
                    r.read,
                    r.stored.new,
                    r.stored.changed,
                    r.stored.unchanged,
                    r.stored.held,
                    len(r.refused),
                    ("rests: " if r.is_resting else "") + r.error,
                )
                for r in reports
            ],
            empty="no sources; add one: digest source add --help",
        )
        for report in reports:
            if report.moved_to:
                moved_to = without_secrets(report.moved_to)
                print(f"{report.source}: it moved for good, and is read at {moved_to} from now on")
            for line in (*report.refused[:10], *report.cut[:10]):
                print(f"{report.source}: {line}")
            if report.stored.held:
                name, held = report.source, report.stored.held
                print(
                    f"{name}: {held} new articles at once are far more than usual; look: digest article held --source {name}"
                )
    if any(report.error for report in reports):
        raise typer.Exit(6)


def _preview(app: App, name: str, kind: str, options: dict[str, Any], *, as_json: bool = False) -> None:
    from itertools import islice

    from digest.model.source import Cursor
    from digest.sources.kinds import options_of, read

    checked = options_of(kind, options, name=name)
    pages = list(islice(read(kind, checked, Cursor(), now=app.clock.now(), fetcher=app.fetcher), 1))
    articles = [article for page in pages for article in page.articles]
    refused = [line for page in pages for line in page.refused]
    if as_json:
        show_json(articles)
        for line in refused:
            print(f"refused: {line}", file=sys.stderr)
        return
    newest = articles[-SHOWN:][::-1]
    show_table(
        ("published", "title", "authors", "topics", "language", "url"),
        [(a.published_at, a.title, a.authors, a.topics, a.language, a.url) for a in newest],
        empty="the source is readable, and has no articles",
    )
    if newest:  # what a reader would see of them
        pictures = [(f"{a.image.src} ({a.image.alt or 'no words for it'})" if a.image else "none") for a in newest]
        print()
        show_table(
            ("title", "summary", "picture"),
            [(a.title, a.summary or "none", picture) for a, picture in zip(newest, pictures, strict=True)],
            empty="",
        )
    for line in refused[:10]:
        print(f"refused: {line}")
    for line in [line for page in pages for line in page.cut][:10]:
        print(f"cut: {line}")


def _asked_for(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options, with those that the kind needs and that a person at the terminal gave now."""
    from digest.sources.kinds import KINDS, complete

    if kind not in KINDS or not sys.stdin.isatty():
        return options

    def ask(name: str, note: str = "", *, default: str | None = None, is_secret: bool = False) -> str:
        if note:
            print(f"{name}: {note}" if default is None else note)
        return str(typer.prompt(f"{kind}: {name}", default=default, show_default=bool(default), hide_input=is_secret))

    return complete(kind, options, ask)


def _options(given: list[str] | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for each in given or ():
        key, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"--option {each!r}: write KEY=VALUE")
        try:
            options[key] = json.loads(value) if value[:1] in "{[" and value else value
        except ValueError as cause:
            raise typer.BadParameter(f"--option {key}: not JSON: {cause}") from cause
    return options


def _shown(source: Source) -> Source:
    """Without its secrets; what was stored before errors kept none too."""
    options: Any = fit_to_show(source.options)
    last_error, stopped = without_secrets(source.last_error), without_secrets(source.stopped)
    return replace(source, options=options, last_error=last_error, stopped=stopped)
