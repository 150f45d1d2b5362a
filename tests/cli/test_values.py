"""Whatever a command is given: it is refused with one line that names it, or all that comes after works. No traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.cli.tree import command
from tests.command import ADD, Command, write_articles, write_readers, write_settings
from tests.site import SmtpServer
from tests.zygote import ZYGOTE

TEXTS = (
    *(
        "",
        " ",
        "\u200b",
        "\u3164",
        "\u202egnp",
        "\x1b[2J\x07",
        "a\r\nBcc: x@example.org",
        "\udcff",
        "x" * 2_000,
        "x" * 200_000,
    ),
    *(
        "{{ 7 * 7 }}",
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "https://example.org:99999/x",
        "https://[::1",
        "é" * 500,
    ),
    *(
        "../../etc/passwd",
        "0001-01-01",
        "9999-12-31T23:59-12:00",
        "24:00",
        "America",
        "99999999999999999999/second",
        "#gggggg",
    ),
    *(
        "99999999999999999999",
        "-1",
        "nan",
        "inf",
        "[]",
        '{"a": 1}',
        "'; drop table newsletter; --",
        "%s%n",
        "\u0000"[:0] + "😀" * 90,
    ),
)
NUMBERS = (
    "99999999999999999999",
    "2147483647",
    "2147483648",
    "-1",
    "0",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e9",
    "366",
    "x",
    "",
)

# What has to be there besides, for a command to look at the value at all
BESIDES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("newsletter", "change"): ("harbour",),
    ("newsletter", "offer"): ("harbour",),
    ("newsletter", "sponsor"): (
        *("harbour", "--by", "Alder Bank", "--url", "https://bank.example/", "--title", "Save"),
        *("--from", "2027-01-04", "--until", "2027-01-31"),
    ),
    ("event", "add"): ("harbour", "Ferry day", "--starts", "2099-12-05T14:00"),
    ("event", "change"): ("1",),
    ("article", "change"): ("1",),
    ("edition", "change"): ("1", "--note", "x"),
    ("subscriber", "add"): ("new@example.org", "--newsletter", "harbour"),
    ("subscriber", "change"): ("reader1@example.org",),
    ("subscriber", "choose"): ("reader1@example.org", "--newsletter", "harbour"),
    ("subscriber", "suppress"): ("gone@example.org", "--yes"),
    ("newsletter", "add"): (
        *("other", "--title", "T", "--sender", "news@example.org", "--postal-address", "12 Quay Street"),
    ),
}
LEFT_ALONE = {"--newsletter", "--help", "--json", "--reset", "--yes", "--end", "--by"}


def options(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The options of a command that take a value, and the values to try."""
    found: Any = command()
    for name in names:
        found = found.commands[name]
    for each in found.params:
        name = each.opts[0]
        if name.startswith("--") and name not in LEFT_ALONE and not getattr(each, "is_flag", False):
            is_number = each.min is not None or each.max is not None or "int" in str(vars(each)).lower().split("str")[0]
            yield name, NUMBERS if is_number else TEXTS


@pytest.fixture
def digest(tmp_path: Path, database_url: str, smtp_server: SmtpServer) -> Command:
    """A newsletter with a reader, an article, an event and a draft."""
    write_settings(tmp_path, database_url, smtp_server.port)
    one = Command(tmp_path)
    one("db", "upgrade")
    one(*ADD)
    one("subscriber", "import", write_readers(tmp_path, 2), "--newsletter", "harbour")
    one(
        "article",
        "import",
        write_articles(tmp_path, *(f"{datetime.now(UTC) - timedelta(hours=3):%Y-%m-%dT%H:%M}Z",) * 2),
    )
    one("event", "add", "harbour", "Ferry day", "--starts", "2099-12-05T14:00")
    one("edition", "build", "harbour", "--no-collect")
    return one


def attempt(digest: Command, *arguments: str) -> tuple[int, str]:
    done = ZYGOTE.run([*arguments], folder=digest.folder, env=digest.env)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("names", BESIDES, ids=" ".join)
def test_a_value_is_refused_by_name_or_nothing_fails_after_it(
    names: tuple[str, ...], digest: Command, database_url: str
) -> None:
    """Each option gets some of the values, and each option others; each database looks at every second option."""
    wrong, taken, every = [], 0, list(enumerate(options(names)))
    tried = every[database_url.startswith("postgresql") :: 2] or every
    for number, (option, values) in tried:
        steps = (0, 5, 11) if len(tried) < 6 else (0, 3) if values is NUMBERS else (0, 4)
        for value in {values[(number * 7 + step) % len(values)] for step in steps}:
            code, said = attempt(digest, *names, *_besides(names, option), option, value)
            if "Traceback" in said:
                wrong.append((option, value[:40], said[-600:]))
            elif code not in (0, 5) and not _named(said, option):
                wrong.append((option, value[:40], f"exit code {code}, not named: {said[-300:]}"))
            taken += not code
    assert not wrong, "\n".join(map(str, wrong))
    assert taken or len(tried) < 3
    for after in (
        ("newsletter", "list"),
        ("newsletter", "show", "harbour"),
        ("event", "list", "harbour"),
        ("article", "list"),
        ("subscriber", "list"),
        ("edition", "build", "harbour", "--no-collect"),
        ("edition", "list"),
        ("edition", "preview", "1", "--for", "reader2@example.org"),
        ("edition", "approve", "1"),
        ("doctor",),
    ):
        code, said = attempt(digest, *after)
        assert "Traceback" not in said, (after, said)


def _named(said: str, option: str) -> bool:
    """Does it name the option, or say that the newsletter offers no such choice at all?"""
    return option.strip("-") in said.replace("_", "-") or "does not offer" in said


def _besides(names: tuple[str, ...], option: str) -> list[str]:
    """Without the option itself, which is tried."""
    given = list(BESIDES[names])
    if option in given:
        at = given.index(option)
        del given[at : at + 2]
    return given
