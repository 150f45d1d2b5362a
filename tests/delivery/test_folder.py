"""The folder of .eml files: whole files or none, and a folder that cannot be written touches nobody's row."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from digest.delivery.channels.folder import FolderChannel, Options
from digest.errors import ChannelUnavailable
from tests.contracts.desk import ListDesk, make_outgoing


def converse(path: Path, desk: ListDesk) -> None:
    asyncio.run(FolderChannel(Options(name="outbox", path=str(path))).converse(desk))


def test_a_message_is_a_file_named_after_its_delivery(tmp_path: Path) -> None:
    converse(tmp_path / "outbox", ListDesk([make_outgoing(7), make_outgoing(12_345)]))
    assert sorted(file.name for file in (tmp_path / "outbox").iterdir()) == ["000000007.eml", "000012345.eml"]


def test_the_same_delivery_again_is_the_same_file(tmp_path: Path) -> None:
    for _ in range(2):
        converse(tmp_path, ListDesk([make_outgoing(7)]))
    assert [file.name for file in tmp_path.iterdir()] == ["000000007.eml"]


def test_test_copies_to_several_addresses_are_several_files(tmp_path: Path) -> None:
    addresses = ("a@example.org", "b/../c@example.org")
    converse(tmp_path, ListDesk([make_outgoing(0, address=address) for address in addresses]))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["test-a@example.org.eml", "test-b_.._c@example.org.eml"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ChannelUnavailable, match=f"channel outbox: the folder {tmp_path}/file/outbox cannot be made"):
        converse(tmp_path / "file" / "outbox", ListDesk([make_outgoing(1)]))


def test_a_file_that_cannot_be_written_is_the_channel_s_trouble_and_not_the_reader_s(tmp_path: Path) -> None:
    (tmp_path / "000000002.part").mkdir()
    desk = ListDesk([make_outgoing(number) for number in (1, 2, 3)])
    with pytest.raises(ChannelUnavailable, match=r"channel outbox: .*000000002.part cannot be written"):
        converse(tmp_path, desk)
    assert desk.verdicts == ["accepted", "untried"]
    assert len(desk.taken) == 2
