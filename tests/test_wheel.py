"""What people install: the wheel, in an empty environment, far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.mails import parse_without_defects

CHECKOUT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


def run(folder: Path, *line: object) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in line],
        cwd=folder,
        env={**clean, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(folder, sys.executable, "-m", "build", "--wheel", "--outdir", folder, CHECKOUT)
    [file] = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`digest` of an environment in which nothing but the wheel was asked for."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=True)
    run(folder, folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    return folder / "venv" / "bin" / "digest"


@pytest.fixture(scope="module")
def demo(command: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The folder of a demo, and what its first and its second run said."""
    folder = tmp_path_factory.mktemp("elsewhere")
    first = run(folder, command, "demo", "--readers", 12)
    return folder / "demo", first, run(folder, command, "demo", "--readers", 12)


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_wheel_holds_every_template(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = files_below(CHECKOUT / "templates")
    assert templates
    assert {f"digest/templates/{name}" for name in templates} - names == set()


def test_the_wheel_holds_no_tests_and_no_benchmarks(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"digest"}


def test_the_demo_of_the_wheel_makes_a_mail_for_every_reader(demo: tuple[Path, str, str]) -> None:
    folder, said, _ = demo
    mails = [parse_without_defects(file.read_bytes()) for file in folder.glob("mails/*/*.eml")]
    assert len({str(mail["To"]) for mail in mails}) == len(mails) == 12
    assert "12 mails in" in said


def test_the_demo_of_the_wheel_makes_a_page_to_look_at(demo: tuple[Path, str, str]) -> None:
    folder, said, _ = demo
    assert (folder / "inbox.html").resolve().as_uri() in said
    assert "The Harbour Post" in (folder / "inbox.html").read_text(encoding="utf-8")


def test_a_second_demo_sends_nothing_and_says_why(demo: tuple[Path, str, str]) -> None:
    folder, _, said = demo
    assert "is there already (sent); nothing to do" in said
    assert "nothing was sent: every reader has the mails of these weeks already" in said
    assert len(list(folder.glob("mails/*/*.eml"))) == 12


def test_the_example_config_of_the_wheel_is_that_of_the_checkout(command: Path, tmp_path: Path) -> None:
    assert run(tmp_path, command, "config", "example") == (CHECKOUT / "config.example.toml").read_text()


def test_the_settings_of_the_demo_serve_for_going_on_by_hand(demo: tuple[Path, str, str], command: Path) -> None:
    folder = demo[0]
    assert "sent" in run(folder.parent, command, "--config", folder / "digest.toml", "edition", "list")
