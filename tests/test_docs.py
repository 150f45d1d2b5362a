"""What the documents say is true: commands, options, keys, RFCs, rooms, tables, links, decisions, errors, tests.

The commands of README.md are run, and the template of docs/guide.md is used. Each check fails when its document does
not say what the code is, and most of them the other way round too.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

import digest
from digest import config, errors
from digest.cli.tree import command
from digest.config import sample
from digest.db.tables import metadata
from tests.command import Command

ROOT = Path(__file__).parents[1]
README, GUIDE, FLOW = ROOT / "README.md", ROOT / "docs/guide.md", ROOT / "docs/flow.md"
DECISIONS, STANDARDS = ROOT / "docs/DECISIONS.md", ROOT / "docs/STANDARDS.md"
DOCUMENTS = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
CODE = sorted((ROOT / "digest").rglob("*.py"))
ROOMS = ("sources", "audience", "editions", "render", "message", "delivery", "feedback")
HEADINGS = ("Takes", "Gives", "Owns", "Promises", "Fails", "Start at")

MAX_PICTURE_BYTES = 200_000


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# --- commands --------------------------------------------------------------------------------------------------------


def leaves(found: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that lead to it."""
    found = found or command()
    for name, each in found.commands.items():
        if hasattr(each, "commands"):
            yield from leaves(each, (*path, name))
        else:
            yield (*path, name), each


LEAVES = dict(leaves())

OBVIOUS = {
    *("--json", "--name", "--title", "--sender", "--sender-name", "--reply-to", "--newsletter", "--url", "--template"),
    *(
        "--time-zone",
        "--limit",
        "--count",
        "--subject",
        "--preheader",
        "--summary",
        "--text",
        "--image-alt",
        "--tagline",
    ),
    *("--note-author", "--note-role", "--readers", "--postal-address"),
}
"""Options whose names say it all."""


def resolve(words: list[str]) -> tuple[tuple[str, ...], Any, list[str]]:
    """The command of a line that begins behind `digest`, and what is left of the line; LookupError names the word."""
    found, path = command(), ()
    while words and hasattr(found, "commands"):
        word = words.pop(0)
        if word in ("--config", "-c"):
            words.pop(0)
        elif word in ("--help", "-h", "--version"):
            return (), found, []
        elif word in found.commands:
            found, path = found.commands[word], (*path, word)
        else:
            raise LookupError(f"digest {' '.join(path)}: there is no {word!r}")
    return path, found, words


def shell_lines(text: str) -> Iterator[list[str]]:
    """Command lines of ```sh blocks as words; a line goes on after a backslash, and inside quotes."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M):
        line = ""
        for part in block.splitlines(keepends=True):
            line += part
            try:
                words = shlex.split(line.replace("\\\n", " "), comments=True)
            except ValueError:
                continue
            if not line.endswith("\\\n"):
                yield words[: words.index(">")] if ">" in words else words
                line = ""
        assert not line, f"a quote that does not end: {line}"


SHELL = [(short(path), words) for path in DOCUMENTS for words in shell_lines(read(path)) if "digest" in words[:1]]
MENTIONS = [
    (short(path), mention)
    for path in DOCUMENTS
    for mention in re.findall(r"`(digest [a-z-][^`\n]*)`", read(path))
    if mention != "digest COMMAND --help"
]


@pytest.mark.parametrize(
    ("document", "words"), SHELL, ids=lambda value: value if isinstance(value, str) else " ".join(value)[:60]
)
def test_a_command_line_of_the_documents_is_understood(document: str, words: list[str]) -> None:
    path, found, rest = resolve(words[1:])
    assert path, f"{document}: {words} is no whole command"
    found.make_context(" ".join(path), rest)  # exits on a missing argument, an unknown option or a wrong type


@pytest.mark.parametrize(("document", "mention"), MENTIONS, ids=lambda value: value)
def test_a_command_that_the_documents_mention_exists(document: str, mention: str) -> None:
    _, found, rest = resolve(shlex.split(mention)[1:])
    known = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in rest if word.startswith("-") and word.split("=")[0] not in known]
    assert not unknown, f"{document}: {mention}"


def test_command_lines_were_found() -> None:
    assert len(SHELL) > 40
    assert len(MENTIONS) > 30


def test_the_guide_lists_every_command() -> None:
    listed = set()
    for row in re.findall(r"^\| `digest ([^|]*)\|", read(GUIDE).split("## All commands")[1], re.M):
        first, *others = re.findall(r"[^`]+", re.sub(r"`, `", "`", row.rsplit("`", 1)[0]))
        *group, name = first.split()
        listed |= {(*group, each) for each in (name, *others)}
    assert listed == set(LEAVES)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_a_command_says_what_it_does(path: tuple[str, ...]) -> None:
    found = LEAVES[path]
    assert found.help
    for parameter in found.params:
        if parameter.param_type_name != "option" or parameter.help:
            continue
        names = {*parameter.opts, *parameter.secondary_opts}
        assert names & OBVIOUS or any(re.search(rf"{name}(?![\w-])", read(GUIDE)) for name in names), (
            f"{names}: neither a help text, nor an obvious name, nor in the guide"
        )


def test_groups_say_what_they_are_for() -> None:
    groups = {name: each for name, each in command().commands.items() if hasattr(each, "commands")}
    assert groups
    assert all(each.help for each in groups.values())


# --- settings --------------------------------------------------------------------------------------------------------


def test_the_example_settings_are_current(tmp_path: Path) -> None:
    assert Command(tmp_path)("config", "example") == read(ROOT / "config.example.toml")


def test_the_example_settings_name_every_key() -> None:
    example = read(ROOT / "config.example.toml")
    for table in config.Settings.model_fields:
        for key in sample.keys_of(table):
            assert re.search(rf"^(# )?{key} = ", example, re.M), f"{table}.{key}"


def test_keys_that_the_documents_name_exist() -> None:
    tables = {
        name: field.annotation for name, field in config.Settings.model_fields.items() if not get_args(field.annotation)
    }
    named = [
        (table, key)
        for path in DOCUMENTS
        for table, key in re.findall(rf"`({'|'.join(tables)})\.(?!py\b)([a-z_]+)\b", read(path))
    ]
    assert named
    for table, key in named:
        model: Any = tables[table]
        assert key in model.model_fields, f"{table}.{key}"


def test_settings_in_the_guide_are_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DIGEST_")]:
        monkeypatch.delenv(name)
    blocks = re.findall(r"^```toml\n(.*?)^```", read(GUIDE), re.S | re.M)
    assert len(blocks) > 2
    (tmp_path / "secret").write_text("secret")
    for block in blocks:
        file = tmp_path / "digest.toml"
        file.write_text(block.replace("/run/secrets/smtp", str(tmp_path / "secret")), encoding="utf-8")
        config.load(file)


# --- what the README promises ----------------------------------------------------------------------------------------


@pytest.fixture
def followed(tmp_path: Path) -> Command:
    """A folder in which somebody did what the README says, up to the first edition."""
    blocks = re.findall(r"^```sh\n(.*?)^```", read(README), re.S | re.M)
    chosen = [block for block in blocks if "config example" in block or "edition build" in block]
    assert len(chosen) == 2
    run = Command(tmp_path)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/digest"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m digest "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(chosen)],
        cwd=tmp_path,
        env={**run.env, "PATH": f"{tmp_path / 'bin'}:{run.env['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return run


def test_the_readme_leads_to_a_mail(followed: Command) -> None:
    [mail] = followed.folder.glob("outbox/*1.eml")
    assert b"The ferry is back" in mail.read_bytes()
    assert "The ferry is back" in read(followed.folder / "preview/edition-1.html")
    assert followed.json("audit", 1)["balance"]["accepted"] == 1


def test_the_template_of_the_guide_makes_a_mail(followed: Command) -> None:
    named = re.findall(r"`my-(templates/\S+)`:\n\n```jinja\n(.*?)^```", read(GUIDE), re.S | re.M)
    assert len(named) == 3
    for name, text in named:
        file = followed.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    env = {"DIGEST_TEMPLATES__FOLDER": "templates"}
    followed("newsletter", "change", "harbour", "--template", "brief", env=env)
    today = datetime.now(UTC).date()
    rows = "".join(f"Story {number},https://example.org/{number},{today}\n" for number in range(20))
    (followed.folder / "more.csv").write_text("title,url,published_at\n" + rows, encoding="utf-8")
    followed("article", "import", "more.csv", env=env)
    followed("edition", "build", "harbour", env=env)
    followed("edition", "preview", "2", env=env)
    html = read(followed.folder / "preview/edition-2.html")
    text = read(followed.folder / "preview/edition-2.txt")
    assert all(f"Story {number}" in html and f"Story {number}" in text for number in range(20))
    followed("edition", "approve", "2", env=env)


def test_the_tests_that_the_readme_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", read(README)))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", read(path), re.M)
    }
    assert named
    assert named <= there


def test_the_changelog_speaks_of_this_version() -> None:
    newest = re.search(r"^## ([\d.]+)", read(ROOT / "CHANGELOG.md"), re.M)
    assert newest is not None
    assert newest.group(1) == digest.__version__


# --- exit codes and errors -------------------------------------------------------------------------------------------


def error_classes() -> list[type[errors.DigestError]]:
    return [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.DigestError)]


def drawn() -> dict[str, tuple[str | None, int | None]]:
    """What the tree in the docstring of errors.py says: name -> parent, exit code if the line has one."""
    found: dict[str, tuple[str | None, int | None]] = {}
    above: list[tuple[int, str]] = []
    for line in str(errors.__doc__).splitlines():
        match = re.match(r"([│ ]*(?:[├└]── )?)([A-Z]\w+)(?: |$)", line)
        if match is None or (not match.group(1) and match.group(2) != "DigestError"):
            continue
        depth, name = len(match.group(1)), match.group(2)
        while above and above[-1][0] >= depth:
            above.pop()
        code = re.search(r"\(exit code (\d+)\)", line)
        found[name] = (above[-1][1] if above else None, int(code.group(1)) if code else None)
        above.append((depth, name))
    return found


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    tree_of = {
        each.__name__: each.__bases__[0].__name__ if each is not errors.DigestError else None
        for each in error_classes()
    }
    assert {name: parent for name, (parent, _) in drawn().items()} == tree_of


def test_exit_codes_stand_in_the_drawing_in_the_guide_and_in_the_help() -> None:
    stated = {name: code for name, (_, code) in drawn().items() if code is not None}
    assert stated
    assert stated == {name: getattr(errors, name).exit_code for name in stated}
    table = read(GUIDE).split("## Exit codes")[1].split("\n## ")[0]
    guide = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)}
    helped = {int(code) for code in re.findall(r"\b(\d) [a-z]", str(command().epilog))}
    assert {each.exit_code for each in error_classes()} <= guide
    assert guide - {130} == helped


# --- rooms and tables ------------------------------------------------------------------------------------------------


def header(room: str) -> dict[str, str]:
    """The paragraphs of a room's introduction by their headings."""
    doc = read(ROOT / "digest" / room / "__init__.py").split('"""')[1]
    found = re.findall(r"^([A-Z][a-z]+(?: at)?) {2,}(.*(?:\n {4,}.*)*)", doc, re.M)
    return {name: " ".join(text.split()) for name, text in found}


@pytest.mark.parametrize("room", [*ROOMS, "db"])
def test_a_room_introduces_itself(room: str) -> None:
    assert set(HEADINGS) <= set(header(room))
    assert read(ROOT / "digest" / room / "__init__.py").startswith(f'"""{room}: ')


@pytest.mark.parametrize("room", [*ROOMS, "db"])
def test_a_room_says_where_to_start(room: str) -> None:
    words = re.findall(r"\b[a-z_]+(?:/[a-z_]+)*(?:\.py|\.[a-zA-Z_]\w*)", header(room)["Start at"])
    assert words
    for word in words:
        file, _, name = word.removesuffix(".py").partition(".")
        found = [path for path in (ROOT / "digest" / room / f"{file}.py", ROOT / f"digest/{file}.py") if path.exists()]
        assert found, word
        assert not name or re.search(rf"^\s*(?:async )?(?:def|class) {name}\b", read(found[0]), re.M), word


def test_every_other_folder_says_what_it_is() -> None:
    others = {path.parent for path in (ROOT / "digest").glob("*/__init__.py")} - {ROOT / "digest" / r for r in ROOMS}
    assert others
    for folder in others:
        assert read(folder / "__init__.py").startswith(f'"""{folder.name}: '), folder


def test_every_table_has_one_owner() -> None:
    owned = [
        name
        for room in [*ROOMS, "db"]
        for listed in re.findall(r"\btables? ([a-z_]+(?:, [a-z_]+)*)", header(room)["Owns"])
        for name in listed.split(", ")
    ]
    assert sorted(owned) == sorted(metadata.tables)


# --- RFCs ------------------------------------------------------------------------------------------------------------

Citation = tuple[str, int, str]


def cited_in_code() -> set[Citation]:
    return {
        (short(path), int(number), section)
        for path in CODE
        for number, section in re.findall(r"\bRFC (\d+)(?: §([\d.]*\d))?", read(path))
    }


def cited_in_standards() -> set[Citation]:
    found: set[Citation] = set()
    for number, part in re.findall(r"^## RFC (\d+): [^\n]+\n(.*?)(?=^## |\Z)", read(STANDARDS), re.S | re.M):
        for file, sections, _ in re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|\n]+) \|$", part, re.M):
            found |= {(file, int(number), section) for section in re.findall(r"§([\d.]*\d)", sections)}
            if "as a whole" in sections:
                found.add((file, int(number), ""))
    return found


def test_every_rfc_that_the_code_cites_is_in_the_standards() -> None:
    assert cited_in_code() - cited_in_standards() == set()


def test_every_file_in_the_standards_cites_what_is_said() -> None:
    listed = cited_in_standards()
    assert len(listed) > 40
    assert listed - cited_in_code() == set()


def test_no_rfc_is_cited_in_a_way_that_the_checks_cannot_see() -> None:
    """`RFC 2369, 2919`, `RFC2045` or a section without its sign would pass unseen."""
    for path in CODE:
        assert not re.search(r"\bRFCs|\bRFC\d|RFC \d+(?:,| and) \d{3,4}\b|RFC \d+ (?:section|\d)", read(path)), path


# --- references and links --------------------------------------------------------------------------------------------


def test_decisions_that_are_referred_to_are_written() -> None:
    written = re.findall(r'^## "([^"]+)"$', read(DECISIONS), re.M)
    assert len(written) == len(set(written))
    referred: set[str] = set()
    for path in [
        *CODE,
        *(ROOT / "templates").rglob("*.*"),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "docs").glob("*.*"),
    ]:
        referred |= set(re.findall(r'docs/DECISIONS\.md,?[\s#]+"([a-zA-Z][^"\n]*)"', read(path)))
    assert {"retries", "headers", "schedule"} <= referred
    assert referred <= set(written)


def test_a_decision_says_when() -> None:
    parts = re.findall(r'^## "[^"]+"\n\n(.*)', read(DECISIONS), re.M)
    assert len(parts) > 20
    assert all(re.match(r"20\d\d-\d\d-\d\d\. ", part) for part in parts)


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", read(path), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", read(document), flags=re.S | re.M)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        assert target.is_relative_to(ROOT), link
        if target == ROOT / "docs/BENCHMARKS.md" and not (ROOT / "benchmarks").is_dir():
            continue  # it tells of what `make bench` runs, so it comes with that
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_files_that_the_documents_name_exist() -> None:
    for path in DOCUMENTS:
        for line in read(path).splitlines():
            for file in re.findall(r"`((?:digest|templates|tests|docs)/[\w/.-]+\.\w+)`", line):
                assert (ROOT / file).exists(), f"{short(path)}: {file}"
            for file, name in re.findall(r"`(digest/[\w/]+\.py)`, `(\w+)`", line):
                assert re.search(rf"^(?:async )?def {name}\b", read(ROOT / file), re.M), (
                    f"{short(path)}: {file}, {name}"
                )


def test_templates_refer_to_what_the_guide_has() -> None:
    files = [path for path in (ROOT / "templates").rglob("*.*") if path.suffix in (".html", ".txt", ".toml")]
    named = [match for path in files for match in re.findall(r'(docs/\S+\.md), "([^"]+)"', read(path))]
    assert named
    for document, heading in named:
        assert f"## {heading}\n" in read(ROOT / document)


def test_pictures_are_shown_and_small() -> None:
    pictures = sorted((ROOT / "docs/pictures").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG\r\n"), picture.name
        assert picture.stat().st_size < MAX_PICTURE_BYTES, picture.name
        assert f"](docs/pictures/{picture.name})" in read(README), picture.name
