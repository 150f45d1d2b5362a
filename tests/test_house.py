"""The house's own rules: one version, an install that can be repeated, and checks that are the same everywhere."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import digest

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONSTRAINTS = ROOT / "constraints.txt"
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", CONSTRAINTS.read_text("utf-8"), re.M)
}


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


# --- the version -----------------------------------------------------------------------------------------------------


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "digest/__init__.py"


def test_the_newest_section_of_the_changelog_is_of_this_version() -> None:
    newest = re.search(r"^## (\S+), (unreleased|20\d\d-\d\d-\d\d)$", read("CHANGELOG.md"), re.M)
    assert newest is not None
    assert newest[1] == digest.__version__


# --- what is installed -----------------------------------------------------------------------------------------------


def wanted() -> Iterator[Requirement]:
    """What pyproject.toml asks for on this machine."""
    project = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    for each in (Requirement(text) for texts in lists for text in texts):
        if each.marker is None or each.marker.evaluate():
            yield each


def with_all_below(asked: Iterator[Requirement]) -> Iterator[Requirement]:
    """And what those ask for, as far as they are installed."""
    todo, seen = list(asked), set()
    while todo:
        one = todo.pop()
        yield one
        key = (canonicalize_name(one.name), *sorted(one.extras))
        if key in seen:
            continue
        seen.add(key)
        for text in metadata.requires(one.name) or ():
            below = Requirement(text)
            extras = [{"extra": extra} for extra in one.extras] or [{"extra": ""}]
            if below.marker is None or any(below.marker.evaluate(extra) for extra in extras):
                todo.append(below)


def test_the_constraints_name_a_version_of_everything_that_is_wanted() -> None:
    for one in with_all_below(wanted()):
        version = PINNED.get(canonicalize_name(one.name))
        assert version, f"constraints.txt has no {one.name}; make constraints"
        assert one.specifier.contains(version, prereleases=True), f"{one} is not {version}; make constraints"


def test_the_constraints_name_no_place_to_get_them_from() -> None:
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    assert lines == sorted(lines, key=str.lower)
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+", line)] == []


# --- sizes ------------------------------------------------------------------------------------------------------------

MAX_LINES, MAX_FUNCTION, MAX_PARAMETERS = 400, 60, 8

LARGER = {
    "cli/article.py add",
    "cli/choices.py choose",
    "cli/event.py add",
    "cli/event.py change",
    "cli/log.py log",
    "cli/sponsor.py add",
    "cli/sponsor.py sponsor",
    "cli/subscriber.py import_",
    "flows/dispatch/commits.py __init__",
    "flows/dispatch/planning.py plan",
    "flows/dispatch/report.py __init__",
    "flows/dispatch/sender.py",
    "flows/dispatch/sender.py __init__",
    "flows/dispatch/stock.py __init__",
    "flows/dispatch/undecided.py __init__",
    "flows/importing.py import_subscribers",
    "flows/suppressing.py suppress_file",
}
"""What is larger today. Take out what you cut; nothing comes in without its reason in docs/DECISIONS.md."""


def larger() -> Iterator[str]:
    for path in sorted((ROOT / "digest").rglob("*.py")):
        name = path.relative_to(ROOT / "digest").as_posix()
        if name.startswith("db/migrations/versions/"):
            continue
        text = path.read_text("utf-8")
        if text.count("\n") > MAX_LINES:
            yield name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                parameters = len(node.args.posonlyargs) + len(node.args.args) + len(node.args.kwonlyargs)
                if lines > MAX_FUNCTION or parameters > MAX_PARAMETERS:
                    yield f"{name} {node.name}"


def test_no_file_and_no_function_is_larger_than_one_can_hold_in_mind() -> None:
    assert set(larger()) - LARGER == set()


# --- what is checked -------------------------------------------------------------------------------------------------


def test_a_commit_is_checked_as_make_check_does_it() -> None:
    [repository] = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["make check"]


def test_the_workflow_runs_what_a_developer_runs_on_every_python() -> None:
    jobs = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    commands = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert ".ci/run" in commands
    assert "make quick LOWEST=1" in commands
    assert read(".ci/run").splitlines()[-1] == "make test"


def test_make_help_tells_of_every_target() -> None:
    makefile = read("Makefile")
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)
    assert set(re.findall(r"^([a-z]+):.*## ", makefile, re.M)) == set(phony.split())
    for target in re.findall(r"`make ([a-z]+)", read("CONTRIBUTING.md") + read("README.md")):
        assert target in phony.split(), target


def test_files_that_contributing_names_exist() -> None:
    named = re.findall(r"`((?:digest|docs|tests)/[\w/.-]+\.\w+)`", read("CONTRIBUTING.md"))
    assert len(named) > 10
    assert [file for file in named if not (ROOT / file).exists()] == []
