"""Rows out of files as programs and people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import BadInput
from digest.flows.importing import READERS
from digest.flows.table import encoding_of, rows_of

Read = tuple[list[tuple[int, str, str]], list[int]]


def read(file: Path, content: str | bytes) -> Read:
    """(line, address, name) of each row, and the lines that were refused."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    refused: list[int] = []
    rows = [
        (line, str(row["address"]), str(row.get("name", "")))
        for line, row in rows_of(
            file, READERS, encoding=encoding_of(file, ""), refuse=lambda line, _reason: refused.append(line)
        )
    ]
    return rows, refused


A, B, C, D = (
    "a@example.net,Ann,Alder\n",
    "b@example.net,Bo,Birch\n",
    "c@example.net,Cy,Cedar\n",
    "d@example.net,Di,Elm\n",
)


@pytest.mark.parametrize(
    ("lines", "names", "refused"),
    [
        (['b@example.net,"Bob,Birch\n', C, D], ["Ann", "Cy", "Di"], [3]),
        ([C, D, 'b@example.net,"Bob,Birch\n'], ["Ann", "Cy", "Di"], [5]),
        (['b@example.net,"Bob,Birch\n', 'c@example.net,"Cy",Cedar\n', D], ["Ann", "Cy", "Di"], [3]),
        (['b@example.net,"Bob,Birch\n', 'c@example.net,Cy,"Cedar, tall"\n', D], ["Ann", "Cy", "Di"], [3]),
        (['b@example.net,"Bob,Birch\n', 'c@example.net,"Cy,Cedar\n', D], ["Ann", "Di"], [3, 4]),
        (['b@example.net,Bo,"Birch\n', C, 'd@example.net,"Di, the first",Elm\n'], ["Ann", "Cy", "Di, the first"], [3]),
        (['"b@example.net,Bo,Birch\n', C, D], ["Ann", "Cy", "Di"], [3]),
        (['b@example.net,"Bob,Birch\n', "\n", C, D], ["Ann", "Cy", "Di"], [3]),
        (
            ['b@example.net,"Bob\n', 'c@example.net,Cy",Cedar\n', D],
            ["Ann", "Di"],
            [3, 4],
        ),  # nobody knows: both are named
    ],
)
def test_an_open_quotation_mark_costs_its_own_line(
    lines: list[str], names: list[str], refused: list[int], tmp_path: Path
) -> None:
    rows, bad = read(tmp_path / "a.csv", "address,name,city\n" + A + "".join(lines))
    assert ([name for _, _, name in rows], bad) == (names, refused)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (['b@example.net,"Bo\nBirch",x\n', C], ["Ann", "Bo\nBirch", "Cy"]),
        (['b@example.net,"Bo ""the boat""\r\nBirch",x\r\n', C], ["Ann", 'Bo "the boat"\r\nBirch', "Cy"]),
        (['b@example.net,Bo,"1 Quay St\nPort Alder, ME\n\nUSA"\n', C], ["Ann", "Bo", "Cy"]),
        (['b@example.net,Bo,"write to me\nbo@example.net"\n', C], ["Ann", "Bo", "Cy"]),
        (['b@example.net,Bo "the boat" B,x\n', C], ["Ann", 'Bo "the boat" B', "Cy"]),
        (['b@example.net,"Bo" Birch,x\n', C], ["Ann", "Bo Birch", "Cy"]),
        (['b@example.net,5" pipe,x\n', C], ["Ann", '5" pipe', "Cy"]),
    ],
)
def test_a_cell_of_several_lines_and_marks_inside_words_are_read(
    lines: list[str], names: list[str], tmp_path: Path
) -> None:
    rows, bad = read(tmp_path / "a.csv", "address,name,city\n" + A + "".join(lines))
    assert ([name for _, _, name in rows], bad) == (names, [])


def test_a_row_has_the_number_of_its_first_line(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", 'sep=,\n"address","name","city\nor town"\n' + A + 'b@example.net,"B\no",x\n' + C)
    assert [line for line, _, _ in rows] == [4, 5, 7]


@pytest.mark.parametrize(
    "header",
    [
        "sep=;\naddress;name;city\n",
        '"sep=;"\r\naddress;name;city\r\n',
        '"address";"name";"city, state, country, planet"\n',
        'address;name;"city\nor town"\n',
        "\ufeffaddress;name;city\n",
        "Address;Name;City\n",
    ],
)
def test_a_header_is_read_as_spreadsheets_write_it(header: str, tmp_path: Path) -> None:
    rows, bad = read(tmp_path / "a.csv", header + "a@example.net;Ann, or Anna;Alder\n")
    assert ([(address, name) for _, address, name in rows], bad) == ([("a@example.net", "Ann, or Anna")], [])


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "workbook.*save the sheet as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"workbook \(.xls\)"),
        (b"\x1f\x8b\x08\x00", "compressed: unpack it"),
        ("address,name\na@example.net,J\xf6rg\n".encode("utf-16-le"), "looks like utf-16-le"),
        ("address,name\na@example.net,Ann\n".encode("utf-16-be"), "looks like utf-16-be"),
    ],
)
def test_a_file_that_is_no_text_is_named_with_what_to_do(content: bytes, hint: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=hint):
        read(tmp_path / "a.csv", content)


def test_a_hundred_thousand_open_marks_are_refused_in_seconds(tmp_path: Path) -> None:
    rows, bad = read(tmp_path / "a.csv", "address,name,city\n" + 'b@example.net,"Bob,Birch\n' * 100_000)
    assert (rows, len(bad)) == ([], 100_000)
