"""The doors read arguments and show results: none of them writes, and what they import at most is a store to read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import digest

CODE = Path(digest.__file__).parent
DOORS = [path for name in ("cli", "web", "workers") for path in sorted((CODE / name).rglob("*.py"))]
DOORS.append(CODE / "scheduler.py")

WRITERS = {"writing", "rehearsing", "Writer"}


def faults(source: str) -> list[str]:
    """What a door must not do: open a transaction that writes, name a table, run a statement."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {each.name for each in node.names}
            found += [f"imports {name}" for name in names & WRITERS if node.module == "digest.db.engine"]
            found += [f"imports {node.module}"] * (node.module in ("digest.db.tables", "digest.db.rows"))
            found += ["imports tables"] * (node.module == "digest.db" and "tables" in names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found += [f"calls {node.func.attr}"] * (node.func.attr in ("execute", "exec_driver_sql", *WRITERS))
    return found


@pytest.mark.parametrize("path", DOORS, ids=lambda path: path.relative_to(CODE).as_posix())
def test_a_door_does_not_write(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "from digest.db.engine import reading, writing",
        "def f():\n    from digest.db.engine import rehearsing",
        "import digest.db.engine as e\nwith e.writing(engine): pass",
        "from digest.db.tables import article",
        "from digest.db import tables",
        "connection.execute(query)",
    ],
)
def test_one_that_did_would_be_seen(source: str) -> None:
    assert faults(source)


ROOMS = [path for name in ("audience", "delivery", "editions", "sources") for path in (CODE / name).rglob("*.py")]


def returned_rows(source: str) -> list[str]:
    """Public functions that say that they return rows of the database."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.returns is not None
        if "Row[" in ast.unparse(node.returns)
    ]


def test_a_store_returns_values_and_no_rows() -> None:
    assert returned_rows("def list_them() -> list[Row[Any]]: ...") == ["list_them"]
    assert {path.name: found for path in ROOMS if (found := returned_rows(path.read_text(encoding="utf-8")))} == {}
