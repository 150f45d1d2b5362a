"""What --json prints is a contract: docs/json.md lists it, and the commands keep to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digest.cli.tree import command
from tests.cli.test_audited import ADDRESS, DRAFT, EVENT, OF, digest
from tests.command import Command

__all__ = ["digest"]  # the fixture

DOCUMENT = Path(__file__).parents[2] / "docs/json.md"

FEED = ("source", "add", "blog", "feed", "-o", "file=feed.json", "--yes")
SENT = (DRAFT, ("edition", "send", 1, "--yes"))
BOX = ("sponsor", "add", "harbour", "--by", "Bank", "--url", "https://b.example", "--title", "Save")

Line = tuple[object, ...]

CALLS: dict[str, tuple[Line, ...]] = {
    # what is called before, and last the arguments of the command itself
    "newsletter list": ((),),
    "newsletter show": (("harbour",),),
    "newsletter schedule": (("harbour",),),
    "newsletter simulate": (("harbour",),),
    "newsletter settings": ((),),
    "subscriber import": (("readers.csv", *OF),),
    "subscriber list": ((),),
    "subscriber show": ((ADDRESS,),),
    "subscriber choose": ((ADDRESS, *OF),),
    "article import": (("articles.jsonl",),),
    "article list": ((),),
    "article show": ((1,),),
    "article held": ((),),
    "source kinds": ((),),
    "source list": (FEED, ()),
    "source show": (FEED, ("blog",)),
    "source test": (FEED, ("blog",)),
    "collect": (FEED, ()),
    "edition build": (DRAFT[2:],),
    "edition list": (DRAFT, ()),
    "edition show": (DRAFT, (1,)),
    "edition send": (DRAFT, (1, "--yes")),
    "event list": (EVENT, ("harbour",)),
    "sponsor list": (BOX, ("harbour",)),
    "explain": (*SENT, (1, ADDRESS)),
    "audit": (*SENT, (1,)),
    "log": ((),),
    "run-due": ((),),
    "keys list": (*SENT, ()),
    "db status": ((),),
    "notice list": (("notice", "test", "me@example.org"), ()),
}

ELSEWHERE = {"doctor", "source discover", "subscriber sync", "edition watch", "dkim show"}
"""Lists without names; needs a site; tests/cli/test_sync.py; goes on; needs a key."""


def leaves(found: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, each in (found or command()).commands.items():
        yield from leaves(each, (*path, name)) if hasattr(each, "commands") else [(" ".join((*path, name)), each)]


def documented() -> dict[str, list[str]]:
    rows = re.findall(r"^\| `digest ([a-z -]+) --json` \| [^|]* \| ([^|]*) \|$", DOCUMENT.read_text("utf-8"), re.M)
    return {name: re.findall(r"`([^`]+)`", fields) for name, fields in rows}


def test_every_command_with_json_is_documented() -> None:
    with_json = {name for name, each in leaves() if any("--json" in option.opts for option in each.params)}
    assert with_json == set(documented()) == {*CALLS, *ELSEWHERE}


@pytest.mark.parametrize("name", CALLS)
def test_the_fields_are_those_of_the_document(name: str, digest: Command) -> None:
    *before, arguments = CALLS[name]
    for each in before:
        digest(*each)
    found = digest.json(*name.split(), *arguments)
    assert found, "nothing to be seen: say in CALLS how there is something"
    first = found[0] if isinstance(found, list) else found
    assert sorted(first) == sorted(documented()[name])
