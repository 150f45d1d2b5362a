"""What an error says at the shell; and that no message below the doors speaks shell by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from digest.cli import words
from digest.cli.tree import command
from digest.errors import BadInput, Next, NotFound, Step
from tests.command import ADD, Command

CODE = Path(words.__file__).parents[1]
DOORS = ("cli", "demo", "config")  # config: its texts are those of the settings file
SHELL = re.compile(
    r"\bdigest [a-z-]+ [a-z]|\bdigest (?:collect|explain|serve|run-due|doctor)\b|(?<![\w-])--[a-z]{2,}(?!-->)"
)


def messages(path: Path) -> Iterator[str]:
    """Texts of a file that are no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def test_no_message_below_the_doors_names_a_command_or_an_option() -> None:
    below = [path for path in CODE.rglob("*.py") if path.relative_to(CODE).parts[0] not in DOORS]
    assert len(below) > 100
    spoken = [f"{path.name}: {text}" for path in below for text in messages(path) if SHELL.search(text)]
    assert [each for each in spoken if "<!--" not in each and "digest stumbled" not in each] == []


def test_every_step_has_its_words() -> None:
    assert {each for each in Step if each not in words._STEPS} == set()


@pytest.mark.parametrize("step", Step)
def test_the_words_of_a_step_name_a_command_that_there_is(step: Step) -> None:
    names = {name: name for _, name, _, _ in Formatter().parse(words._STEPS[step]) if name}
    said = words.step(Next(step, names))
    for line in re.findall(r"digest ([a-z-]+(?: [a-z-]+)?)", said):
        found = command()
        for word in line.split():
            found = found.commands[word] if word in getattr(found, "commands", {}) else found
        assert found is not command()


def test_an_error_names_the_option_that_its_field_was_given_by() -> None:
    change = command().commands["newsletter"].commands["change"]
    assert words.option_of(change, "max_items") == "--max-items"
    assert words.option_of(change, "name") == "NAME"
    assert words.option_of(change, "nothing") == "nothing"


def test_a_sentence_has_the_place_and_the_step() -> None:
    error = NotFound("there is no edition 9", next=Next(Step.LIST_EDITIONS))
    assert words.sentence(error) == "there is no edition 9; see: digest edition list"
    error = BadInput("empty", field="title")
    error.where = "--title"
    assert words.sentence(error) == "--title: empty"


def test_who_did_what_is_found_at_the_shell(tmp_path: Path) -> None:
    (tmp_path / "digest.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/digest.sqlite"\n')
    digest = Command(tmp_path)
    digest("db", "upgrade")
    digest(*ADD)
    digest("newsletter", "change", "harbour", "--max-items", 12)
    assert "newsletter.change" in digest("log")
    acts = digest.json("log", "--newsletter", "harbour", "--action", "newsletter.change")
    assert [(each["actor"]["kind"], each["after"]["max_items"]) for each in acts] == [("cli", 12)]
    assert digest.json("log", "--actor", "scheduler") == []
    assert "there is no newsletter 'nothing'" in digest("log", "--newsletter", "nothing", code=4)
    assert "--actor: there is no kind of actor 'who'" in digest("log", "--actor", "who:anna", code=6)
