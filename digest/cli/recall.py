"""digest article withdraw | pin | unpin, digest edition correct: what an editor does when something is wrong, or good"""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.context import actor, open_app
from digest.cli.output import confirm

_YES = Annotated[bool, typer.Option("--yes", help="do not ask")]


def withdraw(context: typer.Context, article_id: int, yes: _YES = False) -> None:
    """Take an article out of every copy that did not go yet, also of an edition that is being sent, and hide it.

    Copies that went out cannot be called back; say so to those who have one: digest edition correct

    Example: digest article withdraw 41
    """
    from digest.db.engine import reading
    from digest.editions.articles import find_article
    from digest.errors import NotFound
    from digest.flows import withdrawal

    app = open_app(context)
    with reading(app.engine) as connection:
        found = find_article(connection, article_id)
    if found is None:
        raise NotFound(f"there is no article {article_id}; see: digest article list")
    confirm(f"{found.title}: no later copy of any edition will hold it. Go ahead?", yes=yes)
    touched = withdrawal.withdraw(app.engine, app.press, article_id, now=app.clock.now(), actor=actor())
    where = f"taken out of edition {', '.join(map(str, touched))}" if touched else "in no edition that is not finished"
    print(f"article {article_id} is hidden, and {where}")


def pin(
    context: typer.Context,
    article_id: int,
    order: Annotated[int, typer.Option(min=1, help="1 stands first")] = 1,
) -> None:
    """Make an article an editor's pick: where readers have digests of their own, it is for everybody, and stands first.

    It holds for editions that are built from now on, once for each reader. Undo: digest article unpin

    Example: digest article pin 41
    """
    _set_pin(context, article_id, order)
    print(f"article {article_id} is for everybody from now on, in place {order}")


def unpin(context: typer.Context, article_id: int) -> None:
    """Let an article be chosen like any other again."""
    _set_pin(context, article_id, None)
    print(f"article {article_id} is chosen like any other from now on")


def _set_pin(context: typer.Context, article_id: int, order: int | None) -> None:
    from digest.db.engine import writing
    from digest.sources.articles import change_article, get_article

    app = open_app(context)
    with writing(app.engine) as connection:
        get_article(connection, article_id)
        change_article(connection, article_id, pin=order)


def correct(
    context: typer.Context,
    edition_id: int,
    article: Annotated[int, typer.Option(help="its number in the edition: digest edition show")],
    subject: Annotated[str, typer.Option(help='"Correction: ..."')],
    note: Annotated[str, typer.Option(help="what was wrong and what is right")],
) -> None:
    """Make a correction for exactly those whose copy of an edition held this article. It waits for you to send it.

    It shows the article as it is now: mend it first, with digest article change.

    Example: digest edition correct 12 --article 3 --subject "Correction: the ferry" --note "It leaves at 6:40, not at 7."
    """
    from digest.flows import publish
    from digest.model.address import clean_line
    from digest.model.newsletter import Note

    app = open_app(context)
    found = publish.correct(
        app.engine,
        edition_id,
        article - 1,
        subject=clean_line(subject),
        note=Note(text=clean_line(note)),
        now=app.clock.now(),
        actor=actor(),
    )
    print(f"edition {found} corrects edition {edition_id}")
    print(f"next: digest edition preview {found}, then digest edition send {found}")
