"""Brings a database to this program's schema, and refuses to run on any other.

Every command asks which schema a database has; Alembic takes a third of a second to import, so only `upgrade` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError

from digest.db.engine import reading, writing
from digest.errors import DatabaseError, Next, Step
from digest.secrecy import without_secrets

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """Where a database stands.

    current   its revision, "" for an empty one
    wanted    this program's revision
    missing   revisions to run, oldest first; empty when current or when the database is newer than the program
    """

    current: str
    wanted: str
    missing: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        return self.current == self.wanted

    @property
    def is_newer(self) -> bool:
        return bool(self.current) and not self.is_current and not self.missing


def status(engine: Engine) -> SchemaStatus:
    """Compare the database's revision with ours; DatabaseError when it cannot be reached."""
    ours = _chain()
    try:
        with reading(engine) as connection:
            _check_encoding(engine, connection)
            is_there = inspect(connection).has_table("alembic_version")
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if is_there else None
    except DBAPIError as cause:
        raise DatabaseError(f"the database {_named(engine)} cannot be opened: {cause.orig}") from cause
    current = str(found or "")
    if current and current not in ours:
        return SchemaStatus(current=current, wanted=ours[-1], missing=())
    missing = ours[ours.index(current) + 1 :] if current else ours
    return SchemaStatus(current=current, wanted=ours[-1], missing=tuple(missing))


@cache
def _chain() -> list[str]:
    """Our revisions, oldest first. Each file is called as its revision, and names the one before it."""
    after: dict[str, str] = {}
    for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"):
        found = re.search(r'^down_revision = (?:"(\w+)"|None)', path.read_text("utf-8"), re.MULTILINE)
        after[found[1] or "" if found else ""] = path.stem
    chain = [after[""]]
    while chain[-1] in after:
        chain.append(after[chain[-1]])
    return chain


def _check_encoding(engine: Engine, connection: Connection) -> None:
    """Names and titles are of all the world; in LATIN1 the first one beyond it would end a command in the middle."""
    if engine.dialect.name == "postgresql":
        encoding = connection.exec_driver_sql("SELECT current_setting('server_encoding')").scalar()
        if encoding not in ("UTF8", b"UTF8"):
            raise DatabaseError(
                f"the database {_named(engine)} has the encoding {encoding}; it must be UTF8: "
                "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )


def check(engine: Engine) -> None:
    """Raise DatabaseError unless the schema is exactly ours."""
    found = status(engine)
    if found.is_current:
        return
    if found.is_newer:
        raise DatabaseError(
            f"the database {_named(engine)} has schema {found.current}, newer than this program knows "
            f"({found.wanted}); install the newer digest"
        )
    state = f"has the older schema {found.current}" if found.current else "is empty"
    raise DatabaseError(
        f"the database {_named(engine)} {state} (wanted: {found.wanted})", next=Next(Step.UPGRADE_DATABASE)
    )


def upgrade(engine: Engine) -> tuple[str, ...]:
    """Run what is missing, in one transaction per database that can; returns the revisions that were run."""
    before = status(engine)
    if before.is_newer:
        check(engine)
    if before.missing:
        from alembic import command

        config = _config()
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return before.missing


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _named(engine: Engine) -> str:
    return without_secrets(engine.url.render_as_string(hide_password=True))
