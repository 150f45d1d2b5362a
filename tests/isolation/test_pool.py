"""Work in a child: what it does to itself, it does to nobody else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from digest import isolation
from digest.errors import SourceMalformed
from digest.isolation import pool
from tests.isolation import work


def test_a_call_returns_what_the_function_returns() -> None:
    assert isolation.call(work.double, 21) == 42
    assert isolation.call(work.double, 20, plus=2) == 42
    assert isolation.each(work.double, [(1,), (2,), (3,)], plus=1) == [3, 5, 7]
    assert isolation.each(work.double, []) == []


def test_it_is_another_process_and_the_same_one_is_used_again() -> None:
    first = isolation.call(work.process_id)
    assert first != os.getpid()
    assert first == isolation.call(work.process_id)


def test_it_stands_back_behind_pages_and_sends() -> None:
    assert isolation.call(work.niceness) == min(19, os.nice(0) + 10)


def test_a_pattern_that_never_ends_is_ended_while_other_threads_go_on() -> None:
    turns = 0

    def count() -> None:
        nonlocal turns
        while not is_over.is_set():
            turns += 1
            time.sleep(0.01)

    is_over = threading.Event()
    thread = threading.Thread(target=count)
    thread.start()
    before = turns
    with pytest.raises(isolation.TooMuch, match="takes longer than 1 seconds to read"):
        isolation.call(work.search_for_ever, limit_s=1)
    meanwhile = turns - before
    is_over.set()
    thread.join()
    assert meanwhile > 3  # of a hundred; a thread that is kept waiting by the pattern has none
    assert isolation.call(work.double, 4) == 8


def test_a_child_that_fills_the_memory_is_ended() -> None:
    assert isolation.call(work.fill, 100) == 100 << 20
    with pytest.raises(isolation.TooMuch, match="more than 512 MB of memory"):
        isolation.call(work.fill, 600)
    assert isolation.call(work.double, 4) == 8


def test_a_crash_is_an_error_of_its_own_call_alone() -> None:
    with pytest.raises(isolation.TooMuch, match="ends its parser \\(signal 11\\)"):
        isolation.call(work.crash)
    assert isolation.call(work.double, 4) == 8


def test_of_many_the_one_that_ends_its_child_is_named_and_the_others_are_done() -> None:
    given = ["a", "crash", "b", "odd", "c", "slow", "d"]
    found = isolation.each(work.one_of, [(kind,) for kind in given], limit_s=8)
    assert [each for each in found if isinstance(each, str)] == ["a", "b", "c", "d"]
    assert "signal 11" in str(found[1])
    assert isinstance(found[3], isolation.Stumbled)
    assert "longer than 8 seconds" in str(found[5])


def test_after_three_that_end_their_child_the_rest_is_not_tried() -> None:
    found = isolation.each(work.one_of, [("crash",)] * 5 + [("a",)])
    assert ["signal 11" in str(each) for each in found] == [True] * 3 + [False] * 3
    assert "was not tried" in str(found[-1])


def test_errors_come_back_as_what_they_are() -> None:
    with pytest.raises(SourceMalformed, match=r"^no feed$"):
        isolation.call(work.malformed, "no feed")
    with pytest.raises(ValueError, match=r"^no date$"):
        isolation.call(work.no_value, "no date")
    with pytest.raises(isolation.Stumbled, match="TypeError: nobody thought of it"):
        isolation.call(work.stumble)
    with pytest.raises(ValueError, match="nested too deeply"):
        isolation.call(work.nest, 0)


def test_an_answer_that_is_no_value_is_not_unpacked() -> None:
    with pytest.raises(isolation.Stumbled, match="gave no sense"):
        isolation.call(work.answer_with, "function")
    assert isolation.call(work.answer_with, "text") == "\ud800"


def test_what_a_library_prints_comes_not_between() -> None:
    assert isolation.call(work.print_much, "noise") == "noise"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux says what is open")
def test_a_child_has_no_socket_no_file_and_no_setting_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_DATABASE__URL", "postgresql://secret")
    with socket.create_server(("127.0.0.1", 0)), (tmp_path / "open").open("w"), ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: isolation.call(work.open_files), range(8)))
        assert not [name for names in found for name in names if "socket" in name or str(tmp_path) in name]
        assert set(threads.map(lambda _: isolation.call(work.environment, "DIGEST_DATABASE__URL"), range(8))) == {""}


def test_many_threads_share_a_few_children() -> None:
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: isolation.call(work.process_id), range(64)))
    assert 1 <= len(found) <= pool.AT_ONCE


ALONE = """
import sys, threading, time
from digest import isolation
from digest.isolation import pool
from tests.isolation import work
pool.IDLE_S = 0.2
if sys.argv[1] == "idle":
    print(isolation.call(work.process_id), flush=True)
    time.sleep(30)
else:
    isolation.call(work.wait_here, sys.argv[1], limit_s=2)
"""


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait(until: float, pid: int) -> bool:
    while _is_there(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not _is_there(pid)


def test_a_child_that_has_nothing_to_do_is_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", ALONE, "idle"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert _wait(time.monotonic() + 20, int(process.stdout.readline()))
        finally:
            process.kill()


@pytest.mark.slow
def test_a_child_that_works_ends_soon_after_its_parent_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", ALONE, str(file)]) as process:
        while not file.exists() or not file.read_text():
            time.sleep(0.02)
        process.kill()
    assert _wait(time.monotonic() + 20, int(file.read_text()))
