"""What people install: the wheel, in an empty environment, far from the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.mails import parse_without_defects

CHECKOUT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


BUILD = (sys.executable, "-m", "build", "--wheel", "--outdir")
NOBODY = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}


def run(folder: Path, *line: object, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "PYTHON"))}
    clean |= environment
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


def test_the_wheel_holds_what_pages_take_from_others_with_its_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    script = archive.read("digest/templates/web/static/htmx.js").decode()
    assert '"2.0.11"' in script
    assert "Zero-Clause BSD" in archive.read("digest/templates/web/static/htmx.LICENSE").decode()


def test_a_source_distribution_is_built_from_without_asking_a_registry(tmp_path: Path) -> None:
    run(tmp_path, sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, CHECKOUT)
    [file] = tmp_path.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path, filter="data")
    run(file.with_suffix("").with_suffix(""), *BUILD, tmp_path, ".", **NOBODY)
    [built] = tmp_path.glob("*.whl")
    assert "digest/templates/web/static/htmx.js" in zipfile.ZipFile(built).namelist()


def test_a_file_that_is_not_what_the_lock_says_is_not_built_in(tmp_path: Path) -> None:
    for name in ("hatch_build.py", "pyproject.toml", "README.md", "LICENSE", "config.example.toml"):
        shutil.copyfile(CHECKOUT / name, tmp_path / name)
    for name in ("digest", "templates"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("static", "__pycache__"))
    lock = tmp_path / "templates" / "web" / "package-lock.json"
    lock.write_text(re.sub(r"sha512-.{20}", "sha512-" + "A" * 20, lock.read_text()))
    with pytest.raises(AssertionError, match="EINTEGRITY"):
        run(tmp_path, *BUILD, tmp_path, ".")
    assert not (tmp_path / "templates" / "web" / "static").exists()


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
