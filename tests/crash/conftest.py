"""An edition that is approved, on either database, and everything to send it and to pull the plug."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.flows.publish import Press
from digest.model.newsletter import UnknownPolicy
from tests.crash.mailbox import Mailbox
from tests.crash.senders import Nursery
from tests.crash.trial import Trial
from tests.flows.test_dispatch import build

RUNS = int(os.environ.get("DIGEST_CRASH_RUNS", "5"))
"""Seeds for each combination. `make crash` sets more."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, RUNS + 1), ids=lambda seed: f"seed{seed}")


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def make_trial(
    engine: Engine, press: Press, tmp_path: Path, mailbox: Mailbox, nursery: Nursery
) -> Iterator[Callable[..., Trial]]:
    trials: list[Trial] = []

    def make(*, readers: int = 160, policy: UnknownPolicy = UnknownPolicy.LEAVE, **options: object) -> Trial:
        edition_id = build(engine, press, readers=readers, unknown_policy=policy)
        trials.append(Trial(engine, tmp_path, edition_id, mailbox, nursery, **options))  # type: ignore[arg-type]
        return trials[-1]

    yield make
    for trial in trials:
        for sender in trial.senders:
            sender.signal(9)
            sender.wait()
